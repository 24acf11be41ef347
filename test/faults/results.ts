/** What a run of the fault suite has shown, as it is kept beside the suite. */
import * as z from 'zod';
import { MATRIX } from './matrix.ts';

export const resultsSchema = z.object({
  /** Every test of a row, by its place and its title. */
  tests: z.array(z.object({ row: z.number(), file: z.string(), title: z.string(), isPassed: z.boolean() })),
  figures: z.record(z.string(), z.number()),
});
export type Results = z.infer<typeof resultsSchema>;

/** What Vitest's JSON reporter writes. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(
        z.object({
          title: z.string(),
          status: z.string(),
          meta: z.object({ figures: z.record(z.string(), z.number()).optional() }),
        }),
      ),
    }),
  ),
});

/** The tests of the list itself. */
const LIST = 'matrix.test.ts';

/** The row that a title is of; undefined when it is of none. */
export const rowOfTitle = (title: string): number | undefined => {
  const [, number] = /^fault (\d+): /.exec(title) ?? [];
  return number === undefined ? undefined : Number(number);
};

/** @throws Error when a test of the suite is of no fault */
export function readReport(text: string): Results {
  const { testResults } = reportSchema.parse(JSON.parse(text));
  const all = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({
      ...test,
      isOfFault: name.includes('/test/faults/'),
      file: name.slice(name.lastIndexOf('/') + 1),
    })),
  );
  return {
    tests: all
      .filter(({ isOfFault, file }) => isOfFault && file !== LIST)
      .map(({ file, title, status }) => {
        const row = rowOfTitle(title);
        if (row === undefined) throw new Error(`${file}: "${title}" does not begin with "fault <number>: "`);
        return { row, file, title, isPassed: status === 'passed' };
      })
      .sort((a, b) => a.row - b.row),
    figures: Object.assign({}, ...all.map(({ meta }) => meta.figures ?? {})),
  };
}

/** Rows of which every test has passed, and at least one has run. */
export const shownRows = ({ tests }: Results): number[] =>
  MATRIX.map(({ number }) => number).filter((number) => {
    const own = tests.filter(({ row }) => row === number);
    return own.length > 0 && own.every(({ isPassed }) => isPassed);
  });
