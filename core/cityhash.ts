/**
 * The checksum that ClickHouse's manifest has for every file: CityHash128 of each block of 2 KiB in turn, where the hash
 * of one block is the seed of the next. The same function made the checksums in a part's `checksums.txt`, and the manifest
 * took them from there.
 */
import { DATA, PROGRAM, ROOM, STATE } from './cityhash-block.ts';
import { instantiate } from './webassembly.ts';

const BLOCK = 2048;
const HASH_BYTES = 16;

/** One memory serves every checksum: nothing stays in it between two calls. */
const { memory, run } = instantiate(PROGRAM);
const state = new Uint8Array(memory.buffer, STATE, HASH_BYTES);
const data = new Uint8Array(memory.buffer, DATA, ROOM);

/** The checksum of a file whose bytes come chunk by chunk, of any lengths. */
export class FileChecksum {
  readonly #hash = new Uint8Array(HASH_BYTES);
  /** The beginning of a block whose rest is yet to come. */
  readonly #block = new Uint8Array(BLOCK);
  #filled = 0;

  update(bytes: Uint8Array): void {
    const missing = Math.min((BLOCK - this.#filled) % BLOCK, bytes.length);
    this.#keep(bytes.subarray(0, missing));
    if (this.#filled === BLOCK) {
      this.#hash.set(chain(this.#hash, this.#block));
      this.#filled = 0;
    }
    const end = bytes.length - ((bytes.length - missing) % BLOCK);
    for (let at = missing; at < end; at += ROOM)
      this.#hash.set(chain(this.#hash, bytes.subarray(at, Math.min(at + ROOM, end))));
    this.#keep(bytes.subarray(end));
  }

  /** Of all bytes so far, 32 hexadecimal digits; more may follow. No manifest has the checksum of no bytes. */
  digest(): string {
    const { buffer } = chain(this.#hash, this.#block.subarray(0, this.#filled)).slice();
    const halves = new DataView(buffer);
    return hexadecimal(halves.getBigUint64(8, true)) + hexadecimal(halves.getBigUint64(0, true));
  }

  #keep(bytes: Uint8Array): void {
    this.#block.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }
}

/** Hashes as many bytes as there is room for, block by block. What it returns holds until it is called again. */
function chain(seed: Uint8Array, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  state.set(seed);
  data.set(bytes);
  for (let at = 0; at < bytes.length; at += BLOCK) run(DATA + at, Math.min(BLOCK, bytes.length - at));
  return state;
}

const hexadecimal = (half: bigint): string => half.toString(16).padStart(16, '0');
