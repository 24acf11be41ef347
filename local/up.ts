/** `safehouse local up`: engine and bucket in the foreground, for as long as somebody wants them. */

import { takesColour } from '../cli/progress.ts';
import { EMPTY_LINE, type Line, line, renderLine, strong } from '../cli/screen.ts';
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
    process.stdout.write(greeting(house, engine));
    const say = (text: string): void => print(line(text));
    if (schedules) (await runSchedules(house, stopSchedules.signal, say)).forEach(say);
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

function greeting({ servers: { s3 }, config, home }: House, engine: string): string {
  const { accessKeyId, secretAccessKey } = s3.credentials;
  const names = Object.keys(config.targets);
  // Somebody's real keys are not for the screen; the embedded bucket takes any.
  const keys = s3.embedded
    ? ` AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey}`
    : '';
  return `
${styled('ClickHouse')}  ${engine}
            user default, no password
  echo 'SELECT version()' | curl ${engine} --data-binary @-

${styled('S3')}          ${s3.endpoint}
            bucket ${s3.bucketName}
  export AWS_ENDPOINT_URL_S3=${s3.endpoint}
  export AWS_REGION=${s3.region}${keys}
  aws s3 ls --recursive s3://${s3.bucketName}/

${styled('Safehouse')}   in another terminal:
${names.map((name) => `  npx safehouse backup ${name} --local`).join('\n')}
  npx safehouse status --local

Ctrl-C stops it. What it holds stays in ${home.directory}.

`;
}

const styled = (heading: string): string => renderLine(line(strong(heading)), takesColour(process.stdout));

const showMessage = ({ subject, text }: TopicMessage): void =>
  print(EMPTY_LINE, line(strong(subject)), ...text.split('\n').map((each) => line('  ', each)), EMPTY_LINE);

function print(...lines: readonly Line[]): void {
  const colour = takesColour(process.stdout);
  for (const each of lines) process.stdout.write(`${renderLine(each, colour)}\n`);
}
