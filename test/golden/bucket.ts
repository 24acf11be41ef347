/** A bucket in one file: what a release has written, kept so that every later one can be held to it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';

/** The target whose backups it holds. */
export const GOLDEN = 'golden';

export const GOLDEN_FILE = fileURLToPath(new URL('bucket.json.gz', import.meta.url));

const goldenSchema = z.object({
  /** Which ClickHouse wrote the backups. */
  clickhouse: z.string(),
  /** What the tables held, as the server counted it before each backup: the full one, and the incremental on it. */
  full: z.object({ id: z.string(), rows: z.record(z.string(), z.number()) }),
  incremental: z.object({ id: z.string(), rows: z.record(z.string(), z.number()) }),
  /** Base64 by key. */
  objects: z.record(z.string(), z.string()),
});
export type GoldenBucket = z.infer<typeof goldenSchema>;

export const readGolden = (): GoldenBucket =>
  goldenSchema.parse(JSON.parse(gunzipSync(readFileSync(GOLDEN_FILE)).toString()));

export const writeGolden = (golden: GoldenBucket): void =>
  writeFileSync(GOLDEN_FILE, gzipSync(JSON.stringify(golden), { level: 9 }));
