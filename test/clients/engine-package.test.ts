import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unpackEngine } from '../../clients/engine-package.ts';
import { ENGINE_DIRECTORY, ENGINE_LIBRARY, ENGINE_PACKAGE } from '../../core/engine-package.ts';

let directory = '';
let bundle = '';
/** Long enough to be written in several pieces. */
const LIBRARY = Buffer.alloc(20_000_000, 'a library of a database, ');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-package-'));
  bundle = join(directory, 'bundle');
  await mkdir(join(bundle, ENGINE_DIRECTORY), { recursive: true });
  await writeFile(join(bundle, ENGINE_DIRECTORY, `${ENGINE_LIBRARY}.zst`), zstdCompressSync(LIBRARY));
  await writeFile(join(bundle, ENGINE_DIRECTORY, 'package.json'), '{"version":"1.0.0"}');
  await writeFile(join(bundle, ENGINE_DIRECTORY, 'chdb_node.node'), 'the binding');
  vi.stubEnv('NODE_PATH', `${join(directory, 'unpacked')}:/elsewhere`);
});
afterEach(() => rm(directory, { recursive: true }));

const place = (): string => join(directory, 'unpacked', ENGINE_PACKAGE);
/** Everything beside the unpacked package: nothing should be. */
const leftovers = async (): Promise<string[]> => {
  const files = await readdir(dirname(place())).catch(() => []);
  return files.filter((file) => join(dirname(place()), file) !== place());
};

async function expectWhole(): Promise<void> {
  expect((await readFile(join(place(), ENGINE_LIBRARY))).equals(LIBRARY)).toBe(true);
  expect((await stat(join(place(), ENGINE_LIBRARY))).mode & 0o111).not.toBe(0);
  expect(await readFile(join(place(), 'package.json'), 'utf8')).toBe('{"version":"1.0.0"}');
  expect((await readdir(place())).sort()).toEqual(['chdb_node.node', ENGINE_LIBRARY, 'package.json']);
  expect(await leftovers()).toEqual([]);
}

describe('the engine of a bundle', () => {
  it('is unpacked below the first directory of NODE_PATH, whole', async () => {
    await unpackEngine(bundle);
    await expectWhole();
  });

  it('is unpacked once: what is there is left alone', async () => {
    await unpackEngine(bundle);
    const { mtimeMs, ino } = await stat(join(place(), ENGINE_LIBRARY));
    await unpackEngine(bundle);
    expect(await stat(join(place(), ENGINE_LIBRARY))).toMatchObject({ mtimeMs, ino });
  });

  it('is whole when several unpack it at the same time', async () => {
    await Promise.all([1, 2, 3, 4].map(() => unpackEngine(bundle)));
    await expectWhole();
  });

  it('is whole when other processes unpack it too', async () => {
    const script = `
      import { unpackEngine } from ${JSON.stringify(join(import.meta.dirname, '../../clients/engine-package.ts'))};
      await unpackEngine(${JSON.stringify(bundle)});`;
    const processes = [1, 2].map(
      () =>
        new Promise<number | null>((resolve) =>
          spawn(process.execPath, ['--input-type=module', '-e', script], {
            env: process.env,
            stdio: 'inherit',
          }).once('exit', resolve),
        ),
    );
    await unpackEngine(bundle);
    expect(await Promise.all(processes)).toEqual([0, 0]);
    await expectWhole();
  });

  it('is whole after an unpacking that was killed, of which nothing is left', async () => {
    // A number that no process has.
    const abandoned = `${place()}.4194305.1.partial`;
    const ownOfBefore = `${place()}.${process.pid}.99.partial`;
    for (const path of [abandoned, ownOfBefore]) {
      await mkdir(path, { recursive: true });
      await writeFile(join(path, ENGINE_LIBRARY), 'half a li');
    }
    await unpackEngine(bundle);
    await expectWhole();
  });

  it('leaves alone what another process is unpacking', async () => {
    const others = `${place()}.${process.ppid}.1.partial`;
    await mkdir(others, { recursive: true });
    await unpackEngine(bundle);
    expect(await leftovers()).toEqual([others.slice(dirname(place()).length + 1)]);
  });

  it.each([
    ['is damaged', (packed: Buffer) => Buffer.concat([packed.subarray(0, 30), Buffer.from('nonsense')])],
    ['is cut off', (packed: Buffer) => packed.subarray(0, -20)],
    ['is no library', () => Buffer.from('not zstd at all')],
  ])('is not there when its library %s, and nothing of it is left', async (_, damage) => {
    const file = join(bundle, ENGINE_DIRECTORY, `${ENGINE_LIBRARY}.zst`);
    await writeFile(file, damage(await readFile(file)));
    await expect(unpackEngine(bundle)).rejects.toThrow();
    expect(existsSync(place())).toBe(false);
    expect(await leftovers()).toEqual([]);
  });

  it('is not there when it does not fit, and nothing of it is left: the next one may', async () => {
    // A file where the directory should be stands for a disk that takes no more.
    await mkdir(dirname(dirname(place())), { recursive: true });
    await writeFile(dirname(place()), '');
    await expect(unpackEngine(bundle)).rejects.toThrow();
    await rm(dirname(place()));
    await unpackEngine(bundle);
    await expectWhole();
  });

  it('is asked for only where the bundle carries one', async () => {
    await unpackEngine(join(directory, 'another'));
    await unpackEngine(undefined);
    vi.stubEnv('NODE_PATH', '');
    await unpackEngine(bundle);
    expect(existsSync(join(directory, 'unpacked'))).toBe(false);
  });
});
