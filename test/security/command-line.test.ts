/** Whatever is typed, or given as an argument by a script: an answer with its exit code, and nothing that acts on a terminal. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXIT } from '../../cli/exit-codes.ts';
import { VERBS } from '../../cli/verbs.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { call } from '../cli/call.ts';
import { FOREIGN_TEXT, PLANTED_SECRET } from '../core/hostile-text.ts';
import { BadInputs, UNSEEN_IN_LINES } from './bad-inputs.ts';

const TIME = { timeout: 120_000 };

const CLOSED = new SafehouseError(ERROR_NAMES.notFound, {
  what: 'There is no stack.',
  remedy: 'Deploy one.',
});

const FLAGS = VERBS.flatMap(({ flags }) => Object.keys(flags)).map((name) => `--${name}`);

const WORD = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...VERBS.map(({ name }) => name)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...FLAGS,
      '--json',
      '--stack',
      '--help',
      '--',
      '-',
      '-h',
      '--no-json',
      '--=',
      '-abc',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'shop',
      'latest',
      'shop/latest',
      '20260402T020000Z-full-k3f9',
      's3://bucket/prefix',
      'https://user:pw@host/x',
      'SELECT 1',
      '__proto__',
      '--__proto__',
      '--constructor=x',
      '--kind=full',
      '--limit=1e9',
      '--at=2026-13-40T99:00:00Z',
      '--as=a=b=c',
      '',
      'x'.repeat(100_000),
    ),
  },
  { weight: 2, arbitrary: FOREIGN_TEXT },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...FLAGS), FOREIGN_TEXT).map(([flag, text]) => `${flag}=${text}`),
  },
);

/** `local` serves until Ctrl-C, and the files that a person names are his own. */
const isTried = (typed: readonly string[]): boolean =>
  !typed.includes('local') && !typed.some((word) => word.startsWith('--config') || word === '--local');

test('any command line is understood or refused in words', TIME, async ({ task }) => {
  const inputs = new BadInputs();
  const codes = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(WORD, { maxLength: 6 }).filter(isTried), async (typed) => {
      const answer = await inputs.answered(() =>
        call(typed, { open: () => Promise.reject(CLOSED), columns: 80, now: 0 }),
      );
      if (answer instanceof Error) throw answer;
      const { exitCode, stdout, stderr } = answer;
      expect([EXIT.good, EXIT.usage, EXIT.notFound, EXIT.unsafe]).toContain(exitCode);
      expect(`${stdout}${stderr}`).not.toMatch(UNSEEN_IN_LINES);
      expect(exitCode === EXIT.good || stderr !== '').toBe(true);
      codes.set(exitCode, (codes.get(exitCode) ?? 0) + 1);
    }),
    { numRuns: 2_000 },
  );
  expect(codes.get(EXIT.notFound)).toBeGreaterThan(20);
  inputs.report(task);
});

test(
  'an error of any text is told without its secrets and without what acts on a terminal',
  TIME,
  async ({ task }) => {
    const inputs = new BadInputs();
    const verbs = fc.constantFrom(['status'], ['list', '--json'], ['doctor', 'shop'], ['show', 'latest']);
    await fc.assert(
      fc.asyncProperty(
        verbs,
        FOREIGN_TEXT,
        PLANTED_SECRET,
        fc.nat({ max: 2 }),
        async (typed, text, { plant, secret }, kind) => {
          const said = `${text} ${plant}`;
          const thrown = [
            new SafehouseError(ERROR_NAMES.refused, { what: said, remedy: said }),
            new Error(said),
            Object.assign(new Error(said), {
              name: 'AccessDenied',
              $metadata: { httpStatusCode: 403 },
              $fault: 'client',
            }),
          ][kind];
          for (const environment of [{}, { SAFEHOUSE_DEBUG: '1' }]) {
            const answer = await inputs.answered(() =>
              call(typed, { open: () => Promise.reject(thrown), columns: 80, environment }),
            );
            if (answer instanceof Error) throw answer;
            const shown = `${answer.stdout}${answer.stderr}`;
            expect(shown).not.toMatch(UNSEEN_IN_LINES);
            expect(shown.replaceAll('\n', '')).not.toContain(secret);
          }
        },
      ),
      { numRuns: 600 },
    );
    inputs.report(task);
  },
);
