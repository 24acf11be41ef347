/**
 * A process of its own that verifies a generated backup and writes what it cost to standard output as JSON. Arguments:
 * the number of files, and `full` or `incremental`.
 */
import { verifyBackup } from '../core/verification.ts';
import type { ManifestCost } from './manifest.ts';
import { peakBytes } from './peak-memory.ts';

const CHUNK = 65_536;
const TABLES = 50;
const FILES_IN_PART = 20;
const FULL_UUID = 'f3b209b0-2037-4c0e-854d-6616c33703f4';
const INCREMENTAL_UUID = 'efbdc972-316f-45cc-ad9f-d28b35722977';

/**
 * Numbers come from here: V8 keeps the text of each number that it ever wrote, for a while, and this process is to be
 * filled by what it measures.
 */
const DIGITS = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'));
const digits = (number: number): string =>
  `${DIGITS[Math.floor(number / 1_000_000)]}${DIGITS[Math.floor(number / 1000) % 1000]}${DIGITS[number % 1000]}`;

const nameOf = (file: number): string => {
  const part = digits(Math.floor(file / FILES_IN_PART));
  const table = DIGITS[Math.floor(file / FILES_IN_PART) % TABLES];
  return `data/shop%20number%201/events_${table}/202601_${part}_${part}_0/column_${DIGITS[file % FILES_IN_PART]}.bin`;
};
const sizeOf = (file: number): number => 1 + ((file * 7919) % 5_000_000);
const tableName = (table: number): string => `events_${DIGITS[table]}`;

type Kind = 'full' | 'incremental';

function* entries(files: number, kind: Kind): Generator<string> {
  const base = `<base_backup>S3('https://bucket.s3.amazonaws.com/backups/shop/1')</base_backup><base_backup_uuid>${FULL_UUID}</base_backup_uuid>`;
  const uuid = kind === 'full' ? FULL_UUID : INCREMENTAL_UUID;
  yield `<config><version>1</version><deduplicate_files>1</deduplicate_files><timestamp>2026-04-02 02:00:00</timestamp><uuid>${uuid}</uuid>${kind === 'full' ? '' : base}<contents>`;
  for (let table = 0; table < TABLES; table++)
    yield `<file><name>metadata/shop%20number%201/${tableName(table)}.sql</name><size>100</size><checksum>${'0'.repeat(32)}</checksum><data_file>metadata/shop%20number%201/${tableName(0)}.sql</data_file></file>`;
  for (let file = 0; file < files; file++)
    yield `<file><name>${nameOf(file)}</name><size>${digits(sizeOf(file))}</size><checksum>5e9d75de4a6945fbb2dc2a2${digits(file)}</checksum>${kind === 'full' ? '' : '<use_base>true</use_base>'}</file>`;
  yield '</contents></config>';
}

/** Written into buffers as a socket would fill them: joining strings would leave more garbage than reading does. */
async function* manifest(files: number, kind: Kind): AsyncGenerator<Uint8Array> {
  let chunk = Buffer.allocUnsafeSlow(CHUNK);
  let filled = 0;
  for (const entry of entries(files, kind)) {
    if (filled + entry.length > CHUNK) {
      yield chunk.subarray(0, filled);
      chunk = Buffer.allocUnsafeSlow(CHUNK);
      filled = 0;
    }
    filled += chunk.write(entry, filled, 'latin1');
  }
  yield chunk.subarray(0, filled);
}

async function* listing(files: number, kind: Kind, manifestBytes: number) {
  yield { key: '.backup', size: manifestBytes };
  yield { key: `metadata/shop%20number%201/${tableName(0)}.sql`, size: 100 };
  for (let file = 0; kind === 'full' && file < files; file++) yield { key: nameOf(file), size: sizeOf(file) };
}

function lengthOf(files: number, kind: Kind): number {
  let length = 0;
  for (const entry of entries(files, kind)) length += entry.length;
  return length;
}

function streams(files: number, kind: Kind) {
  const none = lengthOf(0, kind);
  /** Every entry has the same length. */
  const bytes = none + files * (lengthOf(1, kind) - none);
  return { manifest: () => manifest(files, kind), listing: () => listing(files, kind, bytes), bytes };
}

const [count = '', kind] = process.argv.slice(2);
const files = Number(count);
if (!Number.isSafeInteger(files) || files < 1 || (kind !== 'full' && kind !== 'incremental'))
  throw new RangeError(
    `expected a number of files and full or incremental, got ${process.argv.slice(2).join(' ')}`,
  );

const own = streams(files, kind);
const base = kind === 'full' ? undefined : streams(files, 'full');
const scope = Array.from({ length: TABLES }, (_, table) => ({
  database: 'shop number 1',
  name: tableName(table),
  engine: 'MergeTree',
  coverage: 'data' as const,
}));
const started = performance.now();
const verification = await verifyBackup({
  ...own,
  scope,
  expectedBase: kind === 'incremental',
  ...(base === undefined ? {} : { base }),
});
const cost: ManifestCost = {
  kind,
  files,
  objects: verification.objects,
  manifestBytes: own.bytes,
  verdict: verification.verdict,
  seconds: (performance.now() - started) / 1000,
  peakBytes: peakBytes(),
};
process.stdout.write(JSON.stringify(cost));
