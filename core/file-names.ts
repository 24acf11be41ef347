/** How ClickHouse turns the names of databases and tables into names of files, and back. */

const ESCAPED = /[^A-Za-z0-9_]/u;
const utf8 = new TextEncoder();

/** ClickHouse's `escapeForFileName`: everything but `A-Z a-z 0-9 _` becomes `%XX` for each byte of its UTF-8. */
export function escapeForFileName(name: string): string {
  if (!ESCAPED.test(name)) return name;
  let escaped = '';
  for (const byte of utf8.encode(name)) {
    const character = String.fromCharCode(byte);
    escaped +=
      byte < 0x80 && !ESCAPED.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

/**
 * ClickHouse's `unescapeForFileName`. A name of bytes that are not UTF-8, which ClickHouse accepts, comes back with
 * U+FFFD in their place: good to show, not to compare.
 */
export function unescapeForFileName(escaped: string): string {
  if (!escaped.includes('%')) return escaped;
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at++) {
    const hex = escaped[at] === '%' ? escaped.slice(at + 1, at + 3) : '';
    if (/^[0-9A-Fa-f]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else {
      bytes.push(...utf8.encode(escaped[at]));
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** The path of a table inside `data/` and `metadata/`: `<database>/<table>`, both escaped. */
export const tablePath = (database: string, table: string): string =>
  `${escapeForFileName(database)}/${escapeForFileName(table)}`;

/** A file of a backup that belongs to a table. */
export interface TableFile {
  /** `<database>/<table>`, both escaped: what `tablePath` makes. */
  readonly table: string;
  /** Its `CREATE` statement, or a file of its data. */
  readonly part: 'metadata' | 'data';
}

const DATA = 'data/';
const METADATA = 'metadata/';
const SQL = '.sql';
/** What `ON CLUSTER` puts before every path. */
const REPLICA = /^shards\/[^/]+\/replicas\/[^/]+\//;

/** Which table a file of a backup belongs to; undefined for a database's own definition and for temporary tables. */
export function tableOfFile(name: string): TableFile | undefined {
  const path = name.startsWith('shards/') ? name.replace(REPLICA, '') : name;
  if (path.startsWith(DATA)) {
    const end = path.indexOf('/', path.indexOf('/', DATA.length) + 1);
    return end > DATA.length ? { table: path.slice(DATA.length, end), part: 'data' } : undefined;
  }
  if (!path.startsWith(METADATA) || !path.endsWith(SQL)) return undefined;
  const table = path.slice(METADATA.length, -SQL.length);
  const slash = table.indexOf('/');
  return slash > 0 && slash === table.lastIndexOf('/') ? { table, part: 'metadata' } : undefined;
}

/** Whose definition a file is, where it is that of a database; undefined for every other. */
export function databaseOfFile(name: string): string | undefined {
  const [, database] = /^metadata\/([^/]+)\.sql$/.exec(name.replace(REPLICA, '')) ?? [];
  return database === undefined ? undefined : unescapeForFileName(database);
}

/**
 * A table that holds the rows of a view or of a time series. `system.tables` lists it, but `BACKUP` saves its rows in
 * the entry of the view and gives it no definition of its own (measured on 26.7).
 */
export const isInnerTable = (table: string): boolean => /^\.(?:inner|inner_id)\./.test(table);
