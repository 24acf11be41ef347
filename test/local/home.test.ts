import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leaveHome, shareHome, takeHome } from '../../local/holder.ts';
import { type Home, homeAt, readPorts, readSecrets, rememberPorts, writeSecret } from '../../local/home.ts';

let home: Home;

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'safehouse-home-')));
});

afterEach(() => rm(home.directory, { recursive: true }));

const ADDRESSES = {
  engine: 'http://127.0.0.1:1',
  s3: 'http://127.0.0.1:2',
  s3Embedded: true,
  topic: 'http://127.0.0.1:3',
};

/** What a process writes that holds the home. */
const heldBy = (pid: number, more: object = {}): Promise<void> =>
  writeFile(home.holder, JSON.stringify({ pid, processStarted: null, addresses: null, ...more }));

async function aliveAndDead(): Promise<{ alive: number; dead: number; stop: () => void }> {
  const ended = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => ended.once('exit', resolve));
  const sleeping = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  return { alive: sleeping.pid ?? 0, dead: ended.pid ?? 0, stop: () => sleeping.kill('SIGKILL') };
}

test('a home that nobody holds is taken, and free again when it is left', () => {
  expect(takeHome(home)).toBeUndefined();
  expect(existsSync(home.holder)).toBe(true);
  leaveHome(home);
  expect(existsSync(home.holder)).toBe(false);
});

test('a second command is refused, by the process that is in the way', () => {
  takeHome(home);

  expect(() => takeHome(home)).toThrow(`process ${process.pid}`);
});

test('a home that is shared is used by its addresses, and not given up by a guest', async () => {
  takeHome(home);
  shareHome(home, ADDRESSES);

  expect(takeHome(home)).toEqual(ADDRESSES);
});

test('a process that was killed holds nothing', async () => {
  const { dead, stop } = await aliveAndDead();
  await heldBy(dead, { addresses: ADDRESSES });

  expect(takeHome(home)).toBeUndefined();
  stop();
});

test('another process with the number of the one that was killed holds nothing either', async () => {
  const { alive, stop } = await aliveAndDead();
  await heldBy(alive, { processStarted: '1', addresses: ADDRESSES });

  expect(takeHome(home)).toBeUndefined();
  stop();
});

test('a file that was cut off holds nothing', async () => {
  await mkdir(home.directory, { recursive: true });
  await writeFile(home.holder, '{"pid": 1');

  expect(takeHome(home)).toBeUndefined();
});

test('leaving does not take the home away from another process', async () => {
  await heldBy(1);
  leaveHome(home);

  expect(existsSync(home.holder)).toBe(true);
});

test('the password of the embedded engine is made once, for this home and this user alone', async () => {
  const [secrets] = [readSecrets(home)];
  const [password] = Object.values(secrets);

  expect(password).toMatch(/^[\w-]{16}$/);
  expect(readSecrets(home)).toEqual(secrets);
  expect((await stat(home.secrets)).mode & 0o777).toBe(0o600);
});

test('a secret is added beside the others', () => {
  const before = readSecrets(home);
  writeSecret(home, '/mine', 'value');

  expect(readSecrets(home)).toEqual({ ...before, '/mine': 'value' });
});

test('a file of secrets that is none is named, and its content is not shown', async () => {
  await writeFile(home.secrets, '"hunter2"');

  expect(() => readSecrets(home)).toThrow(home.secrets);
  expect(() => readSecrets(home)).not.toThrow('hunter2');
});

test('ports are remembered one by one', () => {
  expect(readPorts(home)).toEqual({});
  rememberPorts(home, { engine: 1 });
  rememberPorts(home, { bucket: 2 });

  expect(readPorts(home)).toEqual({ engine: 1, bucket: 2 });
});
