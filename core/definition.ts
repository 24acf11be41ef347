/** What matters to a restore in the `CREATE` statement of a table, as ClickHouse writes it into a backup. */
import type { Definition } from './restore.ts';

/** A text in single quotes, with what stands between them as its group. */
const QUOTED = String.raw`'((?:[^'\\]|\\.)*)'`;

const POLICY = new RegExp(String.raw`\bstorage_policy\s*=\s*${QUOTED}`);
const TO_VOLUME = new RegExp(String.raw`\bTO VOLUME ${QUOTED}`, 'g');
const TO_DISK = new RegExp(String.raw`\bTO DISK ${QUOTED}`, 'g');
const REPLICA = new RegExp(
  String.raw`\bENGINE = (?:Replicated|Shared)\w*MergeTree\(${QUOTED}\s*,\s*${QUOTED}`,
);
/** Before the query of the view, which may hold any text. */
const REFRESH = /^(?:CREATE|ATTACH) MATERIALIZED VIEW [\s\S]*?\sREFRESH (?:EVERY|AFTER) /;

/**
 * ClickHouse writes definitions on lines of their own words, quoted and escaped as it quotes; what only looks like a clause,
 * inside a comment of a column, would at worst make the preflight ask for more than is needed.
 */
export function readDefinition(sql: string): Definition {
  const [, path, name] = REPLICA.exec(sql) ?? [];
  return {
    storagePolicy: textOf(POLICY.exec(sql)?.[1]),
    volumes: all(sql, TO_VOLUME),
    disks: all(sql, TO_DISK),
    refreshable: REFRESH.test(beforeQuery(sql)),
    replica:
      path === undefined || name === undefined ? null : { path: unescaped(path), name: unescaped(name) },
  };
}

const beforeQuery = (sql: string): string => sql.split(/\sAS (?:SELECT|WITH)\b/, 1)[0] ?? sql;

const all = (sql: string, pattern: RegExp): string[] => [
  ...new Set([...sql.matchAll(pattern)].map(([, text = '']) => unescaped(text))),
];

const textOf = (escaped: string | undefined): string | null =>
  escaped === undefined ? null : unescaped(escaped);

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');
