import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attemptKey,
  backupPrefix,
  canaryPrefix,
  claimKey,
  ledgerKey,
  parsePinKey,
  pinKey,
  skippedKey,
  slotOf,
  targetPrefix,
} from '../../core/keys.ts';
import { foldLedger, STATES } from '../../core/ledger.ts';

const ID = '20260402T020000Z-full-k3f9';
const EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:Backup:4f2c';

describe('the bucket', () => {
  it('has a place for everything', () => {
    const slot = slotOf('full', '2026-04-02T02:00:00Z', EXECUTION);
    expect([
      targetPrefix('logs'),
      backupPrefix('logs', ID),
      canaryPrefix('logs'),
      ledgerKey('logs', ID, 'verified'),
      claimKey('logs', slot),
      attemptKey('logs', slot, 2),
      skippedKey('logs', slot),
      pinKey('logs', ID, 'restore-1'),
    ]).toEqual([
      'backups/logs/',
      `backups/logs/${ID}/`,
      'backups/logs/canary/',
      `ledger/logs/${ID}/verified.json`,
      'claims/logs/full/20260402T020000Z.json',
      'claims/logs/full/20260402T020000Z/attempt-2.json',
      'claims/logs/full/20260402T020000Z/skipped.json',
      `pins/logs/${ID}/restore-1.json`,
    ]);
  });

  it.each(STATES)('has a key for %s that the ledger reads back', (state) => {
    const { entries } = foldLedger([{ key: ledgerKey('logs', ID, state), lastModified: 7 }]);
    expect(entries).toMatchObject([{ target: 'logs', id: ID, states: { [state]: 7 } }]);
  });
});

describe('a slot', () => {
  it('is the same for each start of one scheduled time, whichever execution it is', () => {
    expect(slotOf('full', '2026-04-02T02:00:00Z', 'one')).toBe(
      slotOf('full', '2026-04-02T02:00:00.000Z', 'other'),
    );
  });

  it('differs by kind and by time', () => {
    const slots = ['full', 'incremental'].flatMap((kind) =>
      ['2026-04-02T02:00:00Z', '2026-04-02T02:00:01Z'].map((time) => slotOf(kind, time, EXECUTION)),
    );
    expect(new Set(slots).size).toBe(4);
  });

  it('of a start by hand is the execution itself', () => {
    expect(slotOf('full', null, EXECUTION)).toBe('manual/4f2c');
    expect(slotOf('full', null, 'a-name-of-its-own')).toBe('manual/a-name-of-its-own');
  });
});

describe('the key of a pin', () => {
  const part = () => fc.string({ minLength: 1 }).filter((text) => !text.includes('/'));

  it('says what it was made of', () => {
    fc.assert(
      fc.property(part(), part(), part(), (target, id, holder) => {
        expect(parsePinKey(pinKey(target, id, holder))).toEqual({ target, id, holder });
      }),
    );
  });

  it.each([
    '',
    'pins/',
    'pins/logs/',
    `pins/logs/${ID}/`,
    `pins/logs/${ID}/a/b.json`,
    `pins/logs/${ID}/a.txt`,
    `ledger/logs/${ID}/a.json`,
  ])('is not %j', (key) => {
    expect(parsePinKey(key)).toBeUndefined();
  });

  it('may be any text without anything being thrown', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parsePinKey(text);
        expect(parsePinKey(`x${text}`)).toBeUndefined();
      }),
    );
  });
});
