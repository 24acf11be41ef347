/** What is real in a walk: the engine that makes the templates and restores, and the bucket from which engines read. */
import { backupPrefix } from '../../core/keys.ts';
import { BUCKET, serveBucket } from '../local/bucket/served-bucket.ts';
import { serveEngine } from '../local/engine/served-engine.ts';
import type { MemoryBucket } from './memory-bucket.ts';
import { makeTemplates, readFingerprint, type Templates } from './templates.ts';

const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_REGION: 'eu-central-1',
};

export class RealParts {
  readonly #bucket = serveBucket();
  readonly #engine = serveEngine({ environment: CREDENTIALS });
  #templates: Templates | undefined;

  get templates(): Templates {
    if (this.#templates === undefined) throw new Error('the templates have not been made');
    return this.#templates;
  }

  /** Once, before any walk. */
  async make(): Promise<void> {
    const { server, s3 } = this.#bucket();
    process.env['AWS_ENDPOINT_URL_S3'] = server.endpoint;
    this.#templates = await makeTemplates({ name: BUCKET, client: s3 }, server.endpoint, (statement) =>
      this.#tell(statement),
    );
  }

  /** With backups of the bucket in memory where engines can read them. */
  async withObjects<Result>(
    storage: MemoryBucket,
    target: string,
    ids: readonly string[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const keys = ids.flatMap((id) => storage.keys(backupPrefix(target, id)));
    const put = (key: string): Promise<void> => this.#send('PUT', key, storage.objects.get(key)?.body);
    await Promise.all(keys.map(put));
    try {
      return await work();
    } finally {
      await Promise.all(keys.map((key) => this.#send('DELETE', key)));
    }
  }

  /**
   * Restores with the statement that the ledger keeps for the day on which there is no Safehouse.
   *
   * @returns the fingerprint of the rows, or why there are none
   */
  restore(storage: MemoryBucket, target: string, id: string, base: string | null): Promise<string> {
    const ids = base === null ? [id] : [id, base];
    const { restore } = storage.json(`ledger/${target}/${id}/verified.json`) as { restore: string };
    return this.withObjects(storage, target, ids, async () => {
      await this.#tell('DROP DATABASE IF EXISTS shop SYNC');
      try {
        await this.#tell(restore);
        return await readFingerprint((statement) => this.#tell(statement));
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    });
  }

  async #tell(statement: string): Promise<string> {
    const answer = await fetch(this.#engine().server.url, { method: 'POST', body: statement });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${statement}\n${text}`);
    return text;
  }

  async #send(method: 'PUT' | 'DELETE', key: string, body?: Buffer): Promise<void> {
    const url = `${this.#bucket().server.endpoint}/${BUCKET}/${key}`;
    const answer = await fetch(url, { method, ...(body !== undefined && { body: new Uint8Array(body) }) });
    if (!answer.ok) throw new Error(`${method} ${key}: ${await answer.text()}`);
  }
}
