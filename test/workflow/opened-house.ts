/** A house of its own for a test file: real engine, real bucket, the synthesised state machines, the bundled functions. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { readLedger } from '../../clients/ledger.ts';
import { type ConfigInput, parseConfig } from '../../core/config.ts';
import { CLAIMS, MANIFEST, targetPrefix } from '../../core/keys.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import { EMBEDDED_PASSWORD, EMBEDDED_URL, EMBEDDED_USER } from '../../local/configuration.ts';
import type { History } from '../../local/execution.ts';
import { readSecrets } from '../../local/home.ts';
import { type House, openHouse, type StartInput } from '../../local/house.ts';
import type { Around } from '../../local/workshop.ts';
import { filesOf, type Leak, objectsOf, Secrets } from '../support/leaks.ts';

type TargetInput = ConfigInput['targets'][string];

const EMBEDDED = {
  url: EMBEDDED_URL,
  user: EMBEDDED_USER,
  password: { ssm: EMBEDDED_PASSWORD },
  databases: ['shop'],
  schedule: { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' },
  // An engine that starts costs seconds: only where the proof is the matter.
  prove: { level: 'none' },
} satisfies TargetInput;

/** The secret that is the password of the target `locked`; a home does not have it by itself. */
export const CHANGED_PASSWORD = '/test/changed-password';

/** One configuration for all files, so that the stack is synthesised once. Each target has a ledger of its own. */
const CONFIG = parseConfig(
  {
    targets: {
      shop: EMBEDDED,
      /** Keeps three. */
      brief: { ...EMBEDDED, retention: { last: 3, minimum: 1, maxShare: 1 } },
      /** Takes seconds for a few megabytes, so that something can happen meanwhile. */
      slow: { ...EMBEDDED, databases: ['bulk'], settings: { max_backup_bandwidth: 2_000_000 } },
      /** Goes when shop.lag is empty. */
      waiting: { ...EMBEDDED, before: { query: 'SELECT count() FROM shop.lag', limitMinutes: 60 } },
      /** Waits for nothing at all. */
      impatient: { ...EMBEDDED, before: { query: 'SELECT 1', limitMinutes: 1e-6 } },
      locked: { ...EMBEDDED, password: { ssm: CHANGED_PASSWORD } },
      /** No server listens at port 1. */
      unreachable: { ...EMBEDDED, url: 'http://127.0.0.1:1', attempts: 1 },
      proven: { ...EMBEDDED, prove: { level: 'bytes' } },
      odd: { ...EMBEDDED, databases: ['shop', 'odd `name` "here"'], prove: { level: 'bytes' } },
    },
  },
  'The configuration of the tests',
);

export interface Interposed {
  /** Stands between state machines and functions while it is set. */
  around: Around | undefined;
}

export interface OpenedHouse {
  readonly house: House;
  readonly bucket: Bucket;
  readonly interposed: Interposed;
  sql(statement: string): Promise<string>;
  /** Starts a workflow and waits for its end. */
  run(workflow: 'backup' | 'retention' | 'prove', input: StartInput): Promise<History>;
  ledger(target: string): Promise<readonly LedgerEntry[]>;
  /** The ids under `backups/<target>/` that hold a manifest. */
  complete(target: string): Promise<readonly string[]>;
  claims(target: string): Promise<readonly string[]>;
  keys(prefix: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Waits and pauses are a fortieth of a second: what is tested is the order of things, not their length. */
const PACE = { waits: 25, retries: 25 };

export async function openTestHouse(): Promise<OpenedHouse> {
  const home = await mkdtemp(join(tmpdir(), 'safehouse-workflow-'));
  const interposed: Interposed = { around: undefined };
  const house = await openHouse({
    config: CONFIG,
    home,
    pace: PACE,
    // Not what the shell of whoever runs the tests says about another S3.
    environment: {},
    around: (call, invoke) => interposed.around?.(call, invoke) ?? invoke(),
  });
  const engineUrl = await startOrClose(house);
  const { bucketName: name, ...s3 } = house.servers.s3;
  const bucket = { name, client: new S3Client({ ...s3, forcePathStyle: true }) };
  const keys = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of listObjects(bucket, prefix)) found.push(key);
    return found;
  };
  return {
    house,
    bucket,
    interposed,
    keys,
    sql: async (statement) => {
      const answer = await fetch(engineUrl, { method: 'POST', body: statement });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${statement}\n${text}`);
      return text.trim();
    },
    run: async (workflow, input) => (await house.start(workflow, input)).ended,
    ledger: async (target) => (await readLedger(bucket, target)).entries,
    complete: async (target) =>
      (await keys(targetPrefix(target)))
        .filter((key) => key.endsWith(`/${MANIFEST}`))
        .map((key) => key.split('/')[2] ?? key),
    claims: (target) => keys(`${CLAIMS}${target}/`),
    close: async () => {
      const leaks = await leaksOf(house, bucket);
      await house.close('abort');
      bucket.client.destroy();
      await rm(home, { recursive: true });
      if (leaks.length > 0) throw new Error(`secrets were left behind: ${JSON.stringify(leaks, null, 2)}`);
    },
  };
}

/** Whatever a test was about: what it leaves behind holds no password. */
async function leaksOf({ home }: House, bucket: Bucket): Promise<readonly Leak[]> {
  const secrets = new Secrets(readSecrets(home));
  return [...(await secrets.leaksOf(objectsOf(bucket))), ...(await secrets.leaksOf(filesOf(home)))];
}

async function startOrClose(house: House): Promise<string> {
  try {
    await house.stack();
    return await house.startEngine();
  } catch (error) {
    await house.close('abort');
    throw error;
  }
}

/** Ids have whole seconds: of two backups of one second, the letters say which is the newer. */
export const nextSecond = (): Promise<void> => wait(1000 - (Date.now() % 1000));

/** The states that were entered, in order, each run of the same poll loop once. */
export const way = ({ transitions }: History): string[] =>
  transitions.filter(({ what }) => what === 'entered').map(({ state }) => state);
