/** A Safehouse for the tests of the command line: a real bucket with a ledger in it, and workflows that end as told. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bucketOf } from '../../cli/bucket-of.ts';
import { type Bucket, putOnce } from '../../clients/bucket.ts';
import { record } from '../../clients/ledger.ts';
import { parseBackupId } from '../../core/backup-id.ts';
import { parseTarget, type Target } from '../../core/config.ts';
import type { Execution, ExecutionView, Installation, Workflow } from '../../core/installation.ts';
import { proofItemKey, proofPlanKey } from '../../core/keys.ts';
import type { LedgerTable, Proven, Verified } from '../../core/ledger.ts';
import {
  DAMAGES,
  type ProofFinding,
  type ProofPlan,
  type ProofResult,
  type ProvenTable,
  type SelfTest,
} from '../../core/proof.ts';
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
  installation(
    options?: InstallationOptions,
  ): Installation & { readonly started: Started[]; readonly stopped: string[] };
  stop(): Promise<void>;
}

/** One execution that is started: what it leaves in the bucket as it begins, and what each look at it sees. */
export interface MadeExecution {
  readonly id?: string;
  readonly views?: readonly Partial<ExecutionView>[];
  readonly begun?: (input: Started['input']) => Promise<void>;
}

export interface InstallationOptions {
  readonly targets?: Readonly<Record<string, Target>>;
  /** The executions that are started, in their order, where one is not like the other. */
  readonly executions?: readonly MadeExecution[];
  /** Whether an execution is there to be stopped. */
  readonly stop?: () => Promise<void>;
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
  const installation: TestHouse['installation'] = ({
    targets = { shop: shopTarget() },
    views = [],
    executions = [],
    stop = async () => {},
  } = {}) => {
    const started: Started[] = [];
    const stopped: string[] = [];
    return {
      ...place,
      title: 'the test',
      started,
      stopped,
      targets: async () => Object.keys(targets),
      target: async (name) => targets[name] ?? Promise.reject(new Error(`no target ${name}`)),
      start: async (workflow, input) => {
        const made = executions[started.length];
        started.push({ workflow, input });
        await made?.begun?.(input);
        return execution(made?.views ?? views, made?.id);
      },
      stop: async (id) => {
        stopped.push(id);
        await stop();
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

function execution(views: readonly Partial<ExecutionView>[], id = 'execution-1'): Execution {
  let looks = 0;
  return {
    id,
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

/** A prover that sees. */
export const SELF_TEST: SelfTest = {
  good: true,
  damages: DAMAGES.map((damage) => ({ damage, seen: true })),
  seconds: 1.2,
};

export const PROVEN_TABLES: ProvenTable[] = [
  {
    ...EVENTS_TABLE,
    reading: 'checked',
    rows: 1_234_567,
    parts: 3,
    bytes: 42_000_000_000,
    fingerprint: '8f3a11c0d2e4b596',
  },
  { ...BUFFER_TABLE, reading: 'definition', rows: null, parts: 0, bytes: 0, fingerprint: '0' },
];

export const PROOF: Omit<Proven, 'version' | 'target' | 'id' | 'at'> = {
  by: 'execution-1',
  level: 'bytes',
  engine: '26.7.2.1',
  manifestSha256: 'f'.repeat(64),
  tables: PROVEN_TABLES,
  assertions: [{ query: 'SELECT count() > 0 FROM events', database: 'shop', passed: true, answer: '1' }],
  anomalies: [],
  selfTest: SELF_TEST,
  items: 3,
  bytesRead: 42_100_000_000,
  seconds: 145.3,
  dollars: 0.0071,
};

/** What a verified backup gets when a proof of it passes. */
export async function makeProven(
  bucket: Bucket,
  id: string,
  over: Partial<typeof PROOF> & { readonly target?: string } = {},
): Promise<void> {
  const { target = 'shop', ...proof } = over;
  await record(bucket, target, id, 'proven', { ...PROOF, ...proof });
}

/** The items of `makePlan`: 30 GB, 12 GB and 100 MB. */
const ITEMS: ProofPlan['items'] = [
  { kind: 'check', checks: [], bytes: 30_000_000_000 },
  { kind: 'check', checks: [], bytes: 12_000_000_000 },
  { kind: 'contents', slice: 0, slices: 1, bytes: 100_000_000 },
];

export const FINDING: ProofFinding = {
  table: 'shop.events',
  part: 'all_1_1_0',
  file: 'data.bin',
  what: 'The part all_1_1_0 of shop.events is damaged in data.bin: Checksum mismatch.',
};

const MEASURE = {
  version: 1,
  at: '2026-04-02T02:20:00Z',
  by: 'execution-1',
  engine: '26.7.2.1',
  selfTest: SELF_TEST,
  seconds: 10,
  memoryMiB: 3072,
  findings: [],
  found: 0,
  unjudged: [],
} as const satisfies Partial<ProofPlan>;

export interface MadeProof {
  readonly target?: string;
  readonly proof?: string;
  readonly plan?: Partial<ProofPlan>;
  /** The items that were read, with what differs from a good result. */
  readonly read?: Readonly<Record<number, Partial<ProofResult>>>;
}

/** The parts of a proof, as its steps leave them. */
export async function makeProof(bucket: Bucket, id: string, made: MadeProof = {}): Promise<void> {
  const { target = 'shop', proof = 'execution-1', read = { 0: {}, 1: {}, 2: {} } } = made;
  const { level, manifestSha256, tables, assertions, anomalies } = PROOF;
  const plan = { level, manifestSha256, tables, assertions, anomalies, items: ITEMS };
  await putOnce(bucket, proofPlanKey(target, id, proof), { ...MEASURE, ...plan, ...made.plan });
  for (const [number, result] of Object.entries(read)) {
    const index = Number(number);
    await putOnce(bucket, proofItemKey(target, id, proof, index), {
      ...MEASURE,
      index,
      bytes: ITEMS[index]?.bytes ?? 0,
      parts: 1,
      files: 0,
      ...result,
    });
  }
}
