/** `safehouse local up`: engine and bucket in the foreground, for as long as somebody wants them. */

import { takesColour } from '../cli/progress.ts';
import { EMPTY_LINE, faint, type Line, line, renderLine, strong } from '../cli/screen.ts';
import type { Config } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { localConfig } from './configuration.ts';
import { type House, openHouse } from './house.ts';
import { runSchedules } from './schedules.ts';
import type { TopicMessage } from './topic.ts';

export interface UpOptions {
  /** By default `safehouse.local.config.ts` where the command runs, else the built-in one. */
  readonly config?: Config | undefined;
  /** By default `SAFEHOUSE_HOME`, else `.safehouse`. */
  readonly home?: string | undefined;
  /** Start backups when the configuration's schedules say so. By default they are left to be started by hand. */
  readonly schedules?: boolean | undefined;
}

/**
 * Returns after Ctrl-C or SIGTERM, when everything has stopped.
 *
 * @throws {SafehouseError} InvalidConfiguration; RefusedForSafety, when another command or `local up` holds the home
 */
export async function up({ config, home, schedules = false }: UpOptions = {}): Promise<void> {
  const ended = interruption();
  const house = await openHouse({ config: config ?? (await localConfig()), home, onMessage: showMessage });
  const stopSchedules = new AbortController();
  try {
    refuseSecond(house);
    await house.startEngine();
    const { engine } = await house.servers.share();
    print(...greeting(house, engine));
    if (schedules)
      print(
        ...(await runSchedules(house, stopSchedules.signal, (text) => print(line(text)))).map((each) =>
          line(each),
        ),
      );
    print(line('Ctrl-C stops it. What it holds stays in ', house.home.directory, '.'), EMPTY_LINE);
    await ended;
    print(EMPTY_LINE, line('Stopping: a backup that is being written is ended.'));
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

function greeting({ servers: { s3 }, config }: House, engine: string): Line[] {
  const { accessKeyId, secretAccessKey } = s3.credentials;
  const keys = s3.embedded
    ? ` AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey}`
    : '';
  return [
    line(strong('ClickHouse'), `  ${engine}   `, faint('user default, no password')),
    line(`  echo 'SELECT version()' | curl ${engine} --data-binary @-`),
    EMPTY_LINE,
    line(strong('S3'), `          ${s3.endpoint}   `, faint(`bucket ${s3.bucketName}`)),
    line(`  export AWS_ENDPOINT_URL_S3=${s3.endpoint} AWS_REGION=${s3.region}${keys}`),
    line(`  aws s3 ls --recursive s3://${s3.bucketName}/`),
    EMPTY_LINE,
    line(
      strong('Safehouse'),
      `   ${Object.keys(config.targets).length === 1 ? 'target' : 'targets'} ${Object.keys(config.targets).join(', ')}   `,
      faint('in another terminal:'),
    ),
    line(`  npx safehouse backup ${Object.keys(config.targets)[0]} --local`),
    line('  npx safehouse status --local'),
    EMPTY_LINE,
  ];
}

const showMessage = ({ subject, text }: TopicMessage): void =>
  print(EMPTY_LINE, line(strong(subject)), ...text.split('\n').map((each) => line('  ', each)), EMPTY_LINE);

function print(...lines: readonly Line[]): void {
  const colour = takesColour(process.stdout);
  for (const each of lines) process.stdout.write(`${renderLine(each, colour)}\n`);
}
