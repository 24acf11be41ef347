/** The engine's library as the prover's bundle carries it: compressed, because 566 MB do not fit a function. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { ENGINE_DIRECTORY, ENGINE_LIBRARY, ENGINE_PACKAGE } from '../core/engine-package.ts';

/**
 * Unpacks the library that lies beside the bundle into the directory that NODE_PATH names, once for the life of the machine
 * underneath: whoever comes second finds it whole, because it is renamed into place when it is whole. Without such a bundle
 * (the command line, the tests) the engine is npm's own, and nothing is done.
 *
 * @throws Error when the disk is full or the library is damaged; nothing of it is left behind
 */
export async function unpackEngine(bundle = process.env['LAMBDA_TASK_ROOT']): Promise<void> {
  const source = bundle === undefined ? undefined : join(bundle, ENGINE_DIRECTORY);
  if (source === undefined || !existsSync(source)) return;
  const root = process.env['NODE_PATH']?.split(':')[0];
  if (root === undefined || root === '') return;
  const place = join(root, ENGINE_PACKAGE);
  if (existsSync(place)) return;
  await removeAbandoned(place);
  unpackings += 1;
  const partial = `${place}.${process.pid}.${unpackings}.partial`;
  underWay.add(partial);
  try {
    await unpack(source, partial);
    // Another process of the same machine may have been quicker: then its copy stands.
    await rename(partial, place).catch((cause: unknown) => {
      if (!existsSync(place)) throw cause;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
    underWay.delete(partial);
  }
}

/**
 * Node unpacks in pieces of this size, and each is a turn of its thread pool and a write: 0.7 s for the whole library, where the
 * 64 KiB that it takes by itself make 2.3 s, and 4 MiB, whose memory is mapped anew for each, as many.
 */
const PIECE_BYTES = 512 * 1024;

let unpackings = 0;
const underWay = new Set<string>();

async function unpack(source: string, into: string): Promise<void> {
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  for (const file of await readdir(source))
    if (file !== `${ENGINE_LIBRARY}.zst`) await copyFile(join(source, file), join(into, file));
  await pipeline(
    createReadStream(join(source, `${ENGINE_LIBRARY}.zst`), { highWaterMark: 1024 * 1024 }),
    createZstdDecompress({ chunkSize: PIECE_BYTES }),
    createWriteStream(join(into, ENGINE_LIBRARY), { mode: 0o755, highWaterMark: 4 * 1024 * 1024 }),
  );
}

/** A process that was killed in the middle has left half a library behind: three of them fill the disk of a function. */
async function removeAbandoned(place: string): Promise<void> {
  const files = await readdir(dirname(place)).catch(() => []);
  for (const file of files) {
    const [, name, pid] = /^(.+)\.(\d+)\.\d+\.partial$/.exec(file) ?? [];
    const partial = join(dirname(place), file);
    // In a function every process may have the same number.
    const isAbandoned = Number(pid) === process.pid ? !underWay.has(partial) : !isAlive(Number(pid));
    if (name === basename(place) && isAbandoned) await rm(partial, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
