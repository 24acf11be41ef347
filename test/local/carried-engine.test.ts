/** Functions that carry an engine run in processes of their own, here with a bundle that does what its event says. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { FunctionProcess } from '../../local/function-process.ts';
import { Functions } from '../../local/functions.ts';
import type { DeployedFunction } from '../../local/template.ts';

const BUNDLE = `
  import { renameSync, writeFileSync } from 'node:fs';
  import { tmpdir } from 'node:os';
  import { join } from 'node:path';
  let calls = 0;
  export const handler = async (event) => {
    calls += 1;
    switch (event?.do) {
      case 'environment': return { ...process.env };
      case 'mark': writeFileSync(join(tmpdir(), 'mark'), ''); return tmpdir();
      case 'log': console.log('line ' + calls); return null;
      case 'exit': process.exit(3);
      case 'hang':
        setInterval(() => {}, 1000);
        writeFileSync(event.file + '.part', String(process.pid));
        renameSync(event.file + '.part', event.file);
        return new Promise(() => {});
      case 'wait': {
        const began = Date.now();
        await new Promise((resolve) => setTimeout(resolve, 200));
        return { began, ended: Date.now() };
      }
      default: return { pid: process.pid, calls };
    }
  };`;

let directory: string;
let functions: Functions;

const deployed = (name: string, timeoutSeconds = 20): DeployedFunction => ({
  name,
  arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
  description: '',
  file: join(directory, 'code', 'index.mjs'),
  handler: 'handler',
  environment: { ITS_OWN: name, NODE_PATH: '/tmp/as-deployed' },
  memoryMegabytes: 64,
  timeoutSeconds,
});

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-carried-'));
  await mkdir(join(directory, 'code', 'engine'), { recursive: true });
  await writeFile(join(directory, 'code', 'index.mjs'), BUNDLE);
  await writeFile(join(directory, 'code', 'engine', 'package.json'), '{"version":"1.2.3"}');
});

afterAll(() => rm(directory, { recursive: true }));

beforeEach(() => {
  functions = new Functions({
    functions: [deployed('F'), deployed('Hasty', 1)],
    environment: { AWS_REGION: 'us-east-1' },
    logDirectory: join(directory, 'logs'),
  });
});

afterEach(() => functions.stop());

const invoke = (event: unknown, name = 'F'): Promise<unknown> => functions.invoke(deployed(name).arn, event);

/** Invokes a function that never answers, and gives its process once it is in the middle of it. */
async function hang(number: number): Promise<{ pid: number; result: Promise<string> }> {
  const file = join(directory, `hanging-${number}-${Date.now()}`);
  const result = invoke({ do: 'hang', file }).then(
    () => 'it answered',
    (error: Error) => `${error.name}: ${error.message}`,
  );
  while (!existsSync(file)) await wait(5);
  return { pid: Number(await readFile(file, 'utf8')), result };
}

const isGone = (pid: number): boolean => {
  try {
    // A zombie has ended: only its parent has not looked yet.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
};

test('it is a process that stays warm', async () => {
  const first = (await invoke({})) as { pid: number };

  expect(first.pid).not.toBe(process.pid);
  expect(await invoke({})).toEqual({ pid: first.pid, calls: 2 });
});

test('its engine is unpacked below a place of this project, by its version', async () => {
  const environment = (await invoke({ do: 'environment' })) as Record<string, string>;

  expect(environment).toMatchObject({ ITS_OWN: 'F', LAMBDA_TASK_ROOT: join(directory, 'code') });
  expect(environment['NODE_PATH']).toMatch(/\/dist\/engine\/1\.2\.3$/);
  expect(environment).not.toHaveProperty('PATH');
});

test('what was left half unpacked by a process that was killed goes, and nothing else', async () => {
  const ended = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => ended.once('exit', resolve));
  const { NODE_PATH = '' } = (await invoke({ do: 'environment' })) as Record<string, string>;
  const packages = join(NODE_PATH, '@chdb');
  const [unfinished, unfinishedYet] = [ended.pid, process.pid].map((pid) => `lib.${pid}.partial`);
  for (const name of [unfinished, unfinishedYet, 'lib'])
    await mkdir(join(packages, name ?? ''), { recursive: true });
  await functions.stop();
  await invoke({});

  expect((await readdir(packages)).sort()).toEqual(['lib', unfinishedYet]);
  await rm(NODE_PATH, { recursive: true });
});

test('what it leaves in its temporary directory goes with it', async () => {
  const temporary = (await invoke({ do: 'mark' })) as string;
  expect(existsSync(join(temporary, 'mark'))).toBe(true);
  await functions.stop();

  expect(existsSync(temporary)).toBe(false);
});

test('every line that it wrote is in the log when it has answered', async () => {
  for (let line = 1; line <= 100; line += 1) {
    await invoke({ do: 'log' });
    expect(await readFile(join(directory, 'logs', 'F.log'), 'utf8')).toMatch(new RegExp(`line ${line}\n$`));
  }
});

test('two are read at once, and more wait for their turn', async () => {
  const times = (await Promise.all([1, 2, 3, 4].map(() => invoke({ do: 'wait' })))) as {
    began: number;
    ended: number;
  }[];

  const beside = times.map(
    ({ began, ended }) => times.filter((other) => other.began < ended && began < other.ended).length,
  );
  expect(Math.max(...beside)).toBeLessThanOrEqual(3);
  expect(
    times.filter(({ began }) => times.some(({ ended }) => ended <= began)).length,
  ).toBeGreaterThanOrEqual(2);
});

test('one that ends by itself, or is killed, is Lambda.Unknown and there again at the next call', async () => {
  await expect(invoke({ do: 'exit' })).rejects.toMatchObject({
    name: 'Lambda.Unknown',
    message: expect.stringContaining('exit status 3'),
  });
  const { pid, result } = await hang(1);
  process.kill(pid, 'SIGKILL');

  expect(await result).toMatch(/^Lambda\.Unknown: .*ended with SIGKILL/);
  expect(await invoke({})).toMatchObject({ calls: 1 });
});

test('one that takes too long is ended', async () => {
  const file = join(directory, 'overdue');
  await expect(invoke({ do: 'hang', file }, 'Hasty')).rejects.toMatchObject({ name: 'Sandbox.Timedout' });

  const pid = Number(await readFile(file, 'utf8'));
  while (!isGone(pid)) await wait(5);
});

test('the end of everything ends those that work, and whoever waits hears of it', async () => {
  const working = [await hang(1), await hang(2)];
  const waiting = invoke({}).then(
    () => 'it answered',
    (error: Error) => error.name,
  );
  await functions.stop();

  expect(await Promise.all(working.map(({ result }) => result))).toEqual([
    expect.stringContaining('SIGKILL'),
    expect.stringContaining('SIGKILL'),
  ]);
  expect(await waiting).toBe('Lambda.Unknown');
  expect(working.map(({ pid }) => isGone(pid))).toEqual([true, true]);
});

test('it does not outlive whoever started it, however that ends', async () => {
  const module = fileURLToPath(new URL('../../local/function-process.ts', import.meta.url));
  const file = join(directory, 'outlived');
  const script = `
    const { FunctionProcess } = await import(${JSON.stringify(module)});
    new FunctionProcess(${JSON.stringify(deployed('F'))}, {}, () => {}).invoke(${JSON.stringify({ do: 'hang', file })});`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  onTestFinished(() => void parent.kill('SIGKILL'));
  while (!existsSync(file)) await wait(5);
  const pid = Number(await readFile(file, 'utf8'));
  expect(isGone(pid)).toBe(false);
  parent.kill('SIGKILL');

  while (!isGone(pid)) await wait(5);
});

test('a bundle that cannot be loaded says why', async () => {
  const broken = new FunctionProcess({ ...deployed('F'), handler: 'nowhere' }, {}, () => {});

  await expect(broken.invoke({})).rejects.toThrow('exports no function \\"nowhere\\"');
  await broken.stop();
});
