/** The mutants of one file of core/: each is a small change of its code, and the tests are run with it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { runNode } from './node-process.ts';
import type { FileResult } from './results.ts';

const PACKAGES = join(import.meta.dirname, 'node_modules/@stryker-mutator');
const REPORT = 'mutation-report.json';
const CONFIGURATION = 'stryker.json';

/** A change that no test noticed. */
export interface Unnoticed {
  /** Such as `core/poll.ts:12`. */
  readonly place: string;
  /** What was changed, such as `ConditionalExpression`. */
  readonly kind: string;
  readonly before: string;
  readonly after: string;
  readonly isCovered: boolean;
}

export interface Measured {
  readonly result: FileResult;
  readonly unnoticed: readonly Unnoticed[];
}

const positionSchema = z.object({ line: z.int(), column: z.int() });
const reportSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.string(),
      mutants: z.array(
        z.object({
          mutatorName: z.string(),
          replacement: z.string().optional(),
          status: z.string(),
          location: z.object({ start: positionSchema, end: positionSchema }),
        }),
      ),
    }),
  ),
});
type Report = z.infer<typeof reportSchema>;
type ReportedFile = Report['files'][string];
type Mutant = ReportedFile['mutants'][number];

/**
 * @param directory a copy of the project, whose files are changed in place and put back
 * @param file such as `core/poll.ts`
 * @param tests the test files that are to notice
 * @throws Error when Stryker ends without a report, with the end of what it said
 */
export async function mutate(directory: string, file: string, tests: readonly string[]): Promise<Measured> {
  rmSync(join(directory, REPORT), { force: true });
  writeFileSync(join(directory, CONFIGURATION), JSON.stringify(configurationFor(file)));
  const said = await runNode(directory, [join(PACKAGES, 'core/bin/stryker.js'), 'run', CONFIGURATION], {
    // Not by Stryker's own `testFiles`: with it, version 10 never switches on what is read while a file is loaded, and
    // calls each change of a top-level constant or arrow function survived.
    SAFEHOUSE_MUTATION_TESTS: tests.join(','),
    SAFEHOUSE_PROPERTY_RUNS: '20',
  });
  const report = readReport(directory, file, said);
  const reported = report.files[file];
  const mutants = reported?.mutants ?? [];
  const unnoticed = mutants
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map((mutant) => unnoticedOf(file, reported?.source ?? '', mutant));
  return { result: resultOf(file, mutants, unnoticed), unnoticed };
}

const configurationFor = (file: string): object => ({
  mutate: [file],
  testRunner: 'vitest',
  plugins: [join(PACKAGES, 'vitest-runner/dist/src/index.js')],
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  // Texts are for people: tests name the parts of them that matter, and not each word.
  mutator: { excludedMutations: ['StringLiteral'] },
  // TypeScript 7 has no API for what Stryker would do with a tsconfig.json: it must find none.
  tsconfigFile: 'none.json',
  // The copy is small enough to be changed itself, and nothing else of it is to be read or parsed.
  inPlace: true,
  ignorePatterns: ['**', `!${file}`],
  disableTypeChecks: false,
  concurrency: 2,
  // A machine that is shared is slow at times; what runs on for ever is mostly found by counting, long before.
  timeoutMS: 10_000,
  reporters: ['json'],
  jsonReporter: { fileName: REPORT },
  allowConsoleColors: false,
});

function readReport(directory: string, file: string, said: string): Report {
  let text: string;
  try {
    text = readFileSync(join(directory, REPORT), 'utf8');
  } catch (cause) {
    throw new Error(`${file}: Stryker has written no report. It said: ${said.slice(-3000)}`, { cause });
  }
  return reportSchema.parse(JSON.parse(text));
}

function resultOf(file: string, mutants: readonly Mutant[], unnoticed: readonly Unnoticed[]): FileResult {
  const having = (status: string): number => mutants.filter((mutant) => mutant.status === status).length;
  return {
    file,
    killed: having('Killed'),
    timedOut: having('Timeout'),
    survived: having('Survived'),
    withoutCoverage: having('NoCoverage'),
    unnoticed: Object.fromEntries(
      [...Map.groupBy(unnoticed, ({ kind }) => kind)]
        .map(([kind, those]): [string, number] => [kind, those.length])
        .sort(([one], [other]) => (one < other ? -1 : 1)),
    ),
    measuredOn: new Date().toISOString().slice(0, 10),
    node: process.version,
  };
}

function unnoticedOf(
  file: string,
  source: string,
  { mutatorName, status, location: { start, end }, replacement = '' }: Mutant,
): Unnoticed {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const last = lines.at(-1) ?? '';
  lines[lines.length - 1] = last.slice(0, end.column - 1);
  lines[0] = (lines[0] ?? '').slice(start.column - 1);
  return {
    place: `${file}:${start.line}`,
    kind: mutatorName,
    before: onOneLine(lines.join('\n')),
    after: onOneLine(replacement),
    isCovered: status === 'Survived',
  };
}

const onOneLine = (code: string): string => code.replaceAll(/\s+/g, ' ').trim();
