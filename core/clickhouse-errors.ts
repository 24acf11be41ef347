/**
 * ClickHouse's errors: read from the forms in which it gives them, and what follows from each. What is in no table is said to
 * be unknown.
 */

import { ERROR_TABLE, type Said, type Sentence } from './clickhouse-error-table.ts';
import type { Failure, FailureClass } from './failure.ts';
import { quoteIdentifier } from './identifiers.ts';
import { harmless } from './redaction.ts';
import { type Finding, findStorageCause, type Operation } from './storage-errors.ts';

export { classifyConnectionError } from './connection-errors.ts';

export interface ClickHouseError {
  readonly code: number;
  /** ClickHouse's own name for the code, such as `UNKNOWN_TABLE`. */
  readonly name: string;
  /** What it said, without code, name, version, stack trace and secrets. */
  readonly text: string;
}

export interface FailureContext {
  readonly operation: Operation;
  /**
   * Whether it was the answer to a statement, or stands in the row of a backup or restore that had begun: such an id is used
   * up, and the same cannot be tried again.
   *
   * @default 'answer'
   */
  readonly seenIn?: 'answer' | 'system.backups';
  /** The ClickHouse user, for the GRANT in a remedy. */
  readonly user?: string;
}

/** An error as `@clickhouse/client` throws it: its message has no code. */
interface ClientError {
  readonly code: string;
  readonly type?: string | undefined;
  readonly message: string;
}

/** Longer than any sentence of ClickHouse, shorter than its stack traces. */
const READ_CHARACTERS = 16_000;
const TEXT_CHARACTERS = 4_000;

/** `Code: 60. DB::Exception: …`, and for what is not ClickHouse's own: `Poco::Exception. Code: 1000, e.code() = 111, …`. */
const HEAD = /(?:^|\W)Code: (?<code>\d{1,5})(?:\. (?:DB|Poco|std)::(?:\w+::)*\w*[Ee]xception: |, )/;

/**
 * Reads ClickHouse's error from `system.backups.error`, the body of an HTTP answer, or an error of `@clickhouse/client`.
 *
 * @returns undefined when it is not an error of ClickHouse, such as the page of a proxy or a broken connection
 */
export function parseClickHouseError(source: string | ClientError): ClickHouseError | undefined {
  if (typeof source !== 'string') return fromClient(source);
  const head = HEAD.exec(source.slice(0, READ_CHARACTERS));
  if (head === null) return undefined;
  const code = Number(head.groups?.['code']);
  const said = source.slice(head.index + head[0].length, head.index + READ_CHARACTERS);
  const text = withoutRepetition(code, withoutTrail(said));
  const last = [...text.matchAll(/\(([A-Z][A-Z0-9_]{2,})\)/g)].at(-1)?.[1];
  return {
    code,
    name: nameOf(code) ?? codeName(last, code),
    text: harmless(withoutName(text), TEXT_CHARACTERS),
  };
}

function fromClient({ code, type, message }: ClientError): ClickHouseError | undefined {
  if (!/^\d{1,5}$/.test(code)) return undefined;
  return {
    code: Number(code),
    name: nameOf(Number(code)) ?? codeName(type, Number(code)),
    text: harmless(withoutName(withoutTrail(message)), TEXT_CHARACTERS),
  };
}

/** Without the stack trace and the version, which ClickHouse also puts in the middle when one error wraps another. */
const withoutTrail = (text: string): string =>
  text
    .replace(/,? Stack trace(?: \(when|:)[\s\S]*$/, '')
    .replace(/ ?\(version \d[^()]*(?:\([^()]*\))?\)/g, '')
    .trim();

/** An unknown setting comes as `Code: 115. … Code: 115. … (UNKNOWN_SETTING). (UNKNOWN_SETTING)`. */
function withoutRepetition(code: number, text: string): string {
  const inner = HEAD.exec(text);
  return inner?.index === 0 && Number(inner.groups?.['code']) === code
    ? withoutName(text.slice(inner[0].length))
    : text;
}

const withoutName = (text: string): string =>
  text.replace(/[.\s]{0,3}\([A-Z][A-Z0-9_]{2,}\)[.\s]{0,3}$/, '').replace(/\.$/, '');

/**
 * What an error means, in words for the person on call, and what may follow.
 */
export function classifyClickHouseError(error: ClickHouseError, context: FailureContext): Failure {
  const text = harmless(error.text, TEXT_CHARACTERS);
  const finding =
    error.code === S3_ERROR ? findStorageCause(text, context.operation) : findCause(error, text, context);
  const kind = classOf(finding.next, context);
  const remedy = leavesHalf(finding.next, kind, context) ? `${finding.remedy} ${LEFTOVERS}` : finding.remedy;
  return {
    class: kind,
    error: nameOf(error.code) ?? codeName(error.name, error.code),
    what: harmless(finding.what),
    remedy: harmless(remedy),
  };
}

const S3_ERROR = 499;

function classOf(next: Finding['next'], { operation, seenIn = 'answer' }: FailureContext): FailureClass {
  if (next === 'done') return 'already done';
  if (next === 'fix' || next === 'drop') return 'fix and stop';
  if (operation === 'query' || (next === 'later' && seenIn === 'answer')) return 'retry the same';
  // What had begun has used its id up. A backup gets another; a restore leaves tables behind that another would meet.
  return operation === 'backup' ? 'new attempt' : 'fix and stop';
}

const LEFTOVERS =
  'A restore is not resumed. What it had created has to go before the next one: Safehouse takes it away by itself; after a RESTORE by hand, drop that and nothing else (DROP DATABASE … SYNC), or restore into a name that does not exist yet.';

const leavesHalf = (
  next: Finding['next'],
  kind: FailureClass,
  { operation, seenIn }: FailureContext,
): boolean =>
  operation === 'restore' && kind === 'fix and stop' && (next !== 'fix' || seenIn === 'system.backups');

function findCause(error: ClickHouseError, text: string, { operation, user }: FailureContext): Finding {
  const row = ERROR_TABLE.find(({ code, when }) => code === error.code && (when?.test(text) ?? true));
  if (row === undefined) return unknown(error, text);
  const found = (row.when ?? row.names)?.exec(text)?.groups;
  const said: Said = { found: found ?? {}, operation, user: userText(user ?? found?.['user']) };
  const sentence = (part: Sentence): string => (typeof part === 'string' ? part : part(said));
  // Where no name was recognised, ClickHouse's own words stand in for it.
  const recognised = row.when !== undefined || found !== undefined;
  const own = recognised || text === '' ? '' : ` ClickHouse said: ${harmless(text, 300)}`;
  return { next: row.next, what: sentence(row.what) + own, remedy: sentence(row.remedy) };
}

const unknown = ({ code, name }: ClickHouseError, text: string): Finding => ({
  next: 'anew',
  what: `ClickHouse answered with an error that this release does not know (${code} ${name}): ${text}`,
  remedy:
    "Look the error up by its name in ClickHouse's documentation, and at the server's log around that time.",
});

const userText = (user: string | undefined): string => {
  if (user === undefined || user === '') return '<user>';
  return /^[A-Za-z_]\w*$/.test(user) ? user : quoteIdentifier(user.toWellFormed());
};

/** The name as it came, if it is one: it ends up in the ledger and in links to the runbook. */
const codeName = (name: string | undefined, code: number): string =>
  name !== undefined && /^[A-Z][A-Z0-9_]{0,99}$/.test(name) ? name : `CODE_${code}`;

function nameOf(code: number): string | undefined {
  return code === S3_ERROR ? 'S3_ERROR' : ERROR_TABLE.find((row) => row.code === code)?.name;
}
