/**
 * A ClickHouse that backs up by copying what the real engine has written once, and has its bad days: it is restarted and forgets,
 * is slow, fails, hangs, loses the row, says that it is done when it is not. It stands behind the client of `@clickhouse/client`:
 * what the steps ask and how they judge the answers is theirs.
 */
import { ClickHouseError, createClient } from '@clickhouse/client';
import { backupPrefix, LOCK, MANIFEST } from '../../core/keys.ts';
import type { MemoryBucket } from './memory-bucket.ts';
import type { Seeded } from './seeded.ts';
import { filesOf, type Templates, VARIANTS, type Variant } from './templates.ts';
import type { Timeline } from './timeline.ts';

export const MODEL_HOST = 'clickhouse.model';

/** What becomes of one BACKUP. */
export const FATES = {
  whole: 'it is written as it should be',
  fails: 'it fails half-way, and the row says so',
  'fails at once': 'it fails before the first object',
  'object missing': 'it is reported as created, and an object is not there',
  'object short': 'it is reported as created, and an object is shorter than it should be',
  'object damaged': 'it is reported as created, and a byte of an object is another',
  'no manifest': 'it is reported as created, and there is no manifest',
  hangs: 'the row says CREATING_BACKUP for ever, and no query is alive',
  restarted: 'the server is restarted half-way and has forgotten it',
  'restarted after': 'the server is restarted when all is written, before anybody asks',
  'row lost': 'all is written, and the row is gone',
} as const;
export type Fate = keyof typeof FATES;

/** What is known of a backup beyond what anybody else can know. */
export interface Made {
  readonly id: string;
  readonly target: string;
  readonly base: string | null;
  readonly variant: Variant;
  readonly fate: Fate;
  /** Every object as it should be. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly begunAt: number;
}

interface Row {
  status: string;
  error: string;
  files: number;
  bytes: number;
  isAlive: boolean;
  readonly startTime: number;
  endTime: number;
}

export interface ModelClickHouseOptions {
  readonly timeline: Timeline;
  readonly random: Seeded;
  readonly bucket: MemoryBucket;
  readonly templates: Templates;
  readonly fate: () => Fate;
  /** Milliseconds that a backup takes. */
  readonly duration: () => number;
  /** Whether a question is not answered at all. */
  readonly isSilent: () => boolean;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

export class ModelClickHouse {
  readonly made = new Map<string, Made>();
  /** Ids under whose prefix a second BACKUP was begun. */
  readonly madeTwice: string[] = [];
  readonly #rows = new Map<string, Row>();
  readonly #options: ModelClickHouseOptions;
  #startedAt: number;
  #lives = 1;

  constructor(options: ModelClickHouseOptions) {
    this.#options = options;
    this.#startedAt = options.timeline.now - 86_400_000;
  }

  /** Everything that it knows of its backups is gone, and what it was writing stays as it is. */
  restart(): void {
    this.#rows.clear();
    this.#lives += 1;
    this.#startedAt = this.#options.timeline.now;
  }

  async answer(query: string, parameters: Readonly<Record<string, unknown>>): Promise<Rows> {
    const { timeline, isSilent } = this.#options;
    await timeline.turn();
    if (isSilent())
      throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:8443'), { code: 'ECONNREFUSED' });
    if (query.startsWith('BACKUP ')) return this.#backUp(query, parameters);
    if (query.startsWith('KILL QUERY')) return this.#kill(String(parameters['id']));
    if (query.includes('serverUUID()') && query.includes('uptime()'))
      return [this.#observe(String(parameters['id']))];
    if (query.startsWith('SELECT version()')) return [{ version: '26.7.2.1', server: 'A', host: 'a.model' }];
    if (query.includes('FROM system.databases')) return [{ name: 'shop' }, { name: 'system' }];
    if (query.includes('FROM system.tables'))
      return [{ database: 'shop', name: 'orders', engine: 'MergeTree' }];
    if (query.includes("status = 'CREATING_BACKUP'")) return this.#running(parameters['ids'] as string[]);
    if (query.startsWith('SELECT 1 FROM system.backups'))
      return this.#rows.has(String(parameters['id'])) ? [{ '1': 1 }] : [];
    throw new Error(`the modelled ClickHouse does not know this question: ${query}`);
  }

  #observe(id: string): Readonly<Record<string, unknown>> {
    const row = this.#rows.get(id);
    const common = {
      server: 'A',
      uptime: Math.floor((this.#options.timeline.now - this.#startedAt) / 1000),
    };
    if (row === undefined)
      return {
        ...common,
        status: '',
        error: '',
        files: 0,
        bytes: 0,
        alive: 0,
        startTime: '1970-01-01 00:00:00',
        endTime: '1970-01-01 00:00:00',
      };
    const { status, error, files, bytes, isAlive, startTime, endTime } = row;
    return {
      ...common,
      status,
      error,
      files,
      bytes,
      alive: isAlive ? 1 : 0,
      startTime: timeText(startTime),
      endTime: timeText(endTime),
    };
  }

  #running(ids: readonly string[]): Rows {
    const running = ids.filter((id) => this.#rows.get(id)?.status === 'CREATING_BACKUP');
    return running.slice(0, 1).map((id) => ({ id }));
  }

  /** A backup that hangs has no query that could be killed. */
  #kill(id: string): Rows {
    const row = this.#rows.get(id);
    if (row?.isAlive === true) Object.assign(row, { status: 'BACKUP_CANCELLED', isAlive: false });
    return [];
  }

  #backUp(query: string, parameters: Readonly<Record<string, unknown>>): Rows {
    const id = /SETTINGS id = '([^']+)'/.exec(query)?.[1] ?? '';
    const [, target = '', inPath] = pathIn(Object.values(parameters).concat(query), id);
    const base = baseIn(query, parameters);
    if (this.#rows.has(id))
      throw new ClickHouseError({
        message: `Cannot start backup with ID '${id}' because there is another backup with the same ID`,
        code: '36',
        type: 'BAD_ARGUMENTS',
      });
    if (inPath !== id) throw new Error(`the backup ${id} is told to go to ${inPath}`);
    const { timeline, random, bucket, fate: nextFate, templates } = this.#options;
    const row: Row = {
      status: 'CREATING_BACKUP',
      error: '',
      files: 0,
      bytes: 0,
      isAlive: true,
      startTime: timeline.now,
      endTime: 0,
    };
    this.#rows.set(id, row);
    const prefix = backupPrefix(target, id);
    if (this.made.has(id) || bucket.keys(prefix).length > 0) {
      this.madeTwice.push(id);
      Object.assign(row, {
        status: 'BACKUP_FAILED',
        isAlive: false,
        error: `Code: 598. DB::Exception: Backup S3('${prefix}') already exists. (BACKUP_ALREADY_EXISTS)`,
      });
      return [{ id, status: 'CREATING_BACKUP' }];
    }
    const variant = base === null ? random.pick(VARIANTS) : (this.made.get(base)?.variant ?? 0);
    const files = new Map(filesOf(templates, { target, id, base }, variant));
    const made: Made = { id, target, base, variant, fate: nextFate(), files, begunAt: timeline.now };
    this.made.set(id, made);
    bucket.put(`${prefix}${LOCK}`, Buffer.from(id));
    timeline.start(() => this.#write(made, row));
    return [{ id, status: 'CREATING_BACKUP' }];
  }

  async #write(made: Made, row: Row): Promise<void> {
    const { timeline, bucket, duration } = this.#options;
    const prefix = backupPrefix(made.target, made.id);
    const { fate, files } = made;
    const life = this.#lives;
    const isOver = (): boolean => life !== this.#lives || row.status !== 'CREATING_BACKUP';
    const end = (status: string, error = ''): void => {
      Object.assign(row, { status, error, isAlive: false, endTime: timeline.now });
      bucket.remove(`${prefix}${LOCK}`);
    };
    if (fate === 'fails at once') return end('BACKUP_FAILED', FAILED);
    const objects = this.#spoiled(made);
    const half = Math.floor(objects.length / 2);
    const milliseconds = duration();
    await timeline.sleep(milliseconds / 2);
    if (isOver()) return;
    this.#put(prefix, objects.slice(0, half), row);
    if (fate === 'fails') return end('BACKUP_FAILED', FAILED);
    if (fate === 'restarted') return this.restart();
    if (fate === 'hangs') {
      row.isAlive = false;
      return;
    }
    await timeline.sleep(milliseconds / 2);
    if (isOver()) return;
    this.#put(prefix, objects.slice(half), row);
    end('BACKUP_CREATED');
    row.files = files.size;
    if (fate === 'restarted after') this.restart();
    if (fate === 'row lost') this.#rows.delete(made.id);
  }

  #put(prefix: string, objects: readonly [string, Buffer][], row: Row): void {
    for (const [name, body] of objects) {
      this.#options.bucket.put(`${prefix}${name}`, body);
      row.files += 1;
      row.bytes += body.length;
    }
  }

  /** The objects as they are written, which is not always as they should be. */
  #spoiled({ fate, files }: Made): [string, Buffer][] {
    const { random } = this.#options;
    const objects = [...files];
    const victim = random.whole(0, objects.length - 2);
    const [name = '', body = Buffer.alloc(0)] = objects[victim] ?? [];
    switch (fate) {
      case 'no manifest':
        return objects.filter(([each]) => each !== MANIFEST);
      case 'object missing':
        return objects.filter(([each]) => each !== name);
      case 'object short':
        objects[victim] = [name, body.subarray(0, body.length - 1)];
        return objects;
      case 'object damaged':
        objects[victim] = [name, withOtherByte(body, random)];
        return objects;
      default:
        return objects;
    }
  }
}

const FAILED =
  'Code: 499. DB::Exception: Message: Please reduce your request rate., bucket safehouse. (S3_ERROR) (version 26.7.2.1)';

export function withOtherByte(body: Buffer, random: Seeded): Buffer {
  const other = Buffer.from(body);
  const place = random.whole(0, other.length - 1);
  other[place] = (other[place] ?? 0) ^ (1 << random.whole(0, 7));
  return other;
}

const timeText = (time: number): string => new Date(time).toISOString().replace('T', ' ').slice(0, 19);

const PATH = /\/backups\/([^/']+)\/([^/']+)/g;

/** The target and the id out of the address to which the backup of that id goes. */
function pathIn(texts: readonly unknown[], id: string): readonly string[] {
  for (const text of texts)
    for (const match of String(text).matchAll(PATH)) if (match[2] === id) return [...match];
  return [];
}

function baseIn(query: string, parameters: Readonly<Record<string, unknown>>): string | null {
  const [, parameter] = /base_backup = S3\(\{(\w+):String\}/.exec(query) ?? [];
  if (parameter === undefined) return null;
  const [match] = String(parameters[parameter]).matchAll(PATH);
  return match?.[2] ?? null;
}

interface Asked {
  readonly query: string;
  readonly query_params?: Readonly<Record<string, unknown>>;
}

interface OpenedClient {
  readonly connectionParams: { readonly url: URL };
}

const client = createClient();
const PROTOTYPE = Object.getPrototypeOf(client) as object;
const REAL = Object.getOwnPropertyDescriptors(PROTOTYPE) as Record<'query' | 'command', PropertyDescriptor>;

/** From now on every client of this process that was opened for the model's address asks that model, until `releaseClickHouse`. */
export function takeClickHouse(model: () => ModelClickHouse): void {
  const modelled = (name: 'query' | 'command') =>
    function (this: OpenedClient, asked: Asked): unknown {
      if (this.connectionParams.url.hostname !== MODEL_HOST) return REAL[name].value.call(this, asked);
      const rows = model().answer(asked.query, asked.query_params ?? {});
      return name === 'query' ? rows.then((answer) => ({ json: async () => answer })) : rows;
    };
  for (const name of ['query', 'command'] as const)
    Object.defineProperty(PROTOTYPE, name, { ...REAL[name], value: modelled(name) });
}

export function releaseClickHouse(): void {
  for (const name of ['query', 'command'] as const) Object.defineProperty(PROTOTYPE, name, REAL[name]);
}
