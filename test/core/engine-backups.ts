/** An embedded engine that writes backups into a directory, for the tests of one file. */
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Session } from 'chdb';
import { afterAll, beforeAll } from 'vitest';
import type { ContentStreams } from '../../core/content-check.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { type ManifestFile, ManifestReader } from '../../core/manifest.ts';

export class EngineBackups {
  readonly #directory: string;
  readonly #session: Session;

  private constructor(directory: string, session: Session) {
    this.#directory = directory;
    this.#session = session;
  }

  static async open(): Promise<EngineBackups> {
    const directory = await mkdtemp(join(tmpdir(), 'safehouse-backups-'));
    const configuration = join(directory, 'config.xml');
    await writeFile(configuration, configurationIn(directory));
    const session = new Session(join(directory, 'data'), {
      connectionArgs: [`--config-file=${configuration}`],
    });
    return new EngineBackups(directory, session);
  }

  async close(): Promise<void> {
    this.#session.close();
    await rm(this.#directory, { recursive: true });
  }

  /** Runs statements; the answer to the last, a row a line, its values parted by tabs. */
  query(...statements: readonly string[]): string {
    let answer = '';
    for (const statement of statements) answer = this.#session.query(statement, 'TSV').trimEnd();
    return answer;
  }

  /** @throws Error when the status is not BACKUP_CREATED */
  backUp(database: string, name: string, settings = ''): void {
    const answer = this.query(
      `BACKUP DATABASE ${database} TO ${this.location(name)} SETTINGS id = '${name}'${settings}`,
    );
    if (!answer.endsWith('\tBACKUP_CREATED')) throw new Error(`the backup ${name} ended as ${answer}`);
  }

  path(name: string): string {
    return join(this.#directory, 'backups', name);
  }

  location(name: string): string {
    return `File('${this.path(name)}')`;
  }

  streams(name: string): ContentStreams {
    return {
      manifest: () => createReadStream(join(this.path(name), '.backup'), { highWaterMark: 1000 }),
      read: (key) => objectOf(join(this.path(name), key)),
    };
  }

  async manifest(name: string): Promise<ManifestFile[]> {
    const files: ManifestFile[] = [];
    const reader = new ManifestReader((file) => files.push(file));
    for await (const chunk of this.streams(name).manifest()) reader.write(chunk);
    reader.end();
    return files;
  }

  /** The keys of everything in a backup but its manifest. */
  async objects(name: string): Promise<string[]> {
    const entries = await readdir(this.path(name), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && entry.name !== '.backup')
      .map((entry) => relative(this.path(name), join(entry.parentPath, entry.name)));
  }
}

/** The engine is opened before the first test of the file and closed after the last. */
export function engineBackups(prepare: (engine: EngineBackups) => void | Promise<void>): () => EngineBackups {
  let engine: EngineBackups | undefined;
  beforeAll(async () => {
    engine = await EngineBackups.open();
    await prepare(engine);
  });
  afterAll(() => engine?.close());
  return () => {
    if (engine === undefined) throw new Error('the engine has not been opened');
    return engine;
  };
}

async function* objectOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new SafehouseError(ERROR_NAMES.notFound, { what: `${path} is not there.`, remedy: '-' }, { cause });
  }
}

/** Policies for a disk that encrypts, and for one that keeps its files elsewhere, as S3 disks do. */
const configurationIn = (directory: string): string => `<clickhouse>
  <backups><allowed_path>${directory}/backups</allowed_path></backups>
  <storage_configuration>
    <disks>
      <plain><type>local</type><path>${directory}/encrypted/</path></plain>
      <encrypted><type>encrypted</type><disk>plain</disk><key>1234567812345678</key></encrypted>
      <remote>
        <type>object_storage</type><object_storage_type>local_blob_storage</object_storage_type>
        <metadata_type>local</metadata_type><path>${directory}/blobs/</path>
      </remote>
    </disks>
    <policies>
      <encrypted><volumes><main><disk>encrypted</disk></main></volumes></encrypted>
      <remote><volumes><main><disk>remote</disk></main></volumes></remote>
    </policies>
  </storage_configuration>
</clickhouse>`;
