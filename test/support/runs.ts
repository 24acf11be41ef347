/** The state of a backup's execution, as it stands before each of its steps. */
import type { BackupReference, Poll } from '../../core/workflow.ts';
import type { FakeClickHouse } from './fake-clickhouse.ts';

export const EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:Backup:one';
export const OTHER_EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:Backup:two';
export const SCHEDULED = '2026-04-02T02:00:00Z';
export const SLOT = 'full/20260402T020000Z';
export const ID = '20260402T020001Z-full-k3f9';
export const INCREMENTAL = '20260403T020001Z-incr-aaaa';

/** As `begin` makes it. */
export const runOf = (target: string, overrides: Readonly<Record<string, unknown>> = {}) => ({
  outcome: 'go',
  reason: null,
  execution: EXECUTION,
  target,
  kind: 'full',
  scheduledTime: SCHEDULED,
  slot: SLOT,
  attempt: 1,
  hasBefore: false,
  ...overrides,
});

/** As `prepare` leaves it. */
export const preparedRunOf = (
  target: string,
  backup: Partial<BackupReference> = {},
  overrides: Readonly<Record<string, unknown>> = {},
) => ({
  ...runOf(target, overrides),
  prepared: {
    outcome: 'go',
    reason: null,
    backup: { id: ID, kind: 'full', base: null, joined: false, ...backup },
  },
});

/** What `submit` and `poll` make, so many seconds ago. */
export const pollOf = (secondsAgo: number, overrides: Partial<Poll> = {}): Poll => {
  const submittedAt = new Date(Date.now() - secondsAgo * 1000).toISOString();
  return {
    outcome: 'running',
    submittedAt,
    waitSeconds: 2,
    server: null,
    progress: { files: 0, bytes: 0 },
    movedAt: submittedAt,
    silentSince: null,
    polls: 0,
    failure: null,
    ...overrides,
  };
};

/** A server with a database `shop` and a table `orders`, on which nothing runs, and which names no cluster. */
export const serveShop = (clickhouse: FakeClickHouse): FakeClickHouse =>
  clickhouse
    .on(/SELECT version\(\)/, [{ version: '26.7.2.1', server: 'A', host: 'a.example' }])
    .on(/FROM system\.databases/, [{ name: 'shop' }, { name: 'system' }])
    .on(/FROM system\.tables/, [{ database: 'shop', name: 'orders', engine: 'MergeTree' }])
    .on(/FROM system\.backups/, [])
    .on(/FROM system\.clusters/, []);
