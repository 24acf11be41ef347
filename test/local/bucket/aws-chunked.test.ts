import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeAwsChunked } from '../../../local/bucket/aws-chunked.ts';

const CHUNKS = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 5 });

function encode(chunks: readonly Uint8Array[], trailer: string): Buffer {
  const encoded = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)};chunk-signature=abc\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...encoded, Buffer.from(`0\r\n${trailer}\r\n`)]);
}

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer, void, undefined> {
  for (let start = 0; start < bytes.length; start += length) yield bytes.subarray(start, start + length);
}

async function decode(
  source: AsyncIterable<Buffer>,
): Promise<{ bytes: Buffer; trailers: Map<string, string> }> {
  const trailers = new Map<string, string>();
  const chunks: Buffer[] = [];
  for await (const chunk of decodeAwsChunked(source, trailers)) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), trailers };
}

it('gives the same bytes and trailers wherever the network cuts the body', async () => {
  await fc.assert(
    fc.asyncProperty(CHUNKS, fc.integer({ min: 1, max: 64 }), async (chunks, pieces) => {
      const encoded = encode(chunks, 'x-amz-checksum-crc32:AAAAAA==\r\n');
      const { bytes, trailers } = await decode(inPieces(encoded, pieces));
      expect(bytes.equals(Buffer.concat(chunks))).toBe(true);
      expect(trailers).toEqual(new Map([['x-amz-checksum-crc32', 'AAAAAA==']]));
    }),
  );
});

it('refuses a body that ends early, wherever that is', async () => {
  const encoded = encode([Buffer.from('one'), Buffer.from('two')], '');
  for (let length = 0; length < encoded.length; length += 1) {
    await expect(decode(inPieces(encoded.subarray(0, length), 7))).rejects.toMatchObject({
      code: 'IncompleteBody',
    });
  }
});

it('refuses a chunk that is longer than it says, and one that does not say', async () => {
  for (const body of ['3\r\nfour\r\n0\r\n\r\n', 'x\r\n']) {
    await expect(decode(inPieces(Buffer.from(body), 64))).rejects.toMatchObject({ code: 'IncompleteBody' });
  }
});
