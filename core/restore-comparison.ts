/** What was restored against what the backup was proven to hold. */
import type { CheckedTable, ComparedTable, Comparison, PlannedTable } from './restore.ts';

/** One part of a restored table, as `system.parts` shows it, active or not. */
export interface RestoredPart {
  readonly name: string;
  readonly partition: string;
  readonly minBlock: number;
  readonly maxBlock: number;
  readonly level: number;
  readonly active: boolean;
}

export interface RestoredTable {
  readonly exists: boolean;
  /** Exact, as `count()` says; null where the engine does not count, or only a definition was restored. */
  readonly rows: number | null;
  readonly parts: number | null;
  readonly bytes: number | null;
  /** Over its active parts, as that of a proof. */
  readonly fingerprint: string | null;
  /** Over the parts that were restored, where merges have replaced them since; null where none have. */
  readonly restoredFingerprint: string | null;
}

export interface CompareOptions {
  readonly structureOnly: boolean;
  /** Rows stood there before: nothing is exact. */
  readonly append: boolean;
}

export function compareTable(
  planned: PlannedTable,
  found: RestoredTable,
  options: CompareOptions,
  checked: CheckedTable | undefined,
): ComparedTable {
  const [comparison, what] = judge(planned, found, options, checked);
  return {
    ...planned.to,
    expectedRows: options.structureOnly || planned.partitions.length > 0 ? null : planned.rows,
    rows: found.rows,
    parts: found.parts,
    bytes: found.bytes,
    comparison,
    checked: checked !== undefined,
    what,
  };
}

function judge(
  planned: PlannedTable,
  found: RestoredTable,
  options: CompareOptions,
  checked: CheckedTable | undefined,
): readonly [Comparison, string] {
  if (!found.exists) return ['missing', 'the table is not there'];
  if (checked !== undefined && !checked.passed) return ['damaged', checked.what];
  if (options.structureOnly || !hasData(planned)) return ['definition', 'the definition is there'];
  if (options.append) return ['not counted', `${found.rows ?? '?'} rows with those that were there before`];
  if (planned.partitions.length > 0) return judgePartitions(planned, found);
  if (planned.fingerprint !== null && planned.fingerprint === found.fingerprint)
    return ['identical', 'the same parts with the same checksums'];
  return judgeRows(planned, found);
}

/** A view with TO keeps nothing itself: its rows are those of the table that it writes to. */
export const hasData = ({ engine, coverage, bytes }: PlannedTable): boolean =>
  coverage === 'data' && (engine !== 'MaterializedView' || bytes > 0);

function judgePartitions(planned: PlannedTable, { rows }: RestoredTable): readonly [Comparison, string] {
  const named = `partition ${planned.partitions.join(', ')}`;
  return rows === 0
    ? ['different', `no rows are in ${named}`]
    : ['not counted', `${rows ?? '?'} rows are in ${named}; proofs count whole tables`];
}

function judgeRows(planned: PlannedTable, found: RestoredTable): readonly [Comparison, string] {
  if (planned.rows === null)
    return [
      'not counted',
      `${found.rows ?? '?'} rows; nobody has counted those of the backup, so there is nothing to hold them against`,
    ];
  if (found.rows === null)
    return ['different', `its rows cannot be counted; the backup holds ${planned.rows}`];
  // What a Replacing or Summing table holds changes as it merges; the parts that were restored tell what it was.
  if (planned.fingerprint !== null && planned.fingerprint === found.restoredFingerprint)
    return ['identical', 'the same parts with the same checksums, merged since'];
  if (found.rows === planned.rows)
    return [
      'same rows',
      planned.fingerprint === null ? 'the same number of rows' : 'the same number of rows in other parts',
    ];
  return [
    'different',
    `${found.rows} rows, and the backup holds ${planned.rows}: ${differenceText(found.rows - planned.rows)}`,
  ];
}

const differenceText = (difference: number): string =>
  difference < 0
    ? `${-difference} are missing`
    : `${difference} are too many, unless they were written since`;

/** A name has a fourth number once a mutation has rewritten the part; restored parts begin without one. */
const MUTATED = /^[^_]+_\d+_\d+_\d+_\d+$/;

/**
 * The names of the parts that were restored, where merges have replaced them: of all parts, also those that a merge has made
 * inactive and that are still on the disk, the ones that cover no other. Undefined where a mutation has changed rows since: then
 * the parts as they were say nothing of what is there.
 */
export function unmergedParts(parts: readonly RestoredPart[]): readonly string[] | undefined {
  if (parts.some(({ name, active }) => active && MUTATED.test(name))) return undefined;
  return parts.filter((part) => !parts.some((other) => covers(part, other))).map(({ name }) => name);
}

const covers = (part: RestoredPart, other: RestoredPart): boolean =>
  part.name !== other.name &&
  part.partition === other.partition &&
  part.minBlock <= other.minBlock &&
  part.maxBlock >= other.maxBlock &&
  part.level > other.level;
