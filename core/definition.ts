/** What matters to a restore in the `CREATE` statement of a table, as ClickHouse writes it into a backup. */
import type { Definition } from './restore.ts';

/** A text in single quotes, with what stands between them as its group. */
const QUOTED = String.raw`'((?:[^'\\]|\\.)*)'`;

const POLICY = new RegExp(String.raw`\bstorage_policy\s*=\s*${QUOTED}`);
/** One that is made of its own arguments, `disk(type = …)`, needs nothing of the server. */
const DISK = new RegExp(String.raw`\bdisk = ${QUOTED}`);
const TO_VOLUME = new RegExp(String.raw`\bTO VOLUME ${QUOTED}`, 'g');
const TO_DISK = new RegExp(String.raw`\bTO DISK ${QUOTED}`, 'g');
const REPLICA = new RegExp(
  String.raw`\bENGINE = (?:Replicated|Shared)\w*MergeTree\(${QUOTED}\s*,\s*${QUOTED}`,
);
const REFRESH = /^(?:CREATE|ATTACH) MATERIALIZED VIEW [\s\S]*?\sREFRESH (?:EVERY|AFTER) /;

/**
 * ClickHouse writes definitions on lines of their own words, quoted and escaped as it quotes; what only looks like a clause,
 * inside a comment of a column, would at worst make the preflight ask for more than is needed.
 */
export function readDefinition(sql: string): Definition {
  const clauses = beforeQuery(sql);
  const settings = clauses.slice(clauses.lastIndexOf(' SETTINGS '));
  const [, path, name] = REPLICA.exec(clauses) ?? [];
  return {
    storagePolicy: textOf(POLICY.exec(clauses)?.[1]),
    disk: textOf(DISK.exec(settings)?.[1]),
    volumes: all(clauses, TO_VOLUME),
    disks: all(clauses, TO_DISK),
    refreshable: REFRESH.test(clauses),
    replica:
      path === undefined || name === undefined ? null : { path: unescaped(path), name: unescaped(name) },
  };
}

/** Without the query of a view: one that watches `system.tables` names storage policies, and needs none. */
const beforeQuery = (sql: string): string => sql.split(/\sAS \(?(?:SELECT|WITH)\b/, 1)[0] ?? sql;

const all = (sql: string, pattern: RegExp): string[] => [
  ...new Set([...sql.matchAll(pattern)].map(([, text = '']) => unescaped(text))),
];

const textOf = (escaped: string | undefined): string | null =>
  escaped === undefined ? null : unescaped(escaped);

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');
