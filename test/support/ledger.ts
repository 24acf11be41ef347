/** Pages of the ledger, as the steps write them. */
import type { Bucket } from '../../clients/bucket.ts';
import { type Evidence, type NewEvidence, type RecordedState, record } from '../../clients/ledger.ts';

const TABLE = { database: 'shop', name: 'orders', engine: 'MergeTree', coverage: 'data' } as const;

const COMMON = { by: 'execution-of-a-test' };

type Written = Exclude<RecordedState, 'proven'>;

/** What each state's evidence says, unless a test says otherwise. */
const EVIDENCE: { readonly [Name in Written]: NewEvidence<Name> } = {
  started: {
    ...COMMON,
    kind: 'full',
    base: null,
    reason: null,
    scheduledTime: null,
    attempt: 1,
    clickhouse: { version: '26.7.2.1', server: 'A', host: 'a.example' },
    databases: ['shop'],
    tables: [TABLE],
  },
  written: {
    ...COMMON,
    seenIn: 'system.backups',
    startTime: null,
    endTime: null,
    files: 3,
    bytes: 300,
    settings: {},
  },
  verified: {
    ...COMMON,
    files: 3,
    objects: 3,
    bytes: 300,
    logicalBytes: 300,
    manifest: { bytes: 100, etag: '"e"', sha256: 'a' },
    tables: [{ ...TABLE, files: 2, bytes: 200 }],
    restore: 'RESTORE …',
    seconds: 1,
  },
  failed: {
    ...COMMON,
    class: 'new attempt',
    step: 'poll',
    error: 'S3_ERROR',
    what: 'S3 said no.',
    remedy: 'Ask again.',
    final: true,
  },
  expiring: { ...COMMON, reason: 'no rule keeps it', removeAfter: '2026-04-05T02:00:00.000Z' },
  removing: { ...COMMON, reason: 'its grace ended' },
  removed: { ...COMMON, reason: 'its grace ended', objects: 3, bytes: 300 },
  kept: { ...COMMON, reason: 'the audit wants it' },
};

/** Writes evidence into the ledger, over what a test does not care about. */
export async function write<Name extends Written>(
  bucket: Bucket,
  target: string,
  id: string,
  state: Name,
  overrides: Partial<NewEvidence<Name>> = {},
): Promise<Evidence<Name>> {
  const { evidence, written } = await record(bucket, target, id, state, { ...EVIDENCE[state], ...overrides });
  if (!written) throw new Error(`${id} of ${target} is ${state} already`);
  return evidence;
}
