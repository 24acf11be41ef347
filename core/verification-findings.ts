/** What a verification can find wrong. */

export const FINDING_KINDS = [
  /** There is no `.backup`: ClickHouse writes it last, so this is not a backup. */
  'no manifest',
  /** `.lock` is still there: ClickHouse is still writing, or may not delete it. */
  'locked',
  /** The manifest in the prefix is that of another `BACKUP` statement (ClickHouse#112407). */
  'other backup',
  /** A shard of the cluster has no files in the manifest. */
  'missing shard',
  /** The manifest lists one name twice. */
  'named twice',
  /** Two files of the manifest give different sizes to the object that they share (ClickHouse#112403). */
  'contradiction',
  'missing object',
  'wrong size',
  /** An object that no file of the manifest stands for. */
  'unexpected object',
  /** A table that was in scope when the backup began has no definition in the manifest. */
  'missing table',
  /** Files are taken from a base where the backup should stand on its own. */
  'unexpected base',
  /** Files are taken from a base, and which one it is, or whether it is there, cannot be told. */
  'unknown base',
  /** The base is not the one that the manifest names. */
  'wrong base',
  /** The base's own manifest does not have a file that is taken from it. */
  'missing in base',
  /** The base has the file, but takes it from a base of its own. */
  'deeper base',
  'missing object in base',
  'wrong size in base',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** The object, file or table it is about, relative to the backup's prefix; null when it is about the whole. */
  readonly key: string | null;
  /** One sentence with the key, what was expected and what was found. */
  readonly sentence: string;
}

/** How many findings of one kind are named: enough to see what they have in common, few enough for an alert. */
export const NAMED_PER_KIND = 10;

/** Collects findings: every one is counted, the first of each kind are named. */
export class Findings {
  readonly #counts = new Map<FindingKind, number>();
  readonly #named = new Map<FindingKind, Finding[]>();

  /** @param sentence called only for those that are named */
  add(kind: FindingKind, key: string | null, sentence: () => string): void {
    this.count(kind, 1);
    this.name(kind, key, sentence);
  }

  /** Counts findings whose names are not known yet; `name` follows for the first of them. */
  count(kind: FindingKind, found: number): void {
    if (found > 0) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + found);
  }

  name(kind: FindingKind, key: string | null, sentence: () => string): void {
    if (this.isFull(kind)) return;
    const named = this.#named.get(kind) ?? [];
    named.push({ kind, key, sentence: sentence() });
    this.#named.set(kind, named);
  }

  isFull(kind: FindingKind): boolean {
    return (this.#named.get(kind)?.length ?? 0) >= NAMED_PER_KIND;
  }

  /** The first of every kind, in the order of FINDING_KINDS. */
  named(): Finding[] {
    return FINDING_KINDS.flatMap((kind) => this.#named.get(kind) ?? []);
  }

  /** How many there are of each kind that was found, named or not. */
  counts(): Partial<Record<FindingKind, number>> {
    return Object.fromEntries(
      FINDING_KINDS.flatMap((kind) => {
        const count = this.#counts.get(kind);
        return count === undefined ? [] : [[kind, count]];
      }),
    );
  }

  get none(): boolean {
    return this.#counts.size === 0;
  }
}

/** How many findings a person is told at once. */
const TOLD = 3;

/** The first findings in their own sentences, and how many there are besides. */
export function findingsText(
  findings: readonly Finding[],
  counts: Readonly<Partial<Record<FindingKind, number>>>,
): string {
  const named = findings.slice(0, TOLD).map(({ sentence }) => sentence);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return `${named.join(' ')}${total > named.length ? ` And ${total - named.length} more.` : ''}`;
}
