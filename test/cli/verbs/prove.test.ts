import { afterAll, beforeAll, expect, it } from 'vitest';
import { record, recordProvenAgain } from '../../../clients/ledger.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { ERROR_NAMES, failureText } from '../../../core/errors.ts';
import type { ExecutionView } from '../../../core/installation.ts';
import { call } from '../call.ts';
import {
  FINDING,
  HOUR,
  makeProof,
  makeProven,
  makeStarted,
  makeVerified,
  openTestHouse,
  PROOF,
  SELF_TEST,
  shopTarget,
  type TestHouse,
} from '../house.ts';

let house: TestHouse;
const now = Math.floor(Date.now() / 1000) * 1000;
let backups = 0;

/** A verified backup of its own for each test. */
async function verified(): Promise<string> {
  backups += 1;
  const id = makeBackupId(now - (100 - backups) * HOUR, 'full', `t${String(backups).padStart(3, '0')}`);
  await makeVerified(house.bucket, id);
  return id;
}

beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.stop());

interface Proving {
  readonly views?: readonly Partial<ExecutionView>[];
  readonly level?: string;
  readonly drillTo?: string;
  readonly columns?: number;
}

const SUCCEEDED: Partial<ExecutionView> = { status: 'succeeded', state: 'Done' };

async function prove(
  typed: readonly string[],
  { views = [SUCCEEDED], level, drillTo, columns = 80 }: Proving = {},
) {
  const settings = {
    ...(level !== undefined && { prove: { level } }),
    ...(drillTo !== undefined && { drill: { to: drillTo, schedule: 'rate(7 days)' } }),
  };
  const targets = { shop: shopTarget(settings) };
  const installation = house.installation({ targets, views });
  const called = await call(['prove', ...typed], { open: async () => installation, now, columns });
  return { ...called, started: installation.started };
}

const failedWith = (error: string, what: string): Partial<ExecutionView> => ({
  status: 'failed',
  state: 'GivenUp',
  error,
  cause: failureText({ error, what, remedy: 'Do not restore from it.', class: 'new attempt' }),
});

it('starts the proof of a backup, and tells in a few lines what was proven', async () => {
  const id = await verified();
  await makeProven(house.bucket, id);
  const { exitCode, stdout, stderr, started } = await prove([id]);
  expect(stderr).not.toContain('Error');
  expect(exitCode).toBe(0);
  expect(started).toEqual([{ workflow: 'prove', input: { target: 'shop', backup: id, occasion: 'again' } }]);
  expect(stdout).toContain(`Proven  ${id}`);
  const text = stdout.replace(/\s+/g, ' ');
  expect(text).toContain('Level bytes: every byte was read back');
  expect(text).toContain(
    '2 tables, 1,234,567 rows, 42.0 GB: 1 checked by the engine, 1 with a definition and no data',
  );
  expect(text).toContain('saw each of 8 kinds of damage');
  expect(text).toContain('Assertions 1 of 1 hold');
  expect(text).toContain('42.1 GB read in 3 items, 2 min of functions, $0.0071');
  expect(text).toContain(`SHA-256 ${'f'.repeat(64)}`);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

it('says of a backup without a proof that it is a new one', async () => {
  const id = await verified();
  const { started } = await prove([id]);
  expect(started).toEqual([{ workflow: 'prove', input: { target: 'shop', backup: id, occasion: 'new' } }]);
});

it('tells the evidence of the proof that it started, not that of one before', async () => {
  const id = await verified();
  await makeProven(house.bucket, id, { by: 'an-earlier-one', level: 'counts' });
  await recordProvenAgain(house.bucket, 'shop', id, {
    ...PROOF,
    by: 'arn:aws:states:x:execution:Prove:execution-1',
  });
  const { json } = await prove([id, '--json']);
  expect(json).toMatchObject({
    backup: id,
    target: 'shop',
    execution: 'execution-1',
    verdict: 'proven',
    level: 'bytes',
    bytesRead: 42_100_000_000,
    dollars: 0.0071,
  });
});

it('concludes nothing from an execution that ended well and left no evidence', async () => {
  const id = await verified();
  const { exitCode, stderr } = await prove([id]);
  expect(exitCode).toBe(4);
  expect(stderr.replace(/\s+/g, ' ')).toContain('the ledger has no evidence of it');
});

it.each(['counts', 'bytes'])('asks for the level %s', async (level) => {
  const id = await verified();
  const { started } = await prove([id, '--level', level]);
  expect(started).toMatchObject([{ input: { level } }]);
});

it('drills by a restore of that backup, onto the server that the target names for it', async () => {
  const id = await verified();
  const { started } = await prove([id, '--level', 'drill'], { drillTo: 'shop' });
  expect(started[0]).toMatchObject({
    workflow: 'restore',
    input: { target: 'shop', to: 'shop', backup: id, drill: true, dryRun: true },
  });
});

it('reads every byte where the target wants no proofs and somebody asks for one', async () => {
  const id = await verified();
  const { started } = await prove([id], { level: 'none' });
  expect(started).toMatchObject([{ input: { level: 'bytes' } }]);
});

it('shows how many bytes are read, of how many', async () => {
  const id = await verified();
  await makeProof(house.bucket, id, { read: { 0: {}, 2: {} } });
  await makeProven(house.bucket, id);
  const { stderr } = await prove([id], { views: [{ state: 'ProveItems' }, SUCCEEDED] });
  expect(stderr).toContain(`Proving  proof of ${id}  30.1 GB of 42.1 GB  0:00`);
});

it('names each finding of a refuted backup, and ends with 5', async () => {
  const id = await verified();
  const second = { table: 'shop.orders', part: null, file: 'a.bin', what: 'It is gone.', inBase: true };
  await makeProof(house.bucket, id, {
    read: { 0: { findings: [FINDING], found: 1 }, 1: { findings: [second], found: 9 }, 2: {} },
  });
  const views = [failedWith('ProofRefuted', `The backup ${id} is damaged: the first. And 9 more.`)];
  const { exitCode, stdout, stderr } = await prove([id], { views });
  expect(exitCode).toBe(5);
  expect(stdout).toContain(`Refuted  ${id}`);
  expect(stdout).toContain('Findings  10');
  expect(stdout).toContain('  shop.events, part all_1_1_0, file data.bin\n');
  expect(stdout.replace(/\s+/g, ' ')).toContain('is damaged in data.bin: Checksum mismatch.');
  expect(stdout).toContain(
    '  shop.orders, file a.bin, in the full backup that it stands on\n    It is gone.\n',
  );
  expect(stdout).toContain('and 8 more');
  expect(stderr).toContain(`Error: The backup ${id} is damaged.`);
  expect(stderr).toContain('To do: Do not restore from it.');
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

it('gives scripts the findings with stable names', async () => {
  const id = await verified();
  await makeProof(house.bucket, id, { read: { 0: { findings: [FINDING], found: 1 }, 1: {}, 2: {} } });
  const { exitCode, json } = await prove([id, '--json'], { views: [failedWith('ProofRefuted', 'Damaged.')] });
  expect(exitCode).toBe(5);
  expect(json).toMatchObject({
    error: { name: 'ProofRefuted' },
    backup: id,
    verdict: 'refuted',
    found: 1,
    findings: [FINDING],
    selfTest: SELF_TEST,
  });
});

it('shows an assertion that does not hold as what refutes the backup', async () => {
  const id = await verified();
  const assertion = { query: 'SELECT count() > 9 FROM events', database: 'shop', passed: false, answer: '0' };
  await makeProof(house.bucket, id, { plan: { assertions: [assertion] } });
  const { exitCode, stdout, stderr } = await prove([id], { views: [failedWith('ProofRefuted', 'Refuted.')] });
  expect(exitCode).toBe(5);
  expect(stderr.replace(/\s+/g, ' ')).toContain(
    `The backup ${id} is whole, and does not hold what its target says`,
  );
  expect(stdout).toContain('0 of 1 hold');
  expect(stdout.replace(/\s+/g, ' ')).toContain('`SELECT count() > 9 FROM events` must hold and returned 0.');
});

it('says nothing of a backup whose prover is blind, and ends with 4', async () => {
  const id = await verified();
  const damages = SELF_TEST.damages.map((each, index) => ({ ...each, seen: index !== 1 }));
  await makeProof(house.bucket, id, { plan: { selfTest: { ...SELF_TEST, damages } } });
  const views = [failedWith('ProverBlind', 'The prover cannot tell good from bad.')];
  const { exitCode, stdout, stderr } = await prove([id], { views });
  expect(exitCode).toBe(4);
  expect(stdout).toContain(`Not proven: the prover is blind  ${id}`);
  expect(stdout.replace(/\s+/g, ' ')).toContain('it did not see a flipped bit in marks');
  expect(stderr).toContain('The prover cannot tell good from bad.');
});

it('says that not everything was judged, and ends with 4', async () => {
  const id = await verified();
  await makeProof(house.bucket, id, { read: { 0: {} } });
  const views = [failedWith('ProofIncomplete', 'The proof is not complete.')];
  const { exitCode, stdout } = await prove([id], { views });
  expect(exitCode).toBe(4);
  expect(stdout).toContain('Not proven: not everything was judged');
  const text = stdout.replace(/\s+/g, ' ');
  expect(text).toContain('Read 30.0 GB of 42.1 GB, 1 of 3 items');
  expect(text).not.toContain('was read back');
  expect(text).not.toContain('checked by the engine');
  expect((await prove([id, '--json'], { views })).json).toMatchObject({
    verdict: 'incomplete',
    because: '2 of 3 items were not judged, the first of them number 1',
  });
});

it('takes what was found for damage also when the proof broke off', async () => {
  const id = await verified();
  await makeProof(house.bucket, id, { read: { 0: { findings: [FINDING], found: 1 } } });
  const { exitCode, stdout, stderr } = await prove([id], { views: [{ status: 'timed out' }] });
  expect(exitCode).toBe(5);
  expect(stdout).toContain('file data.bin');
  expect(stderr).toContain('time limit');
});

it('does not call proven what was read without a finding and not recorded', async () => {
  const id = await verified();
  await makeProof(house.bucket, id);
  const { exitCode, json } = await prove([id, '--json'], {
    views: [failedWith(ERROR_NAMES.refused, 'The ledger could not be written.')],
  });
  expect(exitCode).toBe(4);
  expect(json).toMatchObject({ error: { name: 'Refused' }, verdict: null });
});

it('ends with 5 when the manifest is gone', async () => {
  const id = await verified();
  const { exitCode } = await prove([id], { views: [failedWith('BACKUP_NOT_FOUND', 'It has no .backup.')] });
  expect(exitCode).toBe(5);
});

it('says of a backup that failed before that it stays so', async () => {
  const id = await verified();
  await record(house.bucket, 'shop', id, 'failed', {
    by: 'execution-0',
    class: 'new attempt',
    step: 'prove',
    error: 'ProofRefuted',
    what: 'Damaged.',
    remedy: 'None.',
    final: true,
  });
  await makeProven(house.bucket, id);
  expect((await prove([id])).stdout.replace(/\s+/g, ' ')).toContain('It stays failed');
});

it('lets the person go at Ctrl-C, and says where to look', async () => {
  const id = await verified();
  const installation = house.installation({ views: [{ state: 'ProveItems' }] });
  const { exitCode, stderr } = await call(['prove', id], {
    open: async () => installation,
    now,
    interrupt: AbortSignal.abort(),
  });
  expect(exitCode).toBe(130);
  expect(stderr).toContain(`npx safehouse show ${id}`);
});

it('refuses to prove what is not there, or was never verified', async () => {
  const removed = await verified();
  await record(house.bucket, 'shop', removed, 'removed', { by: 'e', reason: 'old', objects: 1, bytes: 1 });
  const gone = await prove([removed]);
  expect(gone.exitCode).toBe(3);
  expect(gone.stderr.replace(/\s+/g, ' ')).toContain('retention removed it at');
  const started = makeBackupId(now - HOUR, 'full', 'half');
  await makeStarted(house.bucket, started);
  const half = await prove([started]);
  expect(half.exitCode).toBe(4);
  expect(half.stderr).toContain('was never verified');
  expect([...gone.started, ...half.started]).toEqual([]);
});
