/** Plans of restores, and what stands on a server, over what a test does not care about. */
import type { Destination, PreflightFacts } from '../../core/preflight.ts';
import type { Definition, PlannedTable, RestorePlan, StandingTable } from '../../core/restore.ts';
import type { RestoredTable } from '../../core/restore-comparison.ts';

export const DEFINITION: Definition = {
  storagePolicy: null,
  disk: null,
  volumes: [],
  disks: [],
  refreshable: false,
  replica: null,
};

export const plannedTable = (overrides: Partial<PlannedTable> = {}): PlannedTable => {
  const { database = 'shop', name = 'orders' } = overrides;
  return {
    database,
    name,
    engine: 'MergeTree',
    coverage: 'data',
    to: { database, table: name },
    rows: 1000,
    parts: 2,
    bytes: 5000,
    fingerprint: 'f1',
    partitions: [],
    definition: DEFINITION,
    ...overrides,
  };
};

export const restorePlan = (overrides: Partial<RestorePlan> = {}): RestorePlan => ({
  version: 1,
  at: '2026-04-02T03:00:00.000Z',
  execution: 'execution-of-a-test',
  restore: '20260402T030000Z-restore-abcdef',
  target: 'events',
  to: 'events',
  backup: '20260402T020000Z-full-k3f9',
  kind: 'full',
  base: null,
  proven: true,
  writtenBy: '26.7.2.1',
  manifestEtag: '"e"',
  mode: 'asIs',
  drill: false,
  structureOnly: false,
  quiet: false,
  storagePolicy: null,
  confirm: [],
  accept: [],
  check: false,
  dryRun: false,
  databases: [{ from: 'shop', to: 'shop', whole: true }],
  tables: [plannedTable()],
  leftOut: [],
  elements: [{ kind: 'database', database: 'shop' }],
  covers: { from: '2026-04-02T02:00:00.000Z', to: '2026-04-02T02:10:00.000Z' },
  ...overrides,
});

let uuids = 0;

/** Each with a UUID of its own. */
export const standingTable = (overrides: Partial<StandingTable> = {}): StandingTable => {
  uuids += 1;
  return {
    database: 'shop',
    table: 'orders',
    uuid: `00000000-0000-4000-8000-${String(uuids).padStart(12, '0')}`,
    engine: 'MergeTree',
    rows: 0,
    ...overrides,
  };
};

export const heldTable = (overrides: Partial<RestoredTable> = {}): RestoredTable => ({
  exists: true,
  rows: 1000,
  parts: 2,
  bytes: 5000,
  fingerprint: 'f1',
  restoredFingerprint: null,
  ...overrides,
});

/** An empty server that has room for everything. */
export const destination = (overrides: Partial<Destination> = {}): Destination => ({
  server: { version: '26.7.2.1', server: 'A', host: 'a.example' },
  databases: ['default', 'system'],
  tables: [],
  partitions: [],
  policies: [{ name: 'default', volumes: ['default'], disks: ['default'] }],
  disks: [{ name: 'default', free: 900, total: 1000 }].map(({ name, ...disk }) => ({
    name,
    free: disk.free * 1e9,
    total: disk.total * 1e9,
  })),
  engines: [
    'MergeTree',
    'ReplacingMergeTree',
    'ReplicatedMergeTree',
    'Log',
    'View',
    'MaterializedView',
    'Kafka',
  ],
  replicas: [],
  missingGrants: [],
  restoring: [],
  ...overrides,
});

export const preflightFacts = (
  overrides: Partial<Destination> = {},
  source: Partial<PreflightFacts['source']> = {},
): PreflightFacts => ({
  source: { manifest: 'as verified', baseManifest: null, failures: [], ...source },
  destination: destination(overrides),
  keepFree: 0.1,
});
