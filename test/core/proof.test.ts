import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blindness,
  DAMAGES,
  findAnomalies,
  judgeProof,
  type ProofFinding,
  type ProofPlan,
  type ProofResult,
  type SelfTest,
} from '../../core/proof.ts';

const SEEING: SelfTest = {
  good: true,
  damages: DAMAGES.map((damage) => ({ damage, seen: true })),
  seconds: 1,
};

const COMMON = {
  version: 1,
  at: '2026-04-02T02:00:00.000Z',
  by: 'execution-of-a-test',
  engine: '26.7.2.1',
  selfTest: SEEING,
  seconds: 1,
  memoryMiB: 3072,
  findings: [],
  found: 0,
  unjudged: [],
} as const;

const CHECK = { database: 'shop', table: 'events', parts: [], expected: 3, bytes: 100 };

const planOf = (overrides: Partial<ProofPlan> = {}): ProofPlan => ({
  ...COMMON,
  findings: [],
  unjudged: [],
  level: 'bytes',
  manifestSha256: 'a',
  tables: [],
  items: [
    { kind: 'check', checks: [CHECK], bytes: 100 },
    { kind: 'contents', slice: 0, slices: 1, bytes: 10 },
  ],
  assertions: [],
  anomalies: [],
  ...overrides,
});

const resultOf = (index: number, overrides: Partial<ProofResult> = {}): ProofResult => ({
  ...COMMON,
  findings: [],
  unjudged: [],
  index,
  bytes: 100,
  parts: index === 0 ? 3 : 0,
  files: 4,
  ...overrides,
});

const BOTH = [resultOf(0), resultOf(1)];

const finding = (what: string, more: Partial<ProofFinding> = {}): ProofFinding => ({
  table: 'shop.events',
  part: 'all_1_1_0',
  file: 'data.bin',
  what,
  ...more,
});

const BLIND: SelfTest = { ...SEEING, good: false };

describe('a proof', () => {
  it('is one when every item was judged, by a prover that sees, and nothing was found', () => {
    expect(judgeProof(planOf(), BOTH)).toEqual({ verdict: 'proven' });
  });

  it('is none without items: nothing judged is no pass', () => {
    expect(judgeProof(planOf({ items: [] }), [])).toEqual({
      verdict: 'incomplete',
      because: 'the plan has nothing to judge',
    });
  });

  it.each([
    ['is missing', [resultOf(0), undefined]],
    ['is that of another item', [resultOf(0), resultOf(0)]],
    ['was never asked for', [resultOf(0)]],
  ])('is none when a result %s', (_, results) => {
    expect(judgeProof(planOf(), results)).toEqual({
      verdict: 'incomplete',
      because: '1 of 2 items were not judged, the first of them number 1',
    });
  });

  it('is none when the engine spoke of fewer parts than there are', () => {
    expect(judgeProof(planOf(), [resultOf(0, { parts: 2 }), resultOf(1)])).toEqual({
      verdict: 'incomplete',
      because: '1 of 2 items were not judged, the first of them number 0',
    });
  });

  it.each([
    ['the plan', planOf({ unjudged: ['it is too new'] }), BOTH],
    ['an item', planOf(), [resultOf(0), resultOf(1, { unjudged: ['it is too new'] })]],
  ])('is none when %s could not judge something', (_, plan, results) => {
    expect(judgeProof(plan, results)).toEqual({ verdict: 'incomplete', because: 'it is too new' });
  });
});

describe('a refutation', () => {
  it('has the findings of the plan and of all items, each once, however often it was met', () => {
    const [one, other] = [finding('one'), finding('other', { file: null })];
    expect(
      judgeProof(planOf({ findings: [one], found: 1 }), [
        resultOf(0, { findings: [one, other], found: 2 }),
        undefined,
      ]),
    ).toEqual({ verdict: 'refuted', findings: [one, other], found: 2, onlyAssertions: false });
  });

  it('counts what is not named', () => {
    expect(judgeProof(planOf(), [resultOf(0, { findings: [finding('one')], found: 70 })])).toMatchObject({
      findings: [finding('one')],
      found: 70,
    });
    expect(judgeProof(planOf(), [resultOf(0, { found: 7 })])).toMatchObject({
      verdict: 'refuted',
      findings: [],
      found: 7,
    });
  });

  it('follows from an assertion that does not hold, and says whether anything is damaged', () => {
    const assertions = [
      { query: 'SELECT 1', database: 'shop', passed: true, answer: '1' },
      { query: 'SELECT 0', database: 'shop', passed: false, answer: '0' },
    ];
    const broken = { table: null, part: null, file: null, what: '`SELECT 0` must hold and returned 0.' };
    expect(judgeProof(planOf({ assertions }), BOTH)).toEqual({
      verdict: 'refuted',
      findings: [broken],
      found: 1,
      onlyAssertions: true,
    });
    expect(judgeProof(planOf({ assertions, findings: [finding('one')], found: 1 }), BOTH)).toEqual({
      verdict: 'refuted',
      findings: [finding('one'), broken],
      found: 2,
      onlyAssertions: false,
    });
  });

  it('stands also when something else could not be judged', () => {
    expect(
      judgeProof(planOf({ unjudged: ['it is too new'] }), [resultOf(0, { findings: [finding('one')] })]),
    ).toMatchObject({ verdict: 'refuted' });
  });
});

describe('a blind prover', () => {
  it.each([
    ['finds damage in the good control backup', BLIND, 'it found damage in the good control backup'],
    [
      'does not see a kind of damage',
      { ...SEEING, damages: SEEING.damages.map((each, index) => ({ ...each, seen: index !== 2 })) },
      'it did not see a flipped bit in the primary index in the control backup',
    ],
    [
      'did not try them all',
      { ...SEEING, damages: SEEING.damages.slice(0, -1) },
      'it did not see an altered definition in the control backup',
    ],
  ])('is one that %s', (_, selfTest, because) => {
    expect(blindness(selfTest)).toBe(because);
    expect(judgeProof(planOf({ selfTest }), BOTH)).toEqual({ verdict: 'blind', because });
  });

  it('condemns nothing, whatever it has found', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 2), (where) => {
        const blind = { selfTest: BLIND, findings: [finding('one')], found: 1 };
        const plan = planOf(where === 0 ? blind : {});
        const results = [0, 1].map((index) => resultOf(index, where === index + 1 ? blind : {}));
        expect(judgeProof(plan, results).verdict).toBe('blind');
      }),
    );
  });
});

describe('an anomaly', () => {
  const table = (name: string, rows: number | null, bytes = 100) => ({
    database: 'shop',
    name,
    rows,
    bytes,
  });

  it('is a fall of rows, bytes or tables by more than the share', () => {
    const before = [table('a', 1000), table('b', 10), table('c', 10), table('d', 10)];
    expect(findAnomalies([table('a', 400, 90)], before, 0.5)).toEqual([
      'the number of tables fell from 4 to 1, by 75 %',
      'the bytes of the whole fell from 400 to 90, by 78 %',
      'the rows of the whole fell from 1030 to 400, by 61 %',
      'the rows of shop.a fell from 1000 to 400, by 60 %',
      'the rows of shop.b fell from 10 to 0, by 100 %',
      'the rows of shop.c fell from 10 to 0, by 100 %',
      'the rows of shop.d fell from 10 to 0, by 100 %',
    ]);
  });

  it.each([
    ['a fall by exactly the share', [table('a', 500)], [table('a', 1000)]],
    ['growth', [table('a', 5000)], [table('a', 1000)]],
    ['what was empty before', [table('a', 0)], [table('a', 0)]],
    ['rows that are not known now', [table('a', null)], [table('a', 1000)]],
    ['rows that were not known before', [table('a', 1)], [table('a', null)]],
    ['a new table', [table('a', 10), table('b', 3)], [table('a', 10)]],
  ])('is not %s', (_, now, before) => {
    expect(findAnomalies(now, before, 0.5)).toEqual([]);
  });

  it('is never told when the share is the whole', () => {
    expect(findAnomalies([], [table('a', 1000)], 1)).toEqual([]);
  });

  it('compares the rows of the whole over the tables that both know', () => {
    const before = [table('a', 1000), table('unknown', 1_000_000)];
    expect(findAnomalies([table('a', 900), table('unknown', null)], before, 0.5)).toEqual([]);
  });

  it('does not take rows that nobody counted before for rows that make up for a fall', () => {
    const before = [table('a', 1000), table('unknown', null)];
    expect(findAnomalies([table('a', 100), table('unknown', 5000)], before, 0.5)).toEqual([
      'the rows of the whole fell from 1000 to 100, by 90 %',
      'the rows of shop.a fell from 1000 to 100, by 90 %',
    ]);
  });

  it('of the whole is none when the rows have moved to a new table', () => {
    expect(findAnomalies([table('a', 100), table('new', 900)], [table('a', 1000)], 0.5)).toEqual([
      'the rows of shop.a fell from 1000 to 100, by 90 %',
    ]);
  });

  it('tells the first twenty', () => {
    const many = Array.from({ length: 50 }, (_, index) => table(`t${index}`, 100));
    expect(findAnomalies([], many, 0.5)).toHaveLength(20);
  });
});
