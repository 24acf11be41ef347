import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireEvidence } from '../../clients/ledger.ts';
import { NAMESPACE } from '../../core/metrics.ts';
import { type OpenedHouse, openTestHouse, way } from './opened-house.ts';

let opened: OpenedHouse;

beforeAll(async () => {
  opened = await openTestHouse();
  for (const statement of [
    'CREATE DATABASE shop',
    'CREATE TABLE shop.orders (id UInt64, at DateTime) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY id',
    "INSERT INTO shop.orders SELECT number, toDateTime('2026-01-01 00:00:00') + number * 3600 FROM numbers(2000)",
    "CREATE TABLE shop.incoming AS shop.orders ENGINE = Buffer('shop', 'orders', 1, 3600, 3600, 1000000, 1000000, 1e9, 1e9)",
    'INSERT INTO shop.incoming VALUES (1000000, now())',
    'CREATE DATABASE `odd \\`name\\` "here"`',
    'CREATE TABLE `odd \\`name\\` "here"`.`it\'s` (a String) ENGINE = MergeTree ORDER BY a',
    "INSERT INTO `odd \\`name\\` \"here\"`.`it's` VALUES ('x')",
  ])
    await opened.sql(statement);
});

afterAll(() => opened.close());

test('a full backup goes its whole way to proven, and retention follows', async () => {
  const { run, house, bucket, ledger } = opened;
  const history = await run('backup', { target: 'odd' });
  await house.settled();

  expect(history).toMatchObject({ status: 'succeeded', error: null, cause: null });
  expect(new Set(way(history))).toEqual(
    new Set([
      'Begin',
      'IsThereWork',
      'HasCondition',
      'Prepare',
      'IsThereSomethingToSubmit',
      'Submit',
      'WaitForClickHouse',
      'Poll',
      'IsItFinished',
      'Verify',
      'PlanProof',
      'IsProofWanted',
      'ProveItems',
      'JudgeProof',
      'StartRetention',
      'BackedUp',
    ]),
  );
  const [backup, ...others] = await ledger('odd');
  expect(others).toEqual([]);
  expect(Object.keys(backup?.states ?? {}).sort()).toEqual(['proven', 'started', 'verified', 'written']);
  const verified = await requireEvidence(bucket, 'odd', backup?.id ?? '', 'verified');
  expect(verified.by).toBe(history.id);
  const held = (await opened.keys(`backups/odd/${backup?.id}/`)).length;
  expect(verified.objects).toBe(held);
  expect(held).toBeGreaterThan(10);
  expect(house.messages()).toEqual([]);
});

test('what the Buffer table holds is not in the backup, and the ledger says so', async () => {
  const [backup] = await opened.ledger('odd');
  const { tables } = await requireEvidence(opened.bucket, 'odd', backup?.id ?? '', 'verified');

  expect(tables.map(({ database, name, coverage }) => ({ database, name, coverage }))).toEqual(
    expect.arrayContaining([
      { database: 'shop', name: 'orders', coverage: 'data' },
      { database: 'shop', name: 'incoming', coverage: 'schema only' },
      { database: 'odd `name` "here"', name: "it's", coverage: 'data' },
    ]),
  );
});

test('a table is read whatever it is called', async () => {
  const [backup] = await opened.ledger('odd');
  const { tables } = await requireEvidence(opened.bucket, 'odd', backup?.id ?? '', 'proven');

  expect(tables.map(({ database, name, reading, rows }) => ({ database, name, reading, rows }))).toEqual(
    expect.arrayContaining([
      { database: 'shop', name: 'incoming', reading: 'definition', rows: null },
      { database: 'odd `name` "here"', name: "it's", reading: 'checked', rows: 1 },
    ]),
  );
});

test('an incremental backup stands on the full one and stores only what is new', async () => {
  const { run, bucket, ledger, sql } = opened;
  await sql(
    "INSERT INTO shop.orders SELECT number + 5000, toDateTime('2026-06-01 00:00:00') FROM numbers(10)",
  );
  const history = await run('backup', { target: 'odd', kind: 'incremental' });

  expect(history.status).toBe('succeeded');
  const [full, incremental] = await ledger('odd');
  const evidence = (id = '') =>
    Promise.all([
      requireEvidence(bucket, 'odd', id, 'started'),
      requireEvidence(bucket, 'odd', id, 'verified'),
    ]);
  const [started, verified] = await evidence(incremental?.id);
  const [, verifiedFull] = await evidence(full?.id);
  expect(started).toMatchObject({ kind: 'incremental', base: full?.id, reason: null });
  expect(verified.objects).toBeLessThan(verifiedFull.objects);
  expect(verified.logicalBytes).toBeGreaterThan(verifiedFull.logicalBytes);
});

test('the plain RESTORE statement of the ledger brings the data back', async () => {
  const { bucket, ledger, sql } = opened;
  const [, incremental] = await ledger('odd');
  const { restore } = await requireEvidence(bucket, 'odd', incremental?.id ?? '', 'verified');
  const before = await sql('SELECT count(), sum(id) FROM shop.orders');
  await sql('DROP DATABASE shop SYNC');
  await sql('DROP DATABASE `odd \\`name\\` "here"` SYNC');

  expect(await sql(restore)).toContain('RESTORED');
  expect(await sql('SELECT count(), sum(id) FROM shop.orders')).toBe(before);
});

test('every metric of ours that an alarm reads was published, with the same dimensions', async () => {
  const { house } = opened;
  const stack = await house.stack();
  const calls = stack.schedules.filter(
    ({ targetArn, input }) => targetArn.includes(':function:') || isExamination(JSON.parse(input), 'odd'),
  );
  for (const { targetArn, input } of calls) await house.deliver(targetArn, JSON.parse(input));
  await house.settled();

  const published = new Set(
    (await house.metrics()).map((metric) => seriesOf(metric.name, metric.dimensions)),
  );
  const read = stack.alarms
    .flatMap(({ metrics }) => metrics)
    .filter(({ namespace }) => namespace === NAMESPACE);
  const ofTargets = read.filter(({ dimensions }) => dimensions['Target'] !== undefined);
  expect(ofTargets.length).toBeGreaterThan(0);
  for (const { name, dimensions } of ofTargets.filter((metric) => metric.dimensions['Target'] === 'odd'))
    expect(published).toContain(seriesOf(name, dimensions));
});

const isExamination = (input: { target?: string; scheduled?: boolean }, target: string): boolean =>
  input.target === target && input.scheduled === true;

const seriesOf = (name: string, dimensions: Readonly<Record<string, string>>): string =>
  `${name} ${JSON.stringify(Object.entries(dimensions).sort())}`;
