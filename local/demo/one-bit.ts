/** One bit of one object changes: ClickHouse restores such a backup without a word, and the proof names the file. */
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { countText } from '../../cli/amounts.ts';
import { bad, good, strong } from '../../cli/screen.ts';
import { type Bucket, type BucketObject, getJson, listObjects } from '../../clients/bucket.ts';
import { readLedger, requireEvidence } from '../../clients/ledger.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';
import { backupPrefix, proofPrefix } from '../../core/keys.ts';
import { isGood } from '../../core/ledger.ts';
import { objectUrl } from '../../core/location.ts';
import { type ProofFinding, proofResultSchema } from '../../core/proof.ts';
import { makeHistory } from './history.ts';
import { ask, follow, type Tour, unexpectedEnd } from './run.ts';

const DATABASE = 'telemetry';
const TABLE = 'events';
/** Where the copy is restored to. */
const ASIDE = 'aside';

export async function turnOneBit(tour: Tour): Promise<void> {
  const { house, screen, bucket, target } = tour;
  screen.step('One bit');
  screen.show('copying a backup');
  const original = await newestProvenFull(tour);
  const copy = makeBackupId(Date.now(), 'full', 'onebit');
  await makeHistory(bucket, target, original, [copy], () => {});
  const damage = await damageLargest(bucket, `${backupPrefix(target, copy)}data/${DATABASE}/${TABLE}/`);
  screen.say(
    `A copy of the full backup, with a page of its own in the ledger. In the bucket, one bit of one of its objects changes: byte ${countText(damage.at)} of ${countText(damage.size)} was ${hex(damage.was)} and is ${hex(damage.is)}. Then ClickHouse restores the copy, and Safehouse proves it.`,
  );
  screen.show('RESTORE of the copy');
  const restored = await restoreAside(tour, copy);
  const expected = await rowsIn(tour, original);
  if (restored.rows !== expected)
    throw unexpectedEnd('RESTORE of the copy', `${restored.rows} rows came back`);
  screen.verdict(
    'ClickHouse',
    good(restored.status),
    `${countText(restored.rows)} of ${countText(expected)} rows`,
  );
  const told = house.messages().length;
  const { table, part, file } = await proveCopy(tour, copy);
  if (!damage.key.endsWith(`/${part}/${file}`)) throw unexpectedEnd('proof', `it named ${file} of ${part}`);
  screen.verdict('Safehouse', bad('DAMAGED'), strong(`${table}, part ${part}, ${file}`));
  screen.done('the copy counts as failed from now on, and somebody is told');
  for (const { subject, text } of house.messages().slice(told)) screen.quote(subject, text);
}

/** What the proof found: the first finding that names a file. */
async function proveCopy(tour: Tour, copy: string): Promise<ProofFinding> {
  const { house, bucket, target } = tour;
  const { id, error, cause } = await follow(tour, await house.start('prove', { target, backup: copy }));
  if (error !== 'ProofRefuted') throw unexpectedEnd('proof of the copy', cause ?? error);
  for await (const { key } of listObjects(bucket, proofPrefix(target, copy, id))) {
    const found = await getJson(bucket, key, proofResultSchema.pick({ findings: true }));
    const named = found?.findings.find(({ file }) => file !== null);
    if (named !== undefined) return named;
  }
  throw unexpectedEnd('proof of the copy', 'it names no file');
}

async function newestProvenFull({ bucket, target }: Tour): Promise<string> {
  const { entries } = await readLedger(bucket, target);
  const newest = entries.findLast(
    ({ kind, states }) => kind === 'full' && isGood(states) && states.proven !== undefined,
  );
  if (newest === undefined) throw unexpectedEnd('full backup', 'it is not proven');
  return newest.id;
}

interface Damage {
  /** As the backup has it: `data/telemetry/events/<part>/data.bin` */
  readonly key: string;
  readonly size: number;
  readonly at: number;
  readonly was: number;
  readonly is: number;
}

/** Turns the lowest bit of the byte in the middle of the largest object of the table. */
async function damageLargest({ name, client }: Bucket, prefix: string): Promise<Damage> {
  let largest: BucketObject | undefined;
  for await (const object of listObjects({ name, client }, prefix))
    if (object.key.endsWith('.bin') && object.size > (largest?.size ?? 0)) largest = object;
  const place = { Bucket: name, Key: largest?.key };
  const { Body } = await client.send(new GetObjectCommand(place));
  const bytes = await Body?.transformToByteArray();
  if (largest === undefined || bytes === undefined)
    throw unexpectedEnd('copy', `it has no data under ${prefix}`);
  const at = bytes.length >> 1;
  const was = bytes[at] ?? 0;
  bytes[at] = was ^ 1;
  await client.send(new PutObjectCommand({ ...place, Body: bytes }));
  return { key: largest.key.split('/').slice(3).join('/'), size: bytes.length, at, was, is: was ^ 1 };
}

/** Into a database beside the real ones, as a careful person would try a backup. */
async function restoreAside(
  { house, target }: Tour,
  copy: string,
): Promise<{ status: string; rows: number }> {
  const { endpoint, region, bucketName } = house.servers.s3;
  const url = objectUrl({ bucket: bucketName, region, endpoint }, backupPrefix(target, copy).slice(0, -1));
  const [from, to] = [DATABASE, ASIDE].map(
    (database) => `${quoteIdentifier(database)}.${quoteIdentifier(TABLE)}`,
  );
  await ask(house, `DROP DATABASE IF EXISTS ${ASIDE} SYNC`);
  await ask(house, `CREATE DATABASE ${ASIDE}`);
  const answer = await ask(house, `RESTORE TABLE ${from} AS ${to} FROM S3(${quoteString(url)})`);
  const rows = Number(await ask(house, `SELECT count() FROM ${to}`));
  await ask(house, `DROP DATABASE ${ASIDE} SYNC`);
  return { status: answer.split('\t').at(-1) ?? answer, rows };
}

async function rowsIn({ bucket, target }: Tour, id: string): Promise<number> {
  const { tables } = await requireEvidence(bucket, target, id, 'proven');
  return tables.find(({ database, name }) => database === DATABASE && name === TABLE)?.rows ?? 0;
}

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;
