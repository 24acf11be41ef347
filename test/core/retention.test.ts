import { describe, expect, it } from 'vitest';
import { planRetention, type RetentionBackup } from '../../core/retention.ts';
import {
  about,
  at,
  DAY,
  dates,
  daysFrom,
  failed,
  full,
  HOUR,
  incremental,
  inputOf,
  marks,
  plan,
  rulesOf,
  running,
  verified,
} from './retention-ledger.ts';

const nightly = (first: string, last: string): RetentionBackup[] =>
  daysFrom(first, last).map((day) => full(day));
const wanted = (backups: readonly RetentionBackup[], rules: object, timeZone = 'UTC'): string[] =>
  dates(plan(backups, { rules: rulesOf({ minimum: 1, ...rules }), timeZone }), 'keep');

describe('each rule', () => {
  const year = nightly('2025-04-03', '2026-04-02');

  it.each([
    [{ last: 3 }, ['2026-03-31', '2026-04-01', '2026-04-02']],
    [{ withinDays: 2 }, ['2026-03-31', '2026-04-01', '2026-04-02']],
    [{ withinDays: 1.5 }, ['2026-04-01', '2026-04-02']],
    [{ daily: 2 }, ['2026-04-01', '2026-04-02']],
    // Weeks end with their Sunday.
    [{ weekly: 3 }, ['2026-03-22', '2026-03-29', '2026-04-02']],
    [{ monthly: 3 }, ['2026-02-28', '2026-03-31', '2026-04-02']],
    [{ yearly: 5 }, ['2025-12-31', '2026-04-02']],
    [{ daily: 2, weekly: 2, monthly: 2 }, ['2026-03-29', '2026-03-31', '2026-04-01', '2026-04-02']],
    [{ yearly: 1, minimum: 3 }, ['2026-03-31', '2026-04-01', '2026-04-02']],
  ])('of %j keeps of a year of nights exactly what it names', (rules, expected) => {
    expect(wanted(year, rules)).toEqual(expected);
  });

  it('takes the newest of several backups in a bucket', () => {
    const [early, late] = [full('2026-04-01T02:00Z'), full('2026-04-01T23:00Z')];
    const decided = plan([early, late, full('2026-04-02')], { rules: rulesOf({ daily: 2, minimum: 1 }) });
    expect(about(decided, early).action).toBe('expire');
    expect(about(decided, late).reasons).toContain('newest of 2026-04-01 (daily 2 of 2)');
  });

  it('passes over buckets without a good backup: a gap uses nothing up', () => {
    const backups = [full('2026-01-05'), full('2026-02-10'), full('2026-04-01'), full('2026-04-02')];
    expect(wanted(backups, { daily: 3 })).toEqual(['2026-02-10', '2026-04-01', '2026-04-02']);
    expect(wanted(backups, { weekly: 3 })).toEqual(['2026-01-05', '2026-02-10', '2026-04-02']);
  });

  it('counts an ISO week over the turn of the year as one', () => {
    expect(wanted(nightly('2026-12-20', '2027-01-05'), { weekly: 3 })).toEqual([
      '2026-12-27',
      '2027-01-03',
      '2027-01-05',
    ]);
  });

  it('includes in its window the backup that stands exactly on the edge', () => {
    const edge = full('2026-03-26T02:00:00Z');
    const beyond = full('2026-03-26T01:59:59Z');
    const decided = plan([beyond, edge, full('2026-04-02')], {
      rules: rulesOf({ withinDays: 7, minimum: 1 }),
    });
    expect(about(decided, edge).rule).toBe('within');
    expect(about(decided, beyond).action).toBe('expire');
  });

  it('says for what it keeps a backup, all of it, and for what it lets one go', () => {
    const rules = rulesOf({ last: 2, withinDays: 1, daily: 2, weekly: 4, monthly: 12, yearly: 3 });
    const backups = nightly('2026-03-29', '2026-04-02');
    const decided = plan(backups, { rules });
    expect(decided.decisions.at(-1)).toEqual({
      id: '20260402T020000Z-full-aaaa',
      action: 'keep',
      rule: 'last',
      reasons: [
        'one of the newest (last 1 of 2)',
        'within 1 day of the newest good backup, 20260402T020000Z-full-aaaa',
        'newest of 2026-04-02 (daily 1 of 2)',
        'newest of 2026-W14 (weekly 1 of 4)',
        'newest of 2026-04 (monthly 1 of 12)',
        'newest of 2026 (yearly 1 of 3)',
        'one of the last 3 good backups (minimum)',
        'the newest good full backup',
      ],
    });
    expect(decided.decisions.map(({ reasons }) => reasons[0])).toEqual([
      'newest of 2026-W13 (weekly 2 of 4)',
      'no rule keeps it: newer good backups take every slot',
      'newest of 2026-03 (monthly 2 of 12)',
      'one of the newest (last 2 of 2)',
      'one of the newest (last 1 of 2)',
    ]);
  });
});

describe('the zone of the target decides where a day ends (restic#2233, sanoid#155)', () => {
  const late = full('2026-04-01T22:30Z');
  const later = full('2026-04-02T02:00Z');

  it.each([
    ['UTC', ['2026-04-01', '2026-04-02']],
    ['Europe/Berlin', ['2026-04-02']],
    ['America/New_York', ['2026-04-02']],
    ['Asia/Tokyo', ['2026-04-02']],
  ])('in %s', (timeZone, expected) => {
    expect(wanted([late, later], { daily: 2 }, timeZone)).toEqual(expected);
  });

  it('holds on the days on which the clock moves', () => {
    // Local midnight: 23:00 UTC before the clock goes forward on 29 March, 22:00 after.
    const backups = ['2026-03-28T22:59Z', '2026-03-28T23:00Z', '2026-03-29T21:59Z', '2026-03-29T22:00Z'].map(
      (time) => full(time),
    );
    const decided = plan(backups, { rules: rulesOf({ daily: 9, minimum: 1 }), timeZone: 'Europe/Berlin' });
    expect(decided.decisions.map(({ reasons }) => reasons[0])).toEqual([
      'newest of 2026-03-28 (daily 3 of 9)',
      'no rule keeps it: newer good backups take every slot',
      'newest of 2026-03-29 (daily 2 of 9)',
      'newest of 2026-03-30 (daily 1 of 9)',
    ]);
  });

  it('counts a day once although the clock was set back over midnight into it', () => {
    // At one minute past midnight of 7 November 2010 the clock of St. John's returned to the day before.
    const first = full('2010-11-06T20:00Z');
    const past = full('2010-11-07T02:30:30Z');
    const again = full('2010-11-07T03:00:00Z');
    const next = full('2010-11-07T12:00Z');
    const rules = rulesOf({ daily: 3, minimum: 1 });
    const decided = plan([first, past, again, next], { rules, timeZone: 'America/St_Johns' });
    expect(about(decided, next).reasons).toContain('newest of 2010-11-07 (daily 1 of 3)');
    expect(about(decided, again).reasons).toContain('newest of 2010-11-06 (daily 2 of 3)');
    expect(about(decided, past).action).toBe('expire');
    expect(about(decided, first).action).toBe('expire');
  });
});

describe('when backups stop or fail, nothing good expires', () => {
  it('keeps the same ten years later, because windows start at the newest good backup (velero#9061, velero#5381)', () => {
    const backups = nightly('2026-03-01', '2026-04-02');
    const rules = rulesOf({ withinDays: 14, weekly: 4 });
    const soon = plan(backups, { rules });
    const late = plan(backups, { rules, now: at('2036-04-02') });
    expect(dates(late, 'keep')).toEqual(dates(soon, 'keep'));
    expect(dates(late, 'keep')).toHaveLength(16);
    expect(dates(late, 'remove')).toEqual([]);
  });

  it('keeps the last good ones through weeks of failures', () => {
    const good = nightly('2026-03-01', '2026-03-03');
    const bad = daysFrom('2026-03-04', '2026-04-02').map((day) => full(day, failed(day)));
    const decided = plan([...good, ...bad], { rules: rulesOf({ last: 2, daily: 2, minimum: 3 }) });
    expect(dates(decided, 'keep')).toEqual(['2026-03-01', '2026-03-02', '2026-03-03']);
  });

  it.each([
    ['failed', failed('2026-04-02')],
    ['failed after it was verified', { ...verified('2026-04-02'), ...failed('2026-04-02T09:00Z') }],
    ['failed after it was proven', { proven: at('2026-04-02'), ...failed('2026-04-02T09:00Z') }],
    ['written but not verified', { written: at('2026-04-02') }],
    ['still running', running],
  ])('gives no slot to a backup that is %s (restic, medusa#66, barman#1081)', (_, states) => {
    const good = full('2026-04-01');
    const decided = plan([good, full('2026-04-02', states)], { rules: rulesOf({ last: 1, minimum: 1 }) });
    expect(about(decided, good).rule).toBe('last');
  });

  it('gives a slot to a proven backup whose verified state was lost', () => {
    const proven = full('2026-04-02', { proven: at('2026-04-02') });
    expect(about(plan([full('2026-04-01'), proven]), proven).rule).toBe('last');
  });

  it('does not count incrementals as a minimum without the full that carries them (barman#1081)', () => {
    const base = full('2026-03-01');
    const chain = daysFrom('2026-03-02', '2026-04-02').map((day) => incremental(day, base));
    const decided = plan([base, ...chain], { rules: rulesOf({ last: 3 }) });
    expect(dates(decided, 'keep')).toEqual(['2026-03-01', '2026-03-31', '2026-04-01', '2026-04-02']);
  });

  it('keeps the newest good full even when every count is used up by incrementals on an older one', () => {
    const old = full('2026-03-01');
    const newest = full('2026-03-15');
    const decided = plan([old, newest, incremental('2026-04-01', old), incremental('2026-04-02', old)]);
    expect(about(decided, newest)).toMatchObject({ action: 'keep', rule: 'last full' });
  });

  it('measures a backup that took longer than its window by when it began (velero#6932)', () => {
    const long = full('2026-03-20', { written: at('2026-04-02'), verified: at('2026-04-02') });
    expect(
      about(plan([long], { rules: rulesOf({ withinDays: 7 }), now: at('2026-04-03') }), long).action,
    ).toBe('keep');
  });

  it('is content with fewer backups than the rules ask for (wal-g#1124, wal-g#1203)', () => {
    expect(plan([], { now: at('2026-04-02') })).toEqual({ decisions: [], abandoned: [] });
    expect(wanted([full('2026-04-02')], { last: 100, yearly: 10, minimum: 50 })).toEqual(['2026-04-02']);
  });

  it('removes nothing that was written whole while no backup is good, but sweeps what was never finished', () => {
    const whole = full('2026-03-01', { ...verified('2026-03-01'), ...failed('2026-03-02') });
    const torn = full('2026-03-02', failed('2026-03-02T03:00Z'));
    const decided = plan([whole, torn], { now: at('2026-04-02') });
    expect(about(decided, whole)).toMatchObject({ action: 'keep', rule: 'no good backup' });
    expect(about(decided, torn).action).toBe('expire');
  });
});

describe('a chain', () => {
  const base = full('2026-03-01');
  const newer = full('2026-04-02');

  it.each([
    ['good', verified('2026-03-02')],
    ['running', running],
    ['written but not verified', { written: at('2026-03-02') }],
    ['failed', failed('2026-03-02')],
    ['marked', { ...verified('2026-03-02'), expiring: at('2026-04-01') }],
    ['kept by hand', { ...verified('2026-03-02'), kept: at('2026-03-02') }],
  ])('keeps its full while an incremental on it is %s (clickhouse-backup#111, #385, #525)', (_, states) => {
    const child = incremental('2026-03-02', base, states);
    const decided = plan([base, child, newer], { runningHours: 10_000 });
    expect(about(decided, base)).toMatchObject({ action: 'keep', rule: 'base' });
    expect(about(decided, base).reasons).toEqual([`base of incremental ${child.entry.id}`]);
  });

  it('keeps its full while an incremental on it is half removed', () => {
    const states = { ...verified('2026-03-02'), expiring: at('2026-03-20') };
    const child = incremental('2026-03-02', base, states, { removing: true });
    const decided = plan([base, child, newer], { expiring: marks([child, '2026-03-25']) });
    expect(about(decided, child).action).toBe('remove');
    expect(about(decided, base).action).toBe('keep');
  });

  it('takes the mark off a full on which an incremental has begun since', () => {
    const marked = full('2026-03-01', { ...verified('2026-03-01'), expiring: at('2026-04-01') });
    const child = incremental('2026-04-02T01:00Z', marked, running);
    const decided = plan([marked, child, newer], { expiring: marks([marked, '2026-04-02T01:30Z']) });
    expect(about(decided, marked)).toMatchObject({ action: 'restore', rule: 'base' });
  });

  it('lets its full go only when the last incremental is gone', () => {
    const child = incremental('2026-03-02', base);
    const gone = incremental('2026-03-02', base, { ...verified('2026-03-02'), removed: at('2026-04-01') });
    expect(about(plan([base, child, newer]), base).action).toBe('keep');
    expect(about(plan([base, child, newer]), child).action).toBe('expire');
    expect(about(plan([base, gone, newer]), base).action).toBe('expire');
  });

  it('counts the incrementals that a full carries', () => {
    const children = daysFrom('2026-03-02', '2026-03-04').map((day) => incremental(day, base));
    expect(about(plan([base, ...children, newer]), base).reasons).toEqual([
      'base of incremental 20260304T020000Z-incr-aaaa and 2 more',
    ]);
  });

  it.each([
    ['was removed', { ...verified('2026-03-01'), removed: at('2026-03-02') }, false],
    ['was removed', { ...verified('2026-03-01'), expiring: at('2026-03-02') }, true],
    ['failed', { ...verified('2026-03-01'), ...failed('2026-03-02') }, false],
    ['was never finished', running, false],
  ])('that lost its base because it %s takes no slot and goes after its grace', (why, states, removing) => {
    const lost = full('2026-03-01', states, { removing });
    const child = incremental('2026-04-02T03:00Z', lost);
    const decided = plan([lost, child, newer]);
    expect(about(decided, newer).rule).toBe('last');
    expect(about(decided, child)).toMatchObject({ action: 'expire', rule: 'broken' });
    expect(about(decided, child).reasons).toEqual([`cannot be restored: its base ${lost.entry.id} ${why}`]);
  });

  it.each([
    [
      '20260301T020000Z-full-gone',
      'its base 20260301T020000Z-full-gone is not among the full backups of the ledger',
    ],
    [null, 'the ledger names no base'],
    [
      incremental('2026-03-02', base),
      'its base 20260302T020000Z-incr-aaaa is not among the full backups of the ledger',
    ],
  ])('of whose base nothing is known takes no slot, is kept, and is reported', (unknown, why) => {
    const child = incremental('2026-04-02T03:00Z', unknown);
    const others = unknown !== null && typeof unknown !== 'string' ? [unknown] : [];
    const decided = plan([base, ...others, newer, child]);
    expect(about(decided, newer).rule).toBe('last');
    expect(about(decided, child)).toMatchObject({ action: 'keep', rule: 'orphaned' });
    expect(about(decided, child).reasons[0]).toContain(why);
  });

  it('whose base is still being verified is not counted, and not given up either', () => {
    const fresh = full('2026-04-02T00:00Z', { written: at('2026-04-02T02:00Z') });
    const child = incremental('2026-04-02T03:00Z', fresh);
    const decided = plan([full('2026-04-01'), fresh, child]);
    expect(decided.decisions.map(({ rule }) => rule)).toEqual(['last', 'unfinished', 'unfinished']);
  });

  it('whose full is merely marked is whole, and brings it back', () => {
    const marked = full('2026-03-01', { ...verified('2026-03-01'), expiring: at('2026-04-01') });
    const child = incremental('2026-04-02T03:00Z', marked);
    const decided = plan([marked, newer, child], { expiring: marks([marked, '2026-04-04']) });
    expect(about(decided, child).rule).toBe('last');
    expect(about(decided, marked).action).toBe('restore');
  });
});

describe('pins and keeps', () => {
  const old = full('2026-03-01');
  const now = at('2026-04-02T03:00Z');
  const pin = { id: old.entry.id, holder: 'restore-abc', lapsesAt: at('2026-04-02T05:00Z') };
  const marked = full('2026-03-01', { ...verified('2026-03-01'), expiring: at('2026-03-20') });
  const expiring = marks([marked, '2026-03-25']);

  it('hold a backup that a restore reads, and say until when (pgBackRest 2.59, litestream#1450)', () => {
    const decided = plan([old, full('2026-04-02')], { pins: [pin], now });
    expect(about(decided, old)).toEqual({
      id: old.entry.id,
      action: 'keep',
      rule: 'pinned',
      reasons: ['pinned by restore-abc until 2026-04-02T05:00:00Z'],
    });
  });

  it('take the mark away even when the grace is over', () => {
    const decided = plan([marked, full('2026-04-02')], { pins: [pin], now, expiring });
    expect(about(decided, marked)).toMatchObject({ action: 'restore', rule: 'pinned' });
  });

  it('hold the base of a pinned incremental', () => {
    const child = incremental('2026-03-02', old);
    const decided = plan([old, child, full('2026-04-02')], { pins: [{ ...pin, id: child.entry.id }], now });
    expect(about(decided, child).rule).toBe('pinned');
    expect(about(decided, old).rule).toBe('base');
  });

  it('hold nothing once they have lapsed', () => {
    const lapsed = { ...pin, lapsesAt: now };
    expect(about(plan([old, full('2026-04-02')], { pins: [lapsed], now }), old).action).toBe('expire');
    const lasting = { ...pin, lapsesAt: now + 1 };
    expect(about(plan([old, full('2026-04-02')], { pins: [lasting], now }), old).action).toBe('keep');
  });

  it('hold for as long as the time of their end cannot be read', () => {
    const unread = { ...pin, lapsesAt: Number.NaN };
    expect(about(plan([old, full('2026-04-02')], { pins: [unread], now }), old).reasons).toEqual([
      'pinned by restore-abc until a time that cannot be read',
    ]);
  });

  it('are told in the order of their holders, and of one holder by their ends, however they were listed', () => {
    const of = (holder: string, hours: number) => ({ ...pin, holder, lapsesAt: now + hours * HOUR });
    const pins = [of('c', 1), of('a', 3), of('b', 2), of('a', 1), of('a', 2)];
    for (const listed of [pins, pins.toReversed()])
      expect(about(plan([old, full('2026-04-02')], { pins: listed, now }), old).reasons).toEqual([
        'pinned by a until 2026-04-02T04:00:00Z',
        'pinned by a until 2026-04-02T05:00:00Z',
        'pinned by a until 2026-04-02T06:00:00Z',
        'pinned by b until 2026-04-02T05:00:00Z',
        'pinned by c until 2026-04-02T04:00:00Z',
      ]);
  });

  it('hold one backup and not the rest (wal-g#1152)', () => {
    const second = full('2026-03-02', { ...verified('2026-03-02'), expiring: at('2026-03-20') });
    const decided = plan([old, second, full('2026-04-02')], {
      pins: [pin],
      now,
      expiring: marks([second, '2026-03-25']),
    });
    expect(dates(decided, 'remove')).toEqual(['2026-03-02']);
  });

  it('of backups that are not there change nothing', () => {
    const pins = [{ ...pin, id: '20200101T000000Z-full-gone' }];
    expect(plan([old, full('2026-04-02')], { pins, now })).toEqual(plan([old, full('2026-04-02')], { now }));
  });

  it('by hand win over every rule, over failure, and over a mark', () => {
    const kept = { kept: at('2026-03-02') };
    const good = full('2026-03-01', { ...verified('2026-03-01'), ...kept });
    const bad = full('2026-03-02', { ...failed('2026-03-02'), ...kept });
    const back = full('2026-03-03', { ...verified('2026-03-03'), ...kept, expiring: at('2026-03-20') });
    const decided = plan([good, bad, back, full('2026-04-02')], { expiring: marks([back, '2026-03-25']) });
    expect(decided.decisions.map(({ action, rule }) => `${action}: ${rule}`)).toEqual([
      'keep: kept',
      'keep: kept',
      'restore: kept',
      'keep: last',
    ]);
  });
});

describe('a backup dated in the future', () => {
  it('takes no slot, is kept, and does not evict a real one', () => {
    const real = full('2026-04-02');
    const future = full('2036-04-02');
    const decided = plan([full('2026-04-01'), real, future], { now: at('2026-04-02T03:00Z') });
    expect(about(decided, real).rule).toBe('last');
    expect(about(decided, future)).toMatchObject({
      action: 'keep',
      rule: 'future',
      reasons: ['dated in the future, 2036-04-02T02:00:00Z: kept, but takes no slot'],
    });
  });

  it('does not move the window either', () => {
    const decided = plan([full('2026-04-02'), full('2036-04-02')], {
      rules: rulesOf({ withinDays: 7, minimum: 1 }),
      now: at('2026-04-02T03:00Z'),
    });
    expect(decided.decisions[0]?.rule).toBe('within');
  });

  it('is one only when the clocks differ by more than five minutes', () => {
    const real = full('2026-04-02T02:00Z');
    expect(about(plan([real], { now: at('2026-04-02T01:55Z') }), real).rule).toBe('last');
    expect(about(plan([real], { now: at('2026-04-02T01:54:59Z') }), real).rule).toBe('future');
  });
});

describe('leftovers', () => {
  const good = full('2026-04-02');
  const actionAt = (backup: RetentionBackup, now: string, runningHours?: number) =>
    about(
      plan([backup, good], { now: at(now), ...(runningHours === undefined ? {} : { runningHours }) }),
      backup,
    );

  it('of a failed backup are marked at once, with a grace that counts from the failure', () => {
    const bad = full('2026-04-01', failed('2026-04-01T05:00Z'));
    expect(actionAt(bad, '2026-04-02T03:00Z')).toEqual({
      id: bad.entry.id,
      action: 'expire',
      rule: 'failed',
      reasons: ['failed 22 hours ago: leftovers'],
      removeAfter: at('2026-04-04T05:00Z'),
    });
  });

  it('of a failure found late are marked before they are removed, though their grace is over', () => {
    const bad = full('2026-03-24', failed('2026-03-24T03:00Z'));
    const now = at('2026-04-02T05:00Z');
    const first = about(plan([bad, good], { now }), bad);
    expect(first).toMatchObject({
      action: 'expire',
      removeAfter: now,
      reasons: ['failed 9 days ago: leftovers'],
    });
    const marked = { ...bad, entry: { ...bad.entry, states: { ...bad.entry.states, expiring: now } } };
    const expiring = new Map([[bad.entry.id, { removeAfter: now }]]);
    expect(about(plan([marked, good], { now, expiring }), bad).action).toBe('wait');
    expect(about(plan([marked, good], { now: now + 1, expiring }), bad).action).toBe('remove');
  });

  it('are not what may still be running', () => {
    const open = full('2026-04-01', running);
    expect(actionAt(open, '2026-04-01T14:59:59Z', 13)).toEqual({
      id: open.entry.id,
      action: 'keep',
      rule: 'unfinished',
      reasons: ['may still be running or being verified, until 2026-04-01T15:00:00Z'],
    });
    expect(actionAt(open, '2026-04-01T15:00:00Z', 13)).toMatchObject({
      action: 'expire',
      rule: 'abandoned',
      reasons: ['never finished, and its time was over 0 hours ago: leftovers'],
      removeAfter: at('2026-04-04T15:00Z'),
    });
  });

  it('are not what S3 saw a sign of later than the id says', () => {
    const late = full('2026-04-01', { started: at('2026-04-01T04:00Z') });
    expect(actionAt(late, '2026-04-01T16:59Z', 13).action).toBe('keep');
    const written = full('2026-04-01', { written: at('2026-04-01T14:00Z') });
    expect(actionAt(written, '2026-04-02T02:59Z', 13).action).toBe('keep');
    expect(actionAt(written, '2026-04-02T03:00Z', 13).rule).toBe('abandoned');
  });

  it('wait a week where no longest duration is known', () => {
    const open = full('2026-04-01', running);
    expect(actionAt(open, '2026-04-08T02:59Z').action).toBe('keep');
    expect(actionAt(open, '2026-04-08T03:00Z').action).toBe('expire');
  });

  it('get their mark taken away when they turn out to be running, or good after all', () => {
    const open = full('2026-04-01', { expiring: at('2026-04-01') });
    const late = full('2026-04-01T03:00Z', { ...verified('2026-04-01'), expiring: at('2026-04-01') });
    const decided = plan([open, late, good], {
      rules: rulesOf({ last: 2 }),
      expiring: marks([open, '2026-04-02'], [late, '2026-04-02']),
    });
    expect(about(decided, open)).toMatchObject({ action: 'restore', rule: 'unfinished' });
    expect(about(decided, late)).toMatchObject({ action: 'restore', rule: 'last' });
  });
});

describe('marks and grace', () => {
  const good = full('2026-04-02');
  const marked = full('2026-03-01', { ...verified('2026-03-01'), expiring: at('2026-03-30') });

  it('precede every removal, with the end of the grace to be written', () => {
    const rules = rulesOf({ last: 1, minimum: 1, graceDays: 7 });
    expect(
      about(plan([full('2026-03-01'), good], { rules, now: at('2026-04-02T03:00Z') }), marked),
    ).toMatchObject({
      action: 'expire',
      rule: 'no rule',
      removeAfter: at('2026-04-09T03:00Z'),
    });
  });

  it.each([
    ['2026-04-02T02:59:59Z', 'wait'],
    ['2026-04-02T03:00:00Z', 'wait'],
    ['2026-04-02T03:00:01Z', 'remove'],
  ])('at %s mean: %s', (now, action) => {
    const expiring = marks([marked, '2026-04-02T03:00:00Z']);
    expect(about(plan([marked, good], { now: at(now), expiring }), marked).action).toBe(action);
  });

  it('say until when, and since when', () => {
    const expiring = marks([marked, '2026-04-02T03:00:00Z']);
    const now = { before: at('2026-04-02T02:30Z'), after: at('2026-04-02T03:30Z') };
    expect(about(plan([marked, good], { now: now.before, expiring }), marked)).toEqual({
      id: marked.entry.id,
      action: 'wait',
      rule: 'no rule',
      reasons: [
        'no rule keeps it: newer good backups take every slot',
        'its grace lasts until 2026-04-02T03:00:00Z',
      ],
      removeAfter: at('2026-04-02T03:00Z'),
    });
    expect(about(plan([marked, good], { now: now.after, expiring }), marked).reasons[1]).toBe(
      'its grace ended at 2026-04-02T03:00:00Z',
    );
  });

  it.each([
    ['is missing', new Map()],
    ['cannot be read', new Map([[marked.entry.id, { removeAfter: Number.NaN }]])],
  ])('whose evidence %s remove nothing', (_, expiring) => {
    const decided = about(plan([marked, good], { now: at('2027-04-02'), expiring }), marked);
    expect(decided).toMatchObject({ action: 'wait', rule: 'mark unread' });
  });

  it('are taken back when the rules were widened', () => {
    const decided = plan([marked, good], {
      rules: rulesOf({ last: 2 }),
      expiring: marks([marked, '2026-04-01']),
    });
    expect(about(decided, marked)).toMatchObject({ action: 'restore', rule: 'last' });
  });

  it('are taken back when a newer backup turned out bad', () => {
    const bad = full('2026-04-02', { ...verified('2026-04-02'), ...failed('2026-04-02T09:00Z') });
    const decided = plan([marked, bad], { expiring: marks([marked, '2026-04-01']) });
    expect(about(decided, marked).action).toBe('restore');
  });

  it('do not hide a backup from the minimum', () => {
    const decided = plan([marked, good], {
      rules: rulesOf({ last: 1, minimum: 2 }),
      expiring: marks([marked, '2026-04-01']),
    });
    expect(about(decided, marked)).toMatchObject({ action: 'restore', rule: 'minimum' });
  });
});

describe('a removal that has begun (medusa#546)', () => {
  const now = at('2026-04-02T03:00Z');
  const states = { ...verified('2026-03-01'), expiring: at('2026-03-20') };
  const half = full('2026-03-01', states, { removing: true });
  const good = full('2026-04-02');
  const expiring = marks([half, '2026-03-25']);

  it('goes on', () => {
    expect(about(plan([half, good], { now, expiring }), half)).toMatchObject({
      action: 'remove',
      rule: 'removing',
      reasons: [
        'its removal has begun, so it cannot be kept any more',
        'its grace ended at 2026-03-25T02:00:00Z',
      ],
    });
  });

  it('is not counted as a backup by any rule', () => {
    const decided = plan([half, good], { rules: rulesOf({ last: 2 }), now, expiring });
    expect(about(decided, half).action).toBe('remove');
  });

  it('cannot be undone by a keep, for its manifest is gone', () => {
    const kept = full('2026-03-01', { ...states, kept: now }, { removing: true });
    expect(about(plan([kept, good], { now, expiring }), kept).action).toBe('remove');
  });

  it('waits for whoever has pinned it', () => {
    const pins = [{ id: half.entry.id, holder: 'restore-abc', lapsesAt: now + HOUR }];
    expect(about(plan([half, good], { now, expiring, pins }), half)).toMatchObject({
      action: 'wait',
      rule: 'pinned',
    });
  });

  it('waits for the incrementals on it', () => {
    const child = incremental('2026-03-02', half);
    expect(about(plan([half, child, good], { now, expiring }), half)).toMatchObject({
      action: 'wait',
      rule: 'base',
    });
  });

  it('waits while no backup is good', () => {
    const bad = full('2026-04-02', failed('2026-04-02'));
    expect(about(plan([half, bad], { now, expiring }), half)).toMatchObject({
      action: 'wait',
      rule: 'no good backup',
    });
  });

  it('waits when its mark cannot be read', () => {
    expect(about(plan([half, good], { now }), half)).toMatchObject({ action: 'wait', rule: 'mark unread' });
  });

  it('is marked again when its mark was lost, so that it is finished one day', () => {
    const unmarked = full('2026-03-01', verified('2026-03-01'), { removing: true });
    expect(about(plan([unmarked, good], { now }), unmarked)).toMatchObject({
      action: 'expire',
      rule: 'removing',
      removeAfter: at('2026-04-05T03:00Z'),
    });
  });

  it('goes before removals that have not', () => {
    const older = full('2026-02-01', { ...verified('2026-02-01'), expiring: at('2026-03-20') });
    const both = marks([half, '2026-03-25'], [older, '2026-03-25']);
    expect(dates(plan([older, half, good], { now, expiring: both }), 'remove')).toEqual(['2026-03-01']);
  });
});

describe('the pages that are to be closed', () => {
  const now = at('2026-04-02T03:00Z');
  const began = full('2026-03-01', running);
  const written = full('2026-03-02', { written: at('2026-03-02') });

  it('are those of what began and never ended, whatever keeps it', () => {
    const kept = full('2026-03-03', { kept: at('2026-03-04') });
    const decided = plan(
      [
        began,
        written,
        kept,
        full('2026-03-05', failed('2026-03-05')),
        full('2026-04-01'),
        full('2026-04-02', running),
      ],
      { now },
    );
    expect(decided.abandoned).toEqual([began.entry.id, written.entry.id, kept.entry.id]);
  });

  it('are not those of what was written whole where nothing is good', () => {
    expect(plan([began, written], { now }).abandoned).toEqual([began.entry.id]);
  });

  it('are none over a listing that is incomplete', () => {
    expect(plan([began, full('2026-04-02')], { now, complete: false }).abandoned).toEqual([]);
  });
});

describe('an incomplete listing', () => {
  it('leaves a mark that is in the ledger alone, though its evidence was not read', () => {
    const marked = full('2026-03-01', { ...verified('2026-03-01'), expiring: at('2026-03-20') });
    const unmarked = full('2026-04-02');
    const held = plan([marked, unmarked], { complete: false });
    expect([about(held, marked).action, about(held, unmarked).action]).toEqual(['wait', 'keep']);
  });

  it('marks, removes and restores nothing, and says so', () => {
    const marked = full('2026-03-01', { ...verified('2026-03-01'), expiring: at('2026-03-20') });
    const kept = full('2026-03-02', {
      ...verified('2026-03-02'),
      kept: at('2026-03-20'),
      expiring: at('2026-03-20'),
    });
    const half = full('2026-03-03', verified('2026-03-03'), { removing: true });
    const decided = plan([marked, kept, half, full('2026-04-01'), full('2026-04-02')], {
      complete: false,
      expiring: marks([marked, '2026-03-25'], [kept, '2026-03-25']),
    });
    expect(decided.decisions.map(({ action }) => action)).toEqual(['wait', 'wait', 'wait', 'keep', 'keep']);
    expect(decided.held).toMatch(/^the listing is incomplete: nothing is marked or removed/);
    expect(decided.decisions[0]).toMatchObject({ rule: 'incomplete', reasons: [decided.held] });
  });

  it('is the only reason for a plan to be held', () => {
    expect(plan([full('2026-04-02')])).not.toHaveProperty('held');
  });
});

describe('the share of one run', () => {
  it.each([
    [0, ['2026-03-01', '2026-03-02', '2026-03-03']],
    [6, ['2026-03-01', '2026-03-02', '2026-03-07']],
  ])('is spent on a removal that has begun (number %i), once, and then on the oldest', (begun, expected) => {
    const expired = daysFrom('2026-03-01', '2026-03-08').map((day, index) =>
      full(day, { ...verified(day), expiring: at('2026-03-10') }, { removing: index === begun }),
    );
    const decided = plan([...expired, full('2026-04-02')], {
      rules: rulesOf({ last: 1, minimum: 1, maxShare: 0.34 }),
      expiring: marks(...expired.map((each) => [each, '2026-03-12'] as const)),
    });
    expect(dates(decided, 'remove')).toEqual(expected);
  });

  const days = daysFrom('2026-03-01', '2026-03-20');
  const marked = days.map((day) => full(day, { ...verified(day), expiring: at('2026-03-25') }));
  const expiring = new Map(marked.map(({ entry }) => [entry.id, { removeAfter: at('2026-03-28') }]));
  const shared = (maxShare: number, backups = [...marked, full('2026-04-02')]) =>
    plan(backups, { rules: rulesOf({ last: 1, minimum: 1, maxShare }), expiring });

  it.each([
    [0.25, 5],
    [0.5, 10],
    [1, 20],
    [0.01, 1],
  ])('of %d lets of 21 backups the oldest %d go', (maxShare, number) => {
    expect(dates(shared(maxShare), 'remove')).toEqual(days.slice(0, number));
  });

  it('tells the others why they wait', () => {
    const waiting = shared(0.25).decisions.filter(({ rule }) => rule === 'share');
    expect(waiting).toHaveLength(15);
    expect(waiting[0]?.action).toBe('wait');
    expect(waiting[0]?.reasons.at(-1)).toBe(
      'one run removes at most 5 of 21 backups (maxShare 0.25): goes in a later run',
    );
  });

  it('is counted on what exists, not on what was removed long ago', () => {
    const gone = daysFrom('2025-01-01', '2025-12-31').map((day) =>
      full(day, { ...verified(day), removed: at(day) }),
    );
    expect(dates(shared(0.25, [...gone, ...marked, full('2026-04-02')]), 'remove')).toHaveLength(5);
  });
});

describe('the ledger that is planned', () => {
  it('is ordered by time and then by id, however it was listed', () => {
    const of = (random: string) => full('2026-04-01', verified('2026-04-01'), { random });
    const three = [of('bbbb'), of('cccc'), of('aaaa')];
    for (const listed of [three, three.toReversed()])
      expect(plan(listed).decisions.map(({ id }) => id.slice(-4))).toEqual(['aaaa', 'bbbb', 'cccc']);
  });

  it('says in hours and days how long ago something failed', () => {
    const now = at('2026-04-02T02:00Z');
    const reason = (hours: number) => {
      const entry = full('2026-01-01', { failed: now - hours * HOUR });
      return about(plan([entry, full('2026-04-02')], { now }), entry).reasons[0];
    };
    expect([0, 1, 47, 48, 72].map(reason)).toEqual([
      'failed 0 hours ago: leftovers',
      'failed 1 hour ago: leftovers',
      'failed 47 hours ago: leftovers',
      'failed 2 days ago: leftovers',
      'failed 3 days ago: leftovers',
    ]);
  });

  it('may come in any order, and is answered oldest first', () => {
    const backups = nightly('2026-03-01', '2026-03-05');
    const decided = plan([...backups].reverse());
    expect(decided).toEqual(plan(backups));
    expect(decided.decisions.map(({ id }) => id)).toEqual(backups.map(({ entry }) => entry.id));
  });

  it('puts two backups of the same second in the order of their ids', () => {
    const [a, b] = ['aaaa', 'bbbb'].map((random) => full('2026-04-02', verified('2026-04-02'), { random }));
    if (a === undefined || b === undefined) throw new Error('two backups were made');
    expect(about(plan([b, a]), b).action).toBe('keep');
    expect(about(plan([a, b]), a).action).toBe('expire');
  });

  it('says nothing of what is removed already', () => {
    const gone = full('2026-03-01', { ...verified('2026-03-01'), removed: at('2026-03-20') });
    expect(dates(plan([gone, full('2026-04-02')]), 'keep', 'expire', 'wait', 'remove', 'restore')).toEqual([
      '2026-04-02',
    ]);
  });

  it('is refused when it names a backup twice, or mixes targets', () => {
    const one = full('2026-04-02');
    expect(() => plan([one, one])).toThrow('the ledger names 20260402T020000Z-full-aaaa twice');
    const other = full('2026-04-01', verified('2026-04-01'), { target: 'billing' });
    expect(() => plan([one, other])).toThrow(
      "retention plans one target at a time, got billing and orders: they would take each other's slots",
    );
  });

  it('is refused when the time or the zone make no sense', () => {
    expect(() => plan([full('2026-04-02')], { now: Number.NaN })).toThrow(
      'now must be milliseconds since 1970, got NaN',
    );
    expect(() => plan([full('2026-04-02')], { timeZone: 'Europe/Berlim' })).toThrow(
      'expected an IANA time zone',
    );
  });

  it('is not changed by being planned', () => {
    const input = inputOf([full('2026-04-02'), full('2026-04-01')], {
      pins: [
        { id: 'b', holder: 'b', lapsesAt: 0 },
        { id: 'a', holder: 'a', lapsesAt: 0 },
      ],
    });
    const before = structuredClone(input);
    planRetention(input);
    expect(input).toEqual(before);
  });

  it('does not let junk that a broken or hostile writer adds push a good backup out', () => {
    const good = nightly('2026-03-01', '2026-03-05');
    const junk = Array.from({ length: 500 }, (_, index) =>
      full(new Date(at('2026-03-06') + index * HOUR).toISOString(), failed('2026-04-02')),
    );
    const rules = rulesOf({ last: 5, daily: 5 });
    const decided = plan([...good, ...junk], { rules });
    expect(good.map((backup) => about(decided, backup).action)).toEqual([
      'keep',
      'keep',
      'keep',
      'keep',
      'keep',
    ]);
  });

  it('may hold a hundred thousand backups', () => {
    const backups = Array.from({ length: 100_000 }, (_, index) =>
      full(new Date(at('1990-01-01') + index * DAY * 0.1).toISOString()),
    );
    const before = performance.now();
    const decided = plan(backups, {
      rules: rulesOf({ daily: 10_000, yearly: 100 }),
      timeZone: 'Europe/Berlin',
    });
    expect(decided.decisions).toHaveLength(100_000);
    // A plan that is not linear takes minutes; the figure itself is measured by the benchmark.
    expect(performance.now() - before).toBeLessThan(20_000);
  }, 60_000);
});
