/** Rules that are mistyped, weeks without a good backup, names that collide, and what an attacker leaves behind. */
import '../support/function-environment.ts';
import { describe, expect, test, vi } from 'vitest';
import { putOnce } from '../../clients/bucket.ts';
import { parseConfig } from '../../core/config.ts';
import { backupPrefix } from '../../core/keys.ts';
import { planRetention } from '../../core/retention.ts';
import type { Removal } from '../../core/workflow.ts';
import { handler as begin } from '../../functions/backup/begin.ts';
import { handler as prepare } from '../../functions/backup/prepare.ts';
import { handler as planHandler } from '../../functions/retention/plan.ts';
import { handler as remove } from '../../functions/retention/remove.ts';
import { minimal, resourcesOf, synthesise, target as TARGET } from '../infra/synthesis.ts';
import { write } from '../support/ledger.ts';
import { serveShop } from '../support/runs.ts';
import { carried, invoke, Surroundings } from '../support/surroundings.ts';

const around = new Surroundings();
const DAY = 86_400_000;
const START = Date.UTC(2026, 3, 1);

const idOf = (day: number, letters = 'aaaa'): string =>
  `${new Date(START + day * DAY).toISOString().slice(0, 10).replaceAll('-', '')}T020000Z-full-${letters}`;

async function addGood(target: string, day: number): Promise<string> {
  const id = idOf(day);
  await write(around.bucket, target, id, 'started');
  await write(around.bucket, target, id, 'verified');
  return id;
}

async function addFailed(target: string, day: number): Promise<string> {
  const id = idOf(day);
  await write(around.bucket, target, id, 'started');
  await write(around.bucket, target, id, 'failed');
  return id;
}

const setDay = (day: number): unknown => vi.useFakeTimers({ toFake: ['Date'], now: START + day * DAY });

const RETENTION = 'arn:aws:states:eu-central-1:123456789012:execution:Retention:one';
const retain = (target: string): Promise<Removal> =>
  carried(invoke(planHandler, { execution: RETENTION, input: { target } }));

describe('weeks in which everything fails', () => {
  test.each([
    { withinDays: 7, minimum: 1 },
    { last: 1, minimum: 3 },
  ])('fault 30: take none of the last good backups under %j, however old they become', async (rules) => {
    const target = around.addTarget({ retention: { ...rules, graceDays: 1, maxShare: 1 } });
    const good = [await addGood(target, 0), await addGood(target, 1), await addGood(target, 2)];
    for (let day = 3; day < 45; day += 1) await addFailed(target, day);
    // By the bucket's own clock they failed in November.
    for (const day of [250, 260, 300]) {
      setDay(day);
      const { remove: doomed } = await retain(target);
      for (const id of good) expect(doomed.map((each) => each.id)).not.toContain(id);
    }
    expect((await retain(target)).remove).not.toEqual([]);
  });
});

describe('rules that a hand has mistyped', () => {
  const WRONG = [
    { daily: 0 },
    { daily: -1 },
    { daily: 1.5 },
    { dayly: 7 },
    {},
    { last: '7' },
    { last: Number.NaN },
    { daily: 7, minimum: 0 },
    { daily: 7, maxShare: 2 },
  ];

  test.each(WRONG)(
    'fault 31: %j is refused where the stack is synthesised, and where retention runs',
    async (retention) => {
      const configured = { url: 'http://c:8123', schedule: { full: 'cron(0 2 * * ? *)' }, retention };
      expect(() => parseConfig({ targets: { events: configured } }, 'test')).toThrow(/retention/);
      const target = around.addTarget({ retention });
      await addGood(target, 0);
      await addGood(target, 1);
      setDay(400);
      await expect(retain(target)).rejects.toMatchObject({ name: 'InvalidConfiguration' });
      expect(() =>
        planRetention({
          backups: [],
          rules: retention as never,
          pins: [],
          now: START,
          timeZone: 'UTC',
          complete: true,
          expiring: new Map(),
        }),
      ).toThrow(RangeError);
    },
  );

  test('fault 32: thirty days that become three take a quarter at a time, after a grace in which they can be taken back', async () => {
    const rules = (daily: number) => ({ daily, minimum: 1, graceDays: 3, maxShare: 0.25 });
    const target = around.addTarget({ retention: rules(30) });
    for (let day = 0; day < 20; day += 1) await addGood(target, day);
    setDay(20);
    expect(await retain(target)).toMatchObject({ marked: 0, remove: [] });
    setRules(target, rules(3));
    const shrunk = await retain(target);
    expect(shrunk.remove).toEqual([]);
    expect(shrunk.marked).toBe(17);
    // Set right within the grace, nothing was lost.
    setRules(target, rules(30));
    expect(await retain(target)).toMatchObject({ marked: 0, remove: [], kept: 20 });
    setRules(target, rules(3));
    await retain(target);
    setDay(24);
    expect((await retain(target)).remove).toHaveLength(5);
  });
});

/** As after a deployment; functions read their settings once a minute. */
function setRules(target: string, retention: object): void {
  around.setParameter(
    `/safehouse/test/targets/${target}`,
    JSON.stringify({ url: around.clickhouse.url, schedule: { full: 'cron(0 2 * * ? *)' }, retention }),
  );
  vi.setSystemTime(Date.now() + 120_000);
}

describe('backups that begin in the same second', () => {
  test('fault 33: have an id of their own each, and one scheduled time has one', async () => {
    serveShop(around.clickhouse);
    const now = START + 2 * DAY;
    vi.useFakeTimers({ toFake: ['Date'], now });
    const targets = [around.addTarget(), around.addTarget()];
    const start = async (target: string, execution: string, scheduledTime?: string): Promise<string> => {
      const arn = `arn:aws:states:eu-central-1:123456789012:execution:Backup:${execution}`;
      const input = { target, kind: 'full', ...(scheduledTime && { scheduledTime }) };
      const run = await carried(invoke(begin, { execution: arn, input }));
      const prepared = await carried(invoke(prepare, run));
      return `${target}/${prepared.backup?.id}`;
    };
    const [first = '', second = ''] = targets;
    const byHand = await Promise.all(
      [first, second].flatMap((target) => [1, 2, 3, 4, 5].map((n) => start(target, `${target}-${n}`))),
    );
    expect(new Set(byHand).size).toBe(10);
    const scheduled = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => start(first, `again-${n}`, '2026-04-03T02:00:00Z')),
    );
    expect(new Set(scheduled).size).toBe(1);
    const id = scheduled[0]?.split('/')[1] ?? '';
    expect(await putOnce(around.bucket, `ledger/${first}/${id}/started.json`, {})).toBe(false);
  });
});

describe('junk that somebody writes over the good ones', () => {
  test('fault 49: takes no slot: only what was verified does, and the newest verified backup sets the time', async () => {
    const target = around.addTarget({
      retention: { last: 2, withinDays: 5, minimum: 2, graceDays: 1, maxShare: 1 },
    });
    const good = [await addGood(target, 0), await addGood(target, 1)];
    for (let day = 2; day < 60; day += 1) {
      const id = idOf(day, 'junk');
      await putOnce(around.bucket, `${backupPrefix(target, id)}.backup`, 'junk');
      await write(around.bucket, target, id, 'started');
      if (day % 2 === 0) await write(around.bucket, target, id, 'written');
    }
    setDay(400);
    for (let run = 0; run < 3; run += 1) {
      const removal = await retain(target);
      expect(removal.remove.filter(({ id }) => good.includes(id))).toEqual([]);
      await invoke(remove, removal);
      vi.setSystemTime(Date.now() + 3 * DAY);
    }
    const left = (await retain(target)).kept;
    expect(left).toBe(2);
  });

  test('fault 49: and nobody who writes can delete: one role alone has the right to', () => {
    const { template } = synthesise(minimal);
    const able = resourcesOf(template, 'AWS::IAM::Role').filter(
      ([, { Properties }]) =>
        /s3:DeleteObject(Version)?"/.test(JSON.stringify(Properties)) &&
        /backups\/\*/.test(JSON.stringify(Properties)),
    );
    expect(able.map(([id]) => id)).toEqual([expect.stringMatching(/Remove/)]);
  });
});

describe('uploads that nobody completes', () => {
  test('fault 48: are aborted by a rule of the bucket, which comes later than the longest backup ends', () => {
    const { template } = synthesise(minimal);
    const buckets = resourcesOf(template, 'AWS::S3::Bucket').map(([, { Properties }]) =>
      JSON.stringify(Properties),
    );
    expect(
      buckets.some((text) => text.includes('"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":14}')),
    ).toBe(true);
    const targets = { events: { ...TARGET, maxHours: 48 } };
    expect(() => synthesise({ ...minimal, targets, bucket: { abortMultipartDays: 2 } })).toThrow(
      'S3 would abort uploads of a backup that is still running',
    );
  });

  test('fault 47: a lock that outlasts every rule is refused where the stack is synthesised', () => {
    const targets = { events: { ...TARGET, retention: { daily: 7, graceDays: 3 } } };
    expect(() =>
      synthesise({ ...minimal, targets, bucket: { objectLock: { mode: 'governance', days: 30 } } }),
    ).toThrow('the lock would decide instead of the rules');
  });
});
