/** A Safehouse for the tests of the command line: a real bucket with a ledger in it, and workflows that end as told. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bucketOf } from '../../cli/bucket-of.ts';
import type { Bucket } from '../../clients/bucket.ts';
import { record } from '../../clients/ledger.ts';
import { parseBackupId } from '../../core/backup-id.ts';
import { parseTarget, type Target } from '../../core/config.ts';
import type { Execution, ExecutionView, Installation, Workflow } from '../../core/installation.ts';
import type { LedgerTable, Verified } from '../../core/ledger.ts';
import { startBucket } from '../../local/bucket/bucket.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const shopTarget = (over: Readonly<Record<string, unknown>> = {}): Target =>
  parseTarget(
    {
      url: 'https://clickhouse.example:8443',
      user: 'safehouse',
      password: { ssm: '/shop/password' },
      databases: ['shop'],
      schedule: { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' },
      ...over,
    },
    'the test',
  );

export interface Started {
  readonly workflow: Workflow;
  readonly input: unknown;
}

export interface TestHouse {
  readonly bucket: Bucket;
  readonly endpoint: string;
  /** A new installation on the same bucket. */
  installation(options?: InstallationOptions): Installation & { readonly started: Started[] };
  stop(): Promise<void>;
}

export interface InstallationOptions {
  readonly targets?: Readonly<Record<string, Target>>;
  /** What each look at an execution sees; the last one again and again. */
  readonly views?: readonly Partial<ExecutionView>[];
}

export const RUNNING: ExecutionView = {
  status: 'running',
  state: null,
  backupId: null,
  poll: null,
  output: null,
  error: null,
  cause: null,
};

export async function openTestHouse(): Promise<TestHouse> {
  const directory = await mkdtemp(join(tmpdir(), 'safehouse-cli-'));
  const server = await startBucket({ directory, buckets: ['safehouse'] });
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  const place = { bucketName: 'safehouse', region: 'us-east-1', endpoint: server.endpoint };
  const installation: TestHouse['installation'] = ({ targets = { shop: shopTarget() }, views = [] } = {}) => {
    const started: Started[] = [];
    return {
      ...place,
      title: 'the test',
      started,
      targets: async () => Object.keys(targets),
      target: async (name) => targets[name] ?? Promise.reject(new Error(`no target ${name}`)),
      start: async (workflow, input) => {
        started.push({ workflow, input });
        return execution(views);
      },
      close: async () => {},
    };
  };
  return {
    bucket: bucketOf(installation()),
    endpoint: server.endpoint,
    installation,
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true });
    },
  };
}

function execution(views: readonly Partial<ExecutionView>[]): Execution {
  let looks = 0;
  return {
    id: 'execution-1',
    view: async () => {
      const view = { ...RUNNING, ...views[Math.min(looks, views.length - 1)] };
      looks += 1;
      return view;
    },
  };
}

export const EVENTS_TABLE: LedgerTable = {
  database: 'shop',
  name: 'events',
  engine: 'MergeTree',
  coverage: 'data',
};
export const BUFFER_TABLE: LedgerTable = {
  database: 'shop',
  name: 'buffer',
  engine: 'Buffer',
  coverage: 'schema only',
};

export interface MadeBackup {
  readonly target?: string;
  readonly base?: string;
  readonly tables?: readonly LedgerTable[];
  readonly databases?: readonly string[];
  readonly bytes?: number;
  readonly restore?: string;
}

/** A backup that has begun. */
export async function makeStarted(bucket: Bucket, id: string, made: MadeBackup = {}): Promise<void> {
  const { target = 'shop', base = null, tables = [EVENTS_TABLE, BUFFER_TABLE] } = made;
  await record(bucket, target, id, 'started', {
    by: 'execution-1',
    kind: parseBackupId(id)?.kind ?? 'full',
    base,
    reason: null,
    scheduledTime: '2026-04-02T02:00:00Z',
    attempt: 1,
    clickhouse: { version: '26.3.1.1', server: 'a7', host: 'clickhouse-0' },
    databases: [...(made.databases ?? ['shop'])],
    tables: [...tables],
  });
}

/** A backup that was made and verified. */
export async function makeVerified(bucket: Bucket, id: string, made: MadeBackup = {}): Promise<void> {
  const { target = 'shop', bytes = 42_100_000_000, tables = [EVENTS_TABLE, BUFFER_TABLE] } = made;
  await makeStarted(bucket, id, made);
  await record(bucket, target, id, 'written', {
    by: 'execution-1',
    seenIn: 'system.backups',
    startTime: '2026-04-02 02:00:01',
    endTime: '2026-04-02 02:10:00',
    files: 1234,
    bytes,
    settings: { backup_restore_s3_retry_attempts: 20, max_execution_time: 0 },
  });
  const verified: Omit<Verified, 'version' | 'target' | 'id' | 'at'> = {
    by: 'execution-1',
    files: 1234,
    objects: 987,
    bytes,
    logicalBytes: bytes * 2,
    manifest: { bytes: 1000, etag: '"e"', sha256: 'f'.repeat(64) },
    tables: tables.map((table) => ({ ...table, files: 617, bytes: bytes / 2 })),
    restore:
      made.restore ??
      `RESTORE DATABASE \`shop\` FROM S3('https://b.s3.eu-central-1.amazonaws.com/backups/${target}/${id}')`,
    seconds: 3.2,
  };
  await record(bucket, target, id, 'verified', verified);
}

export async function makeFailed(bucket: Bucket, id: string, target = 'shop'): Promise<void> {
  await makeStarted(bucket, id, { target });
  await record(bucket, target, id, 'failed', {
    by: 'execution-1',
    class: 'fix and stop',
    step: 'poll',
    error: 'S3_ERROR',
    what: 'S3 refused the writer: 403 on .lock.',
    remedy: 'Attach the writer policy to the role of ClickHouse.',
    final: true,
  });
}
