import '../../support/function-environment.ts';
import { describe, expect, it } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { attemptKey, backupPrefix } from '../../../core/keys.ts';
import { handler } from '../../../functions/backup/submit.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { ID, INCREMENTAL, OTHER_EXECUTION, preparedRunOf, SLOT } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const submit = (run: object) => carried(invoke(handler, run));
const sent = () => around.clickhouse.askedFor(/^BACKUP/);

const KEYS = {
  s3: { access: 'keys', accessKeyId: { ssm: '/key/id' }, secretAccessKey: { ssm: '/key/secret' } },
};

/** A target whose backup has its page, on a server that takes what it is told. */
async function addStarted(overrides: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const target = around.addTarget(overrides);
  await write(around.bucket, target, ID, 'started', {
    databases: ['shop', "it's"],
    tables: [{ database: 'shop', name: 'orders', engine: 'MergeTree', coverage: 'data' }],
  });
  around.clickhouse
    .on(/FROM system\.backups|clusterAllReplicas/, [])
    .on(/^BACKUP/, [{ id: ID, status: 'CREATING_BACKUP' }]);
  return target;
}

describe('a submit', () => {
  it('tells ClickHouse to begin, with the id of the backup, and does not wait for it', async () => {
    const target = await addStarted();
    const before = Date.now();
    const poll = await submit(preparedRunOf(target));
    expect(poll).toEqual({
      outcome: 'running',
      submittedAt: expect.any(String),
      waitSeconds: 1,
      server: null,
      progress: { files: 0, bytes: 0 },
      movedAt: poll.submittedAt,
      silentSince: null,
      polls: 0,
      failure: null,
    });
    expect(Date.parse(poll.submittedAt)).toBeGreaterThanOrEqual(before);
    const [statement, ...more] = sent();
    expect(more).toEqual([]);
    expect(statement?.query).toMatch(/^BACKUP DATABASE `shop`, DATABASE `it's` TO S3\(/);
    expect(statement?.query).toMatch(/SETTINGS [\s\S]*\bid ?= ?'20260402T020001Z-full-k3f9'/);
    expect(statement?.query).toMatch(/backup_restore_s3_retry_attempts ?= ?20/);
    expect(statement?.query).toMatch(/max_execution_time ?= ?0/);
    expect(statement?.query).toMatch(/ASYNC\s+FORMAT JSONEachRow$/);
    expect(`${statement?.query} ${JSON.stringify(statement?.parameters)}`).toContain(
      `/backups/${target}/${ID}`,
    );
    expect(statement?.settings['max_query_size']).toBe('67108864');
  });

  it('asks for what the attempt before made necessary, unless the target says otherwise', async () => {
    const target = await addStarted({ settings: { s3_min_upload_part_size: 33_554_432 } });
    const settings = { s3_max_inflight_parts_for_one_file: 1, s3_min_upload_part_size: 5_242_880 };
    await submit(preparedRunOf(target, { settings }, { attempt: 2 }));
    expect(sent()[0]?.query).toMatch(/s3_max_inflight_parts_for_one_file ?= ?1\b/);
    expect(sent()[0]?.query).toMatch(/s3_min_upload_part_size ?= ?33554432\b/);
    expect(sent()[0]?.query).not.toContain('5242880');
  });

  it('of an incremental names its base', async () => {
    const target = await addStarted();
    await write(around.bucket, target, INCREMENTAL, 'started', { kind: 'incremental', base: ID });
    await submit(preparedRunOf(target, { id: INCREMENTAL, kind: 'incremental', base: ID }));
    const [statement] = sent();
    expect(statement?.query).toContain('base_backup');
    const said = `${statement?.query} ${JSON.stringify(statement?.parameters)}`;
    expect(said).toContain(`/backups/${target}/${INCREMENTAL}`);
    expect(said).toContain(`/backups/${target}/${ID}`);
  });

  it('names the tables that were chosen when the backup began', async () => {
    const target = await addStarted({ engines: ['%MergeTree'] });
    await submit(preparedRunOf(target));
    expect(sent()[0]?.query).toMatch(/^BACKUP TABLE `shop`\.`orders` TO /);
  });

  it('runs on the cluster that is named', async () => {
    const target = await addStarted({ cluster: 'ma`in' });
    await submit(preparedRunOf(target));
    expect(sent()[0]?.query).toContain('ON CLUSTER `ma\\`in`');
  });

  it('keeps secrets out of the statement and out of the address', async () => {
    around.setParameter('/key/id', 'AKIAIOSFODNN7EXAMPLE');
    around.setParameter('/key/secret', 'hunter2-secret');
    const target = await addStarted(KEYS);
    await submit(preparedRunOf(target));
    const [statement] = sent();
    expect(Object.values(statement?.parameters ?? {})).toContain('hunter2-secret');
    for (const secret of ['AKIAIOSFODNN7EXAMPLE', 'hunter2-secret']) {
      expect(statement?.query).not.toContain(secret);
      expect(statement?.address).not.toContain(secret);
    }
  });
});

describe('a repeated submit', () => {
  it.each(['.lock', '.backup'])('sends nothing where %s shows that the backup was begun', async (object) => {
    const target = await addStarted();
    await putOnce(around.bucket, `${backupPrefix(target, ID)}${object}`, {});
    expect(await submit(preparedRunOf(target))).toMatchObject({ outcome: 'running' });
    expect(sent()).toEqual([]);
  });

  it('sends nothing where the server knows the backup', async () => {
    const target = await addStarted();
    around.clickhouse.on(/FROM system\.backups/, ({ parameters }) =>
      parameters['id'] === ID ? [{ '1': 1 }] : [],
    );
    await submit(preparedRunOf(target));
    expect(sent()).toEqual([]);
  });

  it('that ClickHouse recognises by its id has been done already', async () => {
    const target = await addStarted();
    around.clickhouse.on(/^BACKUP/, {
      code: 36,
      name: 'BAD_ARGUMENTS',
      text: `Cannot start backup with ID '${ID}' because there is another backup with the same ID`,
    });
    expect(await submit(preparedRunOf(target))).toMatchObject({ outcome: 'running', failure: null });
  });
});

describe('a submit of a second execution', () => {
  it('counts from now when the clock of the first is ahead', async () => {
    const target = await addStarted();
    await putOnce(around.bucket, attemptKey(target, SLOT, 1), {
      version: 1,
      id: ID,
      kind: 'full',
      base: null,
      reason: null,
      execution: OTHER_EXECUTION,
      at: new Date(Date.now() + 17 * 86_400_000).toISOString(),
    });
    const { submittedAt } = await submit(preparedRunOf(target, { joined: true }));
    expect(Date.parse(submittedAt)).toBeLessThanOrEqual(Date.now());
  });

  it('sends nothing, asks nothing, and counts from the decision of the first', async () => {
    const target = await addStarted();
    const at = '2026-04-02T02:00:01.000Z';
    await putOnce(around.bucket, attemptKey(target, SLOT, 1), {
      version: 1,
      id: ID,
      kind: 'full',
      base: null,
      reason: null,
      execution: OTHER_EXECUTION,
      at,
    });
    const poll = await submit(preparedRunOf(target, { joined: true }));
    expect(poll).toMatchObject({ outcome: 'running', submittedAt: at, movedAt: at });
    expect(around.clickhouse.asked).toEqual([]);
  });

  it('and of the first, after the second has given the attempt up, sends nothing either', async () => {
    const target = await addStarted();
    await write(around.bucket, target, ID, 'failed', {
      by: OTHER_EXECUTION,
      error: 'BackupLost',
      final: false,
    });
    const failure = await failureOf('Refused', submit(preparedRunOf(target)));
    expect(failure).toMatchObject({ class: 'new attempt', error: 'BackupLost' });
    expect(failure.what).toContain(`was given up by ${OTHER_EXECUTION}`);
    expect(around.clickhouse.asked).toEqual([]);
  });
});

describe('a submit that is refused', () => {
  it.each([
    [{ code: 62, name: 'SYNTAX_ERROR', text: 'Syntax error: failed at position 1' }, 'fix and stop'],
    [
      {
        code: 497,
        name: 'ACCESS_DENIED',
        text: 'default: Not enough privileges. To execute this query, it is necessary to have the grant BACKUP ON shop.*',
      },
      'fix and stop',
    ],
  ] as const)('says why: %j', async (answer, kind) => {
    const target = await addStarted();
    around.clickhouse.on(/^BACKUP/, answer);
    expect(await failureOf('Refused', submit(preparedRunOf(target)))).toMatchObject({
      class: kind,
      error: answer.name,
    });
  });

  it('by a connection that breaks may be made again: the next one sees what became of it', async () => {
    const target = await addStarted();
    around.clickhouse.on(/^BACKUP/, 'connection reset');
    await failureOf('TemporarilyUnavailable', submit(preparedRunOf(target)));
  });

  it('by a bucket that cannot be listed is not sent at all', async () => {
    const target = await addStarted();
    around.clickhouse.on(/FROM system\.backups/, 'connection reset');
    await failureOf('TemporarilyUnavailable', submit(preparedRunOf(target)));
    expect(sent()).toEqual([]);
  });

  it('without a page in the ledger is not sent', async () => {
    const target = around.addTarget();
    around.clickhouse.on(/FROM system\.backups/, []);
    await failureOf('IncompleteReading', submit(preparedRunOf(target)));
    expect(sent()).toEqual([]);
  });
});
