/** The ledger as it lies in the bucket, read without the code that is under test. */
import type { MemoryBucket } from './memory-bucket.ts';
import type { Made, ModelClickHouse } from './model-clickhouse.ts';

export interface Page {
  readonly id: string;
  readonly kind: 'full' | 'incremental';
  /** What the id says. */
  readonly startedAt: number;
  readonly states: ReadonlySet<string>;
  readonly base: string | null;
}

const KEY = /^ledger\/[^/]+\/([^/]+)\/([a-z]+)(?:@\d{8}T\d{6}Z)?\.json$/;
const ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-(full|incr)-/;

export function pagesOf(storage: MemoryBucket, clickhouse: ModelClickHouse, target: string): Page[] {
  const states = new Map<string, Set<string>>();
  for (const key of storage.keys(`ledger/${target}/`)) {
    const [, id, state] = KEY.exec(key) ?? [];
    // The report of a restore is no state.
    if (id === undefined || state === undefined) continue;
    states.set(id, (states.get(id) ?? new Set()).add(state));
  }
  return [...states].map(([id, known]) => pageOf(id, known, clickhouse.made.get(id)));
}

function pageOf(id: string, states: ReadonlySet<string>, made: Made | undefined): Page {
  const [, year, month, day, hour, minute, second, kind] = ID.exec(id) ?? [];
  return {
    id,
    states,
    kind: kind === 'full' ? 'full' : 'incremental',
    startedAt: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`),
    base: made?.base ?? null,
  };
}

/** Verified, and nobody has said anything against it since. A mark of retention says nothing against it. */
export const isSound = ({ states }: Page): boolean =>
  (states.has('verified') || states.has('proven')) &&
  !['failed', 'removing', 'removed'].some((state) => states.has(state));

/** Sound, and what it stands on, too. */
export function soundOf(pages: readonly Page[]): Page[] {
  const sound = new Set(pages.filter(isSound).map(({ id }) => id));
  return pages.filter(({ id, base }) => sound.has(id) && (base === null || sound.has(base)));
}
