/** What `sql` does to the process that it runs in: the engine is a part of it, and cannot be called back. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsEndpoint, startAwsEndpoint } from './aws-endpoint.ts';
import { noTrace, startCommand } from './command-process.ts';
import { openTestHouse, type TestHouse } from './house.ts';
import { startServer } from './real-backups.ts';

const FULL = '20260329T020000Z-full-k3f9';

let house: TestHouse;
let aws: AwsEndpoint;
let directory: string;
let temporary: string;

beforeAll(async () => {
  [house, aws] = await Promise.all([openTestHouse(), startAwsEndpoint()]);
  directory = await mkdtemp(join(tmpdir(), 'safehouse-sql-process-'));
  temporary = join(directory, 'temporary');
  await mkdir(temporary);
  const server = await startServer(house);
  try {
    await server.run('CREATE DATABASE shop');
    await server.run('CREATE TABLE shop.events (id UInt32) ENGINE = MergeTree ORDER BY id');
    await server.run('INSERT INTO shop.events SELECT number FROM numbers(1000)');
    await server.backUp({ id: FULL, databases: ['shop'] });
  } finally {
    await server.stop();
  }
}, 60_000);
afterAll(async () => {
  await Promise.all([house.stop(), aws.stop()]);
  await rm(directory, { recursive: true });
});

const start = (query: string, flags: readonly string[] = [], over: NodeJS.ProcessEnv = {}) =>
  startCommand({ house, aws, directory }, ['sql', FULL, query, ...flags], { TMPDIR: temporary, ...over });

it('answers, and ends by itself', async () => {
  const ended = await start('SELECT count() FROM shop.events').ended;
  expect(ended).toEqual({ code: 0, signal: null, stdout: '1000\n', stderr: '' });
  expect(await readdir(temporary)).toEqual([]);
});

it('reads with the credentials of a profile', async () => {
  const file = join(directory, 'credentials');
  await writeFile(file, '[audit]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = secret\n');
  const { code, stdout } = await start('SELECT count() FROM shop.events', [], {
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_PROFILE: 'audit',
    AWS_SHARED_CREDENTIALS_FILE: file,
  }).ended;
  expect(stdout).toBe('1000\n');
  expect(code).toBe(0);
});

it('goes at Ctrl-C while rows come, and leaves nothing behind', async () => {
  const { child, told, ended } = start('SELECT number FROM system.numbers');
  await expect.poll(() => told.stdout.length, { timeout: 20_000 }).toBeGreaterThan(0);
  child.kill('SIGINT');
  const { code, signal } = await ended;
  expect(code ?? signal).toSatisfy((end) => end === 130 || end === 'SIGINT');
  expect(await readdir(temporary)).toEqual([]);
});

async function processorSeconds(pid: number | undefined): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'time=', '-p', String(pid)]);
  return stdout
    .trim()
    .split(/[-:]/)
    .reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

it('goes at Ctrl-C while the engine is busy and would be for ever, and leaves nothing behind', async () => {
  const { child, ended } = start('SELECT count() FROM system.numbers WHERE cityHash64(number) = 1', [
    '--format',
    'JSON',
  ]);
  // Opening and mounting take a second of it; the rest is the query.
  await expect.poll(() => processorSeconds(child.pid), { timeout: 30_000 }).toBeGreaterThanOrEqual(3);
  expect(await readdir(temporary)).toHaveLength(1);
  child.kill('SIGINT');
  const { code, signal } = await ended;
  expect(code ?? signal).toSatisfy((end) => end === 130 || end === 'SIGINT');
  expect(await readdir(temporary)).toEqual([]);
});

it('ends quietly when nobody reads on', async () => {
  const { child, told, ended } = start('SELECT number FROM system.numbers');
  await expect.poll(() => told.stdout.length, { timeout: 20_000 }).toBeGreaterThan(0);
  child.stdout.destroy();
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
  expect(await readdir(temporary)).toEqual([]);
});

/** Makes a package behave as told when it is loaded. */
const loading = (module: string, error: string): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `import { registerHooks } from 'node:module'; registerHooks({ resolve(name, context, next) { if (name === ${JSON.stringify(module)}) throw Object.assign(new Error('it is not there'), ${error}); return next(name, context); } });`,
  )}`,
});

it('says that the engine is not installed, or none for this machine', async () => {
  const absent = await start('SELECT 1', [], loading('chdb', "{ code: 'ERR_MODULE_NOT_FOUND' }")).ended;
  expect(absent.code).toBe(2);
  expect(absent.stderr).toContain('npm install --save-dev chdb');
  const unfit = await start('SELECT 1', [], loading('chdb', "{ name: 'ChdbPlatformUnsupportedError' }"))
    .ended;
  expect(unfit.code).toBe(2);
  expect(unfit.stderr.replace(/\s+/g, ' ')).toContain('does not run on');
  expect(unfit.stderr).toContain('WSL2');
  for (const ended of [absent, unfit]) noTrace(ended);
});
