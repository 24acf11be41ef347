/** The proof of a backup, as a part of its workflow and by itself: the deployed functions, each with an engine of its own. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { deleteObject, getJson } from '../../clients/bucket.ts';
import { type Evidence, readEvidence, requireEvidence } from '../../clients/ledger.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { backupPrefix, ledgerKey, proofItemKey } from '../../core/keys.ts';
import { isGood } from '../../core/ledger.ts';
import { DAMAGES, proofResultSchema } from '../../core/proof.ts';
import type { History } from '../../local/execution.ts';
import type { LocalExecution } from '../../local/state-machines.ts';
import type { TopicMessage } from '../../local/topic.ts';
import { nextSecond, type OpenedHouse, openTestHouse, way } from './opened-house.ts';
import { killProvers } from './prover-processes.ts';

const TARGET = 'proven';

let opened: OpenedHouse;
let told = 0;

beforeAll(async () => {
  opened = await openTestHouse();
  for (const statement of [
    'CREATE DATABASE shop',
    `CREATE TABLE shop.orders (id UInt64, note String) ENGINE = MergeTree PARTITION BY id % 3 ORDER BY id
     SETTINGS min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0`,
    "INSERT INTO shop.orders SELECT number, 'order ' || number FROM numbers(3000)",
    'CREATE TABLE shop.log (line String) ENGINE = StripeLog',
    "INSERT INTO shop.log SELECT 'line ' || number FROM numbers(50)",
    'CREATE VIEW shop.newest AS SELECT max(id) FROM shop.orders',
  ])
    await opened.sql(statement);
});

afterAll(() => opened.close());

afterEach(async () => {
  opened.interposed.around = undefined;
  await opened.house.settled();
});

/** The messages since the last time. */
function heard(): TopicMessage[] {
  const messages = opened.house.messages().slice(told);
  told += messages.length;
  return messages;
}

const backUp = (kind = 'full'): Promise<History> => opened.run('backup', { target: TARGET, kind });
const newest = async (): Promise<string> => (await opened.ledger(TARGET)).at(-1)?.id ?? '';
const evidenceOf = (id: string) => requireEvidence(opened.bucket, TARGET, id, 'proven');
const failureOf = (id: string) => readEvidence(opened.bucket, TARGET, id, 'failed');

async function goodBackup(kind?: string): Promise<string> {
  await nextSecond();
  expect(await backUp(kind)).toMatchObject({ status: 'succeeded', cause: null });
  return newest();
}

/** A backup whose proof is left out: it costs a second, and is not what every test is about. */
async function verifiedBackup(kind?: string): Promise<string> {
  opened.interposed.around = ({ name, input }, invoke) =>
    name.includes('ProvePlan') ? Promise.resolve(notWanted(input)) : invoke();
  const id = await goodBackup(kind);
  opened.interposed.around = undefined;
  return id;
}

const notWanted = (input: unknown) => ({
  outcome: 'not wanted',
  ...(input as { input: object }).input,
  items: [],
});

/** Turns a bit in the middle of the first object whose key ends so, and gives its key in the backup. */
async function turnBit(id: string, end: string): Promise<string> {
  const { bucket, keys } = opened;
  const prefix = backupPrefix(TARGET, id);
  const Key = (await keys(`${prefix}data/`)).find((key) => key.endsWith(end));
  if (Key === undefined) throw new Error(`${id} stores nothing that ends in ${end}`);
  const place = { Bucket: bucket.name, Key };
  const { Body } = await bucket.client.send(new GetObjectCommand(place));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await bucket.client.send(new PutObjectCommand({ ...place, Body: bytes }));
  return Key.slice(prefix.length);
}

/** What a proof says of the backup, without when, by whom and how fast. */
const substance = ({ tables, bytesRead, items, level, manifestSha256 }: Evidence<'proven'>) => ({
  tables,
  bytesRead,
  items,
  level,
  manifestSha256,
});

test('a backup is proven on its way, and the ledger says what was read and how it was tested', async () => {
  const history = await backUp();
  const id = await newest();

  expect(history).toMatchObject({ status: 'succeeded', output: { judged: { verdict: 'proven' } } });
  expect(way(history).slice(-7)).toEqual([
    'Verify',
    'PlanProof',
    'IsProofWanted',
    'ProveItems',
    'JudgeProof',
    'StartRetention',
    'BackedUp',
  ]);
  const { tables, selfTest, level, by, bytesRead } = await evidenceOf(id);
  expect({ level, by }).toEqual({ level: 'bytes', by: history.id });
  expect(tables.map(({ name, reading, rows }) => ({ name, reading, rows }))).toEqual(
    expect.arrayContaining([
      { name: 'orders', reading: 'checked', rows: 3000 },
      { name: 'log', reading: 'hashed', rows: 50 },
      { name: 'newest', reading: 'definition', rows: null },
    ]),
  );
  expect(bytesRead).toBeGreaterThan(tables.reduce((sum, { bytes }) => sum + bytes, 0) / 2);
  expect(selfTest).toMatchObject({ good: true, damages: DAMAGES.map((damage) => ({ damage, seen: true })) });
  expect(heard()).toEqual([]);
});

test('an incremental is proven with what lies in its base', async () => {
  const [full] = await opened.ledger(TARGET);
  await opened.sql("INSERT INTO shop.orders SELECT number + 3000, 'new ' || number FROM numbers(30)");
  const id = await goodBackup('incremental');

  expect(await requireEvidence(opened.bucket, TARGET, id, 'started')).toMatchObject({ base: full?.id });
  const { tables } = await evidenceOf(id);
  expect(tables.find(({ name }) => name === 'orders')).toMatchObject({ rows: 3030, reading: 'checked' });
});

test('level none opens no engine and leaves the backup verified', async () => {
  const called: string[] = [];
  opened.interposed.around = ({ name }, invoke) => {
    called.push(name);
    return invoke();
  };
  const history = await opened.run('backup', { target: 'shop' });

  expect(history).toMatchObject({ status: 'succeeded', output: { proof: { outcome: 'not wanted' } } });
  expect(called.filter((name) => /Prove(?:Item|Judge)/.test(name))).toEqual([]);
  const [backup] = await opened.ledger('shop');
  expect(Object.keys(backup?.states ?? {}).sort()).toEqual(['started', 'verified', 'written']);
});

test('a prover that is killed in the middle of an item is tried again, and the verdict is the same', async () => {
  const id = await newest();
  const before = await evidenceOf(id);
  let killed = 0;
  opened.interposed.around = async ({ name }, invoke) => {
    if (!name.includes('ProveItem') || killed > 0) return invoke();
    killed += 1;
    const work = invoke();
    await killProvers(work);
    await expect(work).rejects.toMatchObject({ name: 'Lambda.Unknown' });
    return work;
  };
  const history = await opened.run('prove', { target: TARGET, backup: id });

  expect(killed).toBe(1);
  expect(history).toMatchObject({ status: 'succeeded', cause: null });
  const again = (await provenAgain(id)).at(-1);
  expect(substance(again as Evidence<'proven'>)).toEqual(substance(before));
});

test('a proof that is stopped halfway and redriven reads only what was not read', async () => {
  const id = await newest();
  const before = await evidenceOf(id);
  const started = Promise.withResolvers<LocalExecution>();
  opened.interposed.around = async ({ name, input }, invoke) => {
    const result = await invoke();
    // Both items are begun at once: the first has been read when the second hears that it is over.
    if (name.includes('ProveItem') && (input as { index: number }).index === 0)
      (await started.promise).abort();
    return result;
  };
  const execution = await opened.house.start('prove', { target: TARGET, backup: id });
  started.resolve(execution);
  expect(await execution.ended).toMatchObject({ status: 'aborted', state: 'ProveItems' });
  opened.interposed.around = undefined;
  const read = () => getJson(opened.bucket, proofItemKey(TARGET, id, execution.id, 0), proofResultSchema);
  const first = await read();
  expect(first).toBeDefined();

  const history = await (await opened.house.redrive(execution.id)).ended;

  expect(history).toMatchObject({ id: execution.id, status: 'succeeded' });
  expect(await read()).toEqual(first);
  expect(await timesRead(execution.id, 0)).toBe(1);
  const again = (await provenAgain(id)).at(-1);
  expect(substance(again as Evidence<'proven'>)).toEqual(substance(before));
  expect(heard()).toEqual([]);
});

test('a proof by hand may count only, and says so', async () => {
  const id = await newest();
  const known = (await provenAgain(id)).length;
  const { status } = await opened.run('prove', {
    target: TARGET,
    backup: id,
    level: 'counts',
    occasion: 'again',
  });

  expect(status).toBe('succeeded');
  const all = await provenAgain(id);
  expect(all).toHaveLength(known + 1);
  expect(all.at(-1)).toMatchObject({ level: 'counts', selfTest: { good: true } });
});

test('a proof of what is no backup fails, and a person is told which', async () => {
  const history = await opened.run('prove', { target: TARGET, backup: '20260101T000000Z-full-none' });

  expect(history).toMatchObject({ status: 'failed', state: 'GivenUp' });
  const [message, ...more] = heard();
  expect(more).toEqual([]);
  expect(message?.subject).toContain('The proof of 20260101T000000Z-full-none failed');
});

test('a backup that is damaged before it is proven fails and is told, and the next attempt is proven', async () => {
  const known = (await opened.ledger(TARGET)).length;
  let damaged = '';
  opened.interposed.around = async ({ name, input }, invoke) => {
    if (name.includes('ProvePlan') && damaged === '')
      damaged = await turnBit((input as { input: { backup: string } }).input.backup, 'note.bin');
    return invoke();
  };
  const history = await backUp('incremental');

  expect(history).toMatchObject({ status: 'succeeded' });
  const [refuted, proven, ...others] = (await opened.ledger(TARGET)).slice(known);
  expect(others).toEqual([]);
  const [, , , part = ''] = damaged.split('/');
  expect(refuted?.states.proven).toBeUndefined();
  expect(await failureOf(refuted?.id ?? '')).toMatchObject({
    step: 'prove',
    error: 'ProofRefuted',
    what: expect.stringContaining(part),
  });
  expect(proven).toMatchObject({ kind: 'full', states: { proven: expect.any(Number) } });
  const [message, ...more] = heard();
  expect(more).toEqual([]);
  for (const named of [/shop[./]orders/, new RegExp(part), /note\.bin/]) expect(message?.text).toMatch(named);
  expect(message?.text).toMatch(/Last good: +\d{8}T/);
});

test('damage in a base is found through an incremental, and takes all that stand on it with it', async () => {
  const base = await verifiedBackup('full');
  await opened.sql("INSERT INTO shop.orders SELECT number + 9000, 'newer ' || number FROM numbers(30)");
  const [first, second] = [await verifiedBackup('incremental'), await verifiedBackup('incremental')];
  await turnBit(base, 'id.bin');
  const history = await opened.run('prove', { target: TARGET, backup: first });

  expect(history).toMatchObject({ status: 'failed', error: 'ProofRefuted' });
  const failures = await Promise.all([base, first, second].map(failureOf));
  expect(failures.map((failed) => failed?.error)).toEqual(['ProofRefuted', 'ProofRefuted', 'BaseRefuted']);
  expect(failures[1]?.what).toMatch(/[Ii]n the base backup.*id\.bin/);
  expect(heard()).toHaveLength(1);
});

test('after a base that was refuted, the next backup is a full one', async () => {
  const id = await verifiedBackup('incremental');
  const started = await requireEvidence(opened.bucket, TARGET, id, 'started');

  expect(started).toMatchObject({ kind: 'full', base: null, reason: expect.any(String) });
});

test('the walk starts a proof of each backup that was never proven, and of none twice', async () => {
  const { house, bucket, ledger, interposed } = opened;
  await verifiedBackup('full');
  await verifiedBackup('incremental');
  const unread = (await ledger(TARGET))
    .filter(({ states }) => isGood(states) && states.proven === undefined)
    .map(({ id }) => id);
  expect(unread.length).toBeGreaterThan(1);
  const planned: string[] = [];
  interposed.around = ({ name, input }, invoke) => {
    if (name.includes('ProvePlan')) planned.push((input as { input: { backup: string } }).input.backup);
    return invoke();
  };
  const walk = await walkFunction();
  await Promise.all([house.deliver(walk, {}), house.deliver(walk, {})]);
  await house.settled();

  expect(planned.sort()).toEqual(unread);
  for (const id of unread) expect(await evidenceOf(id)).toMatchObject({ level: 'bytes' });
  await house.deliver(walk, {});
  await house.settled();
  expect(planned).toHaveLength(unread.length);
  // Not even where nothing came of it: what was begun today is begun again tomorrow.
  for (const id of unread) await deleteObject(bucket, ledgerKey(TARGET, id, 'proven'));
  await house.deliver(walk, {});
  await house.settled();
  expect(planned).toHaveLength(unread.length);
  expect(heard()).toEqual([]);
});

/** How often an item was read to its end, by the log of its function. */
async function timesRead(execution: string, index: number): Promise<number> {
  const directory = join(opened.house.home.logs, 'functions');
  const name = (await readdir(directory)).find((file) => file.includes('ProveItem')) ?? '';
  const lines = (await readFile(join(directory, name), 'utf8')).split('\n').filter(Boolean);
  return lines
    .map((line) => JSON.parse(line))
    .filter((line) => line.message === 'read' && line.execution === execution && line.index === index).length;
}

async function walkFunction(): Promise<string> {
  const { functions } = await opened.house.stack();
  return functions.find(({ environment }) => ENVIRONMENT.proveMachine in environment)?.arn ?? '';
}

/** The evidence of the proofs after the first, oldest first. */
async function provenAgain(id: string): Promise<unknown[]> {
  const keys = await opened.keys(`ledger/${TARGET}/${id}/proven@`);
  const found: unknown[] = [];
  for (const Key of [...keys].sort()) {
    const { Body } = await opened.bucket.client.send(
      new GetObjectCommand({ Bucket: opened.bucket.name, Key }),
    );
    found.push(JSON.parse((await Body?.transformToString()) ?? 'null'));
  }
  return found;
}
