/** What happens around the demonstration; that it runs through is seen wherever `npm start` is. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { homeAt } from '../../local/home.ts';

const DEMO = fileURLToPath(new URL('../../local/demo.ts', import.meta.url));

let directory: string;
let home: string;
let temporary: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-demo-'));
  [home, temporary] = [join(directory, 'home'), join(directory, 'temporary')];
  await mkdir(temporary);
});

afterAll(() => rm(directory, { recursive: true }));

const childrenOf = (pid: number | undefined): string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');

test('Ctrl-C in the middle of a proof stops it, and leaves nothing running', async () => {
  const child = spawn(process.execPath, [DEMO], {
    env: { PATH: process.env['PATH'], SAFEHOUSE_HOME: home, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let shown = '';
  const reached = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
      if (shown.includes('A past of')) reached.resolve();
    });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await Promise.race([reached.promise, exited]);
  // Engine and bucket, and the first process that proves what was backed up.
  let children = childrenOf(child.pid);
  while (children.length < 3 && child.exitCode === null) {
    await wait(20);
    children = childrenOf(child.pid);
  }
  child.kill('SIGINT');

  expect(await exited, shown).toBe(130);
  expect(shown).toContain('Stopping.');
  expect(shown).not.toMatch(/\n\s+at /);
  for (const pid of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
  expect(existsSync(homeAt(home).holder)).toBe(false);
  expect(await readdir(temporary)).toEqual([]);
});
