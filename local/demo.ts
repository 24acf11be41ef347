/**
 * `npm start`: Safehouse on this machine, from an empty directory to backups that are made, checked, broken, told and
 * forgotten. What it leaves in `.safehouse` is there for the commands that it names at the end.
 */
import { S3Client } from '@aws-sdk/client-s3';
import { EXIT } from '../cli/exit-codes.ts';
import { reportLines, reportOf, stackLines } from '../cli/report.ts';
import { EMPTY_LINE, faint, line, strong } from '../cli/screen.ts';
import type { Bucket } from '../clients/bucket.ts';
import { builtInConfig } from './configuration.ts';
import { DemoScreen } from './demo/screen.ts';
import { runTour } from './demo/tour.ts';
import { type House, openHouse } from './house.ts';

const TARGET = 'demo';
const WIDTH = 80;

const screen = new DemoScreen(process.stdout);
const interrupted = Promise.withResolvers<'interrupted'>();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => interrupted.resolve('interrupted'));
// Whatever nobody waited for: told like everything else, and the children end with this process.
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit(EXIT.unexpected);
});

async function main(): Promise<number> {
  const began = Date.now();
  let house: House | undefined;
  try {
    // The built-in configuration: the demonstration must not run on anybody's own.
    house = await openHouse({ config: builtInConfig(), environment: withoutOtherS3() });
    introduce(house);
    const tour = runTour({ house, bucket: bucketOf(house), screen, target: TARGET });
    // Ends with an error of its own when the house is closed under it; by then nobody listens.
    tour.catch(() => {});
    if ((await Promise.race([tour, interrupted.promise])) === 'interrupted') return await stop(house);
    await house.close();
    takeLeave(Math.round((Date.now() - began) / 1000));
    return EXIT.good;
  } catch (error) {
    const code = fail(error);
    await house?.close('abort').catch(() => {});
    return code;
  }
}

function withoutOtherS3(): NodeJS.ProcessEnv {
  const { SAFEHOUSE_BUCKET: _, ...environment } = process.env;
  return environment;
}

function introduce({ home }: House): void {
  screen.print(EMPTY_LINE, line(strong('Safehouse'), ' on this machine'), EMPTY_LINE);
  screen.facts([
    [
      'Real',
      'ClickHouse (its engine in a process, behind its HTTP interface), the S3 protocol, and the state machines and functions that would be deployed',
    ],
    ['In place of', 'Lambda, Step Functions, SSM and SNS: this process'],
    ['State', `${home.directory}, also for the commands afterwards`],
  ]);
}

async function stop(house: House): Promise<number> {
  screen.print(EMPTY_LINE, line('Stopping.'));
  await house.close('abort');
  return EXIT.interrupted;
}

function fail(error: unknown): number {
  const { error: reported, exitCode } = reportOf(error);
  screen.print(EMPTY_LINE, ...reportLines(reported, WIDTH));
  if (process.env['SAFEHOUSE_DEBUG']) screen.print(...stackLines(error));
  return exitCode;
}

function bucketOf({ servers: { s3 } }: House): Bucket {
  const { bucketName: name, endpoint, region, credentials } = s3;
  return { name, client: new S3Client({ endpoint, region, credentials, forcePathStyle: true }) };
}

const COMMANDS = [
  ['npx safehouse status --local', 'how things stand'],
  ['npx safehouse list demo --local', 'every backup'],
  ['npx safehouse show latest --local', 'one, with its RESTORE statement'],
  ['npx safehouse prove latest --local', 'read every byte of it again'],
  ['npx safehouse sql latest "SELECT count() FROM shop.orders" --local', 'ask it, without a restore'],
  ['npx safehouse retention demo --local', 'what stays, what goes, and why'],
  ['npx safehouse backup demo --local', 'one more'],
  ['npx safehouse restore demo --dry-run --local', 'how it would be brought back beside it'],
  ['npx safehouse local up', 'ClickHouse and S3 for your own tables'],
] as const;

/** Of the column of commands; a longer one has its line to itself. */
const COMMAND_WIDTH = 36;

function takeLeave(seconds: number): void {
  screen.print(
    EMPTY_LINE,
    line(`${seconds} seconds. Everything has stopped; what was made is still there:`),
    EMPTY_LINE,
    ...COMMANDS.flatMap(([command, about]) =>
      command.length <= COMMAND_WIDTH
        ? [line('  ', command.padEnd(COMMAND_WIDTH), '  ', faint(about))]
        : [line('  ', command), line(' '.repeat(COMMAND_WIDTH + 4), faint(about))],
    ),
    EMPTY_LINE,
  );
}

process.exitCode = await main();
