/** The engine of a table, off the `CREATE` statement that ClickHouse has put into a backup. */

/** What `system.tables` would call a table that has no engine of its own; nothing of its data is in a backup. */
export const TABLE_FUNCTION = 'TableFunction';

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^(?:CREATE|ATTACH) MATERIALIZED VIEW /, 'MaterializedView'],
  [/^(?:CREATE|ATTACH) LIVE VIEW /, 'LiveView'],
  [/^(?:CREATE|ATTACH) WINDOW VIEW /, 'WindowView'],
  [/^(?:CREATE|ATTACH) VIEW /, 'View'],
  [/^(?:CREATE|ATTACH) DICTIONARY /, 'Dictionary'],
];

/**
 * Texts and names in quotes, whole; parentheses; and the engine, plain or quoted. What is not closed reaches to the end: a
 * quote that could fail to match would be tried again from each one after it, and a definition may be as long as it likes.
 */
const TOKEN =
  /'(?:[^'\\]|\\.?)*'?|"(?:[^"\\]|\\.?)*"?|ENGINE = (?:`((?:[^`\\]|\\.?)*)`?|(\w+))|`(?:[^`\\]|\\.?)*`?|[()]/gs;

/**
 * The engine as `system.tables` has it. A view's own query and the definition of its inner table are not looked at.
 *
 * @param definition one statement in ClickHouse's own formatting
 */
export function definedEngine(definition: string): string {
  const kind = KINDS.find(([pattern]) => pattern.test(definition));
  if (kind !== undefined) return kind[1];
  let depth = 0;
  for (const [token, quoted, plain] of definition.matchAll(TOKEN)) {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    const engine = quoted ?? plain;
    if (engine !== undefined && depth === 0) return engine;
  }
  return TABLE_FUNCTION;
}
