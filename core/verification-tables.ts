/** What a manifest holds of each table, against the tables that were in scope when the backup began. */
import { isInnerTable, tableOfFile, tablePath, unescapeForFileName } from './file-names.ts';
import type { LedgerTable } from './ledger.ts';
import type { ManifestFile } from './manifest-file.ts';
import type { Findings } from './verification-findings.ts';

/** A table of the scope. An empty table has no files; neither has one of which only the schema is saved. */
export interface TableContent extends LedgerTable {
  /** Files of its data, those in the base included. `ON CLUSTER`, each replica has its own. */
  readonly files: number;
  /** Bytes of those files, before deduplication. */
  readonly bytes: number;
}

export interface OtherTable {
  readonly database: string;
  readonly name: string;
}

/** How many tables outside the scope are named. */
export const OTHER_TABLES_NAMED = 100;

interface Content {
  readonly table: LedgerTable;
  files: number;
  bytes: number;
  defined: boolean;
}

/** Takes the files of a manifest one by one. */
export class TableContents {
  readonly #scope: Map<string, Content>;
  readonly #others = new Set<string>();
  /** Files of a table follow each other, so the last one is asked first. */
  #last: { readonly path: string; readonly content: Content | undefined } | undefined;

  constructor(scope: readonly LedgerTable[]) {
    this.#scope = new Map(
      scope.map((table) => [
        tablePath(table.database, table.name),
        { table, files: 0, bytes: 0, defined: false },
      ]),
    );
  }

  add({ name, size }: ManifestFile): void {
    const file = tableOfFile(name);
    if (file === undefined) return;
    if (this.#last?.path !== file.table)
      this.#last = { path: file.table, content: this.#scope.get(file.table) };
    const { content } = this.#last;
    if (file.part === 'metadata') {
      if (content === undefined) this.#others.add(file.table);
      else content.defined = true;
    } else if (content !== undefined) {
      content.files++;
      content.bytes += size;
    }
  }

  /** A table that was in scope and is not in the manifest: an omission is never silent. */
  findMissing(findings: Findings): void {
    for (const [path, { table, defined }] of this.#scope) {
      if (defined || table.coverage === 'not in backup' || isInnerTable(table.name)) continue;
      const key = `metadata/${path}.sql`;
      findings.add('missing table', key, () => {
        const name = `${JSON.stringify(table.database)}.${JSON.stringify(table.name)}`;
        return `Table ${name} (${table.engine}) was in scope when the backup began, so ${key} is expected in the manifest; it is not there. Was it dropped or renamed meanwhile?`;
      });
    }
  }

  /** The tables of the scope, in its order. */
  tables(): TableContent[] {
    return [...this.#scope.values()].map(({ table, files, bytes }) => ({ ...table, files, bytes }));
  }

  /** Tables that the manifest defines and the scope does not have: made or renamed since the backup began. */
  others(): { readonly count: number; readonly named: readonly OtherTable[] } {
    const named = [...this.#others].slice(0, OTHER_TABLES_NAMED).map((path) => {
      const [database = '', name = ''] = path.split('/');
      return { database: unescapeForFileName(database), name: unescapeForFileName(name) };
    });
    return { count: this.#others.size, named };
  }
}
