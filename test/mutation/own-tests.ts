/** Which tests a file of core/ is judged by: those of test/core/ that are nearest to it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** They start an engine, which does not survive in a worker thread, or measure the memory of a process. */
const LEFT_OUT = /-(?:clickhouse|memory)\.test\.ts$/;

const IMPORTED = /^(?:import|export)\b[^;']*'(\.[^']+)'|^\} from '(\.[^']+)'/gm;

/**
 * Tests of the file's family that import it, or another of the family that is built on it (`verification-base.ts` is of the
 * family of `verification.ts`, and is judged by `verification.test.ts`). Where there are none, any that import it, or what
 * imports it, and so on. Empty when no test of test/core/ reaches it.
 *
 * @param directory of the project, or a copy of it
 * @param file such as `core/poll.ts`
 */
export function ownTests(directory: string, file: string): string[] {
  const imports = importsIn(directory);
  const importersOf = (files: ReadonlySet<string>): string[] =>
    [...imports].filter(([, imported]) => imported.some((path) => files.has(path))).map(([path]) => path);
  let reached: ReadonlySet<string> = grown(new Set([file]), (files) =>
    importersOf(files).filter((path) => path.startsWith('core/') && familyOf(path) === familyOf(file)),
  );
  for (;;) {
    const importers = importersOf(reached);
    const tests = importers.filter(isTest);
    const own = tests.filter((path) => familyOf(path) === familyOf(file));
    if (own.length > 0) return own.sort();
    if (tests.length > 0) return tests.sort();
    const next = new Set([...reached, ...importers]);
    if (next.size === reached.size) return [];
    reached = next;
  }
}

/** With everything that `more` adds to it, until it adds nothing. */
function grown(files: ReadonlySet<string>, more: (files: ReadonlySet<string>) => string[]): Set<string> {
  const next = new Set([...files, ...more(files)]);
  return next.size === files.size ? next : grown(next, more);
}

/** `core/verification-base.ts` and `test/core/verification.property.test.ts` are of one. */
const familyOf = (path: string): string | undefined => posix.basename(path).split(/[-.]/)[0];

const isTest = (path: string): boolean => path.endsWith('.test.ts') && !LEFT_OUT.test(path);

/** What each file of core/ and test/core/ imports, by paths from the root. */
function importsIn(directory: string): Map<string, string[]> {
  const paths = ['core', 'test/core'].flatMap((folder) =>
    readdirSync(join(directory, folder))
      .filter((name) => name.endsWith('.ts') && !LEFT_OUT.test(name))
      .map((name) => `${folder}/${name}`),
  );
  return new Map(
    paths.map((path) => {
      const text = readFileSync(join(directory, path), 'utf8');
      const imported = [...text.matchAll(IMPORTED)].map(([, whole, last]) => whole ?? last ?? '');
      return [path, imported.map((name) => posix.join(posix.dirname(path), name))];
    }),
  );
}
