/** The section of `docs/reliability.md` on mutations, out of the last results. */
import { basename } from 'node:path';
import { GUARDS } from './guards.ts';
import { type FileResult, mutantsOf, type Results, scoreOf, totalOf } from './results.ts';

export const PAGE = 'docs/reliability.md';

const BEGIN = '<!-- mutations: written by `npm run test:mutation` from test/mutation/ -->';
const END = '<!-- end of mutations -->';

/** So many files stand in the table. */
const LOWEST = 20;

/** @throws Error when the page has no place for it */
export function withMutations(page: string, results: Results): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${PAGE} has no place for the mutations: ${BEGIN} … ${END}`);
  const parts = [summary(results), kinds(results), lowest(results), guards(results)];
  return `${before}${BEGIN}\n\n${parts.join('\n\n')}\n\n${END}${after}`;
}

const measured = ({ files }: Results): FileResult[] => files.filter((file) => mutantsOf(file) > 0);

const percent = (share: number): string => `${share.toFixed(1)} %`;

function summary(results: Results): string {
  const files = measured(results);
  const total = totalOf(files);
  return [
    '| Figure | Measured |',
    '|---|---|',
    `| changes of the code of core/, in ${files.length} files | ${mutantsOf(total)} |`,
    `| … of which a test noticed | ${total.killed + total.timedOut}: ${percent(scoreOf(total))} |`,
    `| … of which because the code ran on for ever | ${total.timedOut} |`,
    `| … that no test noticed | ${total.survived} |`,
    `| … that no test of the file ran through | ${total.withoutCoverage} |`,
    `| files of core/ with less than 80 % | ${files.filter((file) => scoreOf(file) < 80).length} |`,
    `| guards broken by name, of which the test that names them noticed | ${results.guards.length}, ${results.guards.filter(({ isNoticed }) => isNoticed).length} |`,
  ].join('\n');
}

function kinds(results: Results): string {
  const counts = new Map<string, number>();
  for (const { unnoticed } of results.files)
    for (const [kind, count] of Object.entries(unnoticed)) counts.set(kind, (counts.get(kind) ?? 0) + count);
  const rows = [...counts].sort(([, one], [, other]) => other - one);
  return [
    '| What was changed, and nothing noticed | Times |',
    '|---|---|',
    ...rows.map(([kind, count]) => `| ${kind} | ${count} |`),
  ].join('\n');
}

function lowest(results: Results): string {
  const files = measured(results).toSorted((one, other) => scoreOf(one) - scoreOf(other));
  return [
    `| The ${LOWEST} files with the lowest share | Noticed | Of changes |`,
    '|---|---|---|',
    ...files
      .slice(0, LOWEST)
      .map((file) => `| [${file.file}](../${file.file}) | ${percent(scoreOf(file))} | ${mutantsOf(file)} |`),
  ].join('\n');
}

function guards(results: Results): string {
  const isNoticed = (name: string): boolean =>
    results.guards.some(({ guard, isNoticed: noticed }) => guard === name && noticed);
  return [
    '| Guard | Broken in | Noticed by |',
    '|---|---|---|',
    ...GUARDS.map(
      ({ guard, file, testFile, test }) =>
        `| ${guard} | [${basename(file)}](../${file}) | ${isNoticed(guard) ? `“${test.trim()}” ([${basename(testFile)}](../${testFile}))` : 'nothing'} |`,
    ),
  ].join('\n');
}
