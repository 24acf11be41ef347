/** What the front has to know of a query without parsing SQL: string literals, names in quotes and comments aside. */
export interface QueryText {
  /** The format that the query itself names. */
  readonly format: string | undefined;
  /** Where a second statement begins. The embedded engine would run it; ClickHouse's HTTP interface refuses it. */
  readonly secondStatement: number | undefined;
  readonly identityCalls: readonly IdentityCall[];
}

export interface IdentityCall {
  readonly name: 'serverUUID' | 'uptime';
  readonly start: number;
  readonly end: number;
}

const STRING = /'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'/s;
const QUOTED_NAME = /`[^`\\]*(?:(?:\\.|``)[^`\\]*)*`|"[^"\\]*(?:(?:\\.|"")[^"\\]*)*"/s;
const COMMENT = /--[^\n]*|#[ !][^\n]*|\/\*.*?\*\//s;
const HEREDOC = /\$(?<tag>\w*)\$.*?\$\k<tag>\$/s;
const TOKEN = new RegExp(
  [
    `(?<space>${COMMENT.source}|\\s+)`,
    `(?<literal>${STRING.source}|${QUOTED_NAME.source}|${HEREDOC.source})`,
    '(?<word>[A-Za-z_][\\w$]*)',
    '(?<mark>.)',
  ].join('|'),
  'sy',
);
const EMPTY_ARGUMENTS = /\s*\(\s*\)/y;

/** Reads up to where the data of an INSERT begins: rows may hold anything, a semicolon included. */
export function readQueryText(query: string): QueryText {
  const identityCalls: IdentityCall[] = [];
  let format: string | undefined;
  let statement: string | undefined;
  let selects = false;
  let semicolon = false;
  let previous = '';
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(query); match !== null; match = TOKEN.exec(query)) {
    if (match.groups?.['space'] !== undefined) continue;
    if (semicolon) return { format, secondStatement: match.index, identityCalls };
    const [token] = match;
    semicolon = token === ';';
    const word = match.groups?.['word']?.toUpperCase();
    if (word !== undefined) {
      statement ??= word;
      selects ||= word === 'SELECT';
      if (previous === 'FORMAT') format = token;
      const call = previous === '.' ? undefined : identityCall(query, token, match.index);
      if (call !== undefined) identityCalls.push(call);
      if (statement === 'INSERT' && (previous === 'FORMAT' || (word === 'VALUES' && !selects))) break;
    }
    previous = word ?? token;
  }
  return { format, secondStatement: undefined, identityCalls };
}

function identityCall(query: string, name: string, start: number): IdentityCall | undefined {
  if (name !== 'serverUUID' && name !== 'uptime') return undefined;
  EMPTY_ARGUMENTS.lastIndex = start + name.length;
  return EMPTY_ARGUMENTS.test(query) ? { name, start, end: EMPTY_ARGUMENTS.lastIndex } : undefined;
}
