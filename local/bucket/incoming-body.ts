import { createHash, type Hash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import { decodeAwsChunked } from './aws-chunked.ts';
import { S3Error } from './s3-error.ts';

/** The checksums that Node can compute; AWS also takes CRC32C and CRC64NVME, which pass unchecked here. */
const CHECKSUMS = ['crc32', 'sha1', 'sha256'] as const;
type ChecksumName = (typeof CHECKSUMS)[number];

/** The body of an upload: its bytes without transport encoding, and what it must add up to. */
export class IncomingBody {
  readonly #request: IncomingMessage;
  readonly #trailers = new Map<string, string>();
  readonly #md5 = createHash('md5');
  readonly #checksum: Checksum | undefined;
  #length = 0;

  constructor(request: IncomingMessage) {
    this.#request = request;
    const name = CHECKSUMS.find((candidate) => announces(request.headers, `x-amz-checksum-${candidate}`));
    this.#checksum = name === undefined ? undefined : new Checksum(name);
  }

  async *bytes(): AsyncGenerator<Buffer, void, undefined> {
    const body = this.#request as AsyncIterable<Buffer>;
    for await (const chunk of isAwsChunked(this.#request.headers)
      ? decodeAwsChunked(body, this.#trailers)
      : body) {
      this.#md5.update(chunk);
      this.#checksum?.update(chunk);
      this.#length += chunk.length;
      yield chunk;
    }
  }

  /**
   * To be called once after the last byte.
   *
   * @throws S3Error BadDigest or IncompleteBody when the bytes are not those that the sender meant
   */
  verify(): { readonly md5: string; readonly checksum: Readonly<Record<string, string>> } {
    const { headers } = this.#request;
    const expectedLength = headers['x-amz-decoded-content-length'];
    if (expectedLength !== undefined && Number(expectedLength) !== this.#length) {
      throw new S3Error(
        'IncompleteBody',
        `The body has ${this.#length} bytes instead of ${String(expectedLength)}.`,
      );
    }
    const md5 = this.#md5.digest();
    const expectedMd5 = headers['content-md5'];
    if (expectedMd5 !== undefined && expectedMd5 !== md5.toString('base64')) {
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
    return { md5: md5.toString('hex'), checksum: this.#verifiedChecksum() };
  }

  #verifiedChecksum(): Record<string, string> {
    if (this.#checksum === undefined) return {};
    const header = `x-amz-checksum-${this.#checksum.name}`;
    const expected = this.#request.headers[header] ?? this.#trailers.get(header);
    const actual = this.#checksum.digest();
    if (expected !== actual) {
      const name = this.#checksum.name.toUpperCase();
      throw new S3Error('BadDigest', `The ${name} you specified did not match the calculated checksum.`);
    }
    return { [header]: actual };
  }
}

class Checksum {
  readonly name: ChecksumName;
  readonly #hash: Hash | undefined;
  #crc = 0;

  constructor(name: ChecksumName) {
    this.name = name;
    this.#hash = name === 'crc32' ? undefined : createHash(name);
  }

  update(chunk: Buffer): void {
    if (this.#hash === undefined) this.#crc = crc32(chunk, this.#crc);
    else this.#hash.update(chunk);
  }

  digest(): string {
    if (this.#hash !== undefined) return this.#hash.digest('base64');
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#crc);
    return bytes.toString('base64');
  }
}

const announces = (headers: IncomingHttpHeaders, checksum: string): boolean =>
  headers[checksum] !== undefined || headers['x-amz-trailer'] === checksum;

const isAwsChunked = (headers: IncomingHttpHeaders): boolean =>
  String(headers['x-amz-content-sha256']).startsWith('STREAMING-') ||
  /\baws-chunked\b/.test(headers['content-encoding'] ?? '');
