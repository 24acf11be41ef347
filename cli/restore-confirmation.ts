/** The question before data is destroyed or mixed: names are typed again, so that a slip of the finger cannot do it. */
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { harmless } from '../core/redaction.ts';
import type { Before, RestorePlan } from '../core/restore.ts';
import { APPEND, type RestoreMode } from '../core/restore-input.ts';
import { countText } from './amounts.ts';
import type { Call } from './verb.ts';

const isDestructive = (mode: RestoreMode | undefined): boolean => mode === 'replace' || mode === 'append';

/** @throws {SafehouseError} RefusedForSafety, where nobody can be asked and nothing was confirmed beforehand */
export function requireSomeoneToAsk(
  mode: RestoreMode | undefined,
  { ask, all }: Pick<Call, 'ask' | 'all'>,
): void {
  if (!isDestructive(mode) || ask !== undefined || all('yes').length > 0) return;
  throw new SafehouseError(ERROR_NAMES.unsafe, {
    what:
      mode === 'replace'
        ? 'replace drops what is there, and there is no terminal to ask whether that is meant.'
        : 'append adds rows to rows, and there is no terminal to ask whether that is meant.',
    remedy:
      mode === 'replace'
        ? 'Name what may be dropped: --yes DATABASE. --dry-run shows what that is.'
        : `Say so: --yes ${APPEND}. --dry-run shows where the rows would go.`,
  });
}

export interface ToConfirm {
  readonly databases: readonly string[];
  /** `database.table`: single tables that are dropped, and those that go with their database and do not come back. */
  readonly tables: readonly string[];
  readonly append: boolean;
}

/** Everything that `confirm` of the input must name, by what stood on the server at the dry run. */
export function toConfirm(
  { mode, drill, databases, tables }: RestorePlan,
  before: Pick<Before, 'databases' | 'tables'>,
): ToConfirm {
  if (drill || mode !== 'replace') return { databases: [], tables: [], append: !drill && mode === 'append' };
  const there = databases.filter(({ to }) => before.databases.includes(to));
  const standing = there.flatMap(({ to, whole }) =>
    before.tables
      .filter(({ database, table }) => database === to && !INNER.test(table))
      .filter(
        ({ table }) => whole !== tables.some((each) => each.to.database === to && each.to.table === table),
      )
      .map(({ database, table }) => `${database}.${table}`),
  );
  return {
    databases: there.filter(({ whole }) => whole).map(({ to }) => to),
    tables: standing,
    append: false,
  };
}

/** The tables inside materialized views go and come with their views. */
const INNER = /^\.inner(?:_id)?\./;

export const wordsOf = ({ databases, tables, append }: ToConfirm): readonly string[] => [
  ...databases,
  ...tables,
  ...(append ? [APPEND] : []),
];

export type Confirmed =
  | { readonly outcome: 'confirmed'; readonly words: readonly string[] }
  /** Ctrl-C or Ctrl-D at the question. */
  | { readonly outcome: 'broken off' };

/** @throws {SafehouseError} RefusedForSafety, when something else was typed, or nobody can be asked */
export async function confirm(
  wanted: ToConfirm,
  { ask, all }: Pick<Call, 'ask' | 'all'>,
): Promise<Confirmed> {
  const given = all('yes');
  const missing = wordsOf(wanted).filter((word) => !given.includes(word));
  if (missing.length > 0 && ask === undefined)
    throw new SafehouseError(ERROR_NAMES.unsafe, {
      what: `Nothing was begun: ${missing.map(show).join(', ')} ${missing.length === 1 ? 'is' : 'are'} not confirmed.`,
      remedy: `If that is meant, add ${missing.map((each) => `--yes ${shellWord(each)}`).join(' ')}.`,
    });
  for (const { question, word } of questionsFor(wanted, missing)) {
    const typed = await ask?.(question);
    if (typed === undefined) return { outcome: 'broken off' };
    if (typed !== word)
      throw new SafehouseError(ERROR_NAMES.unsafe, {
        what: `Nothing was begun: ${show(word)} was asked for, and ${typed === '' ? 'nothing' : show(typed)} was typed.`,
        remedy: 'Start again and type it, if that is meant.',
      });
  }
  return { outcome: 'confirmed', words: wordsOf(wanted) };
}

interface Question {
  readonly question: string;
  /** The one answer that goes on. */
  readonly word: string;
}

/** Databases one by one; of many tables their number, for nobody types thirty names. */
function questionsFor({ databases, tables, append }: ToConfirm, missing: readonly string[]): Question[] {
  const isMissing = (word: string): boolean => missing.includes(word);
  const dropped = tables.filter(isMissing);
  const [only] = dropped;
  return [
    ...databases.filter(isMissing).map((word) => ({
      question: `The database ${show(word)} is dropped first, with everything in it. Type its name to go on: `,
      word,
    })),
    ...(only === undefined ? [] : [tableQuestion(only, dropped)]),
    ...(append && isMissing(APPEND)
      ? [
          {
            question: `The rows are added to those that are there; what is in both will be there twice. Type ${APPEND} to go on: `,
            word: APPEND,
          },
        ]
      : []),
  ];
}

const SHOWN = 10;

function tableQuestion(only: string, dropped: readonly string[]): Question {
  if (dropped.length === 1)
    return { question: `The table ${show(only)} is dropped. Type its name to go on: `, word: only };
  const named = dropped.slice(0, SHOWN).map(show).join(', ');
  const more = dropped.length > SHOWN ? `, and ${countText(dropped.length - SHOWN)} more` : '';
  return {
    question: `${countText(dropped.length)} tables are dropped: ${named}${more}. Type their number to go on: `,
    word: String(dropped.length),
  };
}

const show = (text: string): string => JSON.stringify(harmless(text));

/** To be copied into a shell. */
const shellWord = (word: string): string =>
  /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
