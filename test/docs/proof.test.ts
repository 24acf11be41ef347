/** The page about proofs says what the code does, and its arithmetic is right. */
import { describe, expect, test } from 'vitest';
import { estimate, TEN_TERABYTES } from '../../bench/paper/estimate.ts';
import { withPaper } from '../../bench/paper/page.ts';
import { parseConfig } from '../../core/config.ts';
import { DAMAGES, PROOF_LEVELS } from '../../core/proof.ts';
import { readPage, rowsOf } from './page.ts';

const page = readPage('docs/proof.md');
const rows = new Map(
  rowsOf(page).map(([first = '', ...cells]) => [first.replaceAll('*', ''), cells] as const),
);
const result = (what: string): string => (rows.get(what)?.at(-1) ?? '').replaceAll('*', '');
const number = (text: string): number => Number(/[\d,.]+/.exec(text)?.[0].replaceAll(',', ''));

const { prover } = parseConfig(
  { targets: { events: { url: 'https://host:8443', schedule: { full: 'rate(1 day)' } } } },
  'The least configuration',
);

test('the arithmetic on the page is what `node bench/readme.ts` writes', () => {
  expect(withPaper(page)).toBe(page);
});

/** Once more, by hand: not through the code that has written the page. */
describe('10 TB on paper', () => {
  const parts = 10_000;
  const bytes = 1_000_000_000;
  const files = 100;
  const secondsARequest = 131_072 / 60_000_000;
  const partsAnItem = Math.floor((prover.gibibytesAnItem * 1024 ** 3) / (bytes + files * 131_072));
  const overhead = 3 + 14;
  const itemSeconds = overhead + (partsAnItem * bytes) / 60_000_000 + partsAnItem * 108 * secondsARequest;
  const planSeconds = overhead + parts * 8 * secondsARequest;

  test('has the items that the rules make of it', () => {
    const items = number(result('items'));
    expect(number(result('parts in an item'))).toBe(partsAnItem);
    // As few as their size allows, a few more because they are filled evenly, and one for small files.
    expect(items).toBeGreaterThanOrEqual(Math.ceil(parts / partsAnItem) + 1);
    expect(items).toBeLessThan((parts / partsAnItem) * 1.05);
  });

  test('takes the time of its rounds', () => {
    const waves = Math.ceil(number(result('items')) / prover.atOnce);
    expect(number(result('an item takes'))).toBe(Math.round(itemSeconds));
    expect(number(result('the plan takes'))).toBe(Math.round(planSeconds));
    expect(number(result('time'))).toBeCloseTo((planSeconds + waves * itemSeconds) / 3600, 1);
  });

  test('costs what AWS takes for it', () => {
    const items = number(result('items'));
    // Every part is read once, however the items are cut; each item starts once.
    const seconds =
      planSeconds + items * overhead + (parts * bytes) / 60_000_000 + (parts * 108 + parts) * secondsARequest;
    const lambda = seconds * (prover.memoryMiB / 1024) * 0.0000166667;
    const requests = (parts * (16 + files + 1) * 0.0004) / 1000;
    const transitions = (6 + 2 * items) * 0.000025;
    expect(number(result('Lambda'))).toBeCloseTo(lambda, 1);
    expect(number(result('S3'))).toBeCloseTo(requests, 1);
    expect(number(result('Step Functions'))).toBeCloseTo(transitions, 2);
    expect(number(result('all'))).toBeCloseTo(lambda + requests + transitions, 1);
  });

  test('ends in time for a number of parts that the page names, and not for many more', () => {
    const [, named = ''] = /more than about ([\d,]+) parts/.exec(page) ?? [];
    const planOf = (count: number): number =>
      // Of small ones: how many items there are does not matter here, and thousands take seconds to divide.
      estimate({ ...TEN_TERABYTES, bytesOfEach: 1000, partsOfEach: count / TEN_TERABYTES.tables }, prover)
        .planSeconds;
    expect(planOf(number(named))).toBeLessThan(900);
    expect(planOf(number(named) * 1.1)).toBeGreaterThan(900);
  });
});

test.each(PROOF_LEVELS)('the level %s is explained', (level) => {
  const row = [...rows].find(([first]) => first.split(',')[0] === `\`${level}\``);
  expect(row?.[1].join('').length).toBeGreaterThan(20);
});

test('as many kinds of damage are named as the self-test inflicts', () => {
  const [, sentence = ''] = /a copy of it with (.*?), each of which it has to name/s.exec(page) ?? [];
  const named = sentence.split(/, | and /);
  expect(named).toHaveLength(DAMAGES.length);
  for (const word of [
    'data',
    'marks',
    'primary index',
    'checksums.txt',
    'missing',
    'truncated',
    'swapped',
    'definition',
  ])
    expect(named.some((each) => each.includes(word))).toBe(true);
});
