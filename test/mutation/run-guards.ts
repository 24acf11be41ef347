/** Breaks one guard and sees whether the test that names it fails. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Guard } from './guards.ts';
import { runNode } from './node-process.ts';

export interface BrokenGuard {
  readonly isNoticed: boolean;
  /** Of the test run, for a person to read. */
  readonly said: string;
}

const reportSchema = z.object({
  testResults: z.array(
    z.object({ assertionResults: z.array(z.object({ title: z.string(), status: z.string() })) }),
  ),
});

const REPORT = 'guard-report.json';

/**
 * @param directory a copy of the project, whose file is changed and put back
 * @throws Error when the guard does not stand once in its file, or its test does not pass while it stands
 */
export async function breakGuard(directory: string, guard: Guard): Promise<BrokenGuard> {
  const path = join(directory, guard.file);
  const whole = readFileSync(path, 'utf8');
  const broken = withoutGuard(whole, guard);
  const before = await runTest(directory, guard);
  if (!before.statuses.includes('passed') || before.statuses.includes('failed'))
    throw new Error(
      `${guard.testFile}: "${guard.test}" does not pass while the guard "${guard.guard}" stands. ${before.said}`,
    );
  try {
    writeFileSync(path, broken);
    const { statuses, said } = await runTest(directory, guard);
    return { isNoticed: statuses.includes('failed'), said };
  } finally {
    writeFileSync(path, whole);
  }
}

/** @throws Error when the guard's text does not stand exactly once in the text of its file */
export function withoutGuard(whole: string, { guard, file, text, broken }: Guard): string {
  const times = whole.split(text).length - 1;
  if (times !== 1)
    throw new Error(
      `The guard "${guard}" stands ${times} times in ${file}, and once is expected. If it was rewritten, change its text in test/mutation/guards.ts.`,
    );
  return whole.replace(text, () => broken);
}

/** How the tests of the guard's name ended. */
async function runTest(
  directory: string,
  { testFile, test }: Guard,
): Promise<{ statuses: string[]; said: string }> {
  const report = join(directory, REPORT);
  writeFileSync(report, '{"testResults":[]}');
  const said = await runNode(directory, [
    join(directory, 'node_modules/vitest/vitest.mjs'),
    ...['run', testFile, '--maxWorkers=1', '--testTimeout=40000'],
    ...['--testNamePattern', test.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  ]);
  const { testResults } = reportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
  const statuses = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => title.startsWith(test))
    .map(({ status }) => status);
  return { statuses, said };
}
