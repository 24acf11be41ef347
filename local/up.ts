/** `safehouse local up`: engine and bucket in the foreground, for as long as somebody wants them. */
import { styleText } from 'node:util';
import type { Config } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { harmless } from '../core/redaction.ts';
import { localConfig } from './configuration.ts';
import { type House, openHouse } from './house.ts';
import { runSchedules } from './schedules.ts';
import type { TopicMessage } from './topic.ts';

/** Where everything is, once it can be used. */
export interface Up {
  /** ClickHouse's HTTP interface, for the user `default` without a password. */
  readonly clickhouse: string;
  readonly s3: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly region: string;
    /** The embedded bucket takes any keys, these among them. Null when it is another S3, whose keys are somebody's own. */
    readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  };
  readonly targets: readonly string[];
  /** The directory in which all of it lies. */
  readonly home: string;
}

export interface UpOptions {
  /** By default `safehouse.local.config.ts` where the command runs, else the built-in one. */
  readonly config?: Config | undefined;
  /** By default `SAFEHOUSE_HOME`, else `.safehouse`. */
  readonly home?: string | undefined;
  /** Start backups and proofs when the configuration's schedules say so. By default they are left to be started by hand. */
  readonly schedules?: boolean | undefined;
  /** By default a person is greeted. */
  readonly onReady?: ((up: Up) => void) | undefined;
  /** What happens meanwhile, a line or a few: a schedule that starts something, an alert. By default on stdout. */
  readonly tell?: ((text: string) => void) | undefined;
}

/**
 * Returns after Ctrl-C or SIGTERM, when everything has stopped.
 *
 * @throws {SafehouseError} InvalidConfiguration; RefusedForSafety, when another command or `local up` holds the home
 */
export async function up(options: UpOptions = {}): Promise<void> {
  const { config, home, schedules = false, onReady = greet, tell = print } = options;
  const ended = interruption();
  const house = await openHouse({
    config: config ?? (await localConfig()),
    home,
    onMessage: (message) => tell(messageText(message)),
  });
  const stopSchedules = new AbortController();
  try {
    refuseSecond(house);
    await house.startEngine();
    const { engine } = await house.servers.share();
    onReady(readUp(house, engine));
    if (schedules) (await runSchedules(house, stopSchedules.signal, tell)).forEach(tell);
    await ended;
    tell('\nStopping: a backup that is being written is ended.');
  } finally {
    stopSchedules.abort();
    await house.close('abort');
  }
}

function interruption(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  return promise;
}

function refuseSecond({ servers, home }: House): void {
  if (servers.own) return;
  throw new SafehouseError(ERROR_NAMES.unsafe, {
    what: `\`local up\` runs in ${home.directory} already.`,
    remedy: 'Use that one, or set SAFEHOUSE_HOME to another directory for a second one.',
  });
}

function readUp({ servers: { s3 }, config, home }: House, engine: string): Up {
  const { endpoint, bucketName, region, credentials, embedded } = s3;
  const { accessKeyId, secretAccessKey } = credentials;
  return {
    clickhouse: engine,
    s3: { endpoint, bucket: bucketName, region, keys: embedded ? { accessKeyId, secretAccessKey } : null },
    targets: Object.keys(config.targets),
    home: home.directory,
  };
}

function greet({ clickhouse, s3, targets, home }: Up): void {
  const keys = s3.keys
    ? ` AWS_ACCESS_KEY_ID=${s3.keys.accessKeyId} AWS_SECRET_ACCESS_KEY=${s3.keys.secretAccessKey}`
    : '';
  process.stdout.write(`
${bold('ClickHouse')}  ${clickhouse}
            user default, no password
  echo 'SELECT version()' | curl ${clickhouse} --data-binary @-

${bold('S3')}          ${s3.endpoint}
            bucket ${s3.bucket}
  export AWS_ENDPOINT_URL_S3=${s3.endpoint}
  export AWS_REGION=${s3.region}${keys}
  aws s3 ls --recursive s3://${s3.bucket}/

${bold('Safehouse')}   in another terminal:
${targets.map((name) => `  npx safehouse backup ${name} --local`).join('\n')}
  npx safehouse status --local

Ctrl-C stops it. What it holds stays in ${home}.

`);
}

const bold = (text: string): string => styleText('bold', text);

/** A table can be named after an escape sequence. */
const messageText = ({ subject, text }: TopicMessage): string =>
  ['', bold(harmless(subject)), ...text.split('\n').map((each) => `  ${harmless(each)}`), ''].join('\n');

const print = (text: string): void => void process.stdout.write(`${text}\n`);
