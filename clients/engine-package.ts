/** The engine's library as the prover's bundle carries it: compressed, because 566 MB do not fit a function. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { ENGINE_DIRECTORY, ENGINE_LIBRARY, ENGINE_PACKAGE } from '../core/engine-package.ts';

/**
 * Unpacks the library that lies beside the bundle into the directory that NODE_PATH names, once for the life of the machine
 * underneath: whoever comes second finds it whole, because it is renamed into place when it is whole. Without such a bundle
 * (the command line, the tests) the engine is npm's own, and nothing is done.
 */
export async function unpackEngine(bundle = process.env['LAMBDA_TASK_ROOT']): Promise<void> {
  const source = bundle === undefined ? undefined : join(bundle, ENGINE_DIRECTORY);
  if (source === undefined || !existsSync(source)) return;
  const root = process.env['NODE_PATH']?.split(':')[0];
  if (root === undefined || root === '') return;
  const place = join(root, ENGINE_PACKAGE);
  if (existsSync(place)) return;
  const partial = `${place}.${process.pid}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  for (const file of await readdir(source))
    if (file !== `${ENGINE_LIBRARY}.zst`) await copyFile(join(source, file), join(partial, file));
  await pipeline(
    createReadStream(join(source, `${ENGINE_LIBRARY}.zst`), { highWaterMark: 1024 * 1024 }),
    createZstdDecompress(),
    createWriteStream(join(partial, ENGINE_LIBRARY), { mode: 0o755, highWaterMark: 4 * 1024 * 1024 }),
  );
  await writeFile(join(partial, 'unpacked'), new Date().toISOString());
  // Another process of the same machine may have been quicker: then its copy stands.
  await rename(partial, place).catch(async (cause: unknown) => {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(place)) throw cause;
  });
}
