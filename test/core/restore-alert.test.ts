import { describe, expect, it } from 'vitest';
import type { RestoreReport } from '../../core/restore.ts';
import { composeRestoredMessage, describeRemains } from '../../core/restore-alert.ts';

it('tells a program what was restored, and which time it shows', () => {
  const table = {
    expectedRows: 1,
    rows: 1,
    parts: 1,
    bytes: 1,
    comparison: 'identical',
    checked: false,
    what: '',
  };
  const { subject, text } = composeRestoredMessage({
    restore: 'r1',
    target: 'events',
    to: 'e'.repeat(200),
    backup: 'b1',
    mode: 'new',
    covers: { from: '2026-04-02T02:00:00.000Z', to: '2026-04-02T02:10:00.000Z' },
    tables: ['a', 'b'].map((name) => ({ ...table, database: 'shop', table: name })),
  } as unknown as RestoreReport);
  // SNS takes fewer than 100 characters.
  expect(subject.length).toBeLessThan(100);
  expect(JSON.parse(text)).toMatchObject({
    event: 'restored',
    backup: 'b1',
    databases: ['shop'],
    covers: { from: '2026-04-02T02:00:00.000Z' },
  });
});

describe('what a failed restore leaves', () => {
  it('is in place, when it was whole', () => {
    expect(describeRemains({ dropped: [], left: [], isWhole: true })).toContain('nothing of it was dropped');
  });

  it('is said, taken away or not', () => {
    expect(describeRemains({ dropped: [], left: [], isWhole: false })).toBe('Nothing had to be taken away.');
    expect(
      describeRemains({
        dropped: [
          { kind: 'database', database: 'half', table: null },
          { kind: 'table', database: 'shop', table: 'orders' },
        ],
        left: [{ what: 'shop.log has rows', statement: 'TRUNCATE TABLE `shop`.`log`' }],
        isWhole: false,
      }),
    ).toBe(
      'What it had made was taken away: half, shop.orders. Left for you to judge: shop.log has rows: TRUNCATE TABLE `shop`.`log`.',
    );
  });

  it('is said of a drill too, which was whole and was dropped', () => {
    const dropped = [{ kind: 'database' as const, database: 'scratch', table: null }];
    expect(describeRemains({ dropped, left: [], isWhole: true })).toBe(
      'What it had made was taken away: scratch.',
    );
  });

  it('is named to the tenth', () => {
    const remains = (count: number) => {
      const dropped = Array.from({ length: count }, (_, index) => ({
        kind: 'database' as const,
        database: `d${index}`,
        table: null,
      }));
      const left = dropped.map(({ database }) => ({ what: database, statement: 'S' }));
      return [
        describeRemains({ dropped, left: [], isWhole: false }),
        describeRemains({ dropped: [], left, isWhole: false }),
      ];
    };
    expect(remains(10)).toEqual([
      'What it had made was taken away: d0, d1, d2, d3, d4, d5, d6, d7, d8, d9.',
      'Nothing had to be taken away. Left for you to judge: d0: S; d1: S; d2: S; d3: S; d4: S; d5: S; d6: S; d7: S; d8: S; d9: S.',
    ]);
    expect(remains(12)).toEqual([
      'What it had made was taken away: d0, d1, d2, d3, d4, d5, d6, d7, d8, d9 and 2 more.',
      'Nothing had to be taken away. Left for you to judge: d0: S; d1: S; d2: S; d3: S; d4: S; d5: S; d6: S; d7: S; d8: S; d9: S; and 2 more, in the report.',
    ]);
  });

  it('of thousands fits into an alert', () => {
    const dropped = Array.from({ length: 5000 }, (_, index) => ({
      kind: 'table' as const,
      database: 'shop',
      table: `t${index}`,
    }));
    const left = dropped.map(({ table }) => ({ what: table, statement: 'TRUNCATE' }));
    expect(describeRemains({ dropped, left, isWhole: false }).length).toBeLessThan(1000);
  });
});
