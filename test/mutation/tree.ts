/** A copy of the project in which code may be broken: no run touches the files that somebody is editing. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const COPIED = [
  ...['bench', 'cli', 'clients', 'core', 'functions', 'infra', 'local', 'test'],
  ...['package.json', 'tsconfig.json', 'vitest.config.ts', 'safehouse.config.ts', 'cdk.json', '.gitignore'],
];

/** The packages are the project's own, by links. */
const LINKED = ['node_modules', 'test/mutation/node_modules'];

/** @returns its directory, which is removed when this process ends, also by a signal */
export function copyTree(): string {
  const directory = mkdtempSync(join(tmpdir(), 'safehouse-mutation-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  for (const path of COPIED)
    cpSync(join(ROOT, path), join(directory, path), {
      recursive: true,
      filter: (source) => basename(source) !== 'node_modules',
    });
  for (const path of LINKED) symlinkSync(join(ROOT, path), join(directory, path));
  return directory;
}
