/**
 * What `sql` lets through to the engine. The engine has the rights of the person at the keyboard, and a query may come from
 * anywhere: it must neither write a file nor read one, nor speak to a host.
 *
 * `readonly = 1` forbids most of that: every change, every setting, every table function that leaves the engine (file, url, s3,
 * executable, remote, mysql…). Measured on 26.7, it leaves open what is closed here: INTO OUTFILE, which the client half of the
 * engine serves; the function `file`, not the table function of that name; and DESCRIBE of a table function, which asks the
 * other side for its structure.
 */

const READING = ['SELECT', 'WITH', 'SHOW', 'DESCRIBE', 'EXPLAIN', 'EXISTS', 'CHECK'] as const;
type Reading = (typeof READING)[number];

export interface SqlStatement {
  readonly kind: Reading;
  /** The format that the statement names itself. */
  readonly format: string | undefined;
}

/** Functions that reach beyond the backup, and those that would run a text as a query. In small letters. */
const OUTSIDE: ReadonlySet<string> = new Set([
  'file',
  'catboostevaluate',
  'aiclassify',
  'aiembed',
  'aiextract',
  'aigenerate',
  'aitranslate',
  'eval',
]);

/**
 * Reads a statement as the engine's own `formatQuerySingleLine` has written it: without comments, with every name and text in
 * one form of quotes, and certainly one statement.
 *
 * @returns the statement, or why it is refused, as a sentence
 */
export function readStatement(formatted: string): SqlStatement | string {
  const tokens = [...formatted.matchAll(TOKEN)].map(([token]) => token);
  const kind = READING.find((word) => word === tokens[0]?.toUpperCase());
  if (kind === undefined)
    return `A statement that begins with ${tokens[0] ?? 'nothing'} is none that reads. \`sql\` takes ${READING.slice(0, -1).join(', ')} and ${READING.at(-1)}.`;
  const beyond = reachesBeyond(kind, tokens);
  return beyond ?? { kind, format: formatOf(tokens) };
}

/** Texts, quoted names, words, and everything else a character at a time. */
const TOKEN = /'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|[\p{L}\p{N}_$]+|\S/gsu;

function reachesBeyond(kind: Reading, tokens: readonly string[]): string | undefined {
  const outside = tokens.find((_, index) => callsOutside(tokens, index));
  if (outside !== undefined)
    return `The function ${nameOf(outside)} reaches beyond the backup, and \`sql\` does not run it.`;
  if (tokens.some((token, index) => isWord(token, 'INTO') && isWord(tokens[index + 1], 'OUTFILE')))
    return '`sql` does not write files with INTO OUTFILE; what it prints can be sent to a file: `> rows.tsv`.';
  if (kind === 'DESCRIBE' && describesFunction(tokens))
    return '`sql` describes tables and subqueries, not table functions.';
  if (kind === 'EXPLAIN' && !explainsSelect(tokens)) return '`sql` explains a SELECT and nothing else.';
  return undefined;
}

/** `file(…)`, and by its name alone as in `* APPLY file` and `* APPLY(file)`. */
function callsOutside(tokens: readonly string[], index: number): boolean {
  const token = tokens[index] ?? '';
  if (!OUTSIDE.has(nameOf(token).toLowerCase())) return false;
  const before = tokens[index - 1] === '(' ? tokens[index - 2] : tokens[index - 1];
  return tokens[index + 1] === '(' || isWord(before, 'APPLY');
}

function describesFunction(tokens: readonly string[]): boolean {
  const first = isWord(tokens[1], 'TABLE') ? 2 : 1;
  const isSubquery = tokens[first] === '(';
  return !isSubquery && tokens.slice(first + 1, first + 4).includes('(');
}

/** Between EXPLAIN and its query stand a kind and settings, none of which is one of these. */
function explainsSelect(tokens: readonly string[]): boolean {
  const begins = ['SELECT', 'WITH', 'INSERT', 'CREATE', 'ALTER', 'SYSTEM', 'TABLE', 'BACKUP'];
  const first = tokens.slice(1).find((token) => token === '(' || begins.some((word) => isWord(token, word)));
  return first === '(' || isWord(first, 'SELECT') || isWord(first, 'WITH');
}

function formatOf(tokens: readonly string[]): string | undefined {
  const at = tokens.findLastIndex((token) => isWord(token, 'FORMAT'));
  const format = at < 0 ? undefined : tokens[at + 1];
  // A column may be called `format` too: only a word after it is one of a format.
  return format !== undefined && /^\w+$/.test(format) ? format : undefined;
}

const isWord = (token: string | undefined, word: string): boolean => token?.toUpperCase() === word;

/** Without the quotes of a quoted name. */
const nameOf = (token: string): string => (/^[`"]/.test(token) ? token.slice(1, -1) : token);
