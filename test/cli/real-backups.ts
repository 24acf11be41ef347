/** Backups that a ClickHouse has really written into the bucket of a test, with their pages in the ledger. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coverageOf } from '../../core/coverage.ts';
import { quoteIdentifier } from '../../core/identifiers.ts';
import { backupPrefix } from '../../core/keys.ts';
import type { LedgerTable } from '../../core/ledger.ts';
import { type Engine, startEngine } from '../../local/engine/engine.ts';
import { makeVerified, type TestHouse } from './house.ts';

export interface Server {
  run(statement: string): Promise<string>;
  /** Writes a backup of databases, and the ledger as if it had been verified. */
  backUp(made: RealBackup): Promise<void>;
  stop(): Promise<void>;
}

export interface RealBackup {
  readonly id: string;
  readonly databases: readonly string[];
  readonly target?: string;
  readonly base?: string;
}

export async function startServer({ endpoint, bucket }: TestHouse): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'safehouse-server-'));
  const engine = await startEngine({
    dataDirectory: join(directory, 'data'),
    environment: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
  });
  const run = (statement: string): Promise<string> => post(engine, statement);
  const place = (target: string, id: string): string =>
    `S3('${endpoint}/${bucket.name}/${backupPrefix(target, id).slice(0, -1)}')`;
  return {
    run,
    backUp: async ({ id, databases, target = 'shop', base }) => {
      const named = databases.map((name) => `DATABASE ${quoteIdentifier(name)}`).join(', ');
      const settings = base === undefined ? '' : ` SETTINGS base_backup = ${place(target, base)}`;
      await run(`BACKUP ${named} TO ${place(target, id)}${settings}`);
      await makeVerified(bucket, id, {
        target,
        tables: await tablesOf(run, databases),
        databases,
        ...(base !== undefined && { base }),
      });
    },
    stop: async () => {
      await engine.stop();
      await rm(directory, { recursive: true });
    },
  };
}

async function post({ url }: Engine, statement: string): Promise<string> {
  const response = await fetch(url, { method: 'POST', body: statement });
  const text = await response.text();
  if (response.ok) return text;
  throw new Error(`${statement}: ${text}`);
}

async function tablesOf(run: Server['run'], databases: readonly string[]): Promise<LedgerTable[]> {
  const rows = await run('SELECT database, name, engine FROM system.tables FORMAT JSONEachRow');
  return rows
    .split('\n')
    .filter(Boolean)
    .map((row) => JSON.parse(row) as Omit<LedgerTable, 'coverage'>)
    .filter(({ database }) => databases.includes(database))
    .map((table) => ({ ...table, coverage: coverageOf(table.engine) }));
}
