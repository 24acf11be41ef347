/**
 * The prover's engine as its functions carry it: npm's library for the platform of Lambda, whatever machine synthesises.
 * Compressed once for each version and kept, so that only the first synth pays for it.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, zstdCompressSync } from 'node:zlib';
import { ENGINE_DIRECTORY, ENGINE_LIBRARY, ENGINE_PACKAGE } from '../core/engine-package.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';

/**
 * Of the 250 MB that Lambda lets a function have unpacked, 135 at level 9 (8 s, once) and 151 at level 3 (4 s). Unpacking takes
 * the same time, but each cold start loads the function first, and a smaller one sooner.
 */
const LEVEL = 9;

export interface EngineOptions {
  /**
   * The directory of npm's package with the library.
   *
   * @default - the installed one, or, where npm left it out because the machine is another one, one that npm fetches
   */
  readonly source?: string;
  /**
   * Where packed engines are kept.
   *
   * @default - `node_modules/.cache/safehouse` of this package
   */
  readonly cache?: string;
}

const CACHE = fileURLToPath(new URL('../node_modules/.cache/safehouse', import.meta.url));

const require = createRequire(import.meta.url);

/** npm's JavaScript of the engine, and the version of the library that it was made for. */
export function engineBinding(): { readonly directory: string; readonly library: string } {
  const file = require.resolve('chdb/package.json');
  const { optionalDependencies } = JSON.parse(readFileSync(file, 'utf8')) as {
    optionalDependencies: Readonly<Record<string, string>>;
  };
  const library = optionalDependencies[ENGINE_PACKAGE];
  if (library === undefined) throw new Error(`${file} names no version of ${ENGINE_PACKAGE}`);
  return { directory: dirname(file), library };
}

/** What the packed engine is made of, in one word: the same word is the same engine. */
export const engineName = (): string => `engine-${engineBinding().library}-zstd-${LEVEL}`;

/**
 * Puts the packed engine into a bundle, as `engine/`. The files are linked, not copied: 135 MB would be written with each
 * assembly, and kept in each.
 *
 * @throws {SafehouseError} Refused, when the library is not installed and cannot be fetched
 */
export function addEngine(bundle: string, options: EngineOptions = {}): void {
  const packed = packedEngine(options);
  const directory = join(bundle, ENGINE_DIRECTORY);
  mkdirSync(directory, { recursive: true });
  for (const file of readdirSync(packed)) linkOrCopy(bundle, join(packed, file), join(directory, file));
}

/** @returns the directory with every file of npm's package, the library compressed */
function packedEngine({ cache = CACHE, source }: EngineOptions): string {
  const packed = join(cache, engineName());
  if (existsSync(packed)) return packed;
  mkdirSync(cache, { recursive: true });
  const partial = `${packed}.${process.pid}.partial`;
  const fetched = `${packed}.${process.pid}.fetched`;
  try {
    pack(source ?? installedLibrary() ?? fetchLibrary(fetched), partial);
    moveIntoPlace(partial, packed);
  } finally {
    for (const directory of [partial, fetched]) rmSync(directory, { recursive: true, force: true });
  }
  return packed;
}

function installedLibrary(): string | undefined {
  const { directory, library } = engineBinding();
  try {
    const file = createRequire(join(directory, 'package.json')).resolve(`${ENGINE_PACKAGE}/package.json`);
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    return version === library ? dirname(file) : undefined;
  } catch (error) {
    if ((error as { code?: string }).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * npm leaves out what is for another platform, unless it is told that it is on that one.
 *
 * @param directory takes it; absent before
 * @throws {SafehouseError} Refused, with what npm says
 */
export function fetchLibrary(directory: string, npm = 'npm'): string {
  const wanted = `${ENGINE_PACKAGE}@${engineBinding().library}`;
  const platform = ['--os=linux', '--cpu=x64', '--libc=glibc'];
  const nothingElse = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
  const parameters = ['install', `--prefix=${directory}`, ...platform, ...nothingElse, wanted];
  // On Windows npm is a script, which only a shell starts.
  const { status, stderr, error } = spawnSync(npm, parameters, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `The engine of the prover (${wanted}) is not installed, and npm could not fetch it: ${error?.message ?? stderr.trim()}`,
      remedy: `See to it that \`npm install ${wanted} ${platform.join(' ')}\` succeeds on this machine, and run this again.`,
      error: 'EngineNotFetched',
    });
  return join(directory, 'node_modules', ENGINE_PACKAGE);
}

function pack(source: string, into: string): void {
  mkdirSync(into);
  for (const file of readdirSync(source)) {
    if (file === ENGINE_LIBRARY) compress(join(source, file), join(into, `${file}.zst`));
    else copyFileSync(join(source, file), join(into, file));
  }
}

/** With a checksum: a library that was damaged on its way is refused when it is unpacked. */
function compress(from: string, to: string): void {
  const library = readFileSync(from);
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 };
  writeFileSync(to, zstdCompressSync(library, { params, chunkSize: 4 * 1024 * 1024 }));
}

/** Another process may have been quicker: then its engine stands. */
function moveIntoPlace(partial: string, whole: string): void {
  try {
    renameSync(partial, whole);
  } catch (error) {
    if (!existsSync(whole)) throw error;
  }
}

function linkOrCopy(bundle: string, from: string, to: string): void {
  if (existsSync(to)) return;
  try {
    linkSync(from, to);
  } catch {
    // Another file system, or one without links. Beside the bundle, which becomes an asset as it is.
    const partial = join(bundle, '..', `.${basename(bundle)}-${basename(to)}-${process.pid}`);
    copyFileSync(from, partial);
    renameSync(partial, to);
  }
}
