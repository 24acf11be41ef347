/**
 * A process of its own that checks a backup of very many generated files, and writes what came out and what memory it held
 * on the way to standard output as JSON. Arguments: the number of files, and `full`, or `incremental` for one that takes
 * every file from a base of the same size. To be run with `--expose-gc`.
 */
import { FileChecksum } from '../../core/cityhash.ts';
import { checkContents } from '../../core/content-check.ts';
import { BASE_UUID, headerOf, UUID } from './generated-backup.ts';

const WRITTEN_AT_ONCE = 500;
const SIZE = 7;

const [count = '', kind] = process.argv.slice(2);
const files = Number(count);
const memory: { heap: number; buffers: number }[] = [];

/** Each file has its own content, and so is a content of its own in the base. */
const contentOf = (file: number): string => `${file}`.padStart(SIZE, '0');

function checksumOf(content: string): string {
  const checksum = new FileChecksum();
  checksum.update(Buffer.from(content));
  return checksum.digest();
}

const fileElement = (file: number, more: string): string =>
  `<file><name>data/shop/events/202601_1_1_0_${'0'.repeat(80)}/${file}.bin</name><size>${SIZE}</size><checksum>${checksumOf(contentOf(file))}</checksum>${more}</file>`;

async function* manifest(uuid: string, more = ''): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`<config>${headerOf(uuid)}<contents>`);
  for (let file = 0; file < files; file += WRITTEN_AT_ONCE) {
    const numbers = Array.from(
      { length: Math.min(WRITTEN_AT_ONCE, files - file) },
      (_, index) => file + index,
    );
    yield Buffer.from(numbers.map((number) => fileElement(number, more)).join(''));
    if (file === files / 10 || file === (files * 9) / 10) memory.push(await held());
  }
  yield Buffer.from('</contents></config>');
}

/** Bytes that are still there after a collection. Buffers go some time after what held them, so there are two. */
async function held(): Promise<{ heap: number; buffers: number }> {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  await new Promise(setImmediate);
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}

async function* read(key: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(contentOf(Number(/(\d+)\.bin$/.exec(key)?.[1])));
}

const isFull = kind === 'full';
const { findings: _, ...check } = await checkContents({
  manifest: () => manifest(UUID, isFull ? '' : '<use_base>true</use_base>'),
  read,
  choose: () => true,
  atOnce: 16,
  ...(isFull ? {} : { base: { manifest: () => manifest(BASE_UUID), read } }),
});
process.stdout.write(JSON.stringify({ ...check, memory }));
