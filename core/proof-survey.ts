/** What a manifest says is there to be read: for each table its parts and files. */
import { createHash } from 'node:crypto';
import { tablePath } from './file-names.ts';
import type { ManifestFile } from './manifest.ts';

export interface SurveyedPart {
  bytes: number;
  files: number;
  /** Whether the part names its files' checksums: the engine mounts no other. */
  hasChecksums: boolean;
}

export interface SurveyedTable {
  /** By the part's name; empty for engines that keep their data without parts. */
  readonly parts: Map<string, SurveyedPart>;
  files: number;
  bytes: number;
  /** Where the number of rows is written down: one `count.txt` for each part, or for the table. */
  readonly counts: string[];
  /** Sums the digests of all files, so that their order is of no account. */
  fingerprint: bigint;
}

/** Gathers a survey while a manifest passes by. */
export class Survey {
  /** By `tablePath`. */
  readonly tables = new Map<string, SurveyedTable>();
  readonly #objects = new Map<string, string | null>();
  files = 0;
  /** The files lie below `shards/<n>/replicas/<m>/`, as `ON CLUSTER` lays them. */
  onCluster = false;

  add(file: ManifestFile): void {
    this.files += 1;
    this.onCluster ||= file.name.startsWith('shards/');
    const [, table, rest] = DATA_FILE.exec(file.name) ?? [];
    if (table === undefined || rest === undefined) return;
    const known = this.tables.get(table) ?? emptyTable();
    this.tables.set(table, known);
    known.files += 1;
    known.bytes += file.size;
    known.fingerprint = BigInt.asUintN(64, known.fingerprint + digest(rest, file.checksum ?? ''));
    const slash = rest.indexOf('/');
    const name = slash === -1 ? rest : rest.slice(slash + 1);
    if (name === 'count.txt') {
      known.counts.push(file.name);
      this.#objects.set(file.name, file.useBase ? null : file.dataFile);
    }
    if (slash !== -1 && !rest.startsWith(MUTATIONS)) addToPart(known, rest.slice(0, slash), name, file.size);
  }

  /** The object that holds a `count.txt`; null when it lies in the base. */
  objectOf(file: string): string | null {
    return this.#objects.get(file) ?? null;
  }

  table(database: string, name: string): SurveyedTable | undefined {
    return this.tables.get(tablePath(database, name));
  }
}

const DATA_FILE = /^(?:shards\/[^/]+\/replicas\/[^/]+\/)?data\/([^/]+\/[^/]+)\/(.+)$/;
const MUTATIONS = 'mutations/';

const emptyTable = (): SurveyedTable => ({
  parts: new Map(),
  files: 0,
  bytes: 0,
  counts: [],
  fingerprint: 0n,
});

function addToPart(table: SurveyedTable, part: string, name: string, bytes: number): void {
  const known = table.parts.get(part) ?? { bytes: 0, files: 0, hasChecksums: false };
  table.parts.set(part, known);
  known.bytes += bytes;
  known.files += 1;
  known.hasChecksums ||= name === 'checksums.txt';
}

const digest = (name: string, checksum: string): bigint =>
  createHash('sha256').update(name).update('\0').update(checksum).digest().readBigUInt64BE(0);
