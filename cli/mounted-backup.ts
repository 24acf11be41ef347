/** A backup, mounted in the embedded engine: opened for questions from outside, and closed to everything else. */
import { tmpdir } from 'node:os';
import { mountDatabase, openProver, type Prover, s3Location } from '../clients/prover.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { quoteIdentifier, quoteString } from '../core/identifiers.ts';
import { readStatement, type SqlStatement } from './sql-statement.ts';

export interface MountedBackup {
  /** The tables that the engine shows, `system` aside. */
  readonly shown: readonly { readonly database: string; readonly name: string }[];
  /** @throws {SafehouseError} InvalidInput, when it is none that only reads; {ProverRefusal}, when it cannot be parsed */
  check(query: string): Promise<SqlStatement>;
  /** @throws {ProverRefusal} */
  run(query: string, statement: SqlStatement, format: string): AsyncIterable<Uint8Array>;
  close(): void;
}

export interface Mounting {
  readonly url: string;
  readonly databases: readonly string[];
  /** Where names without a database are looked up. */
  readonly current: string;
  /** Closes it, whatever it is doing. */
  readonly interrupted: AbortSignal;
}

/** The database that every engine has. */
export const DEFAULT_DATABASE = 'default';

/** @throws {SafehouseError} when there is no engine for this machine; {ProverRefusal} when the backup cannot be mounted */
export async function mountBackup({
  url,
  databases,
  current,
  interrupted,
}: Mounting): Promise<MountedBackup> {
  const prover = await openEngine();
  // Its directory is to go, however this process ends.
  const close = (): void => {
    process.off('exit', close);
    interrupted.removeEventListener('abort', close);
    prover.close();
  };
  process.once('exit', close);
  interrupted.addEventListener('abort', close);
  try {
    interrupted.throwIfAborted();
    await emptyDefault(prover);
    for (const database of databases) await mountDatabase(prover, database, s3Location(url));
    const shown = await prover.ask<{ database: string; name: string }>(
      `SELECT database, name FROM system.tables WHERE database IN (${['', ...databases].map((name) => quoteString(name)).join(', ')})`,
    );
    await prover.ask(`USE ${quoteIdentifier(current)}`);
    await prover.ask('SET readonly = 1');
    return {
      shown,
      check: (query) => checkStatement(prover, query),
      run: (query, statement, format) => runStatement(prover, query, statement, format),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** In the engine as it comes, `default` holds every file of the machine as a table of that name. */
async function emptyDefault(prover: Prover): Promise<void> {
  await prover.ask(`DROP DATABASE ${DEFAULT_DATABASE}`);
  await prover.ask(`CREATE DATABASE ${DEFAULT_DATABASE} ENGINE = Memory`);
}

async function checkStatement(prover: Prover, query: string): Promise<SqlStatement> {
  const formatted = await prover.askText(`SELECT formatQuerySingleLine(${quoteString(query)})`, 'TSVRaw');
  const statement = readStatement(formatted.trim());
  if (typeof statement !== 'string') return statement;
  throw new SafehouseError(ERROR_NAMES.input, {
    what: statement,
    remedy: 'What a backup holds can be read; for everything else restore it: `show` prints the statement.',
  });
}

/** Formats of rows without anything before, between or after them: as many pieces of them are one. In small letters. */
const STREAMED: ReadonlySet<string> = new Set([
  'csv',
  'jsoncompacteachrow',
  'jsoncompactstringseachrow',
  'jsoneachrow',
  'jsonlines',
  'jsonstringseachrow',
  'ndjson',
  'native',
  'raw',
  'rowbinary',
  'tabseparated',
  'tabseparatedraw',
  'tskv',
  'tsv',
  'tsvraw',
]);

async function* runStatement(
  prover: Prover,
  query: string,
  { kind, format: own }: SqlStatement,
  format: string,
): AsyncGenerator<Uint8Array> {
  const selects = kind === 'SELECT' || kind === 'WITH';
  if (selects && STREAMED.has((own ?? format).toLowerCase())) yield* prover.stream(query, format);
  else yield await prover.askBytes(query, format);
}

async function openEngine(): Promise<Prover> {
  try {
    return await openProver();
  } catch (cause) {
    throw new SafehouseError(ERROR_NAMES.configuration, whyNotOpened(cause), { cause });
  }
}

/** The names of the package's own errors for a machine that it is not made for. */
const UNFIT = new Set(['ChdbPlatformUnsupportedError', 'ChdbBinaryVersionMismatchError']);

function whyNotOpened(cause: unknown): { readonly what: string; readonly remedy: string } {
  const { name, message, code } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND')
    return {
      what: '`sql` needs the embedded ClickHouse, the package chdb, which is not installed.',
      remedy: 'Install it where Safehouse is: `npm install --save-dev chdb`.',
    };
  if (UNFIT.has(name))
    return {
      what: `The embedded ClickHouse does not run on ${process.platform}-${process.arch}: ${message}`,
      remedy:
        'It runs on Linux with glibc and on macOS, on x64 and arm64: there `npm ci` installs it. Elsewhere use a container or WSL2, or restore the backup: `show` prints the statement.',
    };
  return {
    what: `The embedded ClickHouse could not be opened: ${message}`,
    remedy: `It needs some 300 MB of memory and a directory of its own under ${tmpdir()}; TMPDIR names another place.`,
  };
}
