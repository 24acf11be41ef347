import { beforeEach, describe, expect, it } from 'vitest';
import { type MadeBackup, ProvingGround } from './proving-ground.ts';

const ground = new ProvingGround();

let isMade = false;
beforeEach(async () => {
  if (isMade) return;
  isMade = true;
  await ground.tell(
    'CREATE DATABASE shop',
    'CREATE TABLE shop.orders (id UInt64, at DateTime) ENGINE = MergeTree ORDER BY id',
    'INSERT INTO shop.orders SELECT number, now() FROM numbers(1000)',
    'CREATE TABLE shop.log (id UInt64) ENGINE = Log',
    'CREATE DATABASE other',
    'CREATE TABLE other.orders (id UInt64) ENGINE = MergeTree ORDER BY id',
    'INSERT INTO other.orders SELECT number FROM numbers(5)',
  );
});

const BOTH = ['shop', 'other'];

describe('assertions', { timeout: 60_000 }, () => {
  it('are asked of the backup itself, in the database that they name or in the first', async () => {
    const assertions = [
      { query: 'SELECT count() = 1000 FROM orders' },
      { query: 'SELECT count() = 5 FROM orders', database: 'other' },
      { query: 'SELECT max(at) > now() - INTERVAL 26 HOUR FROM orders -- not too old' },
      { query: "SELECT 'yes'" },
      { query: 'SELECT toDecimal64(1, 4)' },
      { query: 'SELECT toUInt64(18446744073709551615)' },
      { query: 'SELECT true' },
      { query: 'SELECT count() = 1000 FROM shop.orders', database: 'other' },
    ];
    const backup = await ground.backUp(ground.addTarget({ databases: BOTH, prove: { assertions } }));
    const proof = await ground.prove(backup);
    expect(proof).toMatchObject({ verdict: 'proven' });
    if (proof.verdict !== 'proven') return;
    expect(proof.evidence.assertions.map(({ database, passed }) => [database, passed])).toEqual(
      assertions.map(({ database = 'shop' }) => [database, true]),
    );
    // An old backup cannot hold what is new: it is not asked again.
    expect(await ground.prove(backup, { occasion: 'again', name: 'again' })).toMatchObject({
      verdict: 'proven',
    });
    expect(await ground.readPlan(backup, 'again')).toMatchObject({ assertions: [] });
  });

  it.each([
    ['SELECT 0', '0'],
    ['SELECT count() = 7 FROM orders', '0'],
    ['SELECT NULL', 'null'],
    ["SELECT ''", '""'],
    ['SELECT false', 'false'],
    ['SELECT toDecimal64(0, 4)', '0'],
    ['SELECT toUInt64(0)', '0'],
    ["SELECT '0'", '"0"'],
    ['SELECT 1, 2', '1 rows of 2 columns'],
    ['SELECT id FROM orders LIMIT 2', '2 rows of 1 columns'],
    ['SELECT id FROM orders WHERE id > 5000', '0 rows of 0 columns'],
    ['SELECT 1 FORMAT TSV', '1 rows of 0 columns'],
    ['SELECT 1 FORMAT Pretty', 'an error: the answer is not rows'],
    ['SELECT count() FROM nothing', 'an error: '],
    ['SELECT count() FROM log', 'an error: '],
    ['SELEC 1', 'an error: Syntax error'],
  ])('that do not hold fail the proof: %s', async (query, answer) => {
    const backup = await made();
    // Made once, asked many things: the settings are what differs.
    const its = ground.addTarget({ databases: BOTH, prove: { assertions: [{ query }] } });
    const copy = await ground.lend(backup, its);
    const name = 'asked';
    expect(await ground.prove(copy, { level: 'counts', name })).toMatchObject({
      verdict: 'failed',
      failure: {
        error: 'AssertionFailed',
        class: 'fix and stop',
        what: expect.stringContaining(`\`${query}\` must hold and returned`),
      },
    });
    const { assertions } = await ground.readPlan(copy, name);
    expect(assertions).toEqual([
      { query, database: 'shop', passed: false, answer: expect.stringContaining(answer) },
    ]);
  });

  it('in a database that the backup does not have fail the proof', async () => {
    const its = ground.addTarget({
      databases: BOTH,
      prove: { assertions: [{ query: 'SELECT 1', database: 'nowhere' }] },
    });
    expect(await ground.prove(await ground.lend(await made(), its), { level: 'counts' })).toMatchObject({
      verdict: 'failed',
      failure: { error: 'AssertionFailed', what: expect.stringContaining('UNKNOWN_DATABASE') },
    });
  });

  let backup: MadeBackup | undefined;
  const made = async (): Promise<MadeBackup> => {
    backup ??= await ground.backUp(ground.addTarget({ databases: BOTH }));
    return backup;
  };
});

describe('a sudden drop', { timeout: 60_000 }, () => {
  it('against the proven backup before is told, and is a proof all the same', async () => {
    const target = ground.addTarget({ databases: ['other'] });
    await ground.prove(await ground.backUp(target));
    await ground.tell('TRUNCATE TABLE other.orders');
    const backup = await ground.backUp(target);
    const proof = await ground.prove(backup);
    expect(proof).toMatchObject({
      verdict: 'proven',
      evidence: {
        anomalies: [
          expect.stringMatching(/^the bytes of the whole fell from \d+ to 0, by 100 %$/),
          'the rows of the whole fell from 5 to 0, by 100 %',
          'the rows of other.orders fell from 5 to 0, by 100 %',
        ],
      },
    });
    expect(ground.around.told).toMatchObject([
      { subject: `Safehouse: ${target}: the newest backup is much smaller` },
    ]);
    // The one before it is not compared with its follower, and one that is read again with nothing.
    expect(await ground.prove(backup, { occasion: 'again', name: 'once-more' })).toMatchObject({
      verdict: 'proven',
    });
    expect((await ground.readPlan(backup, 'once-more')).anomalies).toEqual([]);
    expect(ground.around.told).toHaveLength(1);
  });
});
