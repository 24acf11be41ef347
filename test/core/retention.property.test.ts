/** What must hold of every plan, whatever the ledger, the rules, the pins and the clock. */
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Kind } from '../../core/backup-id.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import type { State } from '../../core/ledger.ts';
import {
  type Action,
  type Decision,
  planRetention,
  type RetentionBackup,
  type RetentionInput,
  type RetentionPlan,
  retentionSchema,
} from '../../core/retention.ts';
import { tries } from './property-runs.ts';
import { DAY, HOUR } from './retention-ledger.ts';

// A second or two each; the limit is for machines that do much else.
vi.setConfig({ testTimeout: 60_000 });

const FIRST = Date.UTC(2026, 1, 20);
const RUNS = tries(500);

type Sketch = {
  readonly hours: number;
  readonly kind: Kind;
  /** Which of the full backups; with `isLost`, whichever backup, one that does not exist, or none. */
  readonly base: number;
  readonly isLost: boolean;
  readonly end: 'verified' | 'proven' | 'written' | 'failed' | 'failed later' | 'started';
  readonly mark: 'none' | 'waiting' | 'over' | 'unread' | 'removing' | 'removed';
  readonly isKept: boolean;
};

const often = (times: number, of: number): fc.Arbitrary<boolean> =>
  fc.integer({ min: 1, max: of }).map((chance) => chance <= times);

const sketch: fc.Arbitrary<Sketch> = fc.record({
  hours: fc.integer({ min: 0, max: 60 * 24 }),
  kind: fc.constantFrom<Kind>('full', 'incremental'),
  base: fc.nat({ max: 30 }),
  isLost: often(1, 10),
  end: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Sketch['end']>('verified', 'proven') },
    { weight: 2, arbitrary: fc.constantFrom<Sketch['end']>('written', 'failed', 'failed later', 'started') },
  ),
  mark: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Sketch['mark']>('none') },
    { weight: 4, arbitrary: fc.constantFrom<Sketch['mark']>('waiting', 'over') },
    { weight: 2, arbitrary: fc.constantFrom<Sketch['mark']>('unread', 'removing', 'removed') },
  ),
  isKept: often(1, 12),
});

const count = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 2 });
const rules = fc
  .record({
    last: count,
    withinDays: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    minimum: fc.integer({ min: 1, max: 3 }),
    graceDays: fc.integer({ min: 1, max: 5 }),
    maxShare: fc.constantFrom(0.01, 0.1, 0.25, 0.5, 1),
  })
  .map((given) => retentionSchema.safeParse(given))
  .filter((parsed) => parsed.success)
  .map(({ data }) => data);

const input: fc.Arbitrary<RetentionInput> = fc
  .record({
    sketches: fc.array(sketch, { minLength: 1, maxLength: 24 }),
    rules,
    pinned: fc.array(fc.tuple(fc.nat(), fc.integer({ min: -5, max: 5 })), { maxLength: 2 }),
    now: fc.integer({ min: 50 * 24, max: 70 * 24 }),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu'),
    complete: often(9, 10),
    runningHours: fc.integer({ min: 1, max: 48 }),
  })
  .map(({ sketches, pinned, now, ...others }) => {
    const time = FIRST + now * HOUR;
    const ids = sketches.map(({ hours, kind }, index) =>
      makeBackupId(FIRST + hours * HOUR, kind, index.toString(36).padStart(4, '0')),
    );
    const pins = pinned.map(([index, hours], holder) => ({
      id: ids[index % ids.length] ?? '',
      holder: `restore-${holder}`,
      lapsesAt: time + hours * HOUR,
    }));
    const backups = sketches.map((each, index) => backupOf(each, ids[index] ?? '', ids, time));
    return { backups, expiring: evidenceOf(sketches, ids, time), pins, now: time, ...others };
  });

function backupOf(each: Sketch, id: string, ids: readonly string[], now: number): RetentionBackup {
  const startedAt = FIRST + each.hours * HOUR;
  const ends: Record<Sketch['end'], Partial<Record<State, number>>> = {
    verified: { written: startedAt, verified: startedAt },
    proven: { written: startedAt, verified: startedAt, proven: startedAt },
    written: { written: startedAt },
    failed: { failed: startedAt + HOUR },
    'failed later': { verified: startedAt, failed: startedAt + 2 * DAY },
    started: {},
  };
  const isMarked = each.mark !== 'none';
  return {
    entry: {
      id,
      startedAt,
      kind: each.kind,
      target: 'orders',
      states: {
        started: startedAt,
        ...ends[each.end],
        ...(each.isKept ? { kept: startedAt } : {}),
        ...(isMarked ? { expiring: now - 4 * DAY } : {}),
        ...(each.mark === 'removed' ? { removed: now - DAY } : {}),
      },
    },
    base: each.kind === 'full' ? null : baseOf(each, ids),
    removing: each.mark === 'removing',
  };
}

function baseOf({ base, isLost }: Sketch, ids: readonly string[]): string | null {
  const fulls = ids.filter((id) => id.includes('full'));
  if (isLost || fulls.length === 0) return base === 0 ? null : (ids[base] ?? '20200101T000000Z-full-gone');
  return fulls[base % fulls.length] ?? null;
}

function evidenceOf(sketches: readonly Sketch[], ids: readonly string[], now: number) {
  const ends: Partial<Record<Sketch['mark'], number>> = {
    waiting: now + DAY,
    over: now - DAY,
    unread: Number.NaN,
    removing: now - DAY,
  };
  const expiring = new Map<string, { readonly removeAfter: number }>();
  for (const [index, { mark }] of sketches.entries()) {
    const removeAfter = ends[mark];
    if (removeAfter !== undefined) expiring.set(ids[index] ?? '', { removeAfter });
  }
  return expiring;
}

const withAction = ({ decisions }: RetentionPlan, ...actions: readonly Action[]): Set<string> =>
  new Set(decisions.filter(({ action }) => actions.includes(action)).map(({ id }) => id));

const existing = ({ backups }: RetentionInput): RetentionBackup[] =>
  backups.filter(({ entry }) => entry.states.removed === undefined);

/** Good in the words of the design, said again: verified, whole, not failed, not on its way out, not of the future. */
function goodOnes({ backups, now }: RetentionInput, isFutureGood = false): RetentionBackup[] {
  const isWhole = (backup: RetentionBackup | undefined): boolean => {
    if (backup === undefined) return false;
    const { verified, proven, failed, removed } = backup.entry.states;
    const isVerified = verified !== undefined || proven !== undefined;
    return isVerified && failed === undefined && removed === undefined && backup.removing !== true;
  };
  return backups.filter((backup) => {
    const { kind, startedAt } = backup.entry;
    if (!isWhole(backup) || (startedAt > now + 300_000 && !isFutureGood)) return false;
    const base = backups.find(({ entry }) => entry.id === backup.base);
    return kind === 'full' || (isWhole(base) && base?.entry.kind === 'full');
  });
}

/** Carries a plan out at the moment at which it was made. */
function apply(given: RetentionInput, { decisions }: RetentionPlan): RetentionInput {
  const byId = new Map(decisions.map((decision) => [decision.id, decision]));
  const expiring = new Map(given.expiring);
  const backups = given.backups.map((backup): RetentionBackup => {
    const { id, states } = backup.entry;
    const decision = byId.get(id);
    const { expiring: _, ...unmarked } = states;
    if (decision?.action === 'restore') expiring.delete(id);
    if (decision?.action === 'expire' && decision.removeAfter !== undefined)
      expiring.set(id, { removeAfter: decision.removeAfter });
    const after: Partial<Record<Action, typeof states>> = {
      remove: { ...states, removed: given.now },
      restore: unmarked,
      expire: { ...states, expiring: given.now },
    };
    const changed = decision === undefined ? undefined : after[decision.action];
    return changed === undefined ? backup : { ...backup, entry: { ...backup.entry, states: changed } };
  });
  return { ...given, backups, expiring };
}

const always = (name: string, check: (given: RetentionInput, plan: RetentionPlan) => void): void => {
  it(name, async () => {
    await fc.assert(
      fc.property(input, (given) => {
        check(given, planRetention(given));
      }),
      RUNS,
    );
  });
};

describe('every plan', () => {
  it('is made of ledgers in which everything happens', () => {
    const seen = new Map<string, number>();
    for (const given of fc.sample(input, { numRuns: 2000, seed: 1 }))
      for (const { action, rule } of planRetention(given).decisions)
        for (const what of [action, rule]) seen.set(what, (seen.get(what) ?? 0) + 1);
    const rare = [...seen].filter(([, times]) => times < 20);
    expect(rare).toEqual([]);
    expect([...seen.keys()].sort()).toEqual([
      'abandoned',
      'base',
      'broken',
      'daily',
      'expire',
      'failed',
      'future',
      'incomplete',
      'keep',
      'kept',
      'last',
      'last full',
      'mark unread',
      'minimum',
      'monthly',
      'no good backup',
      'no rule',
      'orphaned',
      'pinned',
      'remove',
      'removing',
      'restore',
      'share',
      'unfinished',
      'wait',
      'weekly',
      'within',
      'yearly',
    ]);
  });

  always(
    'decides once about each backup that exists, oldest first, with a reason',
    (given, { decisions }) => {
      const ids = existing(given).map(({ entry }) => entry.id);
      // The ids begin with the time; the number at their end is in no order.
      const order = [...ids].sort((a, b) => (a < b ? -1 : 1));
      const times = decisions.map(({ id }) => id.slice(0, 16));
      expect(decisions.map(({ id }) => id).sort()).toEqual(order);
      expect(times).toEqual([...times].sort());
      for (const { reasons } of decisions) {
        expect(reasons.length).toBeGreaterThan(0);
        expect(reasons.every((reason) => reason.length > 10)).toBe(true);
      }
    },
  );

  always('leaves the base of every incremental that exists, in whatever state it is', (given, plan) => {
    const gone = withAction(plan, 'remove', 'expire');
    for (const { base } of existing(given)) expect(gone.has(base ?? '')).toBe(false);
  });

  always('leaves what is pinned, and its base', (given, plan) => {
    const gone = withAction(plan, 'remove', 'expire');
    for (const { id, lapsesAt } of given.pins) {
      if (lapsesAt <= given.now) continue;
      const pinned = existing(given).find(({ entry }) => entry.id === id);
      expect(gone.has(id)).toBe(false);
      expect(gone.has(pinned?.base ?? '')).toBe(false);
    }
  });

  always('leaves what is kept by hand, unless its removal had begun', (given, plan) => {
    const gone = withAction(plan, 'remove', 'expire');
    for (const { entry, removing } of existing(given))
      if (entry.states.kept !== undefined && removing !== true) expect(gone.has(entry.id)).toBe(false);
  });

  always('leaves at least the minimum of good backups, and none of them marked', (given, plan) => {
    const before = goodOnes(given);
    const gone = withAction(plan, 'remove', 'expire', 'wait');
    const after = before.filter(({ entry }) => !gone.has(entry.id));
    if (given.complete)
      expect(after.length).toBeGreaterThanOrEqual(Math.min(given.rules.minimum, before.length));
    else expect(withAction(plan, 'remove', 'expire').size).toBe(0);
  });

  always('leaves the newest good full backup', (given, plan) => {
    const fulls = goodOnes(given).filter(({ entry }) => entry.kind === 'full');
    const newest = fulls.map(({ entry }) => entry.id).sort((a, b) => (a < b ? 1 : -1))[0];
    expect(withAction(plan, 'remove', 'expire').has(newest ?? '')).toBe(false);
  });

  always('removes only what was marked, once its grace is over', (given, plan) => {
    for (const id of withAction(plan, 'remove')) {
      expect(given.expiring.get(id)?.removeAfter).toBeLessThan(given.now);
    }
  });

  always('removes at most the share of one run, or one backup', (given, plan) => {
    const most = Math.max(1, given.rules.maxShare * existing(given).length);
    expect(withAction(plan, 'remove').size).toBeLessThanOrEqual(most);
  });

  always('gives a grace that lies ahead, and a whole one to what did not fail', (given, { decisions }) => {
    for (const { action, rule, removeAfter } of decisions) {
      if (action !== 'expire') continue;
      expect(removeAfter).toBeGreaterThanOrEqual(given.now);
      if (rule === 'no rule' || rule === 'broken')
        expect(removeAfter).toBe(given.now + given.rules.graceDays * DAY);
    }
  });

  always('changes nothing on an incomplete listing', (given) => {
    const plan = planRetention({ ...given, complete: false });
    expect(withAction(plan, 'expire', 'remove', 'restore').size).toBe(0);
    expect(plan.held).toContain('incomplete');
  });

  always('leaves the future alone', (given, plan) => {
    const gone = withAction(plan, 'remove', 'expire');
    for (const { entry, removing } of existing(given))
      if (entry.startedAt > given.now + 300_000 && removing !== true) expect(gone.has(entry.id)).toBe(false);
  });

  always('is the same in whatever order ledger and pins come', (given, plan) => {
    const turned = { ...given, backups: [...given.backups].reverse(), pins: [...given.pins].reverse() };
    expect(planRetention(turned)).toEqual(plan);
  });
});

describe('planning again', () => {
  always(
    'at the same moment removes only what the share held back, or what had to wait for an incremental',
    (given, plan) => {
      const waited = new Set(
        plan.decisions.filter(({ rule }) => rule === 'share' || rule === 'base').map(({ id }) => id),
      );
      for (const id of withAction(planRetention(apply(given, plan)), 'remove'))
        expect(waited.has(id)).toBe(true);
    },
  );

  always(
    'at the same moment marks nothing anew but bases whose incrementals went, and takes no mark back',
    (given, plan) => {
      const again = planRetention(apply(given, plan));
      const bases = new Set(plan.decisions.filter(({ rule }) => rule === 'base').map(({ id }) => id));
      for (const id of withAction(again, 'expire')) expect(bases.has(id)).toBe(true);
      expect([...withAction(again, 'restore')]).toEqual([]);
    },
  );

  always('ten years later, with no new backups, removes nothing that was not marked', (given) => {
    const late = planRetention({ ...given, now: given.now + 3650 * DAY });
    for (const id of withAction(late, 'remove')) expect(given.expiring.has(id)).toBe(true);
  });

  always(
    'ten years later, with no new backups, wants the same good backups as long as none was of the future',
    (given) => {
      const isOfThePast = ({ entry }: RetentionBackup): boolean => entry.startedAt <= given.now;
      const past: RetentionInput = {
        ...given,
        backups: given.backups.filter(isOfThePast),
        pins: [],
        complete: true,
      };
      const late: RetentionInput = { ...past, now: given.now + 3650 * DAY };
      const slots = (plan: RetentionPlan): string[] => plan.decisions.filter(isSlot).map(({ id }) => id);
      expect(slots(planRetention(late))).toEqual(slots(planRetention(past)));
    },
  );
});

const SLOTS = new Set(['last', 'within', 'daily', 'weekly', 'monthly', 'yearly', 'minimum', 'last full']);
const isSlot = ({ rule }: Decision): boolean => SLOTS.has(rule);

describe('adding', () => {
  it('a pin never lets more go, least of all from the pinned chain', async () => {
    await fc.assert(
      fc.property(input, fc.nat(), (given, which) => {
        const backup = given.backups[which % given.backups.length];
        const pin = { id: backup?.entry.id ?? '', holder: 'restore-new', lapsesAt: given.now + HOUR };
        const before = planRetention(given);
        const after = planRetention({ ...given, pins: [...given.pins, pin] });
        const wanted = withAction(before, 'keep', 'restore');
        const gone = withAction(after, 'remove', 'expire');
        for (const id of gone) expect(wanted.has(id)).toBe(false);
        if (backup === undefined || backup.entry.states.removed !== undefined) return;
        for (const id of [backup.entry.id, backup.base ?? '']) expect(gone.has(id)).toBe(false);
      }),
      RUNS,
    );
  });

  it('a failed, unfinished or future backup never evicts a good one', async () => {
    const added = fc.constantFrom<Partial<Record<State, number>>>(
      { failed: FIRST },
      { verified: FIRST, failed: FIRST },
      { started: FIRST },
    );
    await fc.assert(
      fc.property(
        input,
        added,
        fc.boolean(),
        fc.integer({ min: 0, max: 70 * 24 }),
        (given, states, isFuture, hours) => {
          const startedAt = isFuture ? given.now + DAY : FIRST + hours * HOUR;
          const id = makeBackupId(startedAt, 'full', 'zzzzz');
          const entry = {
            id,
            startedAt,
            kind: 'full' as const,
            target: 'orders',
            states: isFuture ? { verified: FIRST } : states,
          };
          const wanted = withAction(planRetention(given), 'keep', 'restore');
          const after = withAction(
            planRetention({ ...given, backups: [...given.backups, { entry, base: null }] }),
            'keep',
            'restore',
          );
          expect([...wanted].filter((each) => !after.has(each))).toEqual([]);
        },
      ),
      RUNS,
    );
  });
});
