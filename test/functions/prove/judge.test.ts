import '../../support/function-environment.ts';
import { describe, expect, it } from 'vitest';
import { listObjects } from '../../../clients/bucket.ts';
import { readEvidence, readLedger } from '../../../clients/ledger.ts';
import { isGood } from '../../../core/ledger.ts';
import { chooseKind } from '../../../functions/backup/base.ts';
import { handler as judge } from '../../../functions/prove/judge.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';
import { BLIND, DAMAGE, PROOF, PROVER_EXECUTION, putProof } from './made-proof.ts';

const around = new Surroundings();

const FULL = '20260402T020000Z-full-aaaa';
const OLDER = '20260326T020000Z-full-bbbb';
const INCREMENTAL = '20260403T020000Z-incr-cccc';
const LATER = '20260404T020000Z-incr-dddd';
const OF_OLDER = '20260327T020000Z-incr-eeee';

const judged = (target: string, backup = FULL, proof = PROOF, execution = PROVER_EXECUTION) =>
  carried(invoke(judge, { execution, target, backup, proof }));

const failed = (target: string, id: string) => readEvidence(around.bucket, target, id, 'failed');

/** Two full backups, each with its incrementals, all of them verified. */
async function addChains(): Promise<string> {
  const target = around.addTarget();
  for (const id of [OLDER, FULL]) {
    await write(around.bucket, target, id, 'started');
    await write(around.bucket, target, id, 'verified');
  }
  for (const [id, base] of [
    [OF_OLDER, OLDER],
    [INCREMENTAL, FULL],
    [LATER, FULL],
  ] as const) {
    await write(around.bucket, target, id, 'started', { kind: 'incremental', base });
    await write(around.bucket, target, id, 'verified');
  }
  return target;
}

const goodOnes = async (target: string): Promise<string[]> => {
  const { entries } = await readLedger(around.bucket, target);
  return entries.filter(({ states }) => isGood(states)).map(({ id }) => id);
};

describe('a proof without a finding', () => {
  it('is evidence in the ledger, with what it cost', async () => {
    const target = await addChains();
    await putProof(around.bucket, target, FULL, { result: { bytes: 5_000_000, seconds: 20 } });
    expect(await judged(target)).toEqual({ verdict: 'proven', bytes: 5_000_000, tables: 1, anomalies: [] });
    expect(await readEvidence(around.bucket, target, FULL, 'proven')).toMatchObject({
      by: PROVER_EXECUTION,
      level: 'bytes',
      engine: '26.7.2.1',
      manifestSha256: 'a',
      items: 1,
      bytesRead: 5_000_000,
      seconds: 30,
      // 30 s of 3 GiB, by the memory of the functions that did the work.
      dollars: 0.0015,
      selfTest: { good: true },
    });
    expect(around.published.map(({ name, value }) => [name, value])).toEqual([
      ['BackupsProven', 1],
      ['BytesProven', 5_000_000],
    ]);
    expect(around.told).toEqual([]);
  });

  it('of a backup that is proven already is added, once however often it is judged', async () => {
    const target = await addChains();
    await putProof(around.bucket, target, FULL);
    await judged(target);
    await putProof(around.bucket, target, FULL, {
      proof: 'two',
      plan: { at: '2026-05-02T02:10:00.000Z', by: 'two' },
    });
    const other = PROVER_EXECUTION.replace(/one$/, 'two');
    await judged(target, FULL, 'two', other);
    await judged(target, FULL, 'two', other);
    expect(await readEvidence(around.bucket, target, FULL, 'proven')).toMatchObject({
      by: PROVER_EXECUTION,
    });
    expect(await listed(target)).toEqual(['proven.json', 'proven@20260502T021000Z.json']);
  });

  it('of a backup that is much smaller than the one before is a proof, and is told', async () => {
    const target = await addChains();
    const anomalies = ['the rows of shop.orders fell from 1000 to 10, by 99 %'];
    await putProof(around.bucket, target, FULL, { plan: { anomalies } });
    expect(await judged(target)).toMatchObject({ verdict: 'proven', anomalies });
    expect(around.told).toEqual([
      {
        subject: `Safehouse: ${target}: the newest backup is much smaller`,
        text: expect.stringContaining(`What happened: ${anomalies[0]}`),
      },
    ]);
  });
});

async function listed(target: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of listObjects(around.bucket, `ledger/${target}/${FULL}/proven`))
    names.push(key.split('/').at(-1) ?? '');
  return names;
}

describe('a proof with a finding', () => {
  it('condemns the backup and what stands on it, and nothing else', async () => {
    const target = await addChains();
    await putProof(around.bucket, target, FULL, { result: { findings: [DAMAGE], found: 3 } });
    const failure = await failureOf('VerificationFailed', judged(target));
    expect(failure).toMatchObject({
      error: 'ProofRefuted',
      class: 'new attempt',
      what: `The backup ${FULL} is damaged: ${DAMAGE.what} And 2 more.`,
    });
    expect(await failed(target, FULL)).toMatchObject({ ...failure, step: 'prove', by: PROVER_EXECUTION });
    for (const id of [INCREMENTAL, LATER])
      expect(await failed(target, id)).toMatchObject({ error: 'BaseRefuted', step: 'prove' });
    expect(await goodOnes(target)).toEqual([OLDER, OF_OLDER]);
    // The next backup is a full one, although an older full one is good.
    expect(await chooseKind(around.bucket, target, 'incremental')).toEqual({
      kind: 'full',
      base: null,
      reason: `the proof of the newer full backup ${FULL} failed`,
    });
  });

  it('in an incremental condemns that one, and nothing more is built on its base', async () => {
    const target = await addChains();
    await putProof(around.bucket, target, INCREMENTAL, { result: { findings: [DAMAGE], found: 1 } });
    await failureOf('VerificationFailed', judged(target, INCREMENTAL));
    expect(await goodOnes(target)).toEqual([OLDER, OF_OLDER, FULL, LATER]);
    expect(await chooseKind(around.bucket, target, 'incremental')).toMatchObject({
      kind: 'full',
      reason: `the incremental ${INCREMENTAL} on the newest full backup ${FULL} is damaged`,
    });
  });

  it('in the base of an incremental condemns the base with all that stands on it', async () => {
    const target = await addChains();
    const inBase = { ...DAMAGE, what: `In the base backup: ${DAMAGE.what}`, inBase: true };
    await putProof(around.bucket, target, INCREMENTAL, { result: { findings: [inBase], found: 1 } });
    await failureOf('VerificationFailed', judged(target, INCREMENTAL));
    expect(await failed(target, FULL)).toMatchObject({
      error: 'ProofRefuted',
      what: `The backup ${FULL} is damaged: ${inBase.what} It was found by the proof of ${INCREMENTAL}.`,
    });
    expect(await failed(target, INCREMENTAL)).toMatchObject({ error: 'ProofRefuted' });
    expect(await failed(target, LATER)).toMatchObject({ error: 'BaseRefuted' });
    expect(await goodOnes(target)).toEqual([OLDER, OF_OLDER]);
  });

  it('is told and recorded the same way when it is judged again', async () => {
    const target = await addChains();
    await putProof(around.bucket, target, FULL, { result: { findings: [DAMAGE], found: 1 } });
    const first = await failureOf('VerificationFailed', judged(target));
    expect(await failureOf('VerificationFailed', judged(target))).toEqual(first);
  });

  it('takes a backup back that was proven before', async () => {
    const target = await addChains();
    await putProof(around.bucket, target, FULL);
    await judged(target);
    await putProof(around.bucket, target, FULL, {
      proof: 'two',
      result: { findings: [DAMAGE], found: 1 },
    });
    await failureOf('VerificationFailed', judged(target, FULL, 'two'));
    expect(await goodOnes(target)).not.toContain(FULL);
  });

  it('says nothing that could act on a terminal', async () => {
    const target = await addChains();
    const what = 'The part \u001b[31mx\n of y is damaged.';
    await putProof(around.bucket, target, FULL, { result: { findings: [{ ...DAMAGE, what }], found: 1 } });
    const { what: told } = await failureOf('VerificationFailed', judged(target));
    expect(told).toContain('The part [31mx  of y is damaged.');
    expect((await failed(target, FULL))?.what).toBe(told);
  });

  it('that is an assertion alone condemns too, and is not tried again: the server would say the same', async () => {
    const target = await addChains();
    const assertions = [{ query: 'SELECT 0', database: 'shop', passed: false, answer: '0' }];
    await putProof(around.bucket, target, FULL, { plan: { assertions } });
    expect(await failureOf('VerificationFailed', judged(target))).toMatchObject({
      error: 'AssertionFailed',
      class: 'fix and stop',
      what: `The backup ${FULL} does not hold what its target says it must: \`SELECT 0\` must hold and returned 0.`,
    });
    expect(await goodOnes(target)).toEqual([OLDER, OF_OLDER]);
  });
});

describe('a proof that is none', () => {
  it.each([
    ['its prover is blind', { result: { selfTest: BLIND } }, 'Refused', 'ProverBlind'],
    [
      'its prover is blind, whatever that has found',
      { result: { selfTest: BLIND, findings: [DAMAGE], found: 1 } },
      'Refused',
      'ProverBlind',
    ],
    ['an item is missing', { result: null }, 'IncompleteReading', 'ProofIncomplete'],
    [
      'there was nothing to judge',
      { plan: { items: [] }, result: null },
      'IncompleteReading',
      'ProofIncomplete',
    ],
    [
      'something was not judged',
      { plan: { unjudged: ['it is too new'] } },
      'IncompleteReading',
      'ProofIncomplete',
    ],
  ] as const)('because %s leaves the backup as it was, and is no pass', async (_, proof, name, error) => {
    const target = await addChains();
    await putProof(around.bucket, target, FULL, structuredClone(proof) as Parameters<typeof putProof>[3]);
    expect(await failureOf(name, judged(target))).toMatchObject({ error, class: 'fix and stop' });
    expect(await goodOnes(target)).toHaveLength(5);
    expect(await readEvidence(around.bucket, target, FULL, 'proven')).toBeUndefined();
    expect(around.published).toEqual([]);
  });
});
