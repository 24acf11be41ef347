import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeBackupId } from '../../../core/backup-id.ts';
import { ERROR_NAMES, failureText, SafehouseError } from '../../../core/errors.ts';
import type { ExecutionView } from '../../../core/installation.ts';
import type { Poll } from '../../../core/workflow.ts';
import { call } from '../call.ts';
import {
  HOUR,
  makeFailed,
  makeProof,
  makeProven,
  makeVerified,
  openTestHouse,
  type TestHouse,
} from '../house.ts';

let house: TestHouse;
const FULL = makeBackupId(Date.now() - 2 * HOUR, 'full', 'k3f9');
const INCREMENTAL = makeBackupId(Date.now() - HOUR, 'incremental', 'a001');
const FAILED = makeBackupId(Date.now(), 'full', 'f00d');

beforeAll(async () => {
  house = await openTestHouse();
  await makeVerified(house.bucket, FULL);
  await makeVerified(house.bucket, INCREMENTAL, { base: FULL });
  await makeFailed(house.bucket, FAILED);
});
afterAll(() => house.stop());

function backup(
  typed: readonly string[],
  views: readonly Partial<ExecutionView>[],
  { interrupt, columns }: { readonly interrupt?: AbortSignal; readonly columns?: number } = {},
) {
  const installation = house.installation({ views });
  const called = call(['backup', ...typed], {
    open: async () => installation,
    ...(interrupt && { interrupt }),
    ...(columns !== undefined && { columns }),
  });
  return { called, started: installation.started };
}

const prepared = (id: string, reason: string | null = null) => ({
  prepared: { outcome: 'go', reason, backup: { id, kind: 'full', base: null, joined: false } },
  verified: { id },
});
const succeeded = (id: string, reason: string | null = null): Partial<ExecutionView> => ({
  status: 'succeeded',
  state: 'BackedUp',
  backupId: id,
  output: prepared(id, reason),
});
const failed = (error: string, backupId: string | null = FAILED): Partial<ExecutionView> => ({
  status: 'failed',
  backupId,
  error,
  cause: failureText({
    class: 'fix and stop',
    error,
    what: 'S3 refused the writer.',
    remedy: 'Attach the policy.',
  }),
});
const poll: Poll = {
  outcome: 'running',
  submittedAt: '2026-04-02T02:00:00Z',
  waitSeconds: 2,
  server: 's',
  progress: { files: 1234, bytes: 42_100_000_000 },
  movedAt: '2026-04-02T02:00:00Z',
  silentSince: null,
  polls: 1,
  failure: null,
};

it('starts a full backup unless told otherwise, and ends with the id', async () => {
  const { called, started } = backup(['shop'], [succeeded(FULL)]);
  const { exitCode, stdout } = await called;
  expect(exitCode).toBe(0);
  expect(started).toEqual([{ workflow: 'backup', input: { target: 'shop', kind: 'full' } }]);
  expect(stdout).toMatch(/^Verified {2}42\.1 GB, 987 objects, 2 tables/);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(FULL);
});

it('starts an incremental one when it is asked for, and shows what that stands on', async () => {
  const { called, started } = backup(['shop', '--kind', 'incremental'], [succeeded(INCREMENTAL)]);
  expect((await called).stdout).toContain(`Stands on ${FULL}`);
  expect(started).toEqual([{ workflow: 'backup', input: { target: 'shop', kind: 'incremental' } }]);
});

it('says why a full one was made instead', async () => {
  const views = [succeeded(FULL, 'there is no good full backup to stand on')];
  const { stdout } = await backup(['shop', '--kind', 'incremental'], views).called;
  expect(stdout).toContain('It is full: there is no good full backup to stand on');
});

it('shows steps, bytes and files on stderr while it runs, and nothing of it on stdout', async () => {
  const views = [
    {},
    { state: 'Poll', backupId: FULL, poll },
    { state: 'Verify', backupId: FULL, poll },
    succeeded(FULL),
  ];
  const { stdout, stderr } = await backup(['shop', '--json'], views).called;
  expect(stderr).toContain('Writing  full backup of shop  42.1 GB  1,234 files');
  expect(stderr).toContain('Verifying  full backup of shop');
  expect(JSON.parse(stdout)).toMatchObject({ id: FULL, backup: { id: FULL, bytes: 42_100_000_000 } });
}, 20_000);

it('takes its redrawn line away on a terminal', async () => {
  const { stderr } = await backup(['shop'], [succeeded(FULL)], { columns: 80 }).called;
  expect(stderr.endsWith('\r\u001b[2K')).toBe(true);
});

it('ends with 4 and the words of the failure, with the id of what failed', async () => {
  const { exitCode, json, stderr } = await backup(['shop', '--json'], [failed('S3_ERROR')]).called;
  expect(exitCode).toBe(4);
  expect(json).toMatchObject({
    error: { name: 'S3_ERROR', what: 'S3 refused the writer.', remedy: 'Attach the policy.' },
    id: FAILED,
    backup: { id: FAILED, state: 'failed' },
  });
  expect(stderr).toContain('Error: S3 refused the writer.');
});

it('ends with 5 when the backup is not what its manifest says', async () => {
  expect((await backup(['shop'], [failed('VerificationFailed')]).called).exitCode).toBe(5);
});

it.each([
  ['timed out', 'ExecutionTimedOut'],
  ['aborted', 'ExecutionAborted'],
] as const)('ends with 4 when the execution was %s', async (status, name) => {
  const { exitCode, json } = await backup(['shop', '--json'], [{ status }]).called;
  expect(exitCode).toBe(4);
  expect(json).toMatchObject({ error: { name }, id: null, backup: null });
});

it('does not call it a success when no backup was made', async () => {
  const output = { prepared: { outcome: 'skipped', reason: `${FULL} is still being written`, backup: null } };
  const { exitCode, json } = await backup(['shop', '--json'], [{ status: 'succeeded', output }]).called;
  expect(exitCode).toBe(4);
  expect(json).toMatchObject({
    error: { name: 'Skipped', what: `No backup was made: ${FULL} is still being written.` },
  });
});

it('does not call it a success when the ledger knows nothing of it', async () => {
  const { exitCode, stderr } = await backup(['shop'], [succeeded('20200101T000000Z-full-none')]).called;
  expect(exitCode).toBe(4);
  expect(stderr).toContain('the ledger has no backup 20200101T000000Z-full-none');
});

it('lets go at Ctrl-C, and says how to see the end', async () => {
  const interruption = new AbortController();
  const installation = house.installation({ views: [{ state: 'Poll', backupId: FULL, poll }] });
  const execution = await installation.start('backup', { target: 'shop' });
  const open = async () => ({
    ...installation,
    start: async () => ({
      id: execution.id,
      view: async () => {
        const view = await execution.view();
        interruption.abort();
        return view;
      },
    }),
  });
  const { exitCode, stderr } = await call(['backup', 'shop'], { open, interrupt: interruption.signal });
  expect(exitCode).toBe(130);
  expect(stderr).toContain('The full backup of shop goes on without you.');
  expect(stderr).toContain(`npx safehouse show ${FULL}`);
});

it('says on this machine that the backup goes on in the command itself', async () => {
  const { exitCode, stderr } = await backup(['shop', '--local'], [{}], { interrupt: AbortSignal.abort() })
    .called;
  expect(exitCode).toBe(130);
  expect(stderr).toContain('Ctrl-C again stops both');
});

it('says that a backup goes on which it cannot see any more', async () => {
  const installation = house.installation();
  const open = async () => ({
    ...installation,
    start: async () => ({
      id: 'e',
      view: () =>
        Promise.reject(new SafehouseError(ERROR_NAMES.refused, { what: 'forbidden', remedy: 'ask' })),
    }),
  });
  const { exitCode, stderr } = await call(['backup', 'shop'], { open });
  expect(exitCode).toBe(4);
  expect(stderr).toContain('goes on without you');
  expect(stderr).toContain('Error: forbidden');
});

it('starts nothing for a target that there is not', async () => {
  const { called, started } = backup(['shpo'], []);
  expect((await called).exitCode).toBe(3);
  expect(started).toEqual([]);
});

it('says of a backup that is proven that it is', async () => {
  const id = makeBackupId(Date.now() - 3 * HOUR, 'full', 'prvn');
  await makeVerified(house.bucket, id);
  await makeProven(house.bucket, id);
  expect((await backup(['shop'], [succeeded(id)]).called).stdout).toMatch(/^Proven {2}42\.1 GB/);
});

it('shows how far the proof is, once the backup is verified', async () => {
  const id = makeBackupId(Date.now() - 4 * HOUR, 'full', 'prog');
  await makeVerified(house.bucket, id);
  await makeProof(house.bucket, id, { read: { 1: {} } });
  const proving = { state: 'ProveItems', backupId: id, poll };
  const { called } = backup(['shop'], [proving, succeeded(id)], { columns: 80 });
  expect((await called).stderr).toContain('Proving  full backup of shop  12.0 GB of 42.1 GB  0:00');
});

it('ends with 5 when the proof of what was just made refutes it', async () => {
  const { called } = backup(['shop'], [failed('ProofRefuted', FULL)]);
  const { exitCode, stdout } = await called;
  expect(exitCode).toBe(5);
  expect(stdout).toContain(FULL);
});
