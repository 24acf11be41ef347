import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeBackupId } from '../../core/backup-id.ts';
import { ledgerKey } from '../../core/keys.ts';
import {
  EVIDENCE_SCHEMAS,
  expiringSchema,
  foldLedger,
  isGood,
  type LedgerListing,
  STATES,
  type State,
  startedSchema,
  stateOf,
} from '../../core/ledger.ts';

const ID = '20260402T020000Z-full-k3f9';
const line = (key: string, lastModified = 1): LedgerListing => ({ key, lastModified });
const states = (...names: State[]) => Object.fromEntries(names.map((name) => [name, 1]));

describe('folding a listing', () => {
  it('gives each backup with the time of each of its states', () => {
    const listing = [
      line(`ledger/logs/${ID}/started.json`, 100),
      line(`ledger/logs/${ID}/written.json`, 200),
      line('ledger/logs/20260403T020000Z-incr-aaaa/failed.json', 300),
    ];
    expect(foldLedger(listing)).toEqual({
      entries: [
        {
          target: 'logs',
          id: ID,
          kind: 'full',
          startedAt: Date.UTC(2026, 3, 2, 2),
          states: { started: 100, written: 200 },
        },
        {
          target: 'logs',
          id: '20260403T020000Z-incr-aaaa',
          kind: 'incremental',
          startedAt: Date.UTC(2026, 3, 3, 2),
          states: { failed: 300 },
        },
      ],
      strangers: [],
    });
  });

  it.each([
    'ledger/logs/',
    'ledger/logs/notes.txt',
    `ledger/logs/${ID}/`,
    `ledger/logs/${ID}/started.json.bak`,
    `ledger/logs/${ID}/Started.json`,
    `ledger/logs/${ID}/constructor.json`,
    `ledger/logs/${ID}/more/started.json`,
    'ledger/logs/20260231T020000Z-full-k3f9/started.json',
    'ledger/logs/20260402T020000Z-weekly-k3f9/started.json',
    `backups/logs/${ID}/started.json`,
    `/ledger/logs/${ID}/started.json`,
    '',
  ])('names %j as a stranger and concludes nothing from it', (key) => {
    expect(foldLedger([line(key)])).toEqual({ entries: [], strangers: [key] });
  });

  it('counts a proof after the first for the state, and the newest of them for its time', () => {
    const proven = (name: string, time: number) => line(`ledger/logs/${ID}/${name}`, time);
    const listing = [
      proven('proven.json', 100),
      proven('proven@20260403T020000Z.json', 300),
      proven('proven@20260402T020000Z.json', 200),
    ];
    expect(foldLedger(listing)).toMatchObject({
      entries: [{ id: ID, states: { proven: 300 } }],
      strangers: [],
    });
  });

  it('takes the report of a restore for no state, and for no stranger', () => {
    expect(foldLedger([line(`ledger/logs/${ID}/restore@20260403T020000Z-restore-1.json`)])).toEqual({
      entries: [],
      strangers: [],
    });
  });

  it.each([
    `ledger/logs/${ID}/verified@20260402T020000Z.json`,
    `ledger/logs/${ID}/proven@20260402.json`,
    `ledger/logs/${ID}/proven@2T020000Z.json`,
    `ledger/logs/${ID}/proven@20260402T0Z.json`,
    `ledger/logs/${ID}/proven@later.json`,
    `ledger/logs/${ID}/proven@20260402T020000Z.json.bak`,
    `ledger/logs/${ID}/not-started.json`,
    `ledger/logs/${ID}/restore@.json`,
    `ledger/logs/${ID}/restore@r.json.bak`,
    `ledger/logs/${ID}/a-restore@r.json`,
    `ledger/logs/${ID}/more/restore@r.json`,
    `ledger/logs/${ID}/restore@r.json/more`,
    `ledger/logs/${ID}/started.json/more`,
    'ledger/logs/notes/restore@r.json',
    'ledger/logs',
  ])('names %j as a stranger too', (key) => {
    expect(foldLedger([line(key)])).toEqual({ entries: [], strangers: [key] });
  });

  it('tells backups of the same id in two targets apart', () => {
    const { entries } = foldLedger([
      line(ledgerKey('b', ID, 'started'), 1),
      line(ledgerKey('a', ID, 'verified'), 2),
    ]);
    expect(entries.map(({ target, states: reached }) => [target, reached])).toEqual([
      ['a', { verified: 2 }],
      ['b', { started: 1 }],
    ]);
  });

  it('does not depend on the order of the listing, and loses no key', () => {
    fc.assert(
      fc.property(listings(), (listing) => {
        const folded = foldLedger(listing);
        const backwards = foldLedger([...listing].reverse());
        expect(backwards.entries).toEqual(folded.entries);
        expect([...backwards.strangers].sort()).toEqual([...folded.strangers].sort());
        const keys = folded.entries.flatMap(({ target, id, states: reached }) =>
          STATES.filter((state) => reached[state] !== undefined).map((state) => ledgerKey(target, id, state)),
        );
        expect([...keys, ...folded.strangers].sort()).toEqual(listing.map(({ key }) => key).sort());
        const times = folded.entries.map(({ startedAt }) => startedAt);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }),
    );
  });
});

const ids = (): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.nat(3),
      fc.constantFrom('full' as const, 'incremental' as const),
      fc.constantFrom('aaaa', 'zzzz'),
    )
    .map(([day, kind, random]) => makeBackupId(Date.UTC(2026, 3, 1 + day), kind, random));

const listings = (): fc.Arbitrary<LedgerListing[]> =>
  fc.uniqueArray(
    fc.record({
      key: fc.oneof(
        {
          weight: 5,
          arbitrary: fc
            .tuple(fc.constantFrom('a', 'b'), ids(), fc.constantFrom(...STATES))
            .map((parts) => ledgerKey(...parts)),
        },
        fc.string().map((text) => `ledger/${text}`),
        ids().map((id) => `ledger/a/${id}/unknown.json`),
      ),
      lastModified: fc.nat(),
    }),
    { selector: ({ key }) => key, maxLength: 40 },
  );

describe('the one word for a state', () => {
  it.each<[State[], State]>([
    [[], 'started'],
    [['started'], 'started'],
    [['started', 'written'], 'written'],
    [['started', 'written', 'verified'], 'verified'],
    [['started', 'verified', 'proven'], 'proven'],
    [['started', 'failed'], 'failed'],
    [['verified', 'failed'], 'failed'],
    [['verified', 'expiring'], 'expiring'],
    [['failed', 'expiring'], 'expiring'],
    [['verified', 'expiring', 'removing'], 'removing'],
    [['verified', 'expiring', 'removing', 'removed'], 'removed'],
    [['verified', 'kept'], 'verified'],
    [['kept'], 'started'],
  ])('of %j is %s', (reached, word) => {
    expect(stateOf(states(...reached))).toBe(word);
  });
});

describe('a good backup', () => {
  it.each<State[][]>([[['verified']], [['proven']], [['started', 'written', 'verified', 'proven', 'kept']]])(
    'is %j',
    (reached) => {
      expect(isGood(states(...reached))).toBe(true);
    },
  );

  it('is not one that nobody verified, whatever else is said of it', () => {
    expect(isGood(states('started', 'written', 'kept'))).toBe(false);
    expect(isGood({})).toBe(false);
  });

  it.each<State>(['failed', 'expiring', 'removing', 'removed'])('is not one that is %s as well', (state) => {
    expect(isGood(states('verified', 'proven', 'kept', state))).toBe(false);
  });
});

const COMMON = { version: 1, target: 'logs', id: ID, at: '2026-04-02T02:00:00.000Z', by: 'arn' };
const TABLE = { database: 'shop', name: 'orders', engine: 'MergeTree', coverage: 'data' };
const SELF_TEST = { good: true, damages: [{ damage: 'a missing object', seen: true }], seconds: 1 };

/** Of each state, with everything that it can have. */
const EVIDENCE = {
  started: {
    ...COMMON,
    kind: 'incremental',
    base: '20260401T020000Z-full-aaaa',
    reason: 'asked for',
    scheduledTime: '2026-04-02T02:00:00Z',
    attempt: 2,
    clickhouse: { version: '26.7.2.1', server: 'A', host: 'a.example' },
    databases: ['shop'],
    tables: [TABLE],
    shards: [1, 2],
  },
  written: {
    ...COMMON,
    seenIn: 'bucket',
    startTime: '2026-04-02 02:00:01',
    endTime: null,
    files: 3,
    bytes: 300,
    settings: { max_backup_bandwidth: 1000, storage_class: 'STANDARD' },
  },
  verified: {
    ...COMMON,
    files: 3,
    objects: 2,
    bytes: 200,
    logicalBytes: 300,
    manifest: { bytes: 100, etag: '"e"', sha256: 'a' },
    tables: [{ ...TABLE, files: 2, bytes: 200 }],
    restore: 'RESTORE …',
    seconds: 1.5,
  },
  proven: {
    ...COMMON,
    level: 'bytes',
    engine: '26.7.2.1',
    manifestSha256: 'a',
    tables: [{ ...TABLE, reading: 'checked', rows: 4, parts: 1, bytes: 200, fingerprint: 'f' }],
    assertions: [{ query: 'SELECT 1', database: 'shop', passed: true, answer: '1' }],
    anomalies: ['rows fell'],
    selfTest: SELF_TEST,
    items: 1,
    bytesRead: 200,
    seconds: 2,
    dollars: 0.001,
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

describe.each(STATES)('the evidence of %s', (state) => {
  const [schema, evidence] = [EVIDENCE_SCHEMAS[state], EVIDENCE[state]];

  it('is read as it was written, to the last field', () => {
    expect(schema.parse(evidence)).toEqual(evidence);
  });

  it.each(Object.keys(evidence).filter((field) => field !== 'shards'))('is none without %s', (field) => {
    expect(schema.safeParse({ ...evidence, [field]: undefined }).success).toBe(false);
  });
});

describe('evidence', () => {
  const common = { version: 1, target: 'logs', id: ID, at: '2026-04-02T02:00:00.000Z', by: 'execution' };

  it('of a newer release is refused', () => {
    const expiring = { ...common, reason: 'no rule', removeAfter: '2026-04-05T02:00:00.000Z' };
    expect(expiringSchema.safeParse(expiring).success).toBe(true);
    expect(expiringSchema.safeParse({ ...expiring, version: 2 }).success).toBe(false);
    expect(expiringSchema.safeParse({ ...expiring, removeAfter: 'soon' }).success).toBe(false);
  });

  it('of a start names kind, base and scope', () => {
    expect(startedSchema.safeParse({ ...common, kind: 'full', base: null }).success).toBe(false);
  });
});
