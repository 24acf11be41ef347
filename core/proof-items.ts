/** Splits the reading of a backup into items that fit well inside one function's time. */
import type { Check, ProofItem } from './proof.ts';

/** A part as the mounted backup shows it. */
export interface MountedPart {
  readonly database: string;
  readonly table: string;
  readonly partition: string;
  readonly name: string;
  /** Bytes on disk: what reading it costs. */
  readonly bytes: number;
}

export interface ItemLimits {
  /** Bytes that one item may read. A single part that is larger has an item of its own: it cannot be split. */
  readonly bytesAnItem: number;
  /** Files that one item may compare with the manifest. */
  readonly filesAnItem: number;
}

/**
 * The items that together read every part once. Whole partitions are named where they fit, single parts where a partition is
 * larger than an item; items are filled largest first, so that they end up about equally heavy.
 */
export function planChecks(parts: readonly MountedPart[], { bytesAnItem }: ItemLimits): ProofItem[] {
  const units = partitionsOf(parts).flatMap((partition) =>
    partition.bytes <= bytesAnItem
      ? [whole(partition)]
      : partition.parts.map((part) => single(partition, part)),
  );
  units.sort((a, b) => b.bytes - a.bytes || (label(a) < label(b) ? -1 : 1));
  const bytes = units.reduce((sum, { bytes }) => sum + bytes, 0);
  const items = Array.from({ length: Math.ceil(bytes / bytesAnItem) || (units.length > 0 ? 1 : 0) }, () => ({
    checks: [] as Check[],
    bytes: 0,
  }));
  for (const unit of units) {
    let lightest = items[0];
    for (const item of items) if (lightest === undefined || item.bytes < lightest.bytes) lightest = item;
    lightest?.checks.push(unit);
    if (lightest !== undefined) lightest.bytes += unit.bytes;
  }
  const totals = new Map<string, number>();
  for (const { database, table } of parts) {
    const key = JSON.stringify([database, table]);
    totals.set(key, (totals.get(key) ?? 0) + 1);
  }
  const total = ({ database, table }: Check): number => totals.get(JSON.stringify([database, table])) ?? 0;
  return items
    .filter(({ checks }) => checks.length > 0)
    .map((item) => ({ kind: 'check', checks: merge(item.checks, total), bytes: item.bytes }));
}

/** The items that compare files with the manifest: a name belongs to exactly one slice. */
export function planContents(
  files: number,
  bytes: number,
  { filesAnItem, bytesAnItem }: ItemLimits,
): ProofItem[] {
  const slices = Math.max(1, Math.ceil(files / filesAnItem), Math.ceil(bytes / bytesAnItem));
  return Array.from({ length: slices }, (_, slice) => ({
    kind: 'contents',
    slice,
    slices,
    bytes: Math.ceil(bytes / slices),
  }));
}

/** The slice of a file's name: FNV-1a, which spreads names evenly; nothing rests on its being hard to guess. */
export function sliceOf(name: string, slices: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1)
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % slices;
}

interface Partition {
  readonly database: string;
  readonly table: string;
  readonly partition: string;
  readonly parts: MountedPart[];
  bytes: number;
}

function partitionsOf(parts: readonly MountedPart[]): Partition[] {
  const partitions = new Map<string, Partition>();
  for (const part of parts) {
    const key = JSON.stringify([part.database, part.table, part.partition]);
    const { database, table, partition } = part;
    const known = partitions.get(key) ?? { database, table, partition, parts: [], bytes: 0 };
    known.parts.push(part);
    known.bytes += part.bytes;
    partitions.set(key, known);
  }
  return [...partitions.values()];
}

const whole = ({ database, table, partition, parts, bytes }: Partition): Check => ({
  database,
  table,
  partitions: [partition],
  parts: [],
  expected: parts.length,
  bytes,
});

const single = ({ database, table }: Partition, { name, bytes }: MountedPart): Check => ({
  database,
  table,
  partitions: [],
  parts: [name],
  expected: 1,
  bytes,
});

const label = ({ database, table, partitions, parts }: Check): string =>
  JSON.stringify([database, table, partitions, parts]);

/**
 * Checks of one table in one item become one, so that a table of a thousand partitions is one line of the plan, and one
 * statement where all of it is in the item.
 */
function merge(checks: readonly Check[], total: (check: Check) => number): Check[] {
  const merged = new Map<string, Check>();
  for (const check of checks) {
    const key = JSON.stringify([check.database, check.table]);
    const known = merged.get(key);
    merged.set(key, known === undefined ? check : join(known, check));
  }
  return [...merged.values()].map((check) =>
    check.expected === total(check) ? { ...check, partitions: [], parts: [] } : check,
  );
}

const join = (a: Check, b: Check): Check => ({
  database: a.database,
  table: a.table,
  partitions: [...a.partitions, ...b.partitions],
  parts: [...a.parts, ...b.parts],
  expected: a.expected + b.expected,
  bytes: a.bytes + b.bytes,
});
