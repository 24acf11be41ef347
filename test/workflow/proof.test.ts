/** The proof of a backup, as a part of its workflow and by itself: the deployed functions, each with an engine of its own. */
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
import { type OpenedHouse, openTestHouse, way } from './opened-house.ts';
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
  expect(await backUp(kind)).toMatchObject({ status: 'succeeded', cause: null });
  return newest();
}

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
  await opened.sql("INSERT INTO shop.orders SELECT number + 3000, 'new' FROM numbers(30)");
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
  const before = await evidenceOf(await goodBackup());
  let killed = 0;
  opened.interposed.around = async ({ name }, invoke) => {
    if (!name.includes('ProveItem') || killed > 0) return invoke();
    killed += 1;
    const [result] = await Promise.allSettled([invoke(), killProvers()]);
    expect(result).toMatchObject({ status: 'rejected', reason: { name: 'Lambda.Unknown' } });
    return Promise.reject(result.status === 'rejected' ? result.reason : new Error('it answered'));
  };
  const history = await opened.run('prove', { target: TARGET, backup: await newest() });

  expect(killed).toBe(1);
  expect(history).toMatchObject({ status: 'succeeded' });
  const [again] = await provenAgain(await newest());
  expect(substance(again as Evidence<'proven'>)).toEqual(substance(before));
});

test('a proof that is stopped halfway and redriven reads only what was not read', async () => {
  const id = await goodBackup();
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
  const [again] = await provenAgain(id);
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

test('a backup that is damaged before it is proven fails, once and for all, and is told once', async () => {
  const known = (await opened.ledger(TARGET)).length;
  let damaged = '';
  opened.interposed.around = async ({ name, input }, invoke) => {
    if (name.includes('ProvePlan') && damaged === '')
      damaged = await turnBit((input as { input: { backup: string } }).input.backup, 'note.bin');
    return invoke();
  };
  const history = await backUp();

  expect(history).toMatchObject({ status: 'failed', error: 'ProofRefuted' });
  expect(await opened.ledger(TARGET)).toHaveLength(known + 1);
  const id = await newest();
  expect(await readEvidence(opened.bucket, TARGET, id, 'proven')).toBeUndefined();
  const [, , , part = ''] = damaged.split('/');
  const failed = await failureOf(id);
  expect(failed).toMatchObject({ step: 'prove', final: true, what: expect.stringContaining(part) });
  const [message, ...more] = heard();
  expect(more).toEqual([]);
  expect(message?.text).toContain(`The part ${part} of shop.orders is damaged`);
  expect(message?.text).toContain('note.bin');
  expect(message?.text).toMatch(/Last good: +\d{8}T/);
});

test('damage in the base is found through the incremental, which is the one that fails', async () => {
  const base = await goodBackup();
  const incremental = await goodBackup('incremental');
  await turnBit(base, 'id.bin');
  const history = await opened.run('prove', { target: TARGET, backup: incremental });

  expect(history).toMatchObject({ status: 'failed', error: 'ProofRefuted' });
  expect((await failureOf(incremental))?.what).toMatch(/id\.bin/);
  expect(await failureOf(base)).toBeUndefined();
  expect(heard()).toHaveLength(1);
});

test('a base that is refuted takes its incrementals with it, and the next backup is a full one', async () => {
  const base = await goodBackup();
  const incremental = await goodBackup('incremental');
  await turnBit(base, 'checksums.txt');
  const history = await opened.run('prove', { target: TARGET, backup: base, occasion: 'again' });

  expect(history).toMatchObject({ status: 'failed', error: 'ProofRefuted' });
  expect(await failureOf(base)).toMatchObject({ error: 'ProofRefuted' });
  expect(await failureOf(incremental)).toMatchObject({ error: 'BaseRefuted' });
  expect(heard()).toHaveLength(1);
  const next = await goodBackup('incremental');
  const started = await requireEvidence(opened.bucket, TARGET, next, 'started');
  expect(started).toMatchObject({ kind: 'full', base: null, reason: expect.any(String) });
});

test('the walk starts a proof of each backup that was never proven, and of none twice', async () => {
  const { house, bucket, ledger, interposed } = opened;
  await goodBackup();
  const good = (await ledger(TARGET)).filter(({ states }) => isGood(states)).map(({ id }) => id);
  const unread = good.slice(-2);
  for (const id of unread) await deleteObject(bucket, ledgerKey(TARGET, id, 'proven'));
  const planned: string[] = [];
  interposed.around = ({ name, input }, invoke) => {
    if (name.includes('ProvePlan')) planned.push((input as { input: { backup: string } }).input.backup);
    return invoke();
  };
  const walk = await walkFunction();
  await Promise.all([house.deliver(walk, {}), house.deliver(walk, {})]);
  await house.settled();

  expect(planned.sort()).toEqual([...unread].sort());
  for (const id of unread)
    expect(await evidenceOf(id)).toMatchObject({ by: `${TARGET}-${id}-${today()}`, level: 'bytes' });
  await house.deliver(walk, {});
  await house.settled();
  expect(planned).toHaveLength(unread.length);
  expect(heard()).toEqual([]);
});

test('a walk whose proof of today was begun does not begin it again, however it ended', async () => {
  const { house, bucket, interposed } = opened;
  const id = await newest();
  await deleteObject(bucket, ledgerKey(TARGET, id, 'proven'));
  const planned: string[] = [];
  interposed.around = ({ name }, invoke) => {
    if (name.includes('ProvePlan')) planned.push(name);
    return invoke();
  };
  await house.deliver(await walkFunction(), {});
  await house.settled();

  expect(planned).toEqual([]);
});

async function walkFunction(): Promise<string> {
  const { functions } = await opened.house.stack();
  return functions.find(({ environment }) => ENVIRONMENT.proveMachine in environment)?.arn ?? '';
}

const today = (): string => new Date().toISOString().slice(0, 10).replaceAll('-', '');

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
