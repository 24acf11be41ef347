/**
 * An excerpt of a backup: a manifest of a few lines in a directory, that names some parts and takes all of them from the backup
 * as its base. The engine loads every part of a database that it mounts, which is ten requests for each: mounting an excerpt
 * costs what is read, however large the backup is.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileLocation, type Prover } from '../../clients/prover.ts';
import { escapeForFileName } from '../../core/file-names.ts';
import { MANIFEST } from '../../core/keys.ts';
import type { ManifestFile, ManifestHeader } from '../../core/manifest.ts';
import type { Check } from '../../core/proof.ts';
import { type NamedPart, pathOf } from './contents.ts';
import type { ProofSource } from './source.ts';

/** Gathers what some checks need while the manifest passes by. */
export class Excerpt {
  /** The parts that the checks name. */
  readonly parts: NamedPart[] = [];
  readonly #files: ManifestFile[] = [];
  readonly #known = new Set<string>();
  readonly #databases: ReadonlySet<string>;
  /** By table; null for all of its parts. */
  readonly #wanted: ReadonlyMap<string, ReadonlySet<string> | null>;

  constructor(checks: readonly Check[]) {
    this.#databases = new Set(checks.map(({ database }) => `metadata/${escapeForFileName(database)}.sql`));
    this.#wanted = new Map(
      checks.map(({ database, table, parts }) => [
        keyOf(database, table),
        parts.length === 0 ? null : new Set(parts),
      ]),
    );
  }

  add(file: ManifestFile): void {
    if (this.#databases.has(file.name)) this.#files.push(file);
    const path = pathOf(file.name);
    const wanted = path && this.#wanted.get(keyOf(path.database, path.table));
    if (path === undefined || wanted === undefined) return;
    if (path.part === undefined) {
      this.#files.push(file);
      return;
    }
    if (wanted?.has(path.part) === false || path.part === MUTATIONS) return;
    this.#files.push(file);
    this.#addPart({ database: path.database, table: path.table, part: path.part });
  }

  #addPart(part: NamedPart): void {
    const key = JSON.stringify([part.database, part.table, part.part]);
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.parts.push(part);
  }

  /** Whether the bytes of a file lie in the base; without a file, those of the whole part. */
  isInBase(table: string, part: string, file: string | null): boolean {
    const files = this.#files.filter(({ name }) => {
      const path = pathOf(name);
      return (
        path?.part === part &&
        `${path.database}.${path.table}` === table &&
        (file === null || path.file === file)
      );
    });
    return files.length > 0 && files.every(({ useBase }) => useBase);
  }

  /** Writes it where the engine may mount it. */
  write(engine: Prover, source: ProofSource, header: ManifestHeader): ProofSource {
    const directory = join(engine.directory, `excerpt-${randomUUID()}`);
    mkdirSync(directory);
    writeFileSync(join(directory, MANIFEST), manifestText(source, header, this.#files));
    return { ...source, location: fileLocation(directory) };
  }
}

const MUTATIONS = 'mutations';

const keyOf = (database: string, table: string): string => JSON.stringify([database, table]);

function manifestText(
  { location }: ProofSource,
  { timestamp, uuid }: ManifestHeader,
  files: readonly ManifestFile[],
): string {
  return [
    '<config><version>1</version><deduplicate_files>1</deduplicate_files>',
    `<timestamp>${timestamp}</timestamp><uuid>${randomUUID()}</uuid>`,
    `<base_backup>${xmlText(location)}</base_backup><base_backup_uuid>${uuid}</base_backup_uuid>`,
    `<contents>${files.map(fileText).join('')}</contents></config>`,
  ].join('');
}

function fileText({ name, size, checksum }: ManifestFile): string {
  const content = size === 0 ? '' : `<checksum>${checksum}</checksum><use_base>true</use_base>`;
  return `<file><name>${xmlText(name)}</name><size>${size}</size>${content}</file>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

const xmlText = (text: string): string => text.replace(/[&<>]/g, (character) => ENTITIES[character] ?? '');

/**
 * In its base the engine looks a file up by size and checksum. Where equal files are stored more than once, it would read the
 * first of them only: such a backup is mounted as it is.
 */
export const canBeExcerpted = ({ deduplicateFiles }: ManifestHeader): boolean => deduplicateFiles === true;
