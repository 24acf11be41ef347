import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ObjectTable } from '../../core/object-table.ts';

describe('ObjectTable', () => {
  it('does what a Map of names would do', async () => {
    const step = fc.record({
      name: fc.string({ maxLength: 2 }),
      number: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      mark: fc.constantFrom(1, 2, 4, 128),
    });
    await fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new ObjectTable();
        const map = new Map<string, { number: number; marks: Set<number> }>();
        for (const { name, number, mark } of steps) {
          const entry = map.get(name) ?? { number: 0, marks: new Set() };
          expect(table.find(name) >= 0).toBe(map.has(name));
          const index = table.add(name);
          expect(table.numberOf(index)).toBe(entry.number);
          expect(table.mark(index, mark)).toBe(!entry.marks.has(mark));
          table.setNumber(index, number);
          map.set(name, { number, marks: entry.marks.add(mark) });
        }
        expect(table.entries).toBe(map.size);
        for (const [name, { number, marks }] of map) {
          const index = table.find(name);
          expect(table.numberOf(index)).toBe(number);
          for (const mark of [1, 2, 4, 128]) expect(table.has(index, mark)).toBe(marks.has(mark));
        }
      }),
    );
  });

  it('finds every name again after it has grown over many pages', () => {
    const table = new ObjectTable();
    const count = 100_000;
    for (let name = 0; name < count; name++) table.setNumber(table.add(`name ${name}`), name);

    let found = 0;
    for (let name = 0; name < count; name++) if (table.numberOf(table.find(`name ${name}`)) === name) found++;
    expect(found).toBe(count);
    expect(table.entries).toBe(count);
    expect(table.find(`name ${count}`)).toBe(-1);
  });

  it('has no entry beyond its own', () => {
    expect(() => new ObjectTable().numberOf(0)).toThrow(RangeError);
  });
});
