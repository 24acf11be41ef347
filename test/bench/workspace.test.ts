import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Workspace } from '../../bench/workspace.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'safehouse-workspace-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

it('ends what was started, the last first, and then removes the directory', async () => {
  const workspace = Workspace.open(parent);
  const ended: string[] = [];
  for (const name of ['bucket', 'engine'])
    workspace.atEnd(async () => {
      expect(existsSync(workspace.directory)).toBe(true);
      ended.push(name);
    });
  writeFileSync(join(await workspace.subdirectory('data/part'), 'bytes'), 'x');
  await workspace.close();

  expect(ended).toEqual(['engine', 'bucket']);
  expect(readdirSync(parent)).toEqual([]);
});

it('removes the directory and ends the rest when something cannot be ended, and says so', async () => {
  const workspace = Workspace.open(parent);
  let ended = false;
  workspace.atEnd(async () => {
    ended = true;
  });
  workspace.atEnd(() => Promise.reject(new Error('stuck')));

  await expect(workspace.close()).rejects.toThrow('not everything could be ended');
  expect(ended).toBe(true);
  expect(readdirSync(parent)).toEqual([]);
});

it('ends a thing once, also when it was ended early', async () => {
  const workspace = Workspace.open(parent);
  let ended = 0;
  const endNow = workspace.atEnd(async () => {
    ended += 1;
  });
  await endNow();
  await endNow();
  await Promise.all([workspace.close(), workspace.close()]);

  expect(ended).toBe(1);
});

it('removes what a killed run left, and nothing of a run that lives', async () => {
  const gone = Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString());
  const names = [`safehouse-bench-${gone}-a`, `safehouse-bench-${process.ppid}-b`, 'safehouse-bench-notes'];
  for (const name of names) mkdirSync(join(parent, name));
  const workspace = Workspace.open(parent);

  expect(names.filter((name) => existsSync(join(parent, name)))).toEqual(names.slice(1));
  await workspace.close();
});

it('knows how much room there is', async () => {
  const workspace = Workspace.open(parent);
  const { disk, memory } = await workspace.room();
  await workspace.close();

  expect(disk).toBeGreaterThan(1_000_000);
  expect(memory).toBeGreaterThan(1_000_000);
});
