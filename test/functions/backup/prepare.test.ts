import '../../support/function-environment.ts';
import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import { getJson, putOnce } from '../../../clients/bucket.ts';
import { readEvidence, readLedger } from '../../../clients/ledger.ts';
import { readPins } from '../../../clients/pins.ts';
import { LESS_MEMORY } from '../../../core/attempt-settings.ts';
import { parseBackupId } from '../../../core/backup-id.ts';
import { attemptKey, backupPrefix, skippedKey } from '../../../core/keys.ts';
import { attemptClaimSchema, skippedSchema } from '../../../core/workflow.ts';
import { handler } from '../../../functions/backup/prepare.ts';
import { awsError } from '../../support/aws.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { EXECUTION, OTHER_EXECUTION, runOf, SLOT, serveShop } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const prepare = (run: object) => carried(invoke(handler, run));
const idOf = ({ backup }: { backup: { id: string } | null }): string => backup?.id ?? 'none';

const BASE = '20260401T020000Z-full-base';
const DAMAGED = '20260401T080000Z-incr-dama';

/** A good full backup of two objects with seven bytes. */
async function addBase(target: string, id = BASE): Promise<void> {
  await putOnce(around.bucket, `${backupPrefix(target, id)}.backup`, 1);
  await putOnce(around.bucket, `${backupPrefix(target, id)}data/a`, 100);
  await write(around.bucket, target, id, 'started');
  await write(around.bucket, target, id, 'verified', { objects: 2, bytes: 2 + 4 });
}

describe('preparing a full backup', () => {
  it('gives it an id, and opens its page with what is in scope', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    const prepared = await prepare(runOf(target));
    const id = idOf(prepared);
    expect(parseBackupId(id)).toMatchObject({ kind: 'full' });
    expect(prepared).toEqual({
      outcome: 'go',
      reason: null,
      backup: { id, kind: 'full', base: null, joined: false },
    });
    expect(await readEvidence(around.bucket, target, id, 'started')).toEqual({
      version: 1,
      target,
      id,
      at: expect.any(String),
      by: EXECUTION,
      kind: 'full',
      base: null,
      reason: null,
      scheduledTime: '2026-04-02T02:00:00Z',
      attempt: 1,
      clickhouse: { version: '26.7.2.1', server: 'A', host: 'a.example' },
      databases: ['shop'],
      tables: [{ database: 'shop', name: 'orders', engine: 'MergeTree', coverage: 'data' }],
    });
    expect(await readPins(around.bucket, target)).toEqual([]);
  });

  it('keeps to its decision when it is repeated, even where the server changed meanwhile', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    const first = await prepare(runOf(target));
    around.clickhouse.on(/FROM system\.tables/, []);
    expect(await prepare(runOf(target))).toEqual(first);
    const { entries } = await readLedger(around.bucket, target);
    expect(entries).toHaveLength(1);
    expect(await readEvidence(around.bucket, target, idOf(first), 'started')).toMatchObject({
      tables: [{ name: 'orders' }],
    });
  });

  it('brings a decision to its end that died before its page was opened', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse).on(/FROM system\.tables/, 'connection reset');
    await failureOf('TemporarilyUnavailable', prepare(runOf(target)));
    const claim = await getJson(around.bucket, attemptKey(target, SLOT, 1), attemptClaimSchema);
    serveShop(around.clickhouse);
    const prepared = await prepare(runOf(target));
    expect(idOf(prepared)).toBe(claim?.id);
    expect(await readEvidence(around.bucket, target, idOf(prepared), 'started')).toBeDefined();
  });

  it('in a second execution follows the decision of the first, and asks the server nothing', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    const first = await prepare(runOf(target));
    around.clickhouse.asked.length = 0;
    const second = await prepare(runOf(target, { execution: OTHER_EXECUTION }));
    expect(second.backup).toEqual({ ...first.backup, joined: true });
    expect(around.clickhouse.asked).toEqual([]);
    expect((await readLedger(around.bucket, target)).entries).toHaveLength(1);
  });

  it('in ten executions at once makes one decision', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, index) => prepare(runOf(target, { execution: `execution-${index}` }))),
    );
    expect(new Set(all.map(idOf)).size).toBe(1);
    expect(all.filter(({ backup }) => backup?.joined === false)).toHaveLength(1);
  });

  it('makes another id for another attempt', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    const first = await prepare(runOf(target));
    await write(around.bucket, target, idOf(first), 'failed', { final: false });
    const second = await prepare(runOf(target, { attempt: 2 }));
    expect(idOf(second)).not.toBe(idOf(first));
    expect(await readEvidence(around.bucket, target, idOf(second), 'started')).toMatchObject({ attempt: 2 });
  });
});

describe('preparing another attempt', () => {
  /** An attempt that fails like this. */
  async function fail(target: string, attempt: number, error: string): Promise<void> {
    const prepared = await prepare(runOf(target, { attempt }));
    await write(around.bucket, target, idOf(prepared), 'failed', { error, final: false });
  }

  it('asks for less memory once it has run out, for as long as attempts follow, and a repeat asks for the same', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    await fail(target, 1, 'MEMORY_LIMIT_EXCEEDED');
    await fail(target, 2, 'S3_ERROR');
    const third = await prepare(runOf(target, { attempt: 3 }));
    expect(third.backup?.settings).toEqual(LESS_MEMORY);
    expect(await readEvidence(around.bucket, target, idOf(third), 'started')).toMatchObject({
      settings: LESS_MEMORY,
    });
    expect(await prepare(runOf(target, { attempt: 3, execution: OTHER_EXECUTION }))).toMatchObject({
      backup: { id: idOf(third), joined: true, settings: LESS_MEMORY },
    });
    expect((await prepare(runOf(target, { slot: 'full/20260403T020000Z' }))).backup).not.toHaveProperty(
      'settings',
    );
  });

  it('asks for nothing more after any other failure', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    await fail(target, 1, 'S3_ERROR');
    const second = await prepare(runOf(target, { attempt: 2 }));
    expect(second.backup).not.toHaveProperty('settings');
    expect(await readEvidence(around.bucket, target, idOf(second), 'started')).not.toHaveProperty('settings');
  });
});

describe('preparing beside a backup that is still being written', () => {
  const RUNNING = '20260402T010000Z-full-runn';

  async function addRunning(target: string): Promise<void> {
    await write(around.bucket, target, RUNNING, 'started');
    serveShop(around.clickhouse).on(/status = 'CREATING_BACKUP'/, ({ parameters }) =>
      parameters['ids']?.includes(RUNNING) ? [{ id: RUNNING }] : [],
    );
  }

  it('skips the scheduled time, and says so in the bucket and in a metric', async () => {
    const target = around.addTarget();
    await addRunning(target);
    const skipped = { outcome: 'skipped', reason: `${RUNNING} is still being written`, backup: null };
    expect(await prepare(runOf(target))).toEqual(skipped);
    expect(await getJson(around.bucket, skippedKey(target, SLOT), skippedSchema)).toMatchObject({
      execution: EXECUTION,
      reason: skipped.reason,
    });
    expect(around.published).toEqual([
      {
        name: 'BackupsSkipped',
        value: 1,
        dimensions: { service: 'safehouse', Stack: 'Test', Target: target },
      },
    ]);
    expect((await readLedger(around.bucket, target)).entries).toHaveLength(1);
  });

  it('does not skip quietly what failed before: that would hide the failure', async () => {
    const target = around.addTarget();
    await addRunning(target);
    const failure = await failureOf('Refused', prepare(runOf(target, { attempt: 2 })));
    expect(failure).toMatchObject({
      class: 'fix and stop',
      error: 'BackupOverlap',
      what: `Attempt 2 was not begun, because ${RUNNING} is still being written.`,
    });
    expect(await getJson(around.bucket, skippedKey(target, SLOT), skippedSchema)).toBeUndefined();
  });

  it('goes on with its own decision, which the other one does not undo', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    const first = await prepare(runOf(target));
    await addRunning(target);
    expect(await prepare(runOf(target))).toEqual(first);
  });

  it.each(['verified', 'failed', 'removed'] as const)('does not ask for one that is %s', async (state) => {
    const target = around.addTarget();
    await addRunning(target);
    await write(around.bucket, target, RUNNING, state);
    expect((await prepare(runOf(target))).outcome).toBe('go');
  });

  it('asks on every replica where a cluster is named', async () => {
    const target = around.addTarget({ cluster: 'main' });
    await addRunning(target);
    await prepare(runOf(target));
    expect(around.clickhouse.askedFor(/CREATING_BACKUP/)[0]?.query).toContain(
      "FROM clusterAllReplicas('main', system.backups)",
    );
  });
});

describe('preparing a backup of a cluster', () => {
  const started = async (target: string) =>
    readEvidence(around.bucket, target, idOf(await prepare(runOf(target))), 'started');

  it('notes which shards it must have', async () => {
    const target = around.addTarget({ cluster: 'main' });
    const [first, second] = [
      { shard: 1, replica: 1, host: 'a', port: 9000 },
      { shard: 2, replica: 1, host: 'b', port: 9000 },
    ];
    serveShop(around.clickhouse).on(/FROM system\.clusters/, ({ parameters }) =>
      parameters['cluster'] === 'main' ? [second, first] : [],
    );
    expect((await started(target))?.shards).toEqual([1, 2]);
  });

  it.each([
    ['names no shards of it', []],
    [
      'does not let its user see them',
      { code: 497, name: 'ACCESS_DENIED', text: 'safehouse: Not enough privileges' },
    ],
  ])('goes on without them where the server %s', async (_, answer) => {
    const target = around.addTarget({ cluster: '{cluster}' });
    serveShop(around.clickhouse).on(/FROM system\.clusters/, answer);
    expect(await started(target)).not.toHaveProperty('shards');
  });

  it('does not take a server that fails for one that does not know', async () => {
    const target = around.addTarget({ cluster: 'main' });
    serveShop(around.clickhouse).on(/FROM system\.clusters/, 'connection reset');
    await failureOf('TemporarilyUnavailable', prepare(runOf(target)));
  });

  it('asks nothing of the kind of a single server', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    expect(await started(target)).not.toHaveProperty('shards');
    expect(around.clickhouse.askedFor(/system\.clusters/)).toEqual([]);
  });
});

describe('preparing an incremental backup', () => {
  const incremental = { kind: 'incremental', slot: 'incremental/20260402T020000Z' };

  it('stands on the newest good full backup, and pins it until it must be over', async () => {
    const target = around.addTarget({ maxHours: 4 });
    serveShop(around.clickhouse);
    await addBase(target);
    await write(around.bucket, target, '20260402T010000Z-full-late', 'started');
    const prepared = await prepare(runOf(target, incremental));
    const id = idOf(prepared);
    expect(prepared).toEqual({
      outcome: 'go',
      reason: null,
      backup: { id, kind: 'incremental', base: BASE, joined: false },
    });
    expect(parseBackupId(id)).toMatchObject({ kind: 'incremental' });
    const [pin] = await readPins(around.bucket, target);
    expect(pin).toMatchObject({ id: BASE, holder: id });
    const hours = ((pin?.lapsesAt ?? 0) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(4.99);
    expect(hours).toBeLessThanOrEqual(5);
  });

  it('pins the base before it opens its page, so that no moment is left in which the base could go', async () => {
    const target = around.addTarget();
    await addBase(target);
    serveShop(around.clickhouse).on(/SELECT version\(\)/, 'connection reset');
    await failureOf('TemporarilyUnavailable', prepare(runOf(target, incremental)));
    expect(await readPins(around.bucket, target)).toMatchObject([{ id: BASE }]);
  });

  it('becomes a full one where there is none to stand on, and says why', async () => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    const prepared = await prepare(runOf(target, incremental));
    expect(prepared).toMatchObject({
      reason: 'there is no good full backup to stand on',
      backup: { kind: 'full', base: null },
    });
    expect(await readEvidence(around.bucket, target, idOf(prepared), 'started')).toMatchObject({
      kind: 'full',
      reason: 'there is no good full backup to stand on',
    });
  });

  it.each(['failed', 'expiring', 'removing', 'removed'] as const)(
    'does not stand on a full one that is %s',
    async (state) => {
      const target = around.addTarget();
      serveShop(around.clickhouse);
      await addBase(target);
      await write(around.bucket, target, BASE, state);
      expect((await prepare(runOf(target, incremental))).backup).toMatchObject({ kind: 'full', base: null });
    },
  );

  it.each(['VerificationFailed', 'ProofRefuted'])(
    'becomes a full one where an incremental on the base ended with %s',
    async (error) => {
      const target = around.addTarget();
      serveShop(around.clickhouse);
      await addBase(target);
      await write(around.bucket, target, DAMAGED, 'started', { kind: 'incremental', base: BASE });
      await write(around.bucket, target, DAMAGED, 'failed', { error });
      const prepared = await prepare(runOf(target, incremental));
      expect(prepared.backup).toMatchObject({ kind: 'full', base: null });
      expect(prepared.reason).toBe(`the incremental ${DAMAGED} on the newest full backup ${BASE} is damaged`);
    },
  );

  it.each([
    ['S3_ERROR', BASE],
    ['VerificationFailed', '20260331T020000Z-full-olde'],
  ])('stands on its base all the same where an incremental ended with %s on %s', async (error, base) => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    await addBase(target);
    await write(around.bucket, target, DAMAGED, 'started', { kind: 'incremental', base });
    await write(around.bucket, target, DAMAGED, 'failed', { error });
    expect((await prepare(runOf(target, incremental))).backup).toMatchObject({ base: BASE });
  });

  it.each([
    [
      'an object is missing',
      (prefix: string) => around.remove(`${prefix}data/a`),
      'it has 1 objects of 2 bytes, and 2 of 6',
    ],
    [
      'an object is too many',
      (prefix: string) => putOnce(around.bucket, `${prefix}data/b`, 1),
      'it has 3 objects of 8 bytes, and 2 of 6',
    ],
    [
      'an object has another size',
      async (prefix: string) => {
        await around.remove(`${prefix}data/a`);
        await putOnce(around.bucket, `${prefix}data/a`, 100_000);
      },
      'it has 2 objects of 9 bytes, and 2 of 6',
    ],
  ])('becomes a full one where the base is damaged: %s', async (_, damage, reason) => {
    const target = around.addTarget();
    serveShop(around.clickhouse);
    await addBase(target);
    await damage(backupPrefix(target, BASE));
    const prepared = await prepare(runOf(target, incremental));
    expect(prepared.backup).toMatchObject({ kind: 'full', base: null });
    expect(prepared.reason).toBe(`the newest full backup ${BASE} is damaged: ${reason} were verified`);
  });
});

describe('preparing that is killed', () => {
  it('at any call to S3 comes to the same end when it is repeated: one decision, one page, one pin', async () => {
    for (let calls = 0; ; calls += 1) {
      const target = around.addTarget();
      serveShop(around.clickhouse);
      await addBase(target);
      const run = runOf(target, { kind: 'incremental', slot: 'incremental/20260402T020000Z' });
      const spy = dieAfter(calls);
      const first = await prepare(run).catch(() => undefined);
      spy.mockRestore();
      const second = await prepare(run);
      if (first !== undefined) expect(second).toEqual(first);
      const { entries } = await readLedger(around.bucket, target);
      expect(entries.map(({ id }) => id)).toEqual([BASE, idOf(second)]);
      expect(await readPins(around.bucket, target)).toMatchObject([{ id: BASE, holder: idOf(second) }]);
      if (first !== undefined) break;
      expect(calls).toBeLessThan(50);
    }
  });
});

/** Lets so many calls to S3 through, and then none. */
function dieAfter(calls: number) {
  let left = calls;
  const send = S3Client.prototype.send;
  return vi.spyOn(S3Client.prototype, 'send').mockImplementation(function (
    this: S3Client,
    ...call: unknown[]
  ) {
    if (left === 0) return Promise.reject(awsError('ServiceUnavailable', 503));
    left -= 1;
    return Reflect.apply(send, this, call);
  } as never);
}

describe('preparing against a server that is not fit for it', () => {
  it.each<[string, (target: string) => void, Readonly<Record<string, unknown>>, string]>([
    [
      'too old',
      () => around.clickhouse.on(/SELECT version\(\)/, [{ version: '24.3.1', server: 'A', host: 'a' }]),
      {},
      'UnsupportedVersion',
    ],
    ['without the database', () => undefined, { databases: ['stock'] }, 'UNKNOWN_DATABASE'],
    ['without the table', () => undefined, { tables: ['shop.odrers'] }, 'UNKNOWN_TABLE'],
    ['with nothing in scope', () => undefined, { engines: ['Kafka'] }, 'NothingInScope'],
  ])('%s stops before anything is written', async (_, change, overrides, error) => {
    const target = around.addTarget(overrides);
    serveShop(around.clickhouse);
    change(target);
    expect(await failureOf('Refused', prepare(runOf(target)))).toMatchObject({
      class: 'fix and stop',
      error,
    });
    expect((await readLedger(around.bucket, target)).entries).toEqual([]);
  });

  it('that refuses the password says so', async () => {
    const target = around.addTarget();
    around.clickhouse.on(/./, {
      code: 516,
      name: 'AUTHENTICATION_FAILED',
      text: 'default: Authentication failed',
    });
    await write(around.bucket, target, '20260402T010000Z-full-late', 'started');
    expect(await failureOf('Refused', prepare(runOf(target)))).toMatchObject({
      error: 'AUTHENTICATION_FAILED',
    });
  });
});
