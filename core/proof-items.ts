/** Splits the reading of a backup into items that fit well inside one function's time. */
import type { Check, ProofItem } from './proof.ts';

/** A part as the mounted backup shows it. */
export interface MountedPart {
  readonly database: string;
  readonly table: string;
  readonly name: string;
  readonly bytes: number;
  readonly files: number;
}

export interface ItemLimits {
  /** Bytes that one item may read. A single part that is larger has an item of its own: it cannot be split. */
  readonly bytesAnItem: number;
  /** Files that one item may compare with the manifest. */
  readonly filesAnItem: number;
}

/**
 * Each file is a request of its own, and requests take their time however small the file is: 25 ms, and with the dozens that
 * are under way at once as long as these bytes. A million tiny files are as much work as 128 GiB.
 */
export const BYTES_A_FILE = 131_072;

/** Files that one item compares with the manifest: measured at a thousand requests a second, this many take a few minutes. */
export const FILES_AN_ITEM = 250_000;

/**
 * The items that together read every part once. A table is read as a whole where it fits, otherwise by its parts; items are
 * filled heaviest first, so that they end up about equally heavy, and none is heavier than the limit but for a single part.
 */
export function planChecks(
  parts: readonly MountedPart[],
  { bytesAnItem }: Pick<ItemLimits, 'bytesAnItem'>,
): ProofItem[] {
  const units = tablesOf(parts).flatMap((table) =>
    table.weight <= bytesAnItem ? [table] : table.parts.map((part) => unitOf(part, [part])),
  );
  units.sort((a, b) => b.weight - a.weight || (label(a) < label(b) ? -1 : 1));
  const totals = new Map(tablesOf(parts).map((table) => [tableKey(table), table.parts.length]));
  return fill(units, bytesAnItem).map((bin) => {
    const checks = merge(bin.units).map((unit) => toCheck(unit, totals.get(tableKey(unit)) ?? 0));
    return { kind: 'check', checks, bytes: checks.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
}

/**
 * The items that compare files with the manifest: a name belongs to exactly one slice.
 *
 * @param files how many there are to compare
 * @param bytes how many they have
 */
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

/**
 * The slice of a file's name: FNV-1a, and its bits stirred once more, because the names of parts differ in a few digits only.
 * Nothing rests on its being hard to guess.
 */
export function sliceOf(name: string, slices: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1)
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % slices;
}

/** Parts of one table that stay together. */
interface Unit {
  readonly database: string;
  readonly table: string;
  readonly parts: MountedPart[];
  weight: number;
}

const weightOf = ({ bytes, files }: MountedPart): number => bytes + files * BYTES_A_FILE;

const unitOf = ({ database, table }: MountedPart, parts: MountedPart[]): Unit => ({
  database,
  table,
  parts,
  weight: parts.reduce((sum, part) => sum + weightOf(part), 0),
});

const tableKey = ({ database, table }: { database: string; table: string }): string =>
  JSON.stringify([database, table]);

const label = ({ database, table, parts }: Unit): string => JSON.stringify([database, table, parts[0]?.name]);

function tablesOf(parts: readonly MountedPart[]): Unit[] {
  return [...Map.groupBy(parts, tableKey).values()].flatMap((each) => {
    const [first] = each;
    return first === undefined ? [] : [unitOf(first, each)];
  });
}

interface Bin {
  readonly units: Unit[];
  weight: number;
}

/** Into as few bins as the limit allows: one more where the heaviest would otherwise be over it. */
function fill(units: readonly Unit[], limit: number): Bin[] {
  const weight = units.reduce((sum, unit) => sum + unit.weight, 0);
  for (let count = Math.ceil(weight / limit) || 1; ; count += Math.ceil(count / 64)) {
    const bins = distribute(units, Math.min(count, units.length));
    if (count >= units.length || bins.every((bin) => bin.weight <= limit || bin.units.length === 1))
      return bins;
  }
}

/** Each unit into the lightest bin; the heaviest is then heavier than the lightest by one unit at most. */
function distribute(units: readonly Unit[], count: number): Bin[] {
  const bins = Array.from({ length: count }, (): Bin => ({ units: [], weight: 0 }));
  for (const unit of units) {
    const [first, ...others] = bins;
    if (first === undefined) break;
    let lightest = first;
    for (const bin of others) if (bin.weight < lightest.weight) lightest = bin;
    lightest.units.push(unit);
    lightest.weight += unit.weight;
  }
  return bins;
}

/** Units of one table in one item become one. */
const merge = (units: readonly Unit[]): Unit[] => tablesOf(units.flatMap(({ parts }) => parts));

/** @param total how many parts the table has: where all of them are in the item, they need not be named */
function toCheck({ database, table, parts }: Unit, total: number): Check {
  return {
    database,
    table,
    parts: parts.length === total ? [] : parts.map(({ name }) => name),
    expected: parts.length,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
