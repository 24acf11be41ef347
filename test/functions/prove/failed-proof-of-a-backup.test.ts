/** What becomes of a backup's execution when the proof at its end fails. */
import '../../support/function-environment.ts';
import { describe, expect, it } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { readEvidence } from '../../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../../core/errors.ts';
import { attemptKey } from '../../../core/keys.ts';
import { handler as begin } from '../../../functions/backup/begin.ts';
import { handler as recordFailure } from '../../../functions/backup/record-failure.ts';
import { handler as judge } from '../../../functions/prove/judge.ts';
import { handler as recordFailedProof } from '../../../functions/prove/record-failure.ts';
import { write } from '../../support/ledger.ts';
import { EXECUTION, ID, pollOf, preparedRunOf, SCHEDULED, SLOT } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';
import { BLIND, DAMAGE, PROOF, putProof } from './made-proof.ts';

const around = new Surroundings();

/** A run as it stands when its proof failed. */
const provenRun = (target: string, error: { Error: string; Cause: string }, attempt = 1) => ({
  ...preparedRunOf(target, {}, { attempt }),
  poll: pollOf(600, { outcome: 'finished' }),
  verified: { id: ID, objects: 3, bytes: 300, files: 3 },
  proof: { outcome: 'go', target, backup: ID, proof: PROOF, items: [0] },
  error,
});

const caughtFrom = (error: SafehouseError) => ({
  Error: error.name,
  Cause: JSON.stringify({ errorType: error.name, errorMessage: error.message }),
});

/** Judges, and gives what Step Functions catches. */
async function refute(target: string): Promise<{ Error: string; Cause: string }> {
  try {
    await invoke(judge, { execution: EXECUTION, target, backup: ID, proof: PROOF });
  } catch (error) {
    return caughtFrom(error as SafehouseError);
  }
  throw new Error('the proof passed');
}

async function addVerified(overrides = {}): Promise<string> {
  const target = around.addTarget({ attempts: 2, ...overrides });
  await write(around.bucket, target, ID, 'started', { by: EXECUTION });
  await write(around.bucket, target, ID, 'verified', { by: EXECUTION });
  await putOnce(around.bucket, attemptKey(target, SLOT, 1), {
    version: 1,
    id: ID,
    kind: 'full',
    base: null,
    reason: null,
    execution: EXECUTION,
    at: SCHEDULED,
  });
  return target;
}

const record = (target: string, error: { Error: string; Cause: string }, attempt = 1) =>
  carried(invoke(recordFailure, { execution: EXECUTION, run: provenRun(target, error, attempt) }));

const start = (target: string) =>
  carried(
    invoke(begin, {
      execution: EXECUTION,
      input: { target, kind: 'full', scheduledTime: SCHEDULED },
    }),
  );

describe('a backup whose proof finds damage', () => {
  it('is followed by another attempt, and told: something damages objects', async () => {
    const target = await addVerified();
    await putProof(around.bucket, target, ID, { result: { findings: [DAMAGE], found: 1 } });
    expect(await record(target, await refute(target))).toMatchObject({
      outcome: 'new attempt',
      attempt: 2,
      error: 'ProofRefuted',
    });
    expect(around.told).toEqual([
      {
        subject: expect.stringContaining(`The proof of ${ID} failed`),
        text: expect.stringMatching(
          /Last good: {5}NONE[\s\S]*Step: {10}prove \(ProofRefuted; new attempt\)[\s\S]*#proofrefuted/,
        ),
      },
    ]);
    expect(around.told[0]?.text).toContain(DAMAGE.what);
    expect(around.told[0]?.text).not.toMatch(/verified and good/);
    // The execution has not failed yet: its alarm has nothing to be told of.
    expect(around.published.map(({ name }) => name)).toEqual(['BackupsFailed']);
  });

  it('is given up after the last attempt', async () => {
    const target = await addVerified();
    await putProof(around.bucket, target, ID, { result: { findings: [DAMAGE], found: 1 } });
    expect(await record(target, await refute(target), 2)).toMatchObject({ outcome: 'give up', attempt: 2 });
    expect(around.told).toHaveLength(1);
    expect(around.published.map(({ name }) => name)).toEqual(['BackupsFailed', 'AlertsSent']);
  });

  it('is followed by another attempt also when its execution died before it could say so', async () => {
    const target = await addVerified();
    await putProof(around.bucket, target, ID, { result: { findings: [DAMAGE], found: 1 } });
    await refute(target);
    expect(await start(target)).toMatchObject({ outcome: 'go', attempt: 2 });
  });

  it('is over when there is no attempt left', async () => {
    const target = await addVerified({ attempts: 1 });
    await putProof(around.bucket, target, ID, { result: { findings: [DAMAGE], found: 1 } });
    await refute(target);
    expect(await start(target)).toMatchObject({ outcome: 'already ran' });
  });
});

describe('a backup whose assertions do not hold', () => {
  it('is told, and no other is made: the server would say the same', async () => {
    const target = await addVerified();
    const assertions = [{ query: 'SELECT 0', database: 'shop', passed: false, answer: '0' }];
    await putProof(around.bucket, target, ID, { plan: { assertions } });
    expect(await record(target, await refute(target))).toMatchObject({
      outcome: 'give up',
      error: 'AssertionFailed',
    });
    expect(around.told[0]?.subject).toContain(`The proof of ${ID} failed`);
    expect(await start(target)).toMatchObject({ outcome: 'already ran' });
  });
});

describe('a backup that could not be proven', () => {
  it.each([
    ['by a blind prover', { result: { selfTest: BLIND } }, 'ProverBlind'],
    ['because an item is missing', { result: null }, 'ProofIncomplete'],
  ])('%s stays good, is not made again, and is told', async (_, proof, error) => {
    const target = await addVerified();
    await putProof(around.bucket, target, ID, proof);
    expect(await record(target, await refute(target))).toMatchObject({ outcome: 'give up', error });
    expect(await readEvidence(around.bucket, target, ID, 'failed')).toBeUndefined();
    expect(around.told).toEqual([
      {
        subject: expect.stringContaining(`The proof of ${ID} failed (${error})`),
        text: expect.stringContaining(`Last good:     ${ID}`),
      },
    ]);
    expect(around.published.map(({ name }) => name)).toEqual(['AlertsSent']);
    expect(await start(target)).toMatchObject({ outcome: 'already ran' });
  });

  it('because the step was ended stays good, and the failure is that of the proof', async () => {
    const target = await addVerified();
    const error = caughtFrom(
      new SafehouseError(ERROR_NAMES.unavailable, { what: 'S3 did not answer.', remedy: 'Wait.' }),
    );
    expect(await record(target, error)).toMatchObject({ outcome: 'give up' });
    expect(around.told[0]?.subject).toContain(`The proof of ${ID} failed`);
  });
});

describe('what follows a proof', () => {
  it('is not taken for the proof when it fails', async () => {
    const target = await addVerified();
    const error = caughtFrom(new SafehouseError(ERROR_NAMES.refused, { what: 'No.', remedy: 'Ask.' }));
    const run = { ...provenRun(target, error), judged: { verdict: 'proven' } };
    await invoke(recordFailure, { execution: EXECUTION, run });
    expect(around.told[0]?.subject).toContain(`What followed ${ID}, which is verified and good,`);
  });
});

describe('a proof that was started for itself', () => {
  it('is told by the name of the backup', async () => {
    const target = await addVerified();
    await putProof(around.bucket, target, ID, { result: { findings: [DAMAGE], found: 1 } });
    const error = await refute(target);
    expect(
      await carried(invoke(recordFailedProof, { execution: EXECUTION, run: { target, backup: ID, error } })),
    ).toMatchObject({ outcome: 'give up', error: 'ProofRefuted' });
    expect(around.told).toEqual([
      {
        subject: expect.stringContaining(`Safehouse: ${target}: The proof of ${ID} failed`),
        text: expect.stringContaining(DAMAGE.what),
      },
    ]);
  });

  it('is told whatever it was started with', async () => {
    expect(
      await carried(invoke(recordFailedProof, { execution: EXECUTION, run: { target: 7 } })),
    ).toMatchObject({ outcome: 'give up', error: 'Unexpected' });
    expect(around.told[0]?.text).toContain('Target:        (no target)');
  });
});
