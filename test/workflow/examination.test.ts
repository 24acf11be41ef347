/** An examination as its schedule starts it: by the synthesised state machine and the bundled functions. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { canaryPrefix, LOCK, MANIFEST } from '../../core/keys.ts';
import { writeSecret } from '../../local/home.ts';
import type { StartInput } from '../../local/house.ts';
import type { TopicMessage } from '../../local/topic.ts';
import { CHANGED_PASSWORD, type OpenedHouse, openTestHouse } from './opened-house.ts';

let opened: OpenedHouse;
let told = 0;

beforeAll(async () => {
  opened = await openTestHouse();
  await opened.sql('CREATE DATABASE shop');
  await opened.sql('CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id');
});

afterAll(() => opened.close());

afterEach(() => {
  opened.interposed.around = undefined;
});

/** The messages since the last time. */
function heard(): TopicMessage[] {
  const messages = opened.house.messages().slice(told);
  told += messages.length;
  return messages;
}

/** With the input of the target's own schedule. */
async function examine(target: string) {
  const { schedules } = await opened.house.stack();
  const [input, ...more] = schedules
    .map((schedule) => JSON.parse(schedule.input) as StartInput)
    .filter((each) => each.target === target && 'scheduled' in each);
  if (input === undefined || more.length > 0) throw new Error(`${more.length} schedules more for ${target}`);
  return (await opened.house.start('doctor', input)).ended;
}

const goodOnes = async (target: string): Promise<number> =>
  (await opened.house.metrics()).filter(
    ({ name, dimensions }) => name === 'ExaminationsGood' && dimensions['Target'] === target,
  ).length;

test('a target that is well is counted as examined, and leaves no more than its canaries', async () => {
  expect(await examine('shop')).toMatchObject({ status: 'succeeded', state: 'Examined' });
  expect(await goodOnes('shop')).toBe(1);
  expect(heard()).toEqual([]);
  const keys = await opened.keys('backups/shop/');
  expect(keys.filter((key) => !key.startsWith(canaryPrefix('shop')))).toEqual([]);
  expect(keys.filter((key) => key.endsWith(`/${MANIFEST}`))).toHaveLength(2);
  expect(keys.filter((key) => key.endsWith(LOCK))).toEqual([]);
  expect(await opened.ledger('shop')).toEqual([]);
});

test('a password that was changed is told the same morning, and a person who asks is only answered', async () => {
  writeSecret(opened.house.home, CHANGED_PASSWORD, 'what it was before');
  expect(await examine('locked')).toMatchObject({
    status: 'failed',
    state: 'NotGood',
    error: 'AUTHENTICATION_FAILED',
  });
  const [message, ...more] = heard();
  expect(more).toEqual([]);
  expect(message?.subject).toBe('Safehouse: locked: the examination found something bad (connection)');
  expect(message?.text).toContain('Runbook:       docs/runbook.md#clickhouse-does-not-accept-the-user');
  expect(message?.text).not.toContain('what it was before');
  expect(await goodOnes('locked')).toBe(0);

  const asked = await (await opened.house.start('doctor', { target: 'locked' })).ended;
  expect(asked).toMatchObject({ status: 'succeeded', state: 'Examined' });
  expect(heard()).toEqual([]);
});

test('a server that does not answer is asked seven times before a person is told', async () => {
  let asked = 0;
  opened.interposed.around = ({ name }, invoke) => {
    if (name.includes('ExamineFunction')) asked += 1;
    return invoke();
  };
  expect(await examine('unreachable')).toMatchObject({ status: 'failed', error: 'ECONNREFUSED' });
  expect(asked).toBe(7);
  const [message] = heard();
  expect(message?.text).toContain('docs/runbook.md#safehouse-does-not-reach-clickhouse');
  expect(message?.text).toContain('127.0.0.1:1');
});

test('an examination that breaks off is told, and one that a person asked for says why', async () => {
  opened.interposed.around = ({ name }, invoke) => {
    if (name.includes('ExamineFunction'))
      throw Object.assign(new Error('out of memory'), { name: 'Lambda.Unknown' });
    return invoke();
  };
  expect(await examine('shop')).toMatchObject({ status: 'failed', error: 'Lambda.Unknown' });
  expect(heard()[0]?.text).toContain('docs/runbook.md#a-step-was-ended');
  const asked = await (await opened.house.start('doctor', { target: 'shop' })).ended;
  expect(asked).toMatchObject({ status: 'failed', error: 'Lambda.Unknown' });
  expect(heard()).toEqual([]);
});
