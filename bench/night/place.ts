/** Where nights are simulated: the real engine and bucket, with a front before each, and the deployed stack. */
import { S3Client } from '@aws-sdk/client-s3';
import type { Bucket } from '../../clients/bucket.ts';
import { parseConfig, type Target } from '../../core/config.ts';
import { startBucket } from '../../local/bucket/bucket.ts';
import { EMBEDDED_URL } from '../../local/configuration.ts';
import { startEngine } from '../../local/engine/engine.ts';
import { startParameters } from '../../local/parameters.ts';
import { STACK_NAME, synthesise } from '../../local/synthesis.ts';
import { type DeployedStack, readStack } from '../../local/template.ts';
import { type Sql, sqlAt } from '../overhead/sql.ts';
import type { Workspace } from '../workspace.ts';
import { Clock } from './clock.ts';
import { ClockedFunctions } from './clocked-functions.ts';
import { startForwarder } from './forwarder.ts';
import { RequestCount } from './s3-requests.ts';
import { type SlowClickHouse, startSlowClickHouse } from './slow-clickhouse.ts';

export interface NightPlace {
  readonly clock: Clock;
  readonly stack: DeployedStack;
  readonly target: Target;
  readonly functions: ClockedFunctions;
  readonly clickhouse: SlowClickHouse;
  /** Straight to the engine. */
  readonly sql: Sql;
  /** Straight to the bucket: what the bench does there itself is not counted. */
  readonly bucket: Bucket;
  readonly requests: RequestCount;
}

export const TARGET = 'nightly';
const BUCKET = 'safehouse';
const REGION = 'us-east-1';
const KEYS = { accessKeyId: 'local', secretAccessKey: 'local' };

const CONFIG = {
  targets: {
    [TARGET]: {
      url: EMBEDDED_URL,
      databases: ['night'],
      schedule: { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' },
      maxHours: 24,
      prove: { level: 'none' as const },
    },
  },
};

/** Everything is ended with the workspace. */
export async function openNightPlace(workspace: Workspace): Promise<NightPlace> {
  const config = parseConfig(CONFIG, 'The configuration of the bench');
  const { directory } = await synthesise(config);
  const stack = readStack(directory, STACK_NAME, { region: REGION, bucketName: BUCKET });
  const clock = new Clock();
  const ended = <Server extends { stop(): Promise<void> }>(server: Server): Server => {
    workspace.atEnd(() => server.stop());
    return server;
  };
  const store = ended(
    await startBucket({ directory: await workspace.subdirectory('night/bucket'), buckets: [BUCKET] }),
  );
  const engine = ended(
    await startEngine({
      dataDirectory: await workspace.subdirectory('night/engine'),
      users: { default: '' },
      environment: { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey },
    }),
  );
  const requests = new RequestCount();
  const s3 = ended(
    await startForwarder({
      to: store.endpoint,
      onRequest: ({ method = '', url = '', headers }) =>
        requests.add({ method, url, userAgent: headers['user-agent'] ?? '' }),
    }),
  );
  const clickhouse = ended(await startSlowClickHouse(engine.url, () => clock.now()));
  const parameters = ended(await startParameters((name) => parameterOf(stack, name, clickhouse.url)));
  const functions = ended(
    new ClockedFunctions({
      functions: stack.functions,
      environment: {
        AWS_REGION: REGION,
        AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
        AWS_ENDPOINT_URL_S3: s3.url,
        AWS_ENDPOINT_URL_SSM: parameters.url,
      },
      clock,
      directory: await workspace.subdirectory('night/functions'),
    }),
  );
  const client = new S3Client({
    endpoint: store.endpoint,
    region: REGION,
    credentials: KEYS,
    forcePathStyle: true,
  });
  const target = config.targets[TARGET];
  if (target === undefined) throw new Error(`the configuration has no target ${TARGET}`);
  return {
    clock,
    stack,
    target,
    functions,
    clickhouse,
    sql: sqlAt(engine.url),
    bucket: { name: BUCKET, client },
    requests,
  };
}

/** The stack's own parameter, with the address at which ClickHouse is. */
function parameterOf({ parameters }: DeployedStack, name: string, url: string): string | undefined {
  const value = parameters.get(name);
  if (value === undefined || !name.endsWith(`/targets/${TARGET}`)) return value;
  return JSON.stringify({ ...JSON.parse(value), url });
}
