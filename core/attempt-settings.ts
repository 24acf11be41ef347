/** What an attempt asks of ClickHouse because of how the one before it failed. */

/** Settings of a `BACKUP` statement, by ClickHouse's own names. */
export type AttemptSettings = Readonly<Record<string, number>>;

const PART_BYTES = 5 * 1024 * 1024;

/**
 * By default each of 16 threads holds a file of up to 32 MiB whole, and of a larger one up to 20 parts of 16 MiB. With these it
 * holds one part of the smallest size that S3 takes: a file of 151 MB needed 8 MB instead of 158, and twelve of 25 MB needed
 * 69 MB instead of 307 (measured on 26.7). It makes more requests, and a large file is slower. `backup_threads` belongs to the
 * server: a statement that names it is taken, and changes nothing.
 */
export const LESS_MEMORY: AttemptSettings = {
  s3_max_inflight_parts_for_one_file: 1,
  s3_max_single_part_upload_size: PART_BYTES,
  s3_min_upload_part_size: PART_BYTES,
};

/**
 * The settings of the next attempt, over those of ClickHouse and under those of the target.
 *
 * @param error the name of the failure that ended the attempt before; undefined when none is known
 * @param before what that attempt was given
 */
export const settingsAfter = (
  error: string | undefined,
  before: AttemptSettings | undefined,
): AttemptSettings | undefined =>
  error === 'MEMORY_LIMIT_EXCEEDED' ? { ...before, ...LESS_MEMORY } : before;
