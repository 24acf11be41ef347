/** What happens around the demonstration; that it runs through is seen wherever `npm start` is. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { homeAt } from '../../local/home.ts';

const DEMO = fileURLToPath(new URL('../../local/demo.ts', import.meta.url));

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'safehouse-demo-'));
});

afterAll(() => rm(home, { recursive: true }));

test('Ctrl-C in the middle of a backup stops it, and leaves nothing running', async () => {
  const child = spawn(process.execPath, [DEMO], {
    env: { PATH: process.env['PATH'], SAFEHOUSE_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let shown = '';
  const reached = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
      if (shown.includes('A full backup')) reached.resolve();
    });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await Promise.race([reached.promise, exited]);
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
  expect(children).toHaveLength(2);
  child.kill('SIGINT');

  expect(await exited, shown).toBe(130);
  expect(shown).toContain('Stopping.');
  expect(shown).not.toMatch(/\n\s+at /);
  for (const pid of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
  expect(existsSync(homeAt(home).holder)).toBe(false);
});
