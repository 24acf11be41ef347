import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adoptedKey,
  attemptKey,
  backupIdOfKey,
  backupPrefix,
  canaryPrefix,
  claimKey,
  claimsPrefix,
  holdKey,
  holdReleasedKey,
  holdsPrefix,
  isSkippedKey,
  ledgerKey,
  ledgerPrefix,
  parsePinKey,
  pinKey,
  pinsPrefix,
  proofItemKey,
  proofPlanKey,
  proofPrefix,
  provenAgainKey,
  RESTORE_OBJECTS,
  restoreCheckKey,
  restoreKey,
  restorePrefix,
  restoreReportKey,
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

  it('has a place for what is listed together', () => {
    expect([
      ledgerPrefix('logs'),
      claimsPrefix('logs', 'incremental'),
      pinsPrefix('logs'),
      proofPrefix('logs', ID, 'p'),
      restorePrefix('logs', 'r'),
      holdsPrefix('logs', 'a/b'),
    ]).toEqual([
      'ledger/logs/',
      'claims/logs/incremental/',
      'pins/logs/',
      `proofs/logs/${ID}/p/`,
      'restores/logs/r/',
      'restores/logs/holds/a%2Fb/',
    ]);
  });

  it('has a place for proofs, adopted backups, restores and holds', () => {
    expect([
      provenAgainKey('logs', ID, '20260402T020000Z'),
      adoptedKey('logs', 'd1', 2),
      proofPlanKey('logs', ID, 'p'),
      proofItemKey('logs', ID, 'p', 7),
      restoreCheckKey('logs', 'r', 3),
      restoreReportKey('logs', ID, 'r'),
      holdKey('logs', 'shop', 4),
      holdReleasedKey('logs', 'shop', 4),
    ]).toEqual([
      `ledger/logs/${ID}/proven@20260402T020000Z.json`,
      'claims/logs/adopted/d1/2.json',
      `proofs/logs/${ID}/p/plan.json`,
      `proofs/logs/${ID}/p/item-7.json`,
      'restores/logs/r/check-3.json',
      `ledger/logs/${ID}/restore@r.json`,
      'restores/logs/holds/shop/4.json',
      'restores/logs/holds/shop/4-released.json',
    ]);
  });

  it('has an object for each step of a restore', () => {
    expect(RESTORE_OBJECTS.map((object) => restoreKey('logs', 'r', object))).toEqual([
      'restores/logs/r/plan.json',
      'restores/logs/r/before.json',
      'restores/logs/r/room.json',
      'restores/logs/r/submitted.json',
      'restores/logs/r/restored.json',
      'restores/logs/r/compared.json',
      'restores/logs/r/cleaned.json',
      'restores/logs/r/ended.json',
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

it('a skipped time is told from a claim by its key', () => {
  const slot = slotOf('full', '2026-04-02T02:00:00Z', EXECUTION);
  expect(isSkippedKey(skippedKey('logs', slot))).toBe(true);
  expect(isSkippedKey(claimKey('logs', slot))).toBe(false);
  expect(isSkippedKey('/skipped.json.bak')).toBe(false);
});

describe('the backup that a key lies under', () => {
  it.each([`backups/logs/${ID}/.backup`, `backups/logs/${ID}/data/a/b.bin`, backupPrefix('logs', ID)])(
    'is named by %s',
    (key) => {
      expect(backupIdOfKey(key)).toBe(ID);
    },
  );

  it.each(['', 'backups/logs/', `backups/logs/${ID}`, `backups//${ID}/a`, `old/backups/logs/${ID}/a`])(
    'is none for %j',
    (key) => {
      expect(backupIdOfKey(key)).toBeUndefined();
    },
  );
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
    `pins/logs/${ID}/a.json.bak`,
    `old/pins/logs/${ID}/a.json`,
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
