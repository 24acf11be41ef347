/** What a manifest says is there to be read: for each table its parts and files. */
import { createHash } from 'node:crypto';
import { needsContentCheck } from './content-policy.ts';
import { tablePath } from './file-names.ts';
import type { ManifestFile } from './manifest.ts';

export interface SurveyedTable {
  /** How many files each part has, by its name; empty for engines that keep their data without parts. */
  readonly parts: Map<string, number>;
  files: number;
  /** Of the files: those that `CHECK TABLE` does not compare with anything that the manifest vouches for. */
  uncovered: number;
  bytes: number;
  /** Where the number of rows is written down: one `count.txt` for each part, or for the table. */
  readonly counts: ManifestFile[];
  /** Sums the digests of all files, so that their order is of no account. */
  fingerprint: bigint;
}

/** Gathers a survey while a manifest passes by. */
export class Survey {
  /** By `tablePath`. */
  readonly tables = new Map<string, SurveyedTable>();
  /** Files of no table's data: definitions above all. */
  others = 0;
  /** The files lie below `shards/<n>/replicas/<m>/`, as `ON CLUSTER` lays them. */
  onCluster = false;
  /** Files of the base that hold rows' numbers, by size and checksum, as ClickHouse looks them up there. */
  readonly #inBase = new Map<string, string | null>();

  add(file: ManifestFile): void {
    const [, replica = '', table, rest] = DATA_FILE.exec(file.name) ?? [];
    this.onCluster ||= file.name.startsWith('shards/');
    if (table === undefined || rest === undefined) {
      this.others += 1;
      return;
    }
    const known = this.tables.get(table) ?? emptyTable();
    this.tables.set(table, known);
    known.files += 1;
    known.bytes += file.size;
    known.uncovered += Number(needsContentCheck(file, () => true));
    known.fingerprint = BigInt.asUintN(64, known.fingerprint + digest(rest, file.checksum ?? ''));
    const slash = rest.indexOf('/');
    if (rest.slice(slash + 1) === 'count.txt') {
      known.counts.push(file);
      if (file.useBase) this.#inBase.set(contentKey(file), null);
    }
    if (slash === -1 || rest.startsWith(MUTATIONS)) return;
    // Every replica may have a part of this name.
    const part = `${replica}${rest.slice(0, slash)}`;
    known.parts.set(part, (known.parts.get(part) ?? 0) + 1);
  }

  /** Takes a file of the base's manifest. The first with the same content counts, as it does for ClickHouse. */
  addBase(file: ManifestFile): void {
    const key = contentKey(file);
    if (this.#inBase.get(key) === null) this.#inBase.set(key, file.dataFile);
  }

  /** The object with a `count.txt`; null when it is nowhere to be found. */
  placeOf(count: ManifestFile): { readonly inBase: boolean; readonly key: string } | null {
    const key = count.useBase ? (this.#inBase.get(contentKey(count)) ?? null) : count.dataFile;
    return key === null ? null : { inBase: count.useBase, key };
  }

  table(database: string, name: string): SurveyedTable | undefined {
    return this.tables.get(tablePath(database, name));
  }
}

const DATA_FILE = /^(shards\/[^/]+\/replicas\/[^/]+\/)?data\/([^/]+\/[^/]+)\/(.+)$/;
const MUTATIONS = 'mutations/';

const emptyTable = (): SurveyedTable => ({
  parts: new Map(),
  files: 0,
  uncovered: 0,
  bytes: 0,
  counts: [],
  fingerprint: 0n,
});

const contentKey = ({ size, checksum }: ManifestFile): string => `${checksum} ${size}`;

const digest = (name: string, checksum: string): bigint =>
  createHash('sha256').update(name).update('\0').update(checksum).digest().readBigUInt64BE(0);
