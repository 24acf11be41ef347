import { expect, it } from 'vitest';
import { isRestoreId, makeRestoreId, restoreTime } from '../../core/restore-id.ts';

it('is the same for the same execution, and tells when it began', () => {
  const id = makeRestoreId('2026-04-02T02:00:00.123Z', 'arn:one');
  expect(id).toMatch(/^20260402T020000Z-restore-[0-9a-f]{6}$/);
  expect(makeRestoreId('2026-04-02T02:00:00.123Z', 'arn:one')).toBe(id);
  expect(makeRestoreId('2026-04-02T02:00:00.123Z', 'arn:two')).not.toBe(id);
  expect(restoreTime(id)).toBe(Date.UTC(2026, 3, 2, 2));
});

it.each([
  'x20260402T020000Z-restore-abcdef',
  '20260402T020000Z-restore-abcdef0',
  '20260402T020000Z-full-k3f9',
  'holds',
  '20260402T020000Z-restore-ABCDEF',
  '',
])('is not %j', (text) => {
  expect(isRestoreId(text)).toBe(false);
  expect(restoreTime(text)).toBeNaN();
});
