import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import type { Part, Segment, StoredObject, Upload } from './stored-object.ts';

/** Compared as UTF-8 bytes by SQLite, which is the order that S3 lists keys in. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL,
    size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL,
    headers TEXT NOT NULL, segments TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, started INTEGER NOT NULL, headers TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL,
    etag TEXT NOT NULL, modified INTEGER NOT NULL, segment TEXT NOT NULL,
    PRIMARY KEY (upload, number)
  ) STRICT, WITHOUT ROWID;
`;

type Row = Record<string, SQLOutputValue>;

/**
 * Which objects exist. Every change is one synchronous call in the one process that holds the database, so that no
 * other request can come between a condition and the write that depends on it.
 */
export class ObjectIndex {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @throws Error when another process holds the file */
  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    // Survives the end of the process at any moment, though not that of the machine: what lies here are copies.
    this.#database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF',
    );
    this.#database.exec(SCHEMA);
  }

  close(): void {
    this.#database.close();
  }

  /** Several changes as one. */
  together<T>(change: () => T): T {
    this.#database.exec('BEGIN');
    try {
      const result = change();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  object(bucket: string, key: string): StoredObject | undefined {
    const row = this.#sql('SELECT * FROM objects WHERE bucket = ? AND key = ?').get(bucket, key);
    return row === undefined ? undefined : objectOf(row);
  }

  /** In the order of the keys' bytes, from `first` on, or after it. */
  *objectsFrom(bucket: string, first: string, including: boolean): Generator<StoredObject, void, undefined> {
    const sql = `SELECT * FROM objects WHERE bucket = ? AND key ${including ? '>=' : '>'} ? ORDER BY key`;
    // A statement of its own: an iteration that is broken off would hold a shared one.
    for (const row of this.#database.prepare(sql).iterate(bucket, first)) yield objectOf(row);
  }

  /** @returns the segments of the object that it replaces */
  put(bucket: string, object: StoredObject): readonly Segment[] {
    const replaced = this.object(bucket, object.key)?.segments ?? [];
    this.#sql('INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)').run(
      bucket,
      object.key,
      object.size,
      object.etag,
      object.modified,
      JSON.stringify(object.headers),
      JSON.stringify(object.segments),
    );
    return replaced;
  }

  /** @returns the segments of the object that is no more */
  remove(bucket: string, key: string): readonly Segment[] {
    const removed = this.object(bucket, key)?.segments ?? [];
    this.#sql('DELETE FROM objects WHERE bucket = ? AND key = ?').run(bucket, key);
    return removed;
  }

  upload(bucket: string, key: string, id: string): Upload | undefined {
    const row = this.#sql('SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?').get(
      id,
      bucket,
      key,
    );
    return row === undefined ? undefined : uploadOf(row);
  }

  uploads(bucket: string): Upload[] {
    return this.#sql('SELECT * FROM uploads WHERE bucket = ? ORDER BY key, started')
      .all(bucket)
      .map(uploadOf);
  }

  begin(bucket: string, upload: Upload): void {
    this.#sql('INSERT INTO uploads VALUES (?, ?, ?, ?, ?)').run(
      upload.id,
      bucket,
      upload.key,
      upload.started,
      JSON.stringify(upload.headers),
    );
  }

  parts(uploadId: string): Part[] {
    return this.#sql('SELECT * FROM parts WHERE upload = ? ORDER BY number').all(uploadId).map(partOf);
  }

  /** @returns the segment of the part that it replaces */
  putPart(uploadId: string, part: Part): readonly Segment[] {
    const replaced = this.#sql('SELECT * FROM parts WHERE upload = ? AND number = ?').get(
      uploadId,
      part.number,
    );
    this.#sql('INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?)').run(
      uploadId,
      part.number,
      part.etag,
      part.modified,
      JSON.stringify(part.segment),
    );
    return replaced === undefined ? [] : [partOf(replaced).segment];
  }

  /** Forgets an upload, whether it became an object or not. */
  end(uploadId: string): void {
    this.#sql('DELETE FROM parts WHERE upload = ?').run(uploadId);
    this.#sql('DELETE FROM uploads WHERE id = ?').run(uploadId);
  }

  /** The files of all objects and of all parts. */
  files(): Set<string> {
    const objects = this.#sql('SELECT segments FROM objects').all();
    const parts = this.#sql('SELECT segment FROM parts').all();
    return new Set([
      ...objects.flatMap((row) => (JSON.parse(String(row['segments'])) as Segment[]).map(({ file }) => file)),
      ...parts.map((row) => (JSON.parse(String(row['segment'])) as Segment).file),
    ]);
  }

  #sql(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}

const objectOf = (row: Row): StoredObject => ({
  key: String(row['key']),
  size: Number(row['size']),
  etag: String(row['etag']),
  modified: Number(row['modified']),
  headers: JSON.parse(String(row['headers'])) as Record<string, string>,
  segments: JSON.parse(String(row['segments'])) as Segment[],
});

const uploadOf = (row: Row): Upload => ({
  id: String(row['id']),
  key: String(row['key']),
  started: Number(row['started']),
  headers: JSON.parse(String(row['headers'])) as Record<string, string>,
});

const partOf = (row: Row): Part => ({
  number: Number(row['number']),
  etag: String(row['etag']),
  modified: Number(row['modified']),
  segment: JSON.parse(String(row['segment'])) as Segment,
});
