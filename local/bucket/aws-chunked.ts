import { S3Error } from './s3-error.ts';

/**
 * Takes the aws-chunked encoding off a body: chunks of `<hexadecimal length>[;chunk-signature=…]`, then trailers such
 * as `x-amz-checksum-crc32`. Signatures of chunks are not checked; nothing here checks signatures.
 *
 * @param trailers filled in when the last chunk has been read
 * @throws S3Error IncompleteBody
 */
export async function* decodeAwsChunked(
  body: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new ChunkReader(body);
  for (;;) {
    const header = await reader.line();
    const length = Number.parseInt(header, 16);
    if (Number.isNaN(length)) throw incomplete(`a chunk begins with "${header}" instead of its length`);
    if (length === 0) break;
    yield* reader.bytes(length);
    if ((await reader.line()) !== '') throw incomplete('a chunk is longer than it says');
  }
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

class ChunkReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Buffer>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#rest.toString('latin1', 0, end);
        this.#rest = this.#rest.subarray(end + 2);
        return line;
      }
      this.#rest = Buffer.concat([this.#rest, await this.#more()]);
    }
  }

  async *bytes(length: number): AsyncGenerator<Buffer, void, undefined> {
    for (let missing = length; missing > 0; ) {
      if (this.#rest.length === 0) this.#rest = await this.#more();
      const chunk = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(chunk.length);
      missing -= chunk.length;
      yield chunk;
    }
  }

  async #more(): Promise<Buffer> {
    const { value, done } = await this.#source.next();
    if (done === true) throw incomplete('the body ends within a chunk');
    return value;
  }
}

const incomplete = (what: string): S3Error =>
  new S3Error('IncompleteBody', `The request body terminated unexpectedly: ${what}.`);
