/** Restores for the tests of the command line: what their steps leave in the bucket. */
import { type Bucket, putOnce } from '../../clients/bucket.ts';
import { restoreKey, restoreReportKey } from '../../core/keys.ts';
import type { Before, ComparedTable, PlannedTable, RestorePlan, RestoreReport } from '../../core/restore.ts';
import { makeRestoreId } from '../../core/restore-id.ts';

const PLANNED: PlannedTable = {
  database: 'shop',
  name: 'events',
  engine: 'MergeTree',
  coverage: 'data',
  to: { database: 'shop_restored', table: 'events' },
  rows: 1_234_567,
  parts: 3,
  bytes: 42_000_000_000,
  fingerprint: '8f3a11c0d2e4b596',
  partitions: [],
  definition: null,
};

export const BUFFER: PlannedTable = {
  ...PLANNED,
  name: 'buffer',
  engine: 'Buffer',
  coverage: 'schema only',
  to: { database: 'shop_restored', table: 'buffer' },
  rows: null,
  parts: null,
  bytes: 0,
  fingerprint: null,
};

const COVERS = { from: '2026-04-02T02:00:01.000Z', to: '2026-04-02T02:10:00.000Z' };

/** Of the newest backup of `shop`, under a new name beside it. */
export function planOf(backup: string, over: Partial<RestorePlan> = {}): RestorePlan {
  const at = over.at ?? '2026-04-02T09:00:00.000Z';
  const execution = over.execution ?? 'execution-1';
  return {
    version: 1,
    at,
    execution,
    restore: makeRestoreId(at, execution),
    target: 'shop',
    to: 'shop',
    backup,
    kind: 'full',
    base: null,
    proven: true,
    writtenBy: '26.3.1.1',
    manifestEtag: '"e"',
    mode: 'new',
    drill: false,
    structureOnly: false,
    quiet: true,
    storagePolicy: null,
    confirm: [],
    accept: [],
    check: false,
    dryRun: false,
    databases: [{ from: 'shop', to: 'shop_restored', whole: true }],
    tables: [PLANNED, BUFFER],
    leftOut: [{ database: 'shop', table: 'rates', why: 'it would begin to refresh at once' }],
    elements: [{ kind: 'database', database: 'shop', as: 'shop_restored' }],
    covers: COVERS,
    ...over,
  };
}

export const STATEMENT =
  "RESTORE DATABASE `shop` AS `shop_restored` FROM S3('https://b.s3.eu-central-1.amazonaws.com/backups/shop/x') SETTINGS id = '20260402T090000Z-restore-000000'";

export const beforeOf = (over: Partial<Before> = {}): Before => ({
  version: 1,
  at: '2026-04-02T09:00:05.000Z',
  server: { version: '26.7.2.1', server: 'a7', host: 'clickhouse-0' },
  databases: ['default', 'shop'],
  tables: [],
  live: [],
  findings: [],
  statement: STATEMENT,
  bytes: 42_000_000_000,
  estimatedSeconds: 260,
  ...over,
});

export const COMPARED: ComparedTable = {
  database: 'shop_restored',
  table: 'events',
  expectedRows: 1_234_567,
  rows: 1_234_567,
  parts: 3,
  bytes: 42_000_000_000,
  comparison: 'identical',
  checked: false,
  what: '',
};

export function reportOf(plan: RestorePlan, over: Partial<RestoreReport> = {}): RestoreReport {
  const { restore, target, to, backup, mode, drill, leftOut, covers } = plan;
  return {
    version: 1,
    at: '2026-04-02T09:05:00.000Z',
    by: plan.execution,
    restore,
    target,
    to,
    backup,
    mode,
    drill,
    outcome: 'restored',
    seconds: 300,
    restoreSeconds: 240,
    bytes: 42_000_000_000,
    statement: STATEMENT,
    tables: [
      COMPARED,
      {
        ...COMPARED,
        table: 'buffer',
        expectedRows: null,
        rows: null,
        parts: null,
        bytes: null,
        comparison: 'definition',
      },
    ],
    replicas: [],
    assertions: [{ query: 'SELECT count() > 0 FROM events', database: 'shop', passed: true, answer: '1' }],
    leftOut,
    isWhole: true,
    dropped: [],
    left: [],
    findings: [],
    covers,
    swap: ['EXCHANGE TABLES `shop`.`events` AND `shop_restored`.`events`'],
    swapBack: ['EXCHANGE TABLES `shop`.`events` AND `shop_restored`.`events`'],
    failure: null,
    ...over,
  };
}

export interface MadeRestore {
  readonly plan: RestorePlan;
  readonly before?: Before;
  readonly report?: RestoreReport;
  /** False for one whose cleaning up failed. */
  readonly isEnded?: boolean;
}

export async function makeRestore(
  bucket: Bucket,
  { plan, before, report, isEnded = true }: MadeRestore,
): Promise<void> {
  const { to, restore, target, backup } = plan;
  await putOnce(bucket, restoreKey(to, restore, 'plan'), plan);
  if (before !== undefined) await putOnce(bucket, restoreKey(to, restore, 'before'), before);
  if (report === undefined) return;
  await putOnce(bucket, restoreReportKey(target, backup, restore), report);
  const { at, outcome } = report;
  if (isEnded) await putOnce(bucket, restoreKey(to, restore, 'ended'), { version: 1, at, outcome });
}
