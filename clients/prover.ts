/**
 * The throw-away engine: a ClickHouse inside this process, which mounts backups read-only. It knows nothing of the server
 * that wrote them and is gone with the process.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChdbResult, Session } from 'chdb';
import { parseClickHouseError } from '../core/clickhouse-errors.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { quoteIdentifier, quoteString } from '../core/identifiers.ts';
import { unpackEngine } from './engine-package.ts';
import { attachTables, isEscaped } from './escaped-mount.ts';

export interface Prover {
  readonly version: string;
  /** A directory whose backups the engine may mount with `File(…)`. */
  readonly directory: string;
  /** @throws {ProverRefusal} with what the engine said */
  ask<Row>(query: string): Promise<Row[]>;
  /**
   * The same, with the names of tables looked up in a database, on a connection of its own: such questions are answered beside
   * each other, where others wait in line.
   */
  askIn<Row>(database: string, query: string): Promise<Row[]>;
  /** The engine's own format, as text. */
  askText(query: string, format: string): Promise<string>;
  /** The same, byte for byte. */
  askBytes(query: string, format: string): Promise<Uint8Array>;
  /**
   * The same in pieces, as they come: only a SELECT, in a format that writes rows and nothing before or after them, because each
   * piece is formatted by itself. Whoever stops reading ends the query.
   */
  stream(query: string, format: string): AsyncIterable<Uint8Array>;
  close(): void;
}

/** What the engine answered instead of rows; a finding for whoever judges, not yet an error of Safehouse. */
export class ProverRefusal extends Error {
  readonly code: number;
  readonly error: string;

  constructor(code: number, error: string, text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'ProverRefusal';
    this.code = code;
    this.error = error;
  }
}

/** Opens the engine on an empty data directory of its own. */
export async function openProver(): Promise<Prover> {
  const home = mkdtempSync(join(tmpdir(), 'safehouse-prover-'));
  try {
    return await openIn(home);
  } catch (cause) {
    rmSync(home, { recursive: true, force: true });
    throw cause;
  }
}

async function openIn(home: string): Promise<Prover> {
  const directory = join(home, 'backups');
  mkdirSync(directory);
  const configuration = join(home, 'config.xml');
  writeFileSync(configuration, configurationText(directory));
  await unpackEngine();
  const { Session } = await import('chdb');
  const data = join(home, 'data');
  const session = new Session(data, { connectionArgs: [`--config-file=${configuration}`] });
  const run = (query: string, format: string): Promise<ChdbResult> => runOn(session, query, format);
  const askText = async (query: string, format: string): Promise<string> => (await run(query, format)).text();
  const ask = async <Row>(query: string): Promise<Row[]> => parseRows(await askText(query, 'JSONEachRow'));
  const askIn = async <Row>(database: string, query: string): Promise<Row[]> => {
    const connection = connect(Session, data);
    try {
      await runOn(connection, `USE ${quoteIdentifier(database)}`, 'Null');
      return parseRows((await runOn(connection, `${query}\n`, 'JSONEachRow')).text());
    } finally {
      connection.close();
    }
  };
  const [row] = await ask<{ version: string }>('SELECT version() AS version');
  return {
    version: row?.version ?? 'unknown',
    directory,
    ask,
    askIn,
    askText,
    askBytes: async (query, format) => (await run(query, format)).bytes(),
    stream: (query, format) => pieces(session, query, format),
    close: () => {
      session.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Without a database `default` the engine gives no connection. */
function connect(engine: new (path: string) => Session, data: string): Session {
  try {
    return new engine(data);
  } catch (cause) {
    throw refusal(cause);
  }
}

const runOn = (session: Session, query: string, format: string): Promise<ChdbResult> =>
  session.queryAsync(query, { format }).catch((cause: unknown) => {
    throw refusal(cause);
  });

async function* pieces(session: Session, query: string, format: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of session.queryStream(query, { format })) yield piece.raw();
  } catch (cause) {
    throw refusal(cause);
  }
}

/** For `S3(…)` without keys 26.7 takes those of the process, as a server of that release no longer does (ClickHouse#106855). */
const configurationText = (directory: string): string =>
  `<clickhouse>
  <backups><allowed_path>${directory}/</allowed_path></backups>
  <mark_cache_size>268435456</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
</clickhouse>
`;

function parseRows<Row>(text: string): Row[] {
  const lines = text.split('\n').filter((line) => line !== '');
  try {
    return lines.map((line) => JSON.parse(line) as Row);
  } catch (cause) {
    // A query that names a format itself is answered in that one.
    throw new ProverRefusal(0, 'NOT_ROWS', `the answer is not rows: ${text.slice(0, 100)}`, { cause });
  }
}

function refusal(cause: unknown): ProverRefusal {
  const message = cause instanceof Error ? cause.message : String(cause);
  const parsed = parseClickHouseError(message);
  return new ProverRefusal(parsed?.code ?? 0, parsed?.name ?? 'UNKNOWN', parsed?.text ?? message, { cause });
}

/** The place of a backup, as the engine takes it: its own credentials are those of the process. */
export const fileLocation = (path: string): string => `File(${quoteString(path)})`;
export const s3Location = (url: string): string => `S3(${quoteString(url)})`;

/**
 * Mounts a database of a backup under its own name, so that a query written for the server runs here as it is.
 *
 * @throws {ProverRefusal} when the engine cannot read it: an unknown format, a damaged manifest, no permission
 */
export async function mountDatabase(prover: Prover, database: string, location: string): Promise<void> {
  const name = quoteIdentifier(database);
  await prover.ask(`DROP DATABASE IF EXISTS ${name}`);
  await prover.ask(`CREATE DATABASE ${name} ENGINE = Backup(${quoteString(database)}, ${location})`);
  if (isEscaped(database)) await attachTables(prover, database, location);
}

export async function unmountDatabase(prover: Prover, database: string): Promise<void> {
  await prover.ask(`DROP DATABASE IF EXISTS ${quoteIdentifier(database)}`);
}

/** An engine that cannot even be opened is the prover's own trouble, never the backup's. */
export const proverTrouble = (cause: unknown): SafehouseError =>
  new SafehouseError(
    ERROR_NAMES.refused,
    {
      what: `The proving engine could not be opened: ${cause instanceof Error ? cause.message : String(cause)}.`,
      remedy: 'Raise the memory or the temporary storage of the prover, or deploy the stack again.',
      error: 'ProverNotOpened',
    },
    { cause },
  );
