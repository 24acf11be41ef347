import { describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../clients/concurrently.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('mapping concurrently', () => {
  it('keeps the order, and never has more under way than allowed', async () => {
    let underWay = 0;
    let most = 0;
    const doubled = await mapConcurrently([5, 1, 4, 2, 3], 2, async (item) => {
      underWay += 1;
      most = Math.max(most, underWay);
      for (let left = item; left > 0; left -= 1) await turn();
      underWay -= 1;
      return item * 2;
    });
    expect(doubled).toEqual([10, 2, 8, 4, 6]);
    expect(most).toBe(2);
  });

  it('of nothing is nothing', async () => {
    expect(await mapConcurrently([], 8, async () => 1)).toEqual([]);
  });

  it('ends with the first failure and begins nothing after it', async () => {
    const begun: number[] = [];
    const mapped = mapConcurrently([1, 2, 3, 4, 5, 6, 7, 8], 2, async (item) => {
      begun.push(item);
      await turn();
      if (item === 2) throw new Error('the second');
    });
    await expect(mapped).rejects.toThrow('the second');
    for (let left = 5; left > 0; left -= 1) await turn();
    expect(begun.length).toBeLessThanOrEqual(3);
  });
});
