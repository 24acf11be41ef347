/**
 * A bucket in memory, in place of S3 behind the SDK's client: a request costs microseconds, so that months fit into a second.
 * What it answers is compared with the bucket of `local/` in `memory-bucket.test.ts`. What the SDK's own retries would make of
 * a fault is part of the answer: five refusals are an error, an answer that was lost is asked for again.
 */
import { createHash } from 'node:crypto';
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';

export interface StoredObject {
  readonly body: Buffer;
  readonly modified: number;
}

export type Fault =
  /** As S3 says it, after the SDK's last try. */
  | { readonly refuse: string; readonly status: number }
  /** It is done, and its answer gets lost: the SDK sends it once more. */
  | 'answer lost'
  /** The function is gone before or after it was done. Nothing ever answers. */
  | 'killed before'
  | 'killed after'
  /** DeleteObjects deletes only every other key, and says so. */
  | { readonly spare: string }
  /** A listing that says that it goes on, and not where. */
  | 'broken off';

export interface Asked {
  readonly action: string;
  /** The key, or the prefix of a listing. */
  readonly key: string;
}

export interface Witness {
  /** Before an object is there. */
  put(key: string, body: Buffer, previous: StoredObject | undefined): void;
  /** Before it is gone. */
  removed(key: string): void;
}

export interface MemoryBucketOptions {
  readonly now: () => number;
  /** Awaited before each request. */
  readonly turn: () => Promise<void>;
  readonly judge: (asked: Asked) => Fault | undefined;
  readonly witness?: Witness;
  /** S3's own limit is 1,000 keys; a smaller one makes long listings out of short ones. */
  readonly pageSize?: number;
}

interface Input {
  readonly Key?: string;
  readonly Prefix?: string;
  readonly StartAfter?: string;
  readonly Body?: unknown;
  readonly IfNoneMatch?: string;
  readonly MaxKeys?: number;
  readonly ContinuationToken?: string;
  readonly Delete?: { readonly Objects?: readonly { readonly Key?: string }[]; readonly Quiet?: boolean };
}

type Command = { readonly input: Input; readonly constructor: { readonly name: string } };

const NEVER = new Promise<never>(() => {});

export class MemoryBucket {
  readonly objects = new Map<string, StoredObject>();
  faults = 0;
  requests = 0;
  readonly #options: MemoryBucketOptions;

  constructor(options: MemoryBucketOptions) {
    this.#options = options;
  }

  keys(prefix: string): string[] {
    const keys: string[] = [];
    for (const key of this.objects.keys()) if (key.startsWith(prefix)) keys.push(key);
    return keys.sort();
  }

  json(key: string): unknown {
    const object = this.objects.get(key);
    return object === undefined ? undefined : JSON.parse(object.body.toString());
  }

  put(key: string, body: Buffer): void {
    this.#options.witness?.put(key, body, this.objects.get(key));
    // S3 lists whole seconds.
    this.objects.set(key, { body, modified: Math.floor(this.#options.now() / 1000) * 1000 });
  }

  remove(key: string): void {
    if (!this.objects.has(key)) return;
    this.#options.witness?.removed(key);
    this.objects.delete(key);
  }

  /** As `S3Client.send`. */
  async send(command: Command): Promise<unknown> {
    await this.#options.turn();
    const { input } = command;
    const action = command.constructor.name.replace(/Command$/, '');
    this.requests += 1;
    const fault = this.#options.judge({ action, key: input.Key ?? input.Prefix ?? '' });
    if (fault === undefined) return this.#answer(action, input);
    this.faults += 1;
    if (fault === 'killed before') return NEVER;
    if (typeof fault === 'object' && 'refuse' in fault) throw s3Error(fault.refuse, fault.status);
    if (typeof fault === 'object' && action === 'DeleteObjects') return this.#deleteSome(input, fault.spare);
    if (fault === 'answer lost') this.#answerLost(action, input);
    const answer = this.#answer(action, input);
    if (fault === 'killed after') return NEVER;
    if (fault === 'broken off' && action === 'ListObjectsV2')
      return { ...(answer as object), IsTruncated: true, NextContinuationToken: undefined };
    return answer;
  }

  #answerLost(action: string, input: Input): void {
    try {
      this.#answer(action, input);
    } catch {
      // Whatever it was, nobody has heard it.
    }
  }

  #answer(action: string, input: Input): unknown {
    const { Key = '', Prefix = '' } = input;
    switch (action) {
      case 'ListObjectsV2':
        return this.#list(Prefix, input);
      case 'GetObject': {
        const { body, modified } = this.#found(Key, 'NoSuchKey');
        return {
          Body: readable(body),
          ContentLength: body.length,
          ETag: tagOf(body),
          LastModified: new Date(modified),
        };
      }
      case 'HeadObject': {
        const { body, modified } = this.#found(Key, 'NotFound');
        return { ContentLength: body.length, ETag: tagOf(body), LastModified: new Date(modified) };
      }
      case 'PutObject':
        if (input.IfNoneMatch === '*' && this.objects.has(Key)) throw s3Error('PreconditionFailed', 412);
        this.put(Key, Buffer.from(String(input.Body)));
        return { ETag: tagOf(this.#found(Key, 'NoSuchKey').body) };
      case 'DeleteObject':
        this.remove(Key);
        return {};
      case 'DeleteObjects':
        for (const { Key: key = '' } of input.Delete?.Objects ?? []) this.remove(key);
        return {};
      case 'GetBucketVersioning':
        return {};
      case 'ListMultipartUploads':
        // Nothing here is written in parts.
        return { Uploads: [], IsTruncated: false };
      default:
        throw new Error(`the bucket in memory does not know ${action}`);
    }
  }

  #found(key: string, absent: string): StoredObject {
    const object = this.objects.get(key);
    if (object === undefined) throw s3Error(absent, 404);
    return object;
  }

  #list(
    prefix: string,
    { MaxKeys = 1000, StartAfter, ContinuationToken: token = StartAfter }: Input,
  ): unknown {
    const most = Math.min(MaxKeys, this.#options.pageSize ?? 1000);
    const keys = this.keys(prefix).filter((key) => token === undefined || key > token);
    const page = keys.slice(0, most);
    const isTruncated = keys.length > most;
    return {
      KeyCount: page.length,
      Contents: page.map((key) => {
        const { body, modified } = this.#found(key, 'NoSuchKey');
        return { Key: key, Size: body.length, ETag: tagOf(body), LastModified: new Date(modified) };
      }),
      IsTruncated: isTruncated,
      NextContinuationToken: isTruncated ? page.at(-1) : undefined,
    };
  }

  #deleteSome({ Delete }: Input, code: string): unknown {
    const keys = (Delete?.Objects ?? []).map(({ Key = '' }) => Key);
    const spared = keys.filter((_, index) => index % 2 === 0);
    for (const key of keys) if (!spared.includes(key)) this.remove(key);
    return { Errors: spared.map((Key) => ({ Key, Code: code, Message: `${code}, said the storage` })) };
  }
}

const s3Error = (name: string, status: number): S3ServiceException =>
  new S3ServiceException({
    name,
    message: `${name}, said the storage`,
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status },
  });

const tags = new WeakMap<Buffer, string>();

function tagOf(body: Buffer): string {
  const known = tags.get(body) ?? `"${createHash('md5').update(body).digest('hex')}"`;
  tags.set(body, known);
  return known;
}

const readable = (body: Buffer) => ({
  transformToString: async () => body.toString(),
  transformToByteArray: async () => new Uint8Array(body),
  async *[Symbol.asyncIterator]() {
    // In two pieces, as a network would.
    const half = Math.floor(body.length / 2);
    yield body.subarray(0, half);
    yield body.subarray(half);
  },
});

/** From now on every S3 client of this process speaks to that bucket, until `releaseS3`. */
export function takeS3(bucket: () => MemoryBucket): void {
  Object.defineProperty(S3Client.prototype, 'send', {
    configurable: true,
    writable: true,
    value: (command: Command) => bucket().send(command),
  });
}

export function releaseS3(): void {
  Reflect.deleteProperty(S3Client.prototype, 'send');
}
