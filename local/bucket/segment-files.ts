import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Segment } from './stored-object.ts';

/** Few enough to make at the start, many enough that a hundred thousand objects do not share one directory. */
const FOLDERS = 256;

/**
 * The bytes of the objects, in files whose names say nothing: a key may hold anything, a file's name may not.
 *
 * Writes are synchronous. They go to the page cache at memory speed, and in this process nothing else has to be drawn.
 */
export class SegmentFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    for (let folder = 0; folder < FOLDERS; folder += 1) {
      mkdirSync(join(directory, folderName(folder)), { recursive: true });
    }
  }

  /** Writes a new file; leaves nothing behind when the source breaks off. */
  async write(source: AsyncIterable<Buffer>): Promise<Segment> {
    const file = newName();
    const descriptor = openSync(this.#path(file), 'wx');
    let size = 0;
    try {
      for await (const chunk of source) {
        for (let written = 0; written < chunk.length; ) {
          written += writeSync(descriptor, chunk, written);
        }
        size += chunk.length;
      }
    } catch (error) {
      rmSync(this.#path(file), { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
    return { file, size };
  }

  async copy(segment: Segment): Promise<Segment> {
    const file = newName();
    await copyFile(this.#path(segment.file), this.#path(file), constants.COPYFILE_FICLONE);
    return { file, size: segment.size };
  }

  /** Bytes `first` to `last` of the segments in a row, both included. */
  async *read(
    segments: readonly Segment[],
    first: number,
    last: number,
  ): AsyncGenerator<Buffer, void, undefined> {
    let offset = 0;
    for (const { file, size } of segments) {
      const start = Math.max(first - offset, 0);
      const end = Math.min(last - offset, size - 1);
      if (start <= end) yield* createReadStream(this.#path(file), { start, end, highWaterMark: 1 << 20 });
      offset += size;
    }
  }

  remove(segments: readonly Segment[]): void {
    for (const { file } of segments) rmSync(this.#path(file), { force: true });
  }

  /** Removes the files that nothing refers to: what an upload had written when the process was killed. */
  removeAllBut(files: ReadonlySet<string>): void {
    for (let folder = 0; folder < FOLDERS; folder += 1) {
      for (const name of readdirSync(join(this.#directory, folderName(folder)))) {
        const file = `${folderName(folder)}${name}`;
        if (!files.has(file)) rmSync(this.#path(file));
      }
    }
  }

  #path(file: string): string {
    return join(this.#directory, file.slice(0, 2), file.slice(2));
  }
}

const folderName = (folder: number): string => folder.toString(16).padStart(2, '0');
const newName = (): string => randomBytes(16).toString('hex');
