export const KINDS = ['full', 'incremental'] as const;
export type Kind = (typeof KINDS)[number];

export interface BackupId {
  readonly id: string;
  /** When the attempt began, to the second, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly kind: Kind;
}

const SHORT: Record<Kind, string> = { full: 'full', incremental: 'incr' };
const PATTERN = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-(full|incr)-([0-9a-z]{4,12})$/;

/** `20260402T020000Z` */
export const compactTime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/[-:]|\.\d+/g, '');

/**
 * A backup id: sortable by time, readable, and never used twice, because ClickHouse leaves a `.lock` that blocks a
 * prefix for ever (ClickHouse#114109).
 *
 * @param random four to twelve characters of `0-9a-z`
 */
export function makeBackupId(startedAt: number, kind: Kind, random: string): string {
  const id = `${compactTime(startedAt)}-${SHORT[kind]}-${random}`;
  if (parseBackupId(id) === undefined) throw new RangeError(`not a backup id: ${id}`);
  return id;
}

/** What an id says of its backup, or undefined when it is not one of ours. */
export function parseBackupId(id: string): BackupId | undefined {
  const match = PATTERN.exec(id);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, short] = match;
  const startedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse takes 31 February for a day in March, and 24:00 for the next day.
  if (Number.isNaN(startedAt) || !id.startsWith(`${compactTime(startedAt)}-`)) return undefined;
  return { id, startedAt, kind: short === 'full' ? 'full' : 'incremental' };
}
