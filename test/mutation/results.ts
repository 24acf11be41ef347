/** What the mutation run and the breaking of the guards have shown, as it is kept beside them. */
import * as z from 'zod';

const count = z.int().nonnegative();

const fileResultSchema = z.object({
  /** Such as `core/poll.ts`. */
  file: z.string(),
  killed: count,
  /** Ended because they ran on for ever, which a test would notice. */
  timedOut: count,
  survived: count,
  /** No test of the file runs through them. */
  withoutCoverage: count,
  /** Of those that no test noticed, by what was changed, such as `ConditionalExpression`. */
  unnoticed: z.record(z.string(), count),
  measuredOn: z.iso.date(),
  node: z.string(),
});
export type FileResult = z.infer<typeof fileResultSchema>;

const guardResultSchema = z.object({
  /** As test/mutation/guards.ts has it. */
  guard: z.string(),
  isNoticed: z.boolean(),
  measuredOn: z.iso.date(),
});
export type GuardResult = z.infer<typeof guardResultSchema>;

export const resultsSchema = z.object({
  files: z.array(fileResultSchema),
  guards: z.array(guardResultSchema),
});
export type Results = z.infer<typeof resultsSchema>;

type Counts = Pick<FileResult, 'killed' | 'timedOut' | 'survived' | 'withoutCoverage'>;

export const mutantsOf = ({ killed, timedOut, survived, withoutCoverage }: Counts): number =>
  killed + timedOut + survived + withoutCoverage;

/** The share of its mutants that the tests notice, in percent; 100 when there are none. */
export function scoreOf(counts: Counts): number {
  const mutants = mutantsOf(counts);
  return mutants === 0 ? 100 : (100 * (counts.killed + counts.timedOut)) / mutants;
}

export const totalOf = (files: readonly FileResult[]): Counts => ({
  killed: sumOf(files, ({ killed }) => killed),
  timedOut: sumOf(files, ({ timedOut }) => timedOut),
  survived: sumOf(files, ({ survived }) => survived),
  withoutCoverage: sumOf(files, ({ withoutCoverage }) => withoutCoverage),
});

const sumOf = (files: readonly FileResult[], figure: (file: FileResult) => number): number =>
  files.reduce((sum, file) => sum + figure(file), 0);

/** What is newly measured stands in for what was there of the same file or guard; those that are no more are left out. */
export function merged(
  before: Results,
  after: Results,
  stands: { readonly files: readonly string[]; readonly guards: readonly string[] },
): Results {
  const replaced = new Set([
    ...after.files.map(({ file }) => file),
    ...after.guards.map(({ guard }) => guard),
  ]);
  const files = [...before.files.filter(({ file }) => !replaced.has(file)), ...after.files];
  const guards = [...before.guards.filter(({ guard }) => !replaced.has(guard)), ...after.guards];
  return {
    files: files.filter(({ file }) => stands.files.includes(file)).sort(byFile),
    guards: stands.guards.flatMap((name) => guards.filter(({ guard }) => guard === name)),
  };
}

const byFile = (one: FileResult, other: FileResult): number => (one.file < other.file ? -1 : 1);
