import '../../support/function-environment.ts';
import { describe, expect, it } from 'vitest';
import { handler } from '../../../functions/backup/check-before.ts';
import { failureOf } from '../../support/failures.ts';
import { runOf } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const MINUTE = 60_000;

const ago = (milliseconds: number): string => new Date(Date.now() - milliseconds).toISOString();
const check = (target: string, before?: object) =>
  carried(invoke(handler, runOf(target, { hasBefore: true, before })));
const addTarget = (before: object = {}) =>
  around.addTarget({ before: { query: 'SELECT lag FROM queue', limitMinutes: 30, ...before } });

describe('waiting for the condition of a target', () => {
  it.each([0, '0', false, 'false', '', null, 0.0])('ends when it is %j', async (lag) => {
    around.clickhouse.on(/^SELECT lag FROM queue/, [{ lag }]);
    expect(await check(addTarget())).toMatchObject({ outcome: 'ready' });
  });

  it.each([[1], ['17'], [true], ['true'], ['none'], [-1], [[]], [[0]], [{ a: 0 }]])(
    'goes on while it is %j',
    async (lag) => {
      around.clickhouse.on(/^SELECT lag FROM queue/, [{ lag }]);
      expect(await check(addTarget())).toEqual({
        outcome: 'waiting',
        since: expect.any(String),
        waitSeconds: 1,
      });
    },
  );

  it('keeps the time of its beginning, and asks less often as it lasts', async () => {
    around.clickhouse.on(/^SELECT/, [{ lag: 5 }]);
    const since = ago(10 * MINUTE);
    expect(await check(addTarget(), { outcome: 'waiting', since, waitSeconds: 1 })).toEqual({
      outcome: 'waiting',
      since,
      waitSeconds: 60,
    });
  });

  it('is given up after its limit, with the value that it still has', async () => {
    around.clickhouse.on(/^SELECT/, [{ lag: 5 }]);
    const target = addTarget();
    expect(await check(target, { outcome: 'waiting', since: ago(29 * MINUTE) })).toMatchObject({
      outcome: 'waiting',
    });
    const failure = await failureOf(
      'Refused',
      check(target, { outcome: 'waiting', since: ago(31 * MINUTE) }),
    );
    expect(failure).toMatchObject({
      class: 'fix and stop',
      error: 'BeforeQueryTimedOut',
      what: 'The backup waited 30 minutes for `SELECT lag FROM queue` to return 0; it still returns 5.',
    });
  });

  it('ends even after its limit when the condition holds at last', async () => {
    around.clickhouse.on(/^SELECT/, [{ lag: 0 }]);
    expect(await check(addTarget(), { outcome: 'waiting', since: ago(31 * MINUTE) })).toMatchObject({
      outcome: 'ready',
    });
  });

  it.each([
    [[], '0 rows of 0 columns'],
    [[{ lag: 0 }, { lag: 0 }], '2 rows of 1 columns'],
    [[{ lag: 0, more: 0 }], '1 rows of 2 columns'],
  ])('takes nothing for a value but one: %j', async (rows, what) => {
    around.clickhouse.on(/^SELECT/, rows);
    const failure = await failureOf('InvalidConfiguration', check(addTarget()));
    expect(failure.what).toContain(what);
  });

  it('lets the query only read', async () => {
    around.clickhouse.on(/^SELECT/, [{ lag: 0 }]);
    await check(addTarget());
    expect(around.clickhouse.asked[0]?.settings['readonly']).toBe('2');
  });

  it('says what ClickHouse has against the query', async () => {
    around.clickhouse.on(/^SELECT/, {
      code: 60,
      name: 'UNKNOWN_TABLE',
      text: "Table default.queue doesn't exist",
    });
    expect(await failureOf('Refused', check(addTarget()))).toMatchObject({ error: 'UNKNOWN_TABLE' });
  });

  it('is none where the target has no condition any more', async () => {
    expect(await check(around.addTarget())).toMatchObject({ outcome: 'ready' });
    expect(around.clickhouse.asked).toEqual([]);
  });
});
