import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeBackupId } from '../../core/backup-id.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import { proofCoverage, walkOf } from '../../core/proof-walk.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-01-01T04:00:00Z');

const entry = (startedAt: number, states: LedgerEntry['states'], random = 'aaaa'): LedgerEntry => ({
  target: 'shop',
  id: makeBackupId(startedAt, 'full', random),
  startedAt,
  kind: 'full',
  states,
});

const proven = (days: number, provenDaysAgo: number | null, more: LedgerEntry['states'] = {}): LedgerEntry =>
  entry(START - days * DAY, {
    started: START - days * DAY,
    verified: START - days * DAY,
    ...(provenDaysAgo !== null && { proven: START - provenDaysAgo * DAY }),
    ...more,
  });

describe('the walk of a day', () => {
  it('begins with what was never proven, then with the oldest proof', () => {
    const [old, never, older] = [proven(50, 29), proven(40, null), proven(60, 40)] as const;
    expect(walkOf([older, old, never], 30, START)).toEqual([never, older, old]);
  });

  it('begins, of those that were never proven, with the oldest', () => {
    const [one, other] = [proven(50, null), proven(40, null)] as const;
    expect(walkOf([other, one], 30, START)).toEqual([one, other]);
    expect(walkOf([one, other], 30, START)).toEqual([one, other]);
  });

  it('takes what is due today, and not what is due tomorrow', () => {
    const all = [proven(60, 28), proven(50, 28.01), proven(40, 1), proven(30, 1), proven(20, 1)];
    expect(walkOf(all, 30, START)).toEqual([all[1]]);
    expect(walkOf([proven(60, 1)], 1, START)).toHaveLength(1);
    expect(walkOf([proven(60, 1)], 30, START)).toEqual([]);
  });

  it('leaves out what does not count as good', () => {
    const gone = (['failed', 'expiring', 'removing', 'removed'] as const).map((state) =>
      proven(50, 40, { [state]: START - DAY }),
    );
    expect(walkOf([...gone, entry(START - DAY, { started: START - DAY })], 30, START)).toEqual([]);
  });

  it('does not read again what was read within a day only to fill its share', () => {
    expect(walkOf([proven(1, 0.5)], 30, START)).toEqual([]);
    expect(walkOf([proven(2, 1.5)], 30, START)).toHaveLength(1);
  });

  it('is the same however the ledger is ordered', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            days: fc.integer({ min: 1, max: 90 }),
            ago: fc.option(fc.integer({ min: 0, max: 60 })),
          }),
          { maxLength: 40 },
        ),
        fc.integer({ min: 1, max: 60 }),
        (backups, within) => {
          const entries = backups.map(({ days, ago }, index) => ({
            ...proven(days, ago),
            id: makeBackupId(START - days * DAY, 'full', `a${String(index).padStart(4, '0')}`),
          }));
          const walked = walkOf(entries, within, START).map(({ id }) => id);
          expect(walkOf(entries.toReversed(), within, START).map(({ id }) => id)).toEqual(walked);
          expect(new Set(walked).size).toBe(walked.length);
        },
      ),
    );
  });
});

describe('a quarter of walks', () => {
  interface Kept {
    readonly startedAt: number;
    readonly removedAt: number;
    provenAt: number;
  }

  /**
   * Backups come and go, each proof takes its time, and a walk may not come at all for once.
   *
   * @returns the oldest that a proof ever was before the next one was done, in days; and how many were read on each day
   */
  function simulate(
    { within, keptDays, proofHours }: { within: number; keptDays: number[]; proofHours: number[] },
    isLost: (day: number) => boolean = () => false,
  ): { oldest: number; shares: number[] } {
    let kept: Kept[] = [];
    let oldest = 0;
    let proofs = 0;
    const shares: number[] = [];
    const proofTime = (): number => (proofHours[proofs++ % proofHours.length] ?? 0) * HOUR;
    for (let day = 0; day < 90; day += 1) {
      const now = START + day * DAY;
      const startedAt = now - 20 * HOUR;
      const removedAt = now + (keptDays[day % keptDays.length] ?? 1) * DAY;
      kept.push({ startedAt, removedAt, provenAt: startedAt + proofTime() });
      kept = kept.filter((backup) => backup.removedAt > now);
      const byId = new Map(kept.map((backup) => [makeBackupId(backup.startedAt, 'full', 'aaaa'), backup]));
      const entries = [...byId.values()].map(({ startedAt: began, provenAt }) =>
        entry(began, { verified: began, proven: provenAt }),
      );
      const walked = isLost(day) ? [] : walkOf(entries, within, now);
      shares.push(walked.length / kept.length);
      for (const { id } of walked) {
        const backup = byId.get(id);
        if (backup === undefined) continue;
        const provenAt = now + proofTime();
        oldest = Math.max(oldest, provenAt - backup.provenAt);
        backup.provenAt = provenAt;
      }
      // The others get as old as they are when the next walk comes.
      for (const { provenAt } of kept) oldest = Math.max(oldest, now + DAY - provenAt);
    }
    return { oldest: oldest / DAY, shares };
  }

  const habits = () =>
    fc.record({
      within: fc.integer({ min: 3, max: 45 }),
      keptDays: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 7 }),
      proofHours: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 }),
    });

  it('reads every backup again within the days that were asked for', () => {
    fc.assert(
      fc.property(habits(), (habit) => {
        expect(simulate(habit).oldest).toBeLessThanOrEqual(habit.within);
      }),
    );
  });

  it('does so, but for the hours of the proof itself, also when a walk does not take place', () => {
    fc.assert(
      fc.property(habits(), fc.integer({ min: 0, max: 88 }), (habit, missing) => {
        expect(simulate(habit, (day) => day === missing).oldest).toBeLessThanOrEqual(habit.within + 0.5);
      }),
    );
  });

  it('spreads the work: no day reads many more than its share', () => {
    const { shares } = simulate({ within: 30, keptDays: [400], proofHours: [1] });
    expect(Math.max(...shares.slice(30))).toBeLessThan(2 / 30 + 0.01);
  });
});

describe('the coverage', () => {
  it('counts good backups, and those whose proof is recent', () => {
    const newest = proven(2, 2);
    expect(
      proofCoverage([proven(60, 31), proven(50, 30), proven(40, null), newest, proven(1, null)], 30, START),
    ).toEqual({ good: 5, covered: 2, newestProofAt: START - 2 * DAY, newestProven: newest });
  });

  it('does not take an old backup that was read again for a new one that is proven', () => {
    const old = proven(40, 0);
    const { newestProven, newestProofAt } = proofCoverage([old, proven(1, null)], 30, START);
    expect(newestProven).toBe(old);
    expect(newestProofAt).toBe(START);
  });

  it('takes the newest proof, whichever backup it is of', () => {
    expect(proofCoverage([proven(50, 1), proven(40, 5)], 30, START).newestProofAt).toBe(START - DAY);
    expect(proofCoverage([proven(50, 5), proven(40, 1)], 30, START).newestProofAt).toBe(START - DAY);
  });

  it('counts a backup from the moment in which it began', () => {
    expect(proofCoverage([proven(0, null)], 30, START).good).toBe(1);
  });

  it('knows no newest proof where there is none, or where the proven one failed since', () => {
    const none = { newestProofAt: null, newestProven: null };
    expect(proofCoverage([], 30, START)).toEqual({ good: 0, covered: 0, ...none });
    expect(proofCoverage([proven(2, 2, { failed: START })], 30, START)).toMatchObject(none);
  });

  it('does not count a backup that is dated in the future', () => {
    expect(proofCoverage([proven(-3, 1)], 30, START)).toMatchObject({ good: 0, newestProven: null });
  });
});
