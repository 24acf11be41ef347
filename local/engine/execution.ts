import { setTimeout } from 'node:timers/promises';
import { type ChdbResult, Session } from 'chdb';
import { ClickHouseException } from './exception.ts';
import type { QueryRequest } from './http-request.ts';

/** The open engine; one process has one. */
export interface OpenEngine {
  readonly version: string;
  readonly timeZone: string;
  /** @throws what the engine throws */
  run(request: QueryRequest, query: string): Promise<ChdbResult>;
  /** Waits for backups and restores in progress, as a server does on shutdown. */
  close(): Promise<void>;
}

/**
 * Opens the engine on a directory.
 *
 * Each request gets a connection of its own: opening one costs 0.1 ms, connections run beside each other where queries
 * on a single one wait in line, and settings, parameters and the current database end with it. The package's own
 * binding of parameters is not used, as it runs all queries with parameters of a process one after the other, and a
 * poll would wait for a RESTORE.
 */
export async function openEngine(dataDirectory: string, configuration: string): Promise<OpenEngine> {
  // Holds the engine open between requests.
  const root = new Session(dataDirectory, { connectionArgs: [`--config-file=${configuration}`] });
  const [version = '', timeZone = ''] = (await answerTo(root, "version() || '\\t' || timezone()")).split(
    '\t',
  );
  const run = async (request: QueryRequest, query: string): Promise<ChdbResult> => {
    const session = new Session(dataDirectory);
    try {
      for (const preparation of preparations(request)) await session.queryAsync(preparation);
      return await session.queryAsync(query, { format: request.defaultFormat });
    } finally {
      session.close();
    }
  };
  const close = async (): Promise<void> => {
    // Left to itself, the embedded engine cancels them and removes what they wrote.
    while ((await answerTo(root, UNFINISHED)) !== '0') await setTimeout(100);
    root.close();
  };
  return { version, timeZone, run, close };
}

const UNFINISHED = "(SELECT count() FROM system.backups WHERE status IN ('CREATING_BACKUP', 'RESTORING'))";

const answerTo = async (session: Session, expression: string): Promise<string> =>
  (await session.queryAsync(`SELECT ${expression}`, { format: 'TSVRaw' })).text().trim();

function preparations(request: QueryRequest): string[] {
  const assignments = [
    ...[...request.parameters].map(([name, value]) => `${parameterName(name)} = ${stringLiteral(value)}`),
    ...[...request.settings].map(([name, value]) => `${quotedName(name)} = ${stringLiteral(value)}`),
  ];
  return [
    ...(request.database === undefined ? [] : [`USE ${quotedName(request.database)}`]),
    ...(assignments.length === 0 ? [] : [`SET ${assignments.join(', ')}`]),
  ];
}

function parameterName(name: string): string {
  if (/^\w+$/.test(name)) return `param_${name}`;
  throw new ClickHouseException(36, 'BAD_ARGUMENTS', `Invalid name of a query parameter: ${name}.`);
}

const stringLiteral = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`;
const quotedName = (name: string): string => `\`${name.replace(/[\\`]/g, '\\$&')}\``;
