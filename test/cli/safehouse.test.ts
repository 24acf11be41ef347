/** The command line as it is run: in a process of its own, against a bucket and endpoints of this machine. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type AwsEndpoint, DEPLOYMENT, startAwsEndpoint } from './aws-endpoint.ts';
import { ENTRY, type Ended, noTrace, startCommand } from './command-process.ts';
import { makeVerified, openTestHouse, shopTarget, type TestHouse } from './house.ts';
import { GOOD, MISTAKES } from './mistakes.ts';

let house: TestHouse;
let aws: AwsEndpoint;
let directory: string;

beforeAll(async () => {
  [house, aws] = await Promise.all([openTestHouse(), startAwsEndpoint()]);
  directory = await mkdtemp(join(tmpdir(), 'safehouse-entry-'));
  await makeVerified(house.bucket, GOOD, {
    tables: [{ database: 'shop', name: '\u001b[2Jevents\u0007', engine: 'MergeTree', coverage: 'data' }],
  });
});
afterAll(async () => {
  await Promise.all([house.stop(), aws.stop()]);
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  aws.refusal = undefined;
  aws.execution = { status: 'RUNNING' };
  aws.operations.length = 0;
  aws.parameters.clear();
  aws.parameters.set('/safehouse/Safehouse/deployment', JSON.stringify(DEPLOYMENT));
  aws.parameters.set('/safehouse/Safehouse/targets/shop', JSON.stringify(shopTarget()));
});

const start = (typed: readonly string[], over: NodeJS.ProcessEnv = {}) =>
  startCommand({ house, aws, directory }, typed, over);

const run = (typed: readonly string[], over: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  start(typed, over).ended;

it('may be executed, by the Node that stands first on the PATH', async () => {
  expect((await stat(ENTRY)).mode & 0o111).toBe(0o111);
});

it('lists what is in the bucket of the stack', async () => {
  const { code, stdout, stderr } = await run(['list', '--json']);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ backups: [{ id: GOOD, target: 'shop', state: 'verified' }] });
  expect(code).toBe(0);
  expect(aws.operations).toEqual(['GetParameter']);
});

it('lets no name act on the terminal, in text and in JSON', async () => {
  for (const typed of [
    ['show', GOOD],
    ['show', GOOD, '--json'],
  ]) {
    const { code, stdout } = await run(typed);
    expect(code).toBe(0);
    expect(stdout).toContain('events');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  }
});

it('takes the stack from --stack, else from SAFEHOUSE_STACK', async () => {
  aws.parameters.set('/safehouse/Prod/deployment', JSON.stringify(DEPLOYMENT));
  for (const name of ['deployment', 'targets/shop']) aws.parameters.delete(`/safehouse/Safehouse/${name}`);
  expect((await run(['list'], { SAFEHOUSE_STACK: 'Prod' })).code).toBe(0);
  expect((await run(['list', '--stack', 'Prod'], { SAFEHOUSE_STACK: 'Other' })).code).toBe(0);
  const missing = await run(['list']);
  expect(missing.code).toBe(3);
  expect(missing.stderr).toContain('There is no stack "Safehouse"');
  expect(missing.stderr).toContain('There is: Prod');
  noTrace(missing);
});

it('starts a backup, follows it, and tells the end that Step Functions tells', async () => {
  aws.execution = { status: 'FAILED', error: 'VerificationFailed', cause: 'the objects differ' };
  const ended = await run(['backup', 'shop', '--json']);
  expect(ended.code).toBe(5);
  expect(JSON.parse(ended.stdout)).toMatchObject({ error: { name: 'VerificationFailed' } });
  expect(aws.operations).toContain('StartExecution');
  noTrace(ended);
});

it('goes at Ctrl-C and leaves the backup running', async () => {
  const { child, told, ended } = start(['backup', 'shop']);
  await expect.poll(() => told.stderr, { timeout: 20_000 }).toContain('full backup of shop');
  await expect.poll(() => aws.operations).toContain('GetExecutionHistory');
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr).toContain('goes on without you');
  expect(aws.operations).not.toContain('StopExecution');
});

it('ends quietly when nobody reads on', async () => {
  const { child, ended, told } = start(['--help']);
  child.stdout.destroy();
  await ended;
  expect(told.stderr).toBe('');
});

/** The first mistake of each verb; the others are tried without a process of their own. */
const FIRST_MISTAKES = MISTAKES.filter(
  ({ typed: [verb] }, index) => MISTAKES.findIndex((other) => other.typed[0] === verb) === index,
);

it('answers a mistake at each verb with its exit code, a sentence for people, and a document for scripts', async () => {
  for (let from = 0; from < FIRST_MISTAKES.length; from += 4) {
    const mistakes = FIRST_MISTAKES.slice(from, from + 4);
    const ends = await Promise.all(mistakes.map(({ typed }) => run([...typed, '--json'])));
    for (const [index, { code, sentence }] of mistakes.entries()) {
      const ended = ends[index] ?? { code: null, signal: null, stdout: '', stderr: '' };
      expect(ended.code).toBe(code);
      expect(ended.stderr).toContain(sentence);
      expect(JSON.parse(ended.stdout)).toMatchObject({ error: { what: expect.stringContaining(sentence) } });
      noTrace(ended);
    }
  }
});

it.each([
  ['ExpiredTokenException', 'The security token included in the request is expired', 2, 'have expired'],
  [
    'UnrecognizedClientException',
    'The security token included in the request is invalid',
    2,
    'does not accept',
  ],
  [
    'AccessDeniedException',
    'User: kim is not authorized to perform: ssm:GetParameter',
    4,
    'ssm:GetParameter',
  ],
])('turns %s into words', async (type, message, code, sentence) => {
  aws.refusal = { type, message };
  const ended = await run(['status']);
  expect(ended.code).toBe(code);
  expect(ended.stderr.replace(/\s+/g, ' ')).toContain(sentence);
  noTrace(ended);
});

it('says that there are no credentials, and no region', async () => {
  const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
  const withoutKeys = await run(['status'], none);
  expect(withoutKeys.code).toBe(2);
  expect(withoutKeys.stderr).toContain('No AWS credentials were found');
  const withoutRegion = await run(['status'], { AWS_REGION: undefined });
  expect(withoutRegion.code).toBe(2);
  expect(withoutRegion.stderr).toContain('No AWS region is set.');
  noTrace(withoutKeys);
  noTrace(withoutRegion);
});

it('names every mistake of a configuration at once', async () => {
  const config = join(directory, 'mistaken.config.ts');
  await writeFile(
    config,
    `export default { targets: { shop: { ulr: 'https://a:8443', url: 7, schedule: { full: 'cron(99 2 * * ? *)' }, retention: { dayly: 7 } } } };`,
  );
  const ended = await run(['status', '--local', '--config', config, '--json']);
  expect(ended.code).toBe(2);
  const { error } = JSON.parse(ended.stdout) as { error: Record<string, string> };
  expect(error['name']).toBe('InvalidConfiguration');
  for (const part of ['targets.shop.ulr', 'targets.shop.url is 7', 'targets.shop.schedule.full', '"daily"'])
    expect(error['what']).toContain(part);
  noTrace(ended);
});

it('says that a configuration does not run, or is not there', async () => {
  const config = join(directory, 'broken.config.ts');
  await writeFile(config, 'export default {{{');
  const broken = await run(['status', '--local', '--config', config]);
  expect(broken.code).toBe(2);
  expect(broken.stderr).toContain('broken.config.ts');
  noTrace(broken);
  const absent = await run(['list', '--local', '--config', 'absent.config.ts']);
  expect(absent.code).toBe(2);
  expect(absent.stderr).toContain('There is no configuration');
});

it('speaks to the Safehouse of this machine in the same words', async () => {
  const home = { SAFEHOUSE_HOME: join(directory, 'home'), AWS_ENDPOINT_URL_S3: undefined };
  const { code, stdout } = await run(['status', '--local'], home);
  expect(stdout).toMatch(/^demo +WRONG +none$/m);
  expect(stdout).toContain('npx safehouse backup demo --local');
  expect(code).toBe(4);
  expect(aws.operations).toEqual([]);
});

it('serves engine and bucket to other commands until Ctrl-C', async () => {
  const home = { SAFEHOUSE_HOME: join(directory, 'served'), AWS_ENDPOINT_URL_S3: undefined };
  const { child, told, ended } = start(['local', 'up'], home);
  await expect.poll(() => told.stdout, { timeout: 40_000 }).toContain('Ctrl-C stops it.');
  const beside = await run(['list', '--local'], home);
  expect(beside.stdout).toBe('There is no backup yet on this machine.\n');
  expect(beside.code).toBe(0);
  child.kill('SIGINT');
  expect((await ended).code).toBe(0);
});

/** Says on stderr what is loaded, before anything else is. */
const RECORDER = `--import=data:text/javascript,${encodeURIComponent(
  "import { registerHooks } from 'node:module'; registerHooks({ load(url, context, next) { process.stderr.write('loads ' + url + '\\n'); return next(url, context); } });",
)}`;

it('loads for AWS nothing of this machine, and for this machine nothing of Step Functions', async () => {
  const onAws = await run(['list'], { NODE_OPTIONS: RECORDER });
  expect(onAws.stderr).toMatch(/^loads .*cli\/aws-installation\.ts$/m);
  expect(onAws.stderr).not.toMatch(/^loads .*(\/local\/|chdb|aws-cdk-lib)/m);
  const here = await run(['list', '--local'], {
    NODE_OPTIONS: RECORDER,
    SAFEHOUSE_HOME: join(directory, 'home'),
    AWS_ENDPOINT_URL_S3: undefined,
  });
  expect(here.stderr).toMatch(/^loads .*local\/installation\.ts$/m);
  expect(here.stderr).not.toMatch(/^loads .*(client-sfn|client-ssm)/m);
});
