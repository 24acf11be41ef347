/** The command line's side: what it opens when nothing runs, and when `local up` does, in processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { listObjects } from '../../clients/bucket.ts';
import type { Config } from '../../core/config.ts';
import type { Execution, ExecutionView, Installation } from '../../core/installation.ts';
import { startBucket } from '../../local/bucket/bucket.ts';
import { builtInConfig } from '../../local/configuration.ts';
import { homeAt } from '../../local/home.ts';
import { openHouse } from '../../local/house.ts';
import { openLocal } from '../../local/installation.ts';

const UP = fileURLToPath(new URL('../../local/up.ts', import.meta.url));
const SAFEHOUSE = fileURLToPath(new URL('../../cli/safehouse.ts', import.meta.url));

let directory: string;
let home: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-installation-'));
  home = join(directory, 'home');
});

afterEach(() => {
  for (const child of spawned.splice(0)) child.kill('SIGKILL');
});

afterAll(() => rm(directory, { recursive: true }));

/** What a failed test would leave behind. */
const spawned: ChildProcess[] = [];

const ELSEWHERE = { SAFEHOUSE_BUCKET: 'elsewhere', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };

interface Up {
  readonly process: ChildProcess;
  readonly shown: () => string;
  readonly exited: Promise<number | string | null>;
}

/** `safehouse local up`, once it has said that it is there. */
async function localUp(): Promise<Up> {
  const child = spawn(process.execPath, [SAFEHOUSE, 'local', 'up'], {
    cwd: directory,
    env: { PATH: process.env['PATH'], SAFEHOUSE_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  spawned.push(child);
  let text = '';
  const ready = Promise.withResolvers<void>();
  const exited = new Promise<number | string | null>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal ?? code);
      ready.reject(new Error(`local up ended: ${text}`));
    });
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.includes('Ctrl-C stops it')) ready.resolve();
    });
  await ready.promise;
  return { process: child, shown: () => text, exited };
}

/** Engine and bucket of a process. */
const childrenOf = (pid: number | undefined): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

async function gone(pids: readonly number[]): Promise<void> {
  for (const pid of pids)
    for (;;) {
      try {
        // A zombie has ended: only its parent has not looked yet.
        if (readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')) break;
      } catch {
        break;
      }
      await wait(20);
    }
}

async function ended(execution: Execution): Promise<ExecutionView> {
  for (;;) {
    const view = await execution.view();
    if (view.status !== 'running') return view;
    await wait(50);
  }
}

async function query(url: string, statement: string): Promise<string> {
  const answer = await fetch(url, { method: 'POST', body: statement });
  return (await answer.text()).trim();
}

/** A proof costs an engine that starts: one of these tests has it. */
function unproven(): Config {
  const config = builtInConfig();
  return {
    ...config,
    targets: Object.fromEntries(
      Object.entries(config.targets).map(([name, target]) => [
        name,
        { ...target, prove: { ...target.prove, level: 'none' } },
      ]),
    ),
  };
}

const addresses = () => JSON.parse(readFileSync(homeAt(home).holder, 'utf8')).addresses;

async function withLocal<Result>(work: (installation: Installation) => Promise<Result>): Promise<Result> {
  const installation = await openLocal({ config: unproven(), home });
  try {
    return await work(installation);
  } finally {
    await installation.close();
  }
}

test('with nothing running, a command runs its own servers and leaves none behind', async () => {
  const endpoint = await withLocal(async (installation) => {
    expect(await installation.targets()).toEqual(['demo']);
    expect(await installation.target('demo')).toMatchObject({ user: 'safehouse', databases: 'all' });
    await expect(installation.target('demi')).rejects.toThrow('did you mean "demo"');
    return installation.endpoint ?? '';
  });

  await expect(fetch(endpoint)).rejects.toThrow();
});

test('while a command works in a home, another one is refused', async () => {
  await withLocal(async () => {
    await expect(openLocal({ config: unproven(), home })).rejects.toThrow('Another command of Safehouse');
  });
});

test('servers come back at the same address, so that incrementals find their base', async () => {
  const endpoint = await withLocal(async (installation) => installation.endpoint);

  expect(await withLocal(async (installation) => installation.endpoint)).toBe(endpoint);
});

test('while `local up` runs, commands use its servers; Ctrl-C ends them all', async () => {
  const up = await localUp();
  const { engine, s3 } = addresses();
  for (const address of [engine, s3]) expect(up.shown()).toContain(address);
  // The bucket takes any keys; a reader who copies the line needs some.
  expect(up.shown()).toContain('AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n');
  await query(engine, 'CREATE DATABASE mine');
  await query(engine, 'CREATE TABLE mine.t (a UInt8) ENGINE = MergeTree ORDER BY a');
  const children = childrenOf(up.process.pid);
  expect(children).toHaveLength(2);

  await withLocal(async (installation) => {
    expect(installation.endpoint).toBe(s3);
    expect(await ended(await installation.start('backup', { target: 'demo' }))).toMatchObject({
      status: 'succeeded',
      backupId: expect.stringMatching(/-full-/),
      poll: { outcome: 'finished' },
    });
  });
  expect(await query(engine, 'SELECT count() FROM mine.t')).toBe('0');
  const elsewhere = { ...ELSEWHERE, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' };
  await expect(openHouse({ config: unproven(), home, environment: elsewhere })).rejects.toThrow(
    'embedded S3',
  );

  await expect(localUp()).rejects.toThrow('runs in');
  up.process.kill('SIGINT');
  expect(await up.exited).toBe(0);
  await gone(children);
});

test('whoever starts `local up` from a program hears where everything is, and nothing else', async () => {
  const script = `
    const { up } = await import(${JSON.stringify(UP)});
    await up({ home: ${JSON.stringify(home)}, onReady: (ready) => console.log(JSON.stringify(ready)), tell: () => {} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: directory,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  spawned.push(child);
  let text = '';
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve) =>
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.endsWith('\n')) resolve();
    }),
  );
  const { engine, s3 } = addresses();
  child.kill('SIGINT');
  await exited;

  expect(JSON.parse(text)).toEqual({
    clickhouse: engine,
    s3: {
      endpoint: s3,
      bucket: 'safehouse',
      region: 'us-east-1',
      keys: { accessKeyId: 'local', secretAccessKey: 'local' },
    },
    targets: ['demo'],
    home,
  });
});

test('after kill -9 nothing is in the way of the next start, and all is still there', async () => {
  const up = await localUp();
  const children = childrenOf(up.process.pid);
  up.process.kill('SIGKILL');
  expect(await up.exited).toBe('SIGKILL');

  const view = await withLocal(async (installation) =>
    ended(await installation.start('backup', { target: 'demo', kind: 'incremental' })),
  );
  expect(view).toMatchObject({ status: 'succeeded', backupId: expect.stringMatching(/-incr-/) });
  await gone(children);
});

test('with AWS_ENDPOINT_URL_S3 and SAFEHOUSE_BUCKET, that S3 takes the backups', async () => {
  const other = await startBucket({ directory: join(directory, 'other'), buckets: ['elsewhere'] });
  const environment = { ...ELSEWHERE, AWS_ENDPOINT_URL_S3: other.endpoint };
  const house = await openHouse({ config: builtInConfig(), home, environment });
  try {
    const history = await (await house.start('backup', { target: 'demo' })).ended;
    expect(history).toMatchObject({ status: 'succeeded' });
    const client = new S3Client({ ...house.servers.s3, forcePathStyle: true });
    const keys: string[] = [];
    for await (const { key } of listObjects({ name: 'elsewhere', client }, 'ledger/demo/')) keys.push(key);
    // What reads it back has the keys for that S3 too.
    expect(keys.map((key) => key.split('/').at(-1)).sort()).toEqual([
      'proven.json',
      'started.json',
      'verified.json',
      'written.json',
    ]);
  } finally {
    await house.close();
    await other.stop();
  }
});

test('another S3 without keys is refused before anything starts', async () => {
  const environment = { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9', SAFEHOUSE_BUCKET: 'elsewhere' };

  await expect(openHouse({ config: builtInConfig(), home, environment })).rejects.toThrow(
    'AWS_SECRET_ACCESS_KEY',
  );
});

test('a webhook gets what the topic is told', async () => {
  // Port 9 is `discard`: nobody answers, and the function says so in its log.
  const config = { ...unproven(), alerts: { email: [], webhook: { ssm: '/webhook' } } };
  const house = await openHouse({ config, home, environment: {} });
  await writeFile(homeAt(home).secrets, JSON.stringify({ '/webhook': 'http://127.0.0.1:9/hook' }));
  const failing = await house.start('backup', { target: 'demo' });
  expect(await failing.ended).toMatchObject({ status: 'failed' });
  await house.close();

  const [webhook] = (await house.stack()).subscribers;
  const log = readFileSync(join(homeAt(home).logs, 'functions', `${webhook?.split(':').at(-1)}.log`), 'utf8');
  expect(log).toContain('127.0.0.1:9');
});
