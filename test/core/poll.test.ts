import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  APPEARS_WITHIN_SECONDS,
  type BackupRow,
  judgePoll,
  nextWaitSeconds,
  type Observation,
  type PollMemory,
  SILENT_AFTER_SECONDS,
  STALLED_AFTER_SECONDS,
} from '../../core/poll.ts';
import { tries } from './property-runs.ts';

const SUBMITTED = Date.UTC(2026, 3, 2, 2);
const LIMITS = { maxHours: 12 };
const DAY_SECONDS = 86_400;

/** As it stands after a poll that saw the backup on server A. */
const memory = (overrides: Partial<PollMemory> = {}): PollMemory => ({
  submittedAt: SUBMITTED,
  server: 'A',
  files: 10,
  bytes: 1000,
  movedAt: SUBMITTED,
  silentSince: null,
  ...overrides,
});

const row = (overrides: Partial<BackupRow> = {}): BackupRow => ({
  status: 'CREATING_BACKUP',
  error: '',
  files: 10,
  bytes: 1000,
  alive: true,
  ...overrides,
});

const observation = (overrides: Partial<Observation> = {}): Observation => ({
  server: 'A',
  uptime: 30 * DAY_SECONDS,
  everywhere: false,
  row: null,
  ...overrides,
});

/** What a poll judges so many seconds after the submit. */
const judgedAfter = (seconds: number, seen: Observation | null, known: PollMemory = memory()) =>
  judgePoll(known, seen, SUBMITTED + seconds * 1000, LIMITS);

describe('a backup that its server knows', () => {
  it.each([
    ['BACKUP_CREATED', 'finished', 'system.backups says BACKUP_CREATED'],
    ['RESTORED', 'finished', 'system.backups says RESTORED'],
    ['BACKUP_FAILED', 'failed', 'Code: 499'],
    ['RESTORE_FAILED', 'failed', 'Code: 499'],
    ['BACKUP_CANCELLED', 'cancelled', 'Code: 499'],
    ['RESTORE_CANCELLED', 'cancelled', 'Code: 499'],
    ['CREATING_BACKUP', 'running', 'its query is alive'],
    ['RESTORING', 'running', 'its query is alive'],
    ['PAUSED', 'failed', 'system.backups says PAUSED, which this release of Safehouse does not know'],
    ['', 'failed', 'system.backups says , which this release of Safehouse does not know'],
  ])('with the status %j is %s', (status, outcome, because) => {
    const judged = judgedAfter(60, observation({ row: row({ status, error: 'Code: 499' }) }));
    expect(judged).toMatchObject({ outcome, because });
  });

  it('and was cancelled without a word says so all the same', () => {
    expect(judgedAfter(60, observation({ row: row({ status: 'BACKUP_CANCELLED' }) })).because).toBe(
      'somebody cancelled it',
    );
  });

  it('ends as it ended even when its time is over', () => {
    const ended = observation({ row: row({ status: 'BACKUP_CREATED' }) });
    expect(judgedAfter(13 * 3600, ended).outcome).toBe('finished');
  });

  it('runs for its whole time and not longer', () => {
    const running = observation({ row: row() });
    expect(judgedAfter(12 * 3600, running).outcome).toBe('running');
    expect(judgedAfter(12 * 3600 + 1, running)).toMatchObject({
      outcome: 'over time',
      because: 'it ran for more than 12 hours',
    });
  });

  it('moves when a counter moves, even without a query', () => {
    const moving = observation({ row: row({ files: 11, alive: false }) });
    const judged = judgedAfter(1000, moving);
    expect(judged).toMatchObject({ outcome: 'running', because: 'it moves' });
    expect(judged.memory).toEqual(memory({ files: 11, movedAt: SUBMITTED + 1_000_000 }));
  });

  it('moves when its bytes grow within one file', () => {
    const { bytes } = memory();
    const judged = judgedAfter(1000, observation({ row: row({ bytes: bytes + 1, alive: false }) }));
    expect(judged).toMatchObject({ outcome: 'running', because: 'it moves' });
  });

  it('may stand still for as long as its query is alive: one file can take hours', () => {
    const judged = judgedAfter(6 * 3600, observation({ row: row() }));
    expect(judged.outcome).toBe('running');
    expect(judged.memory.movedAt).toBe(SUBMITTED + 6 * 3_600_000);
  });

  it('is stalled when it stands still for long and no such query is alive', () => {
    const still = observation({ row: row({ alive: false }) });
    expect(judgedAfter(STALLED_AFTER_SECONDS, still)).toMatchObject({
      outcome: 'running',
      because: 'it has not stood still for long',
    });
    expect(judgedAfter(STALLED_AFTER_SECONDS + 1, still)).toMatchObject({
      outcome: 'stalled',
      because: 'the row has stood still for 5 minutes and no such query is running',
    });
  });

  it('on another server than before, as after a submit through a load balancer, is followed there', () => {
    const judged = judgedAfter(60, observation({ server: 'B', row: row() }));
    expect(judged.memory.server).toBe('B');
  });

  it('ends a silence', () => {
    const silent = memory({ silentSince: SUBMITTED + 10_000 });
    expect(judgedAfter(60, observation({ row: row() }), silent).memory.silentSince).toBeNull();
  });
});

describe('a server that does not answer', () => {
  it('is waited for half an hour, and then it is lost', () => {
    const first = judgedAfter(600, null);
    expect(first).toMatchObject({ outcome: 'running', because: 'ClickHouse does not answer at the moment' });
    expect(first.memory.silentSince).toBe(SUBMITTED + 600_000);
    expect(judgedAfter(600 + SILENT_AFTER_SECONDS, null, first.memory).outcome).toBe('running');
    expect(judgedAfter(601 + SILENT_AFTER_SECONDS, null, first.memory)).toMatchObject({
      outcome: 'lost',
      because: 'ClickHouse has not answered for 30 minutes',
    });
  });

  it('is lost at once when the time of the backup is over as well', () => {
    expect(judgedAfter(12 * 3600 + 1, null)).toMatchObject({
      outcome: 'lost',
      because: 'ClickHouse has not answered for 0 minutes, and its time is over',
    });
  });
});

describe('a server that does not know the backup', () => {
  const unseen = memory({ server: null, files: 0, bytes: 0 });

  it('may not know it yet, for two minutes', () => {
    expect(judgedAfter(APPEARS_WITHIN_SECONDS, observation(), unseen)).toMatchObject({
      outcome: 'running',
      because: 'the row has not appeared yet',
    });
    expect(judgedAfter(APPEARS_WITHIN_SECONDS + 1, observation(), unseen)).toMatchObject({
      outcome: 'lost',
      because: 'no server knows it',
    });
  });

  it('is not taken for the one that has the backup', () => {
    expect(judgedAfter(5, observation({ server: 'B' }), unseen).memory.server).toBeNull();
  });

  it('has lost it when it was restarted since', () => {
    expect(judgedAfter(60, observation({ uptime: 30 }))).toMatchObject({
      outcome: 'lost',
      because: 'the server was restarted 30 s ago and has forgotten it',
    });
    expect(judgedAfter(600, observation({ uptime: 30 }), unseen)).toMatchObject({
      outcome: 'lost',
      because: 'the server was restarted 30 s ago and has forgotten it',
    });
  });

  it('was not restarted when its clock merely differs by a few seconds', () => {
    expect(judgedAfter(60, observation({ uptime: 55 })).outcome).toBe('running');
    expect(judgedAfter(61, observation({ uptime: 55 })).outcome).toBe('lost');
  });

  it('has lost it when it knew it before, and two minutes have passed', () => {
    expect(judgedAfter(121, observation()).outcome).toBe('lost');
  });

  it('and is another replica says nothing for half an hour after the last sign of life', () => {
    const other = observation({ server: 'B', uptime: 3 });
    expect(judgedAfter(SILENT_AFTER_SECONDS, other)).toMatchObject({
      outcome: 'running',
      because: 'another replica answered (B)',
    });
    expect(judgedAfter(SILENT_AFTER_SECONDS + 1, other)).toMatchObject({
      outcome: 'lost',
      because: 'for 30 minutes only replicas answered that do not know it',
    });
  });

  it('and is another replica says nothing against a backup that copied one file for hours until just now', () => {
    const alive = judgedAfter(6 * 3600, observation({ row: row() })).memory;
    expect(judgedAfter(6 * 3600 + 600, observation({ server: 'B' }), alive).outcome).toBe('running');
  });

  it('speaks for all when all were asked', () => {
    const everywhere = observation({ server: 'B', everywhere: true });
    expect(judgedAfter(60, everywhere).outcome).toBe('running');
    expect(judgedAfter(APPEARS_WITHIN_SECONDS + 1, everywhere)).toMatchObject({
      outcome: 'lost',
      because: 'no server knows it',
    });
  });

  it('and has just been restarted is not held against a backup of another server when all were asked', () => {
    expect(judgedAfter(60, observation({ server: 'B', everywhere: true, uptime: 3 })).outcome).toBe(
      'running',
    );
  });
});

describe('the wait between polls', () => {
  it.each([
    [0, 1],
    [14, 1],
    [19, 2],
    [30, 3],
    [600, 60],
    [5994, 599],
    [6000, 600],
    [604_800, 600],
    [-5, 1],
  ])('after %i s is %i s', (elapsed, wait) => {
    expect(nextWaitSeconds(elapsed)).toBe(wait);
  });

  it('is a whole number of seconds from 1 to 600 and at most a tenth of the time so far', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 10_000_000, noNaN: true }), (elapsed) => {
        const wait = nextWaitSeconds(elapsed);
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(1);
        expect(wait).toBeLessThanOrEqual(Math.min(600, Math.max(1, elapsed / 10 + 0.5)));
      }),
    );
  });

  it('by a clock that is right, is never longer for the number of polls', () => {
    for (let elapsed = 0, polls = 0; elapsed < 7 * DAY_SECONDS; polls += 1) {
      expect(nextWaitSeconds(elapsed, polls)).toBe(nextWaitSeconds(elapsed));
      elapsed += nextWaitSeconds(elapsed);
    }
  });

  it('by a clock that is hours behind, grows all the same', () => {
    let waited = 0;
    let polls = 0;
    for (; waited < DAY_SECONDS; polls += 1) waited += nextWaitSeconds(-DAY_SECONDS, polls);
    expect(polls).toBeLessThan(300);
  });

  it('keeps a backup of a week under half of the history that an execution may have', () => {
    let polls = 0;
    for (let elapsed = 0; elapsed < 7 * DAY_SECONDS; elapsed += nextWaitSeconds(elapsed)) polls += 1;
    // A wait, a Lambda task and a choice: 9 to 11 events.
    expect(polls * 11).toBeLessThan(12_500);
    expect(polls).toBeGreaterThan(1000);
  });
});

const STATUSES = ['CREATING_BACKUP', 'RESTORING', 'BACKUP_FAILED', 'BACKUP_CANCELLED', 'UNHEARD_OF'];
const ENDED_WELL = ['BACKUP_CREATED', 'RESTORED'];

/** What a poll can see of a backup that has not ended well. */
const sights = (): fc.Arbitrary<Observation | null> =>
  fc.oneof(
    fc.constant(null),
    fc.record({
      server: fc.constantFrom('A', 'B', 'C'),
      uptime: fc.oneof(fc.nat(1000), fc.constant(30 * DAY_SECONDS)),
      everywhere: fc.boolean(),
      row: fc.oneof(
        fc.constant(null),
        fc.record({
          // Mostly running: an end ends the sequence.
          status: fc.oneof(
            { weight: 20, arbitrary: fc.constant('CREATING_BACKUP') },
            fc.constantFrom(...STATUSES),
          ),
          error: fc.string(),
          files: fc.nat(3),
          bytes: fc.nat(3),
          alive: fc.boolean(),
        }),
      ),
    }),
  );

/** Follows a backup as the state machine does, the sights repeating, until it ends. */
function follow(seen: readonly (Observation | null)[], maxHours: number) {
  let known: PollMemory = memory({ server: null, files: 0, bytes: 0 });
  for (let elapsed = 1, poll = 0; ; elapsed += nextWaitSeconds(elapsed), poll += 1) {
    const sight = seen[poll % seen.length] ?? null;
    const judged = judgePoll(known, sight, SUBMITTED + elapsed * 1000, { maxHours });
    if (judged.outcome !== 'running') return { ...judged, elapsed, sight };
    known = judged.memory;
    if (poll > 10_000) throw new Error('it never ends');
  }
}

describe('any sequence of sights', () => {
  const sequences = fc.array(sights(), { minLength: 1, maxLength: 12 });

  it('comes to an end soon after the time of the backup is over', () => {
    fc.assert(
      fc.property(sequences, fc.integer({ min: 1, max: 168 }), (seen, maxHours) => {
        const { elapsed } = follow(seen, maxHours);
        expect(elapsed).toBeLessThanOrEqual(maxHours * 3600 + SILENT_AFTER_SECONDS + 600);
      }),
      tries(300),
    );
  });

  it('never finishes without a row that says so', () => {
    fc.assert(
      fc.property(sequences, fc.integer({ min: 1, max: 24 }), (seen, maxHours) => {
        expect(follow(seen, maxHours).outcome).not.toBe('finished');
      }),
      tries(300),
    );
  });

  it('finishes at the first row that says so, if nothing ended it before', () => {
    fc.assert(
      fc.property(sequences, fc.constantFrom(...ENDED_WELL), (seen, status) => {
        const ended = observation({ row: row({ status }) });
        const { outcome, sight } = follow([...seen, ended], 24);
        expect(outcome === 'finished').toBe(sight === ended);
      }),
      tries(300),
    );
  });
});
