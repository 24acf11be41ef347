import { beforeEach, describe, expect, it } from 'vitest';
import { proofItemKey, proofPrefix } from '../../../core/keys.ts';
import { faultyS3 } from './faulty-s3.ts';
import { type MadeBackup, ProvingGround } from './proving-ground.ts';

const ground = new ProvingGround();
const s3 = faultyS3();

let made: MadeBackup | undefined;
let target = '';
const SETTINGS = { databases: ['shop'] };

beforeEach(async () => {
  if (made === undefined) {
    await ground.tell(
      'CREATE DATABASE shop',
      'CREATE TABLE shop.events (id UInt64, s String) ENGINE = MergeTree PARTITION BY id % 4 ORDER BY id',
      'INSERT INTO shop.events SELECT number, toString(number) FROM numbers(1000)',
      'CREATE TABLE shop.log (id UInt64) ENGINE = Log',
      'INSERT INTO shop.log SELECT number FROM numbers(10)',
    );
    target = ground.addTarget(SETTINGS);
    made = await ground.backUp(target);
  } else ground.setTarget(target, SETTINGS);
  s3.asked.length = 0;
});

const known = (): MadeBackup => {
  if (made === undefined) throw new Error('nothing was made');
  return made;
};

const EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:Prove:';

/** Objects of the data that were read, through the server that counts. */
const dataRead = (): string[] =>
  s3.asked
    .filter(({ method, key }) => method === 'GET' && key.includes('/data/'))
    .map(({ key }) => key)
    .sort();

describe('a proof that broke off', { timeout: 60_000 }, () => {
  it('goes on where it was, reads nothing twice, and comes to the same verdict', async () => {
    const backup = known();
    const execution = `${EXECUTION}broken-off`;
    const { items, proof } = await ground.plan(backup, execution);
    expect(items).toEqual([0, 1]);
    await ground.proveItem(backup, execution, proof, 0);
    const before = await ground.get(proofItemKey(target, backup.id, proof, 0));
    // The execution is redriven: every step is called again.
    s3.asked.length = 0;
    expect(await ground.plan(backup, execution)).toMatchObject({ items: [0, 1], proof });
    await ground.proveItem(backup, execution, proof, 0);
    expect(dataRead()).toEqual([]);
    await ground.proveItem(backup, execution, proof, 1);
    expect(dataRead().length).toBeGreaterThan(0);
    expect(dataRead().filter((key) => key.endsWith('data.bin'))).toEqual([]);
    expect(await ground.get(proofItemKey(target, backup.id, proof, 0))).toEqual(before);
    expect(await ground.judge(backup, execution, proof)).toMatchObject({ verdict: 'proven', tables: 2 });
    expect(await ground.evidence(backup)).toMatchObject({ by: execution, items: 2 });
  });

  it('is no pass without its last item, and one with it', async () => {
    const backup = known();
    const execution = `${EXECUTION}unfinished`;
    const { proof } = await ground.plan(backup, execution);
    await ground.proveItem(backup, execution, proof, 1);
    await expect(ground.judge(backup, execution, proof)).rejects.toThrow(/1 of 2 items were not judged/);
    expect(await ground.failed(backup)).toBeUndefined();
    await ground.proveItem(backup, execution, proof, 0);
    expect(await ground.judge(backup, execution, proof)).toMatchObject({ verdict: 'proven' });
  });
});

describe('steps that are repeated', { timeout: 60_000 }, () => {
  it('leave one plan, one result for each item, and one page of evidence', async () => {
    const backup = known();
    const execution = `${EXECUTION}repeated`;
    const [one, other] = await Promise.all([ground.plan(backup, execution), ground.plan(backup, execution)]);
    expect(other).toEqual(one);
    const { proof } = one;
    await Promise.all([0, 0, 1].map((index) => ground.proveItem(backup, execution, proof, index)));
    const before = await ground.keys(`ledger/${target}/${backup.id}/`);
    const first = await ground.judge(backup, execution, proof);
    expect(await ground.judge(backup, execution, proof)).toEqual(first);
    expect(await ground.keys(proofPrefix(target, backup.id, proof))).toEqual(
      ['item-0.json', 'item-1.json', 'plan.json'].map(
        (file) => `${proofPrefix(target, backup.id, proof)}${file}`,
      ),
    );
    const added = (await ground.keys(`ledger/${target}/${backup.id}/`)).filter(
      (key) => !before.includes(key),
    );
    // The first proof of this backup was another one: this is one that was added, once.
    expect(added).toEqual([expect.stringMatching(/\/proven@\d{8}T\d{6}Z\.json$/)]);
  });

  it('refuse an item that the plan does not have, and one of a plan that is not there', async () => {
    const backup = known();
    const execution = `${EXECUTION}strange`;
    await expect(ground.proveItem(backup, execution, 'strange', 0)).rejects.toThrow(/plan .* is not there/);
    const { proof } = await ground.plan(backup, execution, { level: 'counts' });
    await expect(ground.proveItem(backup, execution, proof, 7)).rejects.toThrow(
      /has 1 items and none with the number 7/,
    );
    await expect(ground.judge(backup, execution, 'nothing')).rejects.toThrow(/its plan is not there/);
  });
});
