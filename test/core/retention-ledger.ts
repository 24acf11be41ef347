/** Ledgers for the tests of retention: backups with believable states, in as few words as a test needs. */
import { type Kind, makeBackupId } from '../../core/backup-id.ts';
import type { State } from '../../core/ledger.ts';
import {
  type Action,
  type Decision,
  planRetention,
  type RetentionBackup,
  type RetentionInput,
  type RetentionPlan,
  retentionSchema,
} from '../../core/retention.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const at = (text: string): number => Date.parse(text.length === 10 ? `${text}T02:00Z` : text);

type States = Partial<Record<State, number>>;
interface Change {
  readonly target?: string;
  readonly random?: string;
  readonly removing?: boolean;
}

/** A verified full backup of `2026-04-02`, at two in the night unless the text says otherwise. */
export const full = (text: string, states: States = verified(text), change: Change = {}): RetentionBackup =>
  backup(text, 'full', null, states, change);

export const incremental = (
  text: string,
  base: RetentionBackup | string | null,
  states: States = verified(text),
  change: Change = {},
): RetentionBackup =>
  backup(
    text,
    'incremental',
    base === null || typeof base === 'string' ? base : base.entry.id,
    states,
    change,
  );

function backup(
  text: string,
  kind: Kind,
  base: string | null,
  states: States,
  { target = 'orders', random = 'aaaa', removing = false }: Change,
): RetentionBackup {
  const startedAt = at(text);
  const id = makeBackupId(startedAt, kind, random);
  return {
    entry: { id, startedAt, kind, target, states: { started: startedAt, ...states } },
    base,
    removing,
  };
}

export const verified = (text: string): States => ({ written: at(text), verified: at(text) });
export const failed = (text: string): States => ({ failed: at(text) });
export const running: States = {};

/** A mark whose grace ends at the given time, as states and evidence. */
export const marks = (
  ...marked: readonly (readonly [RetentionBackup, string])[]
): RetentionInput['expiring'] =>
  new Map(marked.map(([{ entry }, removeAfter]) => [entry.id, { removeAfter: at(removeAfter) }]));

/** The days from one date to another, both included. */
export function daysFrom(first: string, last: string): string[] {
  const days: string[] = [];
  for (let day = at(first); day <= at(last); day += DAY) days.push(new Date(day).toISOString().slice(0, 10));
  return days;
}

export const rulesOf = (rules: Parameters<typeof retentionSchema.parse>[0]): RetentionInput['rules'] =>
  retentionSchema.parse(rules);

export const inputOf = (
  backups: readonly RetentionBackup[],
  change: Partial<RetentionInput> = {},
): RetentionInput => ({
  backups,
  rules: rulesOf({ last: 1, minimum: 1 }),
  pins: [],
  now: Math.max(...backups.map(({ entry }) => entry.startedAt)) + HOUR,
  timeZone: 'UTC',
  complete: true,
  expiring: new Map(),
  ...change,
});

/** The decision about one backup. */
export function about({ decisions }: RetentionPlan, { entry }: RetentionBackup): Decision {
  const found = decisions.filter(({ id }) => id === entry.id);
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} decisions about ${entry.id}`);
  return found[0];
}

export const plan = (
  backups: readonly RetentionBackup[],
  change: Partial<RetentionInput> = {},
): RetentionPlan => planRetention(inputOf(backups, change));

/** The dates of the backups with one of these actions, oldest first. */
export const dates = ({ decisions }: RetentionPlan, ...actions: readonly Action[]): string[] =>
  decisions
    .filter(({ action }) => actions.includes(action))
    .map(({ id }) => id.replace(/^(\d{4})(\d\d)(\d\d)T.*/, '$1-$2-$3'));
