import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { addEngine, engineName, fetchLibrary } from '../../infra/engine.ts';
import { bundledFunctions } from '../../infra/function-code.ts';
import { scratch } from './scratch.ts';

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs')>();
  return { ...original, linkSync: vi.fn(original.linkSync) };
});

const LIBRARY = Buffer.alloc(3_000_000, 'the engine ');

/** npm's package, in small. */
function libraryPackage(): string {
  const directory = scratch('library');
  writeFileSync(join(directory, 'package.json'), '{"name":"@chdb/lib-linux-x64-gnu","version":"1.2.3"}');
  writeFileSync(join(directory, 'index.js'), "module.exports = require('./chdb_node.node');\n");
  writeFileSync(join(directory, 'chdb_node.node'), 'the binding', { mode: 0o755 });
  writeFileSync(join(directory, 'libchdb.so'), LIBRARY);
  return directory;
}

const FILES = ['chdb_node.node', 'index.js', 'libchdb.so.zst', 'package.json'];

describe('the engine in a bundle', () => {
  const options = { source: libraryPackage(), cache: scratch('cache') };
  const bundle = scratch('bundle');
  addEngine(bundle, options);
  const packed = join(options.cache, engineName());
  const LONG_AGO = new Date('2026-01-01');
  utimesSync(join(packed, 'libchdb.so.zst'), LONG_AGO, LONG_AGO);

  test("is npm's package with the library compressed", () => {
    expect(readdirSync(join(bundle, 'engine')).sort()).toEqual(FILES);
    const library = readFileSync(join(bundle, 'engine/libchdb.so.zst'));
    expect(library.length).toBeLessThan(LIBRARY.length / 100);
    expect(zstdDecompressSync(library).equals(LIBRARY)).toBe(true);
    expect(readFileSync(join(bundle, 'engine/chdb_node.node'), 'utf8')).toBe('the binding');
    expect(statSync(join(bundle, 'engine/chdb_node.node')).mode & 0o777).toBe(0o755);
  });

  test('can be told from a damaged one when it is unpacked', () => {
    const damaged = Buffer.from(readFileSync(join(packed, 'libchdb.so.zst')));
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    expect(() => zstdDecompressSync(damaged)).toThrow(/checksum/);
  });

  test('is compressed once and lies on the disk once, however many bundles carry it', () => {
    const another = scratch('bundle');
    addEngine(another, { ...options, source: join(options.source, 'nothing') });
    for (const file of FILES) {
      const { ino } = statSync(join(packed, file));
      expect(statSync(join(another, 'engine', file)).ino).toBe(ino);
      expect(statSync(join(bundle, 'engine', file)).ino).toBe(ino);
    }
    expect(statSync(join(another, 'engine/libchdb.so.zst')).mtime).toEqual(LONG_AGO);
  });

  test('is left as it is in a bundle that has it', () => {
    expect(() => addEngine(bundle, options)).not.toThrow();
    expect(readdirSync(join(bundle, 'engine')).sort()).toEqual(FILES);
  });

  test('is copied where it cannot be linked', () => {
    const elsewhere = scratch('bundle');
    vi.mocked(linkSync).mockImplementationOnce(() => {
      throw Object.assign(new Error('cross-device link not permitted'), { code: 'EXDEV' });
    });
    addEngine(elsewhere, options);
    const [first = ''] = readdirSync(packed);
    expect(readdirSync(join(elsewhere, 'engine')).sort()).toEqual(FILES);
    expect(statSync(join(elsewhere, 'engine', first)).ino).not.toBe(statSync(join(packed, first)).ino);
    expect(readFileSync(join(elsewhere, 'engine', first))).toEqual(readFileSync(join(packed, first)));
  });

  test('leaves nothing behind when it cannot be packed', () => {
    const cache = scratch('cache');
    expect(() => addEngine(scratch('bundle'), { source: join(cache, 'nowhere'), cache })).toThrow('nowhere');
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe('an engine that is not installed', () => {
  /** Does what npm would, and writes down how it was called. */
  function npm(body: string): { readonly command: string; readonly calledWith: () => string[] } {
    const directory = scratch('npm');
    const command = join(directory, 'npm.mjs');
    const called = join(directory, 'called.json');
    writeFileSync(
      command,
      `#!${process.execPath}
import { mkdirSync, writeFileSync } from 'node:fs';
writeFileSync(${JSON.stringify(called)}, JSON.stringify(process.argv.slice(2)));
${body}`,
    );
    chmodSync(command, 0o755);
    return { command, calledWith: () => JSON.parse(readFileSync(called, 'utf8')) as string[] };
  }

  test('is fetched for the platform of the functions, whatever this machine is', () => {
    const { command, calledWith } = npm('');
    const directory = join(scratch('fetched'), 'engine');
    expect(fetchLibrary(directory, command)).toBe(join(directory, 'node_modules/@chdb/lib-linux-x64-gnu'));
    const [version = ''] = /\d+\.\d+\.\d+[\w.-]*(?=-zstd)/.exec(engineName()) ?? [];
    expect(calledWith()).toEqual(
      expect.arrayContaining([
        'install',
        `--prefix=${directory}`,
        '--os=linux',
        '--cpu=x64',
        '--libc=glibc',
        '--ignore-scripts',
        `@chdb/lib-linux-x64-gnu@${version}`,
      ]),
    );
  });

  test('and cannot be fetched is named, with what npm says', () => {
    const { command } = npm("console.error('ENOTFOUND registry'); process.exitCode = 1;");
    expect(() => fetchLibrary(join(scratch('fetched'), 'engine'), command)).toThrow(
      /\(@chdb\/lib-linux-x64-gnu@\d.*\) is not installed, and npm could not fetch it: ENOTFOUND registry\n.*npm install @chdb/,
    );
    expect(() => fetchLibrary(join(scratch('fetched'), 'engine'), '/nowhere/npm')).toThrow(/ENOENT/);
  });
});

describe('the prover as it is deployed', () => {
  const output = scratch('functions');
  bundledFunctions({ output });
  const task = join(output, 'prover');
  addEngine(task);

  test('is far below what Lambda lets a function have, zipped or not: nothing in it grows', () => {
    const bytes = readdirSync(task, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
    expect(bytes).toBeLessThan(200 * 1024 ** 2);
    expect(bytes).toBeGreaterThan(100 * 1024 ** 2);
  });

  test.runIf(`${process.platform} ${process.arch}` === 'linux x64')(
    'opens the engine that it has unpacked, with nothing installed around it',
    () => {
      const unpacked = scratch('unpacked');
      const script = `
        import { createRequire } from 'node:module';
        const { unpackEngine } = await import(process.argv[1]);
        await unpackEngine();
        const { Session } = await import(process.argv[2]);
        const session = new Session();
        const answer = JSON.parse(session.query('SELECT version() AS version, 6 * 7 AS answer', 'JSONEachRow'));
        const loaded = Object.keys(createRequire(import.meta.url).cache);
        console.log(JSON.stringify({ ...answer, loaded }));
        session.close();`;
      const modules = ['clients/engine-package.ts', join(task, 'node_modules/chdb/index.mjs')].map(
        (file) => pathToFileURL(file).href,
      );
      const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script, ...modules], {
        cwd: task,
        encoding: 'utf8',
        env: { NODE_PATH: unpacked, LAMBDA_TASK_ROOT: task },
      });
      const { version, answer, loaded } = JSON.parse(printed) as {
        version: string;
        answer: number;
        loaded: string[];
      };
      expect(answer).toBe(42);
      expect(engineName()).toContain(version.split('.').slice(0, 2).join('.'));
      const places = new Set(
        loaded.map((file) =>
          file.startsWith(unpacked) ? 'unpacked' : file.startsWith(task) ? 'task' : file,
        ),
      );
      expect([...places].sort()).toEqual(['task', 'unpacked']);
      // The library was compressed and comes out whole.
      expect(readdirSync(join(unpacked, '@chdb/lib-linux-x64-gnu'))).toContain('libchdb.so');
    },
  );
});
