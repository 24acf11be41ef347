import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Turns } from '../../local/turns.ts';

test('never more than so many work, each in the order in which it came, and everybody has a turn', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ steps: fc.integer({ min: 0, max: 4 }), fails: fc.boolean() }), { maxLength: 20 }),
      async (atOnce, works) => {
        const turns = new Turns(atOnce);
        let working = 0;
        let most = 0;
        // A turn that is given twice shows only when everybody comes again.
        for (const _round of ['first', 'second']) {
          const began: number[] = [];
          const results = await Promise.allSettled(
            works.map(({ steps, fails }, number) =>
              turns.take(async () => {
                began.push(number);
                working += 1;
                most = Math.max(most, working);
                for (let step = 0; step < steps; step += 1) await Promise.resolve();
                working -= 1;
                if (fails) throw new Error('failed');
              }),
            ),
          );
          expect(began).toEqual(works.map((_, number) => number));
          expect(results.map(({ status }) => status)).toEqual(
            works.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')),
          );
        }
        expect(most).toBeLessThanOrEqual(atOnce);
      },
    ),
  );
});

test('who is sent away never works, and who works is not disturbed', async () => {
  const turns = new Turns(1);
  const finish = Promise.withResolvers<string>();
  const working = turns.take(() => finish.promise);
  const waiting = turns.take(async () => 'it worked');
  turns.refuse(new Error('closed'));

  await expect(waiting).rejects.toThrow('closed');
  finish.resolve('done');
  expect(await working).toBe('done');
  expect(await turns.take(async () => 'next')).toBe('next');
});
