import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupPrefix } from '../../core/keys.ts';
import { foldLedger, STATES } from '../../core/ledger.ts';
import { surveyOf, type Upload, type UploadParts, unfinishedUploads } from '../../core/uploads.ts';

const OLD = '20260401T020000Z-full-aaaa';
const NEW = '20260402T020000Z-full-bbbb';
const uploadTo = (key: string, initiated = 1): Upload => ({ key, uploadId: `of ${key}`, initiated });
const of = (id: string, initiated = 1): Upload =>
  uploadTo(`${backupPrefix('shop', id)}data/a.bin`, initiated);

const ledger = (states: Readonly<Record<string, readonly string[]>>) =>
  foldLedger(
    Object.entries(states).flatMap(([id, names]) =>
      names.map((name) => ({ key: `ledger/shop/${id}/${name}.json`, lastModified: 1 })),
    ),
  ).entries;

describe('an upload that nobody will complete', () => {
  it.each(['verified', 'failed', 'removing', 'removed'])('is one of a backup that is %s', (state) => {
    expect(unfinishedUploads([of(OLD)], ledger({ [OLD]: ['started', state] }))).toEqual([of(OLD)]);
  });

  it.each([[['started']], [['started', 'written']]])('is none of a backup that is only %s', (states) => {
    expect(unfinishedUploads([of(OLD)], ledger({ [OLD]: states }))).toEqual([]);
  });

  it('is one of a backup that has no page, and one that lies under no backup', () => {
    const strays = [of(NEW), uploadTo('backups/shop/canary/x/y'), uploadTo('backups/shop/loose')];
    expect(unfinishedUploads(strays, ledger({ [OLD]: ['started'] }))).toEqual(strays);
  });

  it('comes the sooner the older it is', () => {
    const uploads = [of(OLD, 30), of(NEW, 10), of(OLD, 20)];
    expect(unfinishedUploads(uploads, []).map(({ initiated }) => initiated)).toEqual([10, 20, 30]);
  });
});

describe('what is said of them', () => {
  const parts = (bytes: number, more: Partial<UploadParts> = {}): UploadParts => ({
    bytes,
    isWhole: true,
    abortedAt: 99,
    ...more,
  });

  it('is their number, their bytes, the oldest and when a rule aborts that', () => {
    expect(surveyOf([of(OLD, 1), of(NEW, 2)], [parts(10), parts(5, { abortedAt: 100 })])).toEqual({
      count: 2,
      oldest: 1,
      bytes: 15,
      isWhole: true,
      abortedAt: 99,
    });
  });

  it('is nothing when there are none, or all were completed meanwhile', () => {
    expect(surveyOf([], [])).toBeNull();
    expect(surveyOf([of(OLD)], [undefined])).toBeNull();
  });

  it.each([
    ['one has more parts than were looked at', [of(OLD)], [parts(10, { isWhole: false })]],
    ['more uploads stand than were looked at', [of(OLD), of(NEW)], [parts(10)]],
  ])('is at least so many bytes where %s', (_, uploads, measured) => {
    expect(surveyOf(uploads, measured)).toMatchObject({ bytes: 10, isWhole: false, count: uploads.length });
  });

  it('leaves out what was completed while it was looked at', () => {
    expect(surveyOf([of(OLD, 1), of(NEW, 2)], [undefined, parts(5, { abortedAt: null })])).toEqual({
      count: 1,
      oldest: 2,
      bytes: 5,
      isWhole: true,
      abortedAt: null,
    });
  });

  it('never counts what may still be written, whatever the states', () => {
    fc.assert(
      fc.property(
        fc.subarray([...STATES]),
        fc.array(fc.constantFrom(OLD, NEW), { maxLength: 5 }),
        (states, ids) => {
          const entries = ledger({ [OLD]: ['started', ...states], [NEW]: ['started'] });
          const found = unfinishedUploads(
            ids.map((id) => of(id)),
            entries,
          );
          const isOver = states.some((state) => /^(verified|failed|removing|removed)$/.test(state));
          const over = isOver ? ids.filter((id) => id === OLD).length : 0;
          expect(found).toHaveLength(over);
        },
      ),
    );
  });
});
