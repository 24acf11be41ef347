/** What a manifest says that a backup holds, where nobody noted down what was in scope when it began. */
import { SYSTEM_DATABASES } from './config.ts';
import { databaseOfFile, tableOfFile, unescapeForFileName } from './file-names.ts';
import type { ManifestFile } from './manifest-file.ts';
import { ObjectComparison } from './object-comparison.ts';

/** A table that the backup defines. */
export interface DefinedTable {
  readonly database: string;
  readonly name: string;
  /** The object under the backup's prefix that holds its `CREATE` statement. */
  readonly key: string;
}

/** Takes the files of a manifest one by one. */
export class ManifestScope {
  readonly #defined = new Set<string>();
  readonly #tables = new Map<string, DefinedTable>();
  readonly #objects = new ObjectComparison();
  #count = 0;
  #bytes = 0;
  #usesBase = false;

  add(file: ManifestFile): void {
    this.#usesBase ||= file.useBase;
    if (file.dataFile === null) return;
    // Against an empty listing, an object is missing the first time that it is expected.
    if (this.#objects.expect(file.dataFile, file.size - file.baseSize).is === 'missing') {
      this.#count += 1;
      this.#bytes += file.size - file.baseSize;
    }
    const database = databaseOfFile(file.name);
    if (database !== undefined) this.#defined.add(database);
    const of = tableOfFile(file.name);
    // ON CLUSTER every replica has its own definition.
    if (of?.part === 'metadata' && !this.#tables.has(of.table))
      this.#tables.set(of.table, tableAt(of.table, file.dataFile));
  }

  /** Objects that the manifest stands for, each once, and their bytes; the manifest itself is not among them. */
  get extent(): { readonly objects: number; readonly bytes: number } {
    return { objects: this.#count, bytes: this.#bytes };
  }

  get usesBase(): boolean {
    return this.#usesBase;
  }

  /** The databases, without those that belong to ClickHouse itself. */
  get databases(): string[] {
    return this.#all().filter((name) => !isSystem(name));
  }

  /** Those that belong to ClickHouse itself, as far as they are in it. */
  get systemDatabases(): string[] {
    return this.#all().filter(isSystem);
  }

  /** Databases of which only tables are in the backup: to restore it, they have to be there. */
  get undefinedDatabases(): string[] {
    return this.databases.filter((name) => !this.#defined.has(name));
  }

  /** The tables of `databases`. */
  get tables(): DefinedTable[] {
    return [...this.#tables.values()].filter(({ database }) => !isSystem(database));
  }

  #all(): string[] {
    const named = [...this.#tables.values()].map(({ database }) => database);
    return [...new Set([...this.#defined, ...named])].sort();
  }
}

function tableAt(path: string, key: string): DefinedTable {
  const [database = '', name = ''] = path.split('/').map(unescapeForFileName);
  return { database, name, key };
}

const isSystem = (database: string): boolean => (SYSTEM_DATABASES as readonly string[]).includes(database);
