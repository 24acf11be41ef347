/** Reads the `CREATE` statements of tables out of a backup. */

import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { databaseOfFile, tableOfFile, tablePath } from '../core/file-names.ts';
import { backupPrefix, MANIFEST } from '../core/keys.ts';
import { type ManifestFile, readManifest } from '../core/manifest.ts';
import { type Bucket, getStream } from './bucket.ts';
import { mapConcurrently } from './concurrently.ts';
import { definitionText } from './definition-text.ts';

export interface NamedTable {
  readonly database: string;
  readonly name: string;
}

const AT_ONCE = 32;

export interface Definitions {
  /** In the order of the tables that were asked for; undefined for one that has none in the backup. */
  readonly tables: readonly (string | undefined)[];
  /** Databases that the backup has a definition of. */
  readonly databases: ReadonlySet<string>;
}

/**
 * Files may be stored under other names, or in the base: the manifest says where.
 *
 * @throws {SafehouseError} VerificationFailed, for a manifest that is none; IncompleteReading, when an object is not there
 */
export async function readDefinitions(
  bucket: Bucket,
  target: string,
  { id, base }: { readonly id: string; readonly base: string | null },
  tables: readonly NamedTable[],
): Promise<Definitions> {
  const wanted = new Set(tables.map(({ database, name }) => tablePath(database, name)));
  const files = new Map<string, ManifestFile>();
  const databases = new Set<string>();
  await eachFile(bucket, target, id, (file) => {
    const database = databaseOfFile(file.name);
    if (database !== undefined) databases.add(database);
    const of = tableOfFile(file.name);
    // ON CLUSTER every replica has its own, and all say the same of what matters here.
    if (of?.part === 'metadata' && wanted.has(of.table) && !files.has(of.table)) files.set(of.table, file);
  });
  const inBase = await placesInBase(bucket, target, base, [...files.values()]);
  const definitions = await mapConcurrently(tables, AT_ONCE, async ({ database, name }) => {
    const file = files.get(tablePath(database, name));
    if (file === undefined) return undefined;
    const own =
      file.dataFile === null ? '' : await readText(bucket, `${backupPrefix(target, id)}${file.dataFile}`);
    if (file.baseSize === 0) return own;
    const key = inBase.get(contentOf(file.baseSize, file.baseChecksum));
    if (base === null || key === undefined)
      throw notThere(`the definition of ${database}.${name} in the base of ${id}`);
    // ClickHouse compares bytes, and a letter of several could be cut: what is looked for in it has none.
    return `${await readText(bucket, `${backupPrefix(target, base)}${key}`)}${own}`;
  });
  return { tables: definitions, databases };
}

/**
 * What lies in the base is known there by size and checksum, whatever its name. A definition that only grew at its end, as with
 * `MODIFY SETTING`, begins there and goes on in the backup itself (measured on 26.7).
 */
async function placesInBase(
  bucket: Bucket,
  target: string,
  base: string | null,
  files: readonly ManifestFile[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set(
    files.filter(({ baseSize }) => baseSize > 0).map((file) => contentOf(file.baseSize, file.baseChecksum)),
  );
  const places = new Map<string, string>();
  if (base === null || wanted.size === 0) return places;
  await eachFile(bucket, target, base, ({ size, checksum, dataFile }) => {
    const content = contentOf(size, checksum);
    if (dataFile !== null && wanted.has(content)) places.set(content, dataFile);
  });
  return places;
}

const contentOf = (size: number, checksum: string | null): string => `${size} ${checksum}`;

async function eachFile(
  bucket: Bucket,
  target: string,
  id: string,
  onFile: (file: ManifestFile) => void,
): Promise<void> {
  const key = `${backupPrefix(target, id)}${MANIFEST}`;
  const found = await getStream(bucket, key);
  if (found === undefined) throw notThere(key);
  await readManifest(found.stream, found.size, onFile);
}

async function readText(bucket: Bucket, key: string): Promise<string> {
  const found = await getStream(bucket, key);
  if (found === undefined) throw notThere(key);
  return definitionText(found, key);
}

const notThere = (what: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.incomplete, {
    what: `${what} is not there.`,
    remedy: 'The backup is damaged, or somebody removes objects of it: prove it, and restore another one.',
    error: 'BACKUP_NOT_FOUND',
  });
