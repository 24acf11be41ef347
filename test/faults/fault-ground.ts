/** Real parts that can be broken: the bucket behind a faulty storage, and engines that are killed, restarted and mixed up. */
import '../support/function-environment.ts';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { readEvidence, readLedger } from '../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { isGood, type LedgerEntry } from '../../core/ledger.ts';
import { type Engine, startEngine } from '../../local/engine/engine.ts';
import { RestoreGround } from '../functions/restore/restore-ground.ts';
import { USERS } from '../support/surroundings.ts';
import { FaultyStorage } from './faulty-storage.ts';
import { RETRIES } from './night.ts';

const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_REGION: 'eu-central-1',
};
const MEMORY = '/dev/shm';

/** An engine of a test's own, on a directory that outlives its process. */
export class OwnEngine {
  readonly #directory: string;
  #engine: Engine;

  private constructor(directory: string, engine: Engine) {
    this.#directory = directory;
    this.#engine = engine;
  }

  static async start(): Promise<OwnEngine> {
    const directory = await mkdtemp(join(tmpdir(), 'safehouse-fault-'));
    return new OwnEngine(
      directory,
      await startEngine({ dataDirectory: directory, users: USERS, environment: CREDENTIALS }),
    );
  }

  /** @param room bytes that it has for data, whatever the disk has: the rest is to be kept free */
  static async startWithRoom(room: number): Promise<OwnEngine> {
    // In memory, where there is such a disk: what else this machine writes meanwhile does not take the room away.
    const directory = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'safehouse-fault-'));
    const { bavail, bsize } = await statfs(directory);
    const configuration = join(directory, 'config.xml');
    const kept = bavail * bsize - room;
    await writeFile(
      configuration,
      `<clickhouse><storage_configuration><disks><default><keep_free_space_bytes>${kept}</keep_free_space_bytes></default></disks></storage_configuration></clickhouse>`,
    );
    return new OwnEngine(
      directory,
      await startEngine({
        dataDirectory: join(directory, 'data'),
        configuration,
        users: USERS,
        environment: CREDENTIALS,
      }),
    );
  }

  get url(): string {
    return this.#engine.url;
  }

  kill(): Promise<void> {
    return this.#engine.kill();
  }

  /** The same data at the same address. */
  async startAgain(): Promise<void> {
    this.#engine = await startEngine({
      dataDirectory: this.#directory,
      port: Number(new URL(this.url).port),
      users: USERS,
      environment: CREDENTIALS,
    });
  }

  async tell(...statements: readonly string[]): Promise<void> {
    for (const statement of statements) await this.ask(statement);
  }

  /** The answer as text, without its last line break. */
  async ask(statement: string): Promise<string> {
    const answer = await fetch(this.url, { method: 'POST', body: statement });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${statement}\n${text}`);
    return text.trim();
  }

  async end(): Promise<void> {
    await this.#engine.kill();
    await rm(this.#directory, { recursive: true });
  }
}

export class FaultGround extends RestoreGround {
  readonly storage = new FaultyStorage();
  readonly #engines: OwnEngine[] = [];

  constructor() {
    super();
    beforeAll(() => this.storage.start());
    afterEach(() => this.storage.heal());
    afterAll(async () => {
      await Promise.all(this.#engines.map((engine) => engine.end()));
      await this.storage.stop();
    });
  }

  /** Ended with the file. */
  async startEngine(room?: number): Promise<OwnEngine> {
    const engine = await (room === undefined ? OwnEngine.start() : OwnEngine.startWithRoom(room));
    this.#engines.push(engine);
    return engine;
  }

  async entries(target: string): Promise<readonly LedgerEntry[]> {
    return (await readLedger(this.around.bucket, target)).entries;
  }

  async good(target: string): Promise<string[]> {
    return (await this.entries(target)).filter(({ states }) => isGood(states)).map(({ id }) => id);
  }

  /** With the retries of the state machine for what passes by itself; without its waits. */
  override async step(...call: Parameters<RestoreGround['step']>): ReturnType<RestoreGround['step']> {
    for (let retry = 0; ; retry += 1) {
      try {
        return await super.step(...call);
      } catch (error) {
        const passes = error instanceof SafehouseError && error.name === ERROR_NAMES.unavailable;
        if (!passes || retry === RETRIES) throw error;
      }
    }
  }

  failure(target: string, id: string | undefined) {
    return readEvidence(this.around.bucket, target, id ?? '', 'failed');
  }
}
