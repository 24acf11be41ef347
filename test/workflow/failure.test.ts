/** A backup that fails is in the ledger as failed, and one person is told once, in words to act on. */
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readEvidence } from '../../clients/ledger.ts';
import { MANIFEST } from '../../core/keys.ts';
import { writeSecret } from '../../local/home.ts';
import type { TopicMessage } from '../../local/topic.ts';
import { CHANGED_PASSWORD, type OpenedHouse, openTestHouse, way } from './opened-house.ts';

let opened: OpenedHouse;
let told = 0;

beforeAll(async () => {
  opened = await openTestHouse();
  await opened.sql('CREATE DATABASE shop');
  await opened.sql('CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id');
  await opened.sql('INSERT INTO shop.orders SELECT number FROM numbers(1000)');
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

test('a password that was changed ends the backup at once, and the alert says what to do', async () => {
  writeSecret(opened.house.home, CHANGED_PASSWORD, 'what it was before');
  const history = await opened.run('backup', {
    target: 'locked',
    kind: 'full',
    scheduledTime: '2026-04-02T02:00:00Z',
  });

  expect(history).toMatchObject({ status: 'failed', state: 'GivenUp', error: 'AUTHENTICATION_FAILED' });
  const [failed, ...others] = await opened.ledger('locked');
  expect(others).toEqual([]);
  const evidence = await readEvidence(opened.bucket, 'locked', failed?.id ?? '', 'failed');
  expect(evidence).toMatchObject({ step: 'prepare', class: 'fix and stop', final: true, by: history.id });
  const [message, ...more] = heard();
  expect(more).toEqual([]);
  expect(message?.subject).toMatch(
    /^Safehouse: locked: The full backup scheduled for 2026-04-02T02:00:00Z failed/,
  );
  expect(message?.text).toContain('Last good:     NONE. This target has no good backup.');
  expect(message?.text).toContain(`Execution:     ${history.id}`);
  expect(message?.text).toContain('What to do:    Correct `user` of the target, or the password');
  expect(message?.text).toMatch(/Runbook: +docs\/runbook\.md#\S/);
  expect(message?.text).not.toContain('what it was before');
});

test('a repeat of a start that failed and was told says nothing a second time', async () => {
  const history = await opened.run('backup', {
    target: 'locked',
    kind: 'full',
    scheduledTime: '2026-04-02T02:00:00Z',
  });

  expect(history).toMatchObject({ status: 'succeeded', state: 'AlreadyRan' });
  expect(heard()).toEqual([]);
});

test('a finished backup that loses an object before it is checked fails, twice, and is told once', async () => {
  const { interposed, bucket, keys, run } = opened;
  await run('backup', { target: 'shop' });
  const good = (await opened.ledger('shop')).at(-1);
  interposed.around = async ({ name, input }, invoke) => {
    if (name.includes('VerifyFunction')) {
      const { id } = (input as { prepared: { backup: { id: string } } }).prepared.backup;
      const [key] = (await keys(`backups/shop/${id}/data/`)).filter((each) => !each.endsWith(MANIFEST));
      await bucket.client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: key ?? '' }));
    }
    return invoke();
  };
  const history = await run('backup', { target: 'shop' });

  expect(history).toMatchObject({ status: 'failed', error: 'VerificationFailed' });
  expect(way(history).filter((state) => state === 'Submit')).toHaveLength(2);
  const failed = (await opened.ledger('shop')).filter(({ states }) => states.failed !== undefined);
  const evidence = await Promise.all(failed.map(({ id }) => readEvidence(bucket, 'shop', id, 'failed')));
  expect(evidence.map((each) => each?.final).sort()).toEqual([false, true]);
  const [message, ...more] = heard();
  expect(more).toEqual([]);
  expect(message?.text).toContain('is not what its manifest says');
  expect(message?.text).toContain(`Last good:     ${good?.id}`);
  expect(message?.text).toContain('Attempts:      2');
});

test('a server that is not there is tried again, then told', async () => {
  const history = await opened.run('backup', { target: 'unreachable' });

  expect(history).toMatchObject({ status: 'failed', error: 'ECONNREFUSED' });
  expect(
    history.transitions.filter(({ what, state }) => what === 'retried' && state === 'Prepare'),
  ).toHaveLength(6);
  expect(heard()).toHaveLength(1);
});

test('an input that is not understood is told with what is allowed', async () => {
  const history = await opened.run('backup', { target: 'shop', kind: 'hourly' });

  expect(history.status).toBe('failed');
  expect(history.cause).toContain('"hourly"; must be one of "full", "incremental"');
  expect(heard()).toHaveLength(1);
});

test('a failure that cannot be told ends the execution under a name of its own', async () => {
  const { interposed, run } = opened;
  interposed.around = async ({ name }, invoke) => {
    if (name.includes('RecordFailureFunction'))
      throw Object.assign(new Error('no'), { name: 'Lambda.Unknown' });
    return invoke();
  };
  const history = await run('backup', { target: 'locked' });

  expect(history).toMatchObject({ status: 'failed', state: 'AlertNotSent', error: 'AlertNotSent' });
  expect(heard()).toEqual([]);
});

test('a step that Lambda ended is tried once more', async () => {
  const { interposed, run } = opened;
  let calls = 0;
  interposed.around = async ({ name }, invoke) => {
    if (!name.includes('PrepareFunction')) return invoke();
    calls += 1;
    if (calls === 1) throw Object.assign(new Error('{}'), { name: 'Sandbox.Timedout' });
    return invoke();
  };

  expect((await run('backup', { target: 'shop' })).status).toBe('succeeded');
  expect(calls).toBe(2);
});
