#!/usr/bin/env node
/**
 * `npm run test:mutation` changes the code of core/ in thousands of small ways and breaks each guard of the functions,
 * and tells what no test has noticed. With arguments, only those files (`core/poll.ts`), or `guards`, or guards by name.
 * The outcome goes into results.json beside it and into docs/reliability.md.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GUARDS } from './guards.ts';
import { ownTests } from './own-tests.ts';
import { PAGE, withMutations } from './page.ts';
import {
  type FileResult,
  type GuardResult,
  merged,
  mutantsOf,
  type Results,
  resultsSchema,
  scoreOf,
  totalOf,
} from './results.ts';
import { breakGuard } from './run-guards.ts';
import { mutate, type Unnoticed } from './stryker.ts';
import { copyTree, ROOT } from './tree.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const RESULTS = join(HERE, 'results.json');

/** Of all mutants of core/, in percent. */
const LEAST = 85;

/** Texts and names, without code. */
const WITHOUT_CODE = ['core/clickhouse-error-table.ts', 'core/engine-package.ts'];

const allFiles = (): string[] =>
  readdirSync(join(ROOT, 'core'))
    .map((name) => `core/${name}`)
    .filter((file) => file.endsWith('.ts') && !WITHOUT_CODE.includes(file));

interface Asked {
  readonly files: readonly string[];
  readonly guards: readonly string[];
}

/** @throws Error when an argument is neither a file of core/ nor a guard */
function asked(given: readonly string[]): Asked {
  const [files, guards] = [allFiles(), GUARDS.map(({ guard }) => guard)];
  if (given.length === 0) return { files, guards };
  const strange = given.find((name) => name !== 'guards' && !files.includes(name) && !guards.includes(name));
  if (strange !== undefined)
    throw new Error(`"${strange}" is no file of core/ and no guard of test/mutation/guards.ts.`);
  return {
    files: given.filter((name) => files.includes(name)),
    guards: guards.filter((guard) => given.includes('guards') || given.includes(guard)),
  };
}

function installStryker(): void {
  if (existsSync(join(HERE, 'node_modules/@stryker-mutator/core'))) return;
  const { status } = spawnSync('npm', ['--prefix', HERE, 'ci'], { stdio: 'inherit' });
  if (status !== 0)
    throw new Error(`Stryker could not be installed in ${HERE}: npm ci ended with ${status}.`);
}

const readResults = (): Results => resultsSchema.parse(JSON.parse(readFileSync(RESULTS, 'utf8')));

/** After each file: a run that is broken off keeps what it has shown. */
function keep(files: readonly FileResult[], guards: readonly GuardResult[]): void {
  const stands = { files: allFiles(), guards: GUARDS.map(({ guard }) => guard) };
  const results = merged(readResults(), { files: [...files], guards: [...guards] }, stands);
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  const page = join(ROOT, PAGE);
  writeFileSync(page, withMutations(readFileSync(page, 'utf8'), results));
}

const lineOf = ({ place, kind, before, after, isCovered }: Unnoticed): string =>
  `  ${place} ${kind}${isCovered ? '' : ' (never run)'}: ${before} → ${after === '' ? 'nothing' : after}`;

function printTable(files: readonly FileResult[]): void {
  const rows = files
    .filter((file) => mutantsOf(file) > 0)
    .toSorted((one, other) => scoreOf(other) - scoreOf(one));
  for (const file of rows)
    console.log(
      `${file.file.padEnd(34)} ${scoreOf(file).toFixed(1).padStart(5)} %  of ${String(mutantsOf(file)).padStart(4)}: ${file.survived} survived, ${file.withoutCoverage} never run`,
    );
}

/** The names of what broke. */
async function mutateFiles(directory: string, files: readonly string[]): Promise<string[]> {
  const broken: string[] = [];
  for (const file of files) {
    try {
      const tests = ownTests(directory, file);
      if (tests.length === 0) throw new Error(`${file}: no test of test/core/ reaches it.`);
      const { result, unnoticed } = await mutate(directory, file, tests);
      console.log(`${file}: ${scoreOf(result).toFixed(1)} % of ${mutantsOf(result)}`);
      for (const each of unnoticed) console.log(lineOf(each));
      keep([result], []);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      broken.push(file);
    }
  }
  return broken;
}

/** The names of those that no test noticed, or that could not be broken. */
async function breakGuards(directory: string, names: readonly string[]): Promise<string[]> {
  const unnoticed: string[] = [];
  for (const guard of GUARDS.filter((each) => names.includes(each.guard)))
    try {
      const { isNoticed, said } = await breakGuard(directory, guard);
      console.log(`${isNoticed ? 'noticed' : 'NOT NOTICED'}: ${guard.guard} (${guard.file})`);
      keep([], [{ guard: guard.guard, isNoticed, measuredOn: new Date().toISOString().slice(0, 10) }]);
      if (isNoticed) continue;
      console.log(said.slice(-3000));
      unnoticed.push(guard.guard);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      unnoticed.push(guard.guard);
    }
  return unnoticed;
}

async function main(): Promise<boolean> {
  const { files, guards } = asked(process.argv.slice(2));
  installStryker();
  const directory = copyTree();
  const broken = await mutateFiles(directory, files);
  const unnoticed = await breakGuards(directory, guards);
  const results = readResults();
  printTable(results.files);
  const score = scoreOf(totalOf(results.files));
  console.log(`core/: ${score.toFixed(1)} % of ${mutantsOf(totalOf(results.files))}, at least ${LEAST} %`);
  if (broken.length > 0) console.error(`Without a result: ${broken.join(', ')}`);
  if (unnoticed.length > 0) console.error(`Broken without a test that says so: ${unnoticed.join(', ')}`);
  return broken.length === 0 && unnoticed.length === 0 && score >= LEAST;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
