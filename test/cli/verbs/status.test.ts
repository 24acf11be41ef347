import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { record } from '../../../clients/ledger.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../../../core/errors.ts';
import { restoreReportKey } from '../../../core/keys.ts';
import type { RestoreReport } from '../../../core/restore.ts';
import { call } from '../call.ts';
import {
  HOUR,
  makeFailed,
  makeProven,
  makeVerified,
  openTestHouse,
  shopTarget,
  type TestHouse,
} from '../house.ts';
import { makeRestore, planOf, reportOf } from '../restores.ts';

let house: TestHouse;
const now = Math.floor(Date.now() / 1000) * 1000;
const GOOD = makeBackupId(now - 3 * HOUR, 'full', 'good');
const OLD = makeBackupId(now - 60 * HOUR, 'full', 'oldd');
const PROVEN = makeBackupId(now - 27 * HOUR, 'full', 'prvn');
const MERELY = makeBackupId(now - 2 * HOUR, 'full', 'mere');
const REFUTED = makeBackupId(now - 100 * HOUR, 'full', 'rfut');
const FAILED = makeBackupId(now - 2 * HOUR, 'incremental', 'f00d');

beforeAll(async () => {
  house = await openTestHouse();
  await makeVerified(house.bucket, GOOD);
  await makeVerified(house.bucket, OLD, { target: 'mes' });
  await makeFailed(house.bucket, FAILED, 'mes');
  await makeVerified(house.bucket, PROVEN, { target: 'proofs' });
  await makeProven(house.bucket, PROVEN, { target: 'proofs' });
  await makeVerified(house.bucket, MERELY, { target: 'proofs' });
  await makeVerified(house.bucket, REFUTED, { target: 'proofs' });
  await makeFailed(house.bucket, makeBackupId(now - 110 * HOUR, 'full', 'othr'), 'proofs');
  await record(house.bucket, 'proofs', REFUTED, 'failed', {
    by: 'execution-1',
    class: 'new attempt',
    step: 'prove',
    error: 'ProofRefuted',
    what: 'It is damaged.',
    remedy: 'Do not restore from it.',
    final: true,
  });
});
afterAll(() => house.stop());

const status = (names: readonly string[], ...typed: string[]) => {
  const targets = Object.fromEntries(names.map((name) => [name, shopTarget()]));
  return call(['status', ...typed], { open: async () => house.installation({ targets }), now, columns: 80 });
};

it('ends with 0 where all is well', async () => {
  const { exitCode, stdout, stderr } = await status(['shop']);
  expect(exitCode).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(new RegExp(`^shop +good +${GOOD} +3 h 0 min +42\\.1 GB +in `, 'm'));
  expect(stdout).toContain('All is well.');
});

it('counts the uploads that nobody will complete, without calling anything wrong', async () => {
  const at = { Bucket: house.bucket.name, Key: `backups/proofs/${REFUTED}/data/a.bin` };
  const { client } = house.bucket;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
  const Body = Buffer.alloc(1200);
  await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body }));
  const { exitCode, stdout } = await status(['shop', 'proofs']);
  const json = await status(['shop', 'proofs'], '--json');
  await client.send(new AbortMultipartUploadCommand({ ...at, UploadId }));
  expect(exitCode).toBe(0);
  const words = stdout.replace(/\s+/g, ' ');
  expect(words).toMatch(
    /Uploads: proofs: 1 unfinished upload of 1\.2 kB, begun (\d+ s|\d+ min) ago\. No rule of the bucket is known/,
  );
  const [shop, proofs] = (JSON.parse(json.stdout) as { targets: { unfinishedUploads: unknown }[] }).targets;
  expect(shop?.unfinishedUploads).toBeNull();
  expect(proofs?.unfinishedUploads).toMatchObject({
    count: 1,
    bytes: 1200,
    isWhole: true,
    removedFrom: null,
  });
  expect((await status(['proofs'])).stdout).not.toContain('Uploads:');
});

it('ends with 4 where something is wrong, and says what and what to do', async () => {
  const { exitCode, stdout } = await status(['shop', 'mes', 'empty']);
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/^mes +WRONG/m);
  expect(stdout).toMatch(/^empty +WRONG +none/m);
  expect(stdout).toContain('Wrong: The newest good backup is 2 d 12 h old; it may be 1 d 2 h.');
  expect(stdout).toContain('S3 refused the writer');
  expect(stdout).toContain('To do: Attach the writer policy');
  expect(stdout).toContain('2 targets of 3 need somebody.');
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

it('prints commands on a line of their own, for the same Safehouse', async () => {
  expect((await status(['empty'])).stdout.split('\n')).toContain('         npx safehouse backup empty');
  expect((await status(['empty'], '--stack', 'Prod')).stdout).toContain(
    'npx safehouse backup empty --stack Prod\n',
  );
  expect((await status(['empty'], '--local')).stdout).toContain('npx safehouse backup empty --local\n');
});

it('does not promise a next run on this machine, where nothing starts by itself', async () => {
  expect((await status(['shop'], '--local')).stdout).not.toContain('NEXT RUN');
});

it('gives scripts the same with stable names', async () => {
  const { exitCode, json } = await status(['shop', 'empty'], '--json');
  expect(exitCode).toBe(4);
  expect(json).toMatchObject({
    installation: 'the test',
    good: false,
    targets: [
      {
        target: 'shop',
        good: true,
        lastGood: { id: GOOD, kind: 'full', ageSeconds: 10_800, bytes: 42_100_000_000 },
        goodBackups: 1,
        running: [],
        next: { kind: expect.any(String), at: expect.any(String), schedule: expect.any(String) },
        problems: [],
      },
      {
        target: 'empty',
        good: false,
        lastGood: null,
        problems: [{ name: 'NoGoodBackup', what: expect.any(String), remedy: expect.any(String) }],
      },
    ],
  });
});

it('shows a target whose settings cannot be read as wrong, next to the others', async () => {
  const installation = house.installation({ targets: { shop: shopTarget(), mad: shopTarget() } });
  const open = async () => ({
    ...installation,
    target: async (name: string) => {
      if (name === 'shop') return shopTarget();
      throw new SafehouseError(ERROR_NAMES.configuration, {
        what: 'The settings are not JSON.',
        remedy: 'Deploy.',
      });
    },
  });
  const { exitCode, stdout } = await call(['status'], { open, now, columns: 80 });
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/^shop +good/m);
  expect(stdout).toMatch(/^mad +WRONG/m);
  expect(stdout).toContain('The settings are not JSON.');
});

/** Hours from now on: S3's clock, by which a proof is dated, cannot be set back. */
const later = (hours: number, prove: Readonly<Record<string, unknown>> = {}, ...typed: string[]) =>
  call(['status', ...typed], {
    open: async () =>
      house.installation({ targets: { proofs: shopTarget({ staleAfterHours: 1000, prove }) } }),
    now: now + hours * HOUR,
    columns: 80,
  });

it('says when a target was proven last, which backup, and how many are covered', async () => {
  const { exitCode, stdout } = await later(3);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    new RegExp(`^proofs +${PROVEN} +\\d h \\d+ min ago +1 of 2 in the last 30 days$`, 'm'),
  );
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

it('names backups that were good and are refuted, without calling the target wrong', async () => {
  const { exitCode, stdout } = await later(3);
  expect(exitCode).toBe(0);
  expect(stdout.replace(/\s+/g, ' ')).toContain(
    `Refuted: proofs: 1 backup verified and found damaged later, ${REFUTED}.`,
  );
});

it('calls a proof too old that is older than it may be', async () => {
  expect((await later(47, { staleAfterHours: 48 })).exitCode).toBe(0);
  const { exitCode, stdout } = await later(50, { staleAfterHours: 48 });
  expect(exitCode).toBe(4);
  const text = stdout.replace(/\s+/g, ' ');
  expect(text).toMatch(/Wrong: The newest proof is 2 d [12] h old; it may be 2 d 0 h\./);
  expect(text).toContain('npx safehouse prove proofs/latest');
  // Without a limit of its own: as old as a good backup may be, and a day.
  expect((await later(1000 + 22)).stdout).not.toContain('The newest proof is');
  expect((await later(1000 + 26)).stdout).toContain('The newest proof is');
});

it('says that nothing was ever proven once there was time for it', async () => {
  const mes = (hours: number) =>
    call(['status'], {
      open: async () =>
        house.installation({
          targets: { shop: shopTarget({ staleAfterHours: 1000, prove: { staleAfterHours: 24 } }) },
        }),
      now: now + hours * HOUR,
      columns: 80,
    });
  expect((await mes(2)).exitCode).toBe(0);
  const { exitCode, stdout } = await mes(26);
  expect(exitCode).toBe(4);
  expect(stdout.replace(/\s+/g, ' ')).toContain(
    'No good backup is proven, and there has been one to prove for 1 d',
  );
  expect(stdout).toMatch(/^shop +none +0 of 1 in the last 30 days$/m);
});

it('asks for no proof where the target wants none', async () => {
  const { exitCode, stdout } = await later(900, { level: 'none', staleAfterHours: 1 });
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain('The newest proof is');
});

it('gives scripts the proofs with stable names', async () => {
  expect((await later(3, {}, '--json')).json).toMatchObject({
    targets: [
      {
        proof: {
          wanted: true,
          newestAt: expect.stringMatching(/^\d{4}-.*Z$/),
          ageSeconds: expect.any(Number),
          newestBackup: PROVEN,
          covered: 1,
          of: 2,
          withinDays: 30,
          refuted: [REFUTED],
        },
      },
    ],
  });
});

async function restored(target: string, hours: number, over: Partial<RestoreReport> = {}): Promise<string> {
  const at = new Date(now - hours * HOUR).toISOString();
  const plan = planOf(over.backup ?? makeBackupId(now - 5 * HOUR, 'full', target.slice(0, 4)), {
    target,
    to: target,
    at,
    execution: `${target}-${hours}`,
  });
  await makeRestore(house.bucket, { plan, report: reportOf(plan, { at, ...over }) });
  return plan.restore;
}

it('says plainly of what nobody has ever restored that it was never restored', async () => {
  const { exitCode, stdout } = await status(['shop', 'empty']);
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/^shop +never restored +nobody ever did$/m);
  expect(stdout).not.toMatch(/^empty +never restored/m);
});

it('says when a target was restored last, how, and what has gone wrong since', async () => {
  const id = makeBackupId(now - 5 * HOUR, 'full', 'aaaa');
  await makeVerified(house.bucket, id, { target: 'aaaa' });
  await restored('aaaa', 4, { drill: true });
  // More dry runs than are read at once.
  for (let minute = 0; minute < 10; minute += 1)
    await restored('aaaa', 1 + minute / 60, { outcome: 'dry run' });
  const first = await status(['aaaa']);
  expect(first.exitCode).toBe(0);
  expect(first.stdout).toMatch(new RegExp(`^aaaa +${id} +4 h 0 min ago +drill to aaaa$`, 'm'));
  const since = await restored('aaaa', 0.5, { outcome: 'failed' });
  const second = await status(['aaaa']);
  // Whoever restores sees it fail, and is told there.
  expect(second.exitCode).toBe(0);
  expect(second.stdout.replace(/\s+/g, ' ')).toContain('drill to aaaa; a restore since: failed');
  for (const line of second.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect((await status(['aaaa'], '--json')).json).toMatchObject({
    targets: [
      {
        restores: {
          drills: false,
          lastGood: { backup: id, to: 'aaaa', drill: true, ageSeconds: 14_400 },
          failedSince: since,
        },
      },
    ],
  });
});

it('calls a target wrong whose newest drill failed', async () => {
  const id = makeBackupId(now - 5 * HOUR, 'full', 'bbbb');
  await makeVerified(house.bucket, id, { target: 'bbbb' });
  await restored('bbbb', 4, { drill: true });
  const failure = {
    class: 'fix and stop',
    error: 'X',
    what: 'The disk is full.',
    remedy: 'Make room.',
  } as const;
  await restored('bbbb', 2, { drill: true, outcome: 'failed', failure });
  const { exitCode, stdout } = await status(['bbbb']);
  expect(exitCode).toBe(4);
  expect(stdout.replace(/\s+/g, ' ')).toMatch(
    /Wrong: The drill \S+ of \S+ failed 2 h 0 min ago: The disk is full\. To do: Make room\./,
  );
  await restored('bbbb', 1, { drill: true });
  expect((await status(['bbbb'])).exitCode).toBe(0);
});

it('says of a report that cannot be read that it cannot, and goes on to the one before', async () => {
  const id = makeBackupId(now - 5 * HOUR, 'full', 'cccc');
  await makeVerified(house.bucket, id, { target: 'cccc' });
  await restored('cccc', 4);
  const { restore } = planOf(id, { at: new Date(now - HOUR).toISOString() });
  await putOnce(house.bucket, restoreReportKey('cccc', id, restore), {});
  const { exitCode, stdout } = await status(['cccc']);
  expect(exitCode).toBe(4);
  expect(stdout.replace(/\s+/g, '')).toContain(`restore@${restore}.jsoninsafehouseisnotwhat`);
  expect(stdout).toMatch(new RegExp(`^cccc +${id} +4 h 0 min ago +restore to cccc$`, 'm'));
});
