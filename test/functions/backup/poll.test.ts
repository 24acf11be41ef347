import '../../support/function-environment.ts';
import { describe, expect, it } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { readEvidence } from '../../../clients/ledger.ts';
import { backupPrefix } from '../../../core/keys.ts';
import type { Poll } from '../../../core/workflow.ts';
import { handler } from '../../../functions/backup/poll.ts';
import { failureOf } from '../../support/failures.ts';
import { EXECUTION, ID, OTHER_EXECUTION, pollOf, preparedRunOf } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const LOOK = /LEFT JOIN/;
const KILL = /^KILL QUERY/;

const poll = (target: string, known: Poll, overrides = {}): Promise<Poll> =>
  carried(invoke(handler, { ...preparedRunOf(target, {}, overrides), poll: known }));

/** What the server has of the backup, over a running one. */
const rowOf = (overrides: Readonly<Record<string, unknown>> = {}) => ({
  server: 'A',
  uptime: 90_000,
  status: 'CREATING_BACKUP',
  error: '',
  files: 5,
  bytes: 500,
  alive: 1,
  startTime: '2026-04-02 02:00:01',
  endTime: '1970-01-01 00:00:00',
  ...overrides,
});
const answers = (overrides: Readonly<Record<string, unknown>> = {}) =>
  around.clickhouse.on(LOOK, [rowOf(overrides)]);

const written = (target: string) => readEvidence(around.bucket, target, ID, 'written');
const putManifest = (target: string) => putOnce(around.bucket, `${backupPrefix(target, ID)}.backup`, {});

describe('a poll of a backup that runs', () => {
  it('carries on what it saw', async () => {
    const target = around.addTarget();
    answers();
    const known = pollOf(600, { polls: 7 });
    const now = Date.now();
    const seen = await poll(target, known);
    expect(seen).toEqual({
      outcome: 'running',
      submittedAt: known.submittedAt,
      waitSeconds: 60,
      server: 'A',
      progress: { files: 5, bytes: 500 },
      movedAt: expect.any(String),
      silentSince: null,
      polls: 8,
      failure: null,
    });
    expect(Date.parse(seen.movedAt)).toBeGreaterThanOrEqual(now);
    expect(await written(target)).toBeUndefined();
    expect(around.clickhouse.askedFor(LOOK)[0]?.parameters).toEqual({ id: ID });
  });

  it('that began a moment ago looks again by itself until it has ended', async () => {
    const target = around.addTarget();
    around.clickhouse.on(LOOK, () => [
      rowOf(around.clickhouse.askedFor(LOOK).length < 3 ? {} : { status: 'BACKUP_CREATED', alive: 0 }),
    ]);
    expect(await poll(target, pollOf(1))).toMatchObject({ outcome: 'finished', polls: 1 });
    expect(around.clickhouse.askedFor(LOOK)).toHaveLength(3);
  });

  it('that began a moment ago goes back to the state machine after five seconds', {
    timeout: 20_000,
  }, async () => {
    const target = around.addTarget();
    answers();
    const before = performance.now();
    expect(await poll(target, pollOf(1))).toMatchObject({ outcome: 'running', waitSeconds: 1 });
    expect(performance.now() - before).toBeGreaterThan(4900);
    const looks = around.clickhouse.askedFor(LOOK).length;
    expect(looks).toBeGreaterThan(3);
    expect(looks).toBeLessThanOrEqual(11);
  });

  it('of a server that answers slowly looks less often', { timeout: 20_000 }, async () => {
    const target = around.addTarget();
    around.clickhouse.on(LOOK, () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
      return [rowOf()];
    });
    expect(await poll(target, pollOf(1))).toMatchObject({ outcome: 'running' });
    expect(around.clickhouse.askedFor(LOOK).length).toBeLessThan(4);
  });

  it('that began a while ago looks once', async () => {
    const target = around.addTarget();
    answers();
    expect(await poll(target, pollOf(20))).toMatchObject({ outcome: 'running', waitSeconds: 2 });
    expect(around.clickhouse.askedFor(LOOK)).toHaveLength(1);
  });

  it('waits through a silence, and remembers since when', async () => {
    const target = around.addTarget();
    around.clickhouse.on(LOOK, 'connection reset');
    const silent = await poll(target, pollOf(60, { server: 'A' }));
    expect(silent).toMatchObject({ outcome: 'running', server: 'A', failure: null });
    expect(Date.now() - Date.parse(silent.silentSince ?? '')).toBeLessThan(5000);
    answers();
    expect((await poll(target, silent)).silentSince).toBeNull();
  });

  it('takes a server that refuses for what it is, and not for silence', async () => {
    const target = around.addTarget();
    around.clickhouse.on(LOOK, {
      code: 516,
      name: 'AUTHENTICATION_FAILED',
      text: 'backup: Authentication failed',
    });
    const failure = await failureOf('Refused', poll(target, pollOf(60)));
    expect(failure).toMatchObject({ class: 'fix and stop', error: 'AUTHENTICATION_FAILED' });
  });
});

describe('a poll of a backup that has finished', () => {
  it('writes it down, once, as the server has it', async () => {
    const target = around.addTarget({ settings: { s3_storage_class: 'STANDARD_IA' } });
    answers({ status: 'BACKUP_CREATED', alive: 0, endTime: '2026-04-02 02:10:00' });
    expect(await poll(target, pollOf(60))).toMatchObject({ outcome: 'finished', failure: null });
    const evidence = await written(target);
    expect(evidence).toMatchObject({
      by: EXECUTION,
      seenIn: 'system.backups',
      startTime: '2026-04-02 02:00:01',
      endTime: '2026-04-02 02:10:00',
      files: 5,
      bytes: 500,
      settings: { s3_storage_class: 'STANDARD_IA', max_execution_time: 0 },
    });
    answers({ status: 'BACKUP_CREATED', files: 6 });
    expect(await poll(target, pollOf(60), { execution: OTHER_EXECUTION })).toMatchObject({
      outcome: 'finished',
    });
    expect(await written(target)).toEqual(evidence);
  });
});

describe('a poll of a backup that has failed', () => {
  it('says why, in ClickHouse words, with the remedy and without the stack trace', async () => {
    const target = around.addTarget({ user: 'backup' });
    answers({
      status: 'BACKUP_FAILED',
      error:
        "Code: 497. DB::Exception: backup: Not enough privileges. To execute this query, it's necessary to have the grant BACKUP ON shop.*. (ACCESS_DENIED), Stack trace (when copying this message, always include the lines below):\n\n0. abc",
    });
    const { outcome, failure } = await poll(target, pollOf(60));
    expect(outcome).toBe('failed');
    expect(failure).toMatchObject({ class: 'fix and stop', error: 'ACCESS_DENIED' });
    expect(failure?.remedy).toContain('GRANT BACKUP ON shop.*');
    expect(JSON.stringify(failure)).not.toContain('Stack trace');
    expect(await written(target)).toBeUndefined();
  });

  it('tries anew what may pass: its id is used up', async () => {
    const target = around.addTarget();
    answers({
      status: 'BACKUP_FAILED',
      error:
        'Code: 587. DB::Exception: Concurrent backups are not allowed. (CONCURRENT_ACCESS_NOT_SUPPORTED)',
    });
    expect((await poll(target, pollOf(60))).failure).toMatchObject({
      class: 'new attempt',
      error: 'CONCURRENT_ACCESS_NOT_SUPPORTED',
    });
  });

  it('says so even when ClickHouse gives no reason', async () => {
    const target = around.addTarget();
    answers({ status: 'BACKUP_FAILED', error: '' });
    expect((await poll(target, pollOf(60))).failure).toMatchObject({
      class: 'new attempt',
      error: 'BACKUP_FAILED',
      what: `ClickHouse says that the backup ${ID} failed: without a reason.`,
    });
  });

  it('names a status that nobody knows', async () => {
    const target = around.addTarget();
    answers({ status: 'PAUSED' });
    const { outcome, failure } = await poll(target, pollOf(60));
    expect(outcome).toBe('failed');
    expect(failure?.what).toContain('system.backups says PAUSED');
  });

  it('that somebody cancelled stops, and is not made again against their will', async () => {
    const target = around.addTarget();
    answers({
      status: 'BACKUP_CANCELLED',
      error: 'Code: 394. DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED)',
    });
    const { outcome, failure } = await poll(target, pollOf(60));
    expect(outcome).toBe('cancelled');
    expect(failure).toMatchObject({ class: 'fix and stop', error: 'QUERY_WAS_CANCELLED' });
  });
});

describe('a poll of a backup that is lost', () => {
  const restarted = { uptime: 10, status: '' };

  it.each<[string, () => unknown, Poll, string]>([
    [
      'by a restart',
      () => answers(restarted),
      pollOf(600, { server: 'A' }),
      'the server was restarted 10 s ago',
    ],
    ['before it was seen', () => answers({ status: '' }), pollOf(600), 'no server knows it'],
    [
      'in silence',
      () => around.clickhouse.on(LOOK, 'connection reset'),
      pollOf(7200, { server: 'A', silentSince: new Date(Date.now() - 3600_000).toISOString() }),
      'ClickHouse has not answered for 60 minutes (127.0.0.1:',
    ],
  ])('%s asks the bucket, and finding no manifest says so', async (_, answer, known, because) => {
    const target = around.addTarget();
    answer();
    const { outcome, failure } = await poll(target, known);
    expect(outcome).toBe('lost');
    expect(failure).toMatchObject({ class: 'new attempt', error: 'BackupLost' });
    expect(failure?.what).toContain(because);
    expect(await written(target)).toBeUndefined();
  });

  it('but whose manifest is in the bucket has finished: it is written last', async () => {
    const target = around.addTarget();
    answers(restarted);
    await putManifest(target);
    expect(await poll(target, pollOf(600, { server: 'A' }))).toMatchObject({
      outcome: 'finished',
      failure: null,
    });
    expect(await written(target)).toMatchObject({
      seenIn: 'bucket',
      startTime: null,
      endTime: null,
      files: 0,
    });
  });

  it('by another replica is not lost', async () => {
    const target = around.addTarget();
    answers({ server: 'B', status: '' });
    expect(await poll(target, pollOf(600, { server: 'A' }))).toMatchObject({
      outcome: 'running',
      server: 'A',
    });
  });
});

describe('a poll of a backup that stands still', () => {
  const still = { alive: 0, files: 0, bytes: 0 };

  it('cancels it and gives it up', async () => {
    const target = around.addTarget();
    answers(still);
    around.clickhouse.on(KILL, []);
    const { outcome, failure } = await poll(target, pollOf(400));
    expect(outcome).toBe('stalled');
    expect(failure).toMatchObject({ class: 'new attempt', error: 'BackupStalled' });
    expect(around.clickhouse.askedFor(KILL)).toMatchObject([
      {
        query:
          'KILL QUERY WHERE query_id IN (SELECT query_id FROM system.backups WHERE id = {id:String}) ASYNC',
        parameters: { id: ID },
      },
    ]);
  });

  it('does neither when its manifest is in the bucket', async () => {
    const target = around.addTarget();
    answers(still);
    await putManifest(target);
    expect(await poll(target, pollOf(400))).toMatchObject({ outcome: 'finished' });
    expect(await written(target)).toMatchObject({ seenIn: 'bucket' });
  });
});

describe('a poll of a backup that takes too long', () => {
  it('cancels it, on the cluster where one is named', async () => {
    const target = around.addTarget({ maxHours: 1, cluster: 'ma`in' });
    answers();
    around.clickhouse.on(KILL, []);
    const { outcome, failure } = await poll(target, pollOf(3700));
    expect(outcome).toBe('over time');
    expect(failure).toMatchObject({
      class: 'fix and stop',
      error: 'BackupOverTime',
      what: `The backup ${ID} was given up: it ran for more than 1 hours.`,
    });
    expect(around.clickhouse.askedFor(KILL)[0]?.query).toMatch(
      /^KILL QUERY ON CLUSTER `ma\\`in` WHERE query_id IN \(SELECT query_id FROM clusterAllReplicas\('ma`in', system\.backups\)/,
    );
  });

  it('gives it up even when it cannot be cancelled', async () => {
    const target = around.addTarget({ maxHours: 1 });
    answers();
    around.clickhouse.on(KILL, { code: 497, name: 'ACCESS_DENIED', text: 'Not enough privileges' });
    expect(await poll(target, pollOf(3700))).toMatchObject({ outcome: 'over time' });
  });
});
