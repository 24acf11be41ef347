import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Condition } from './conditional-writes.ts';
import { ObjectIndex } from './object-index.ts';
import { SegmentFiles } from './segment-files.ts';
import type { StoredObject } from './stored-object.ts';

/** What is in the buckets: the index says what exists, the files hold the bytes. */
export class BucketStore {
  readonly buckets: readonly string[];
  /** Milliseconds since 1970; one time for all the buckets. */
  readonly created: number;
  readonly index: ObjectIndex;
  readonly files: SegmentFiles;

  /** @throws Error when another process holds the directory */
  constructor(directory: string, buckets: readonly string[]) {
    mkdirSync(directory, { recursive: true });
    this.buckets = buckets;
    this.created = statSync(directory).birthtimeMs;
    this.index = new ObjectIndex(join(directory, 'index.sqlite'));
    this.files = new SegmentFiles(join(directory, 'segments'));
    this.files.removeAllBut(this.index.files());
  }

  /**
   * Makes an object visible, whole and at once, if the condition holds at that moment.
   *
   * @param also what becomes true at the same moment
   * @throws S3Error PreconditionFailed or NoSuchKey
   */
  commit(bucket: string, object: StoredObject, condition: Condition, also: () => void = () => {}): void {
    const replaced = this.index.together(() => {
      condition(object.key, this.index.object(bucket, object.key));
      also();
      return this.index.put(bucket, object);
    });
    this.files.remove(replaced);
  }

  close(): void {
    this.index.close();
  }
}
