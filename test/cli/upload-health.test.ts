import { describe, expect, it } from 'vitest';
import { renderLine } from '../../cli/screen.ts';
import { uploadDocument, uploadLines } from '../../cli/upload-health.ts';
import type { UnfinishedUploads } from '../../core/uploads.ts';

const NOW = Date.UTC(2026, 3, 5);
const DAY = 86_400_000;

const uploads = (more: Partial<UnfinishedUploads> = {}): UnfinishedUploads => ({
  count: 16,
  oldest: NOW - 3 * DAY,
  bytes: 1_200_000_000,
  isWhole: true,
  abortedAt: NOW + 11 * DAY,
  ...more,
});

const said = (...[given]: Parameters<typeof uploads>): string =>
  uploadLines('shop', uploads(given), NOW, 1000)
    .map((each) => renderLine(each, false))
    .join('\n');

describe('unfinished uploads', () => {
  it('are said with their bytes, their age and the day on which a rule removes them', () => {
    expect(said()).toBe(
      'Uploads: shop: 16 unfinished uploads of 1.2 GB, the oldest begun 3 d 0 h ago. A rule of the bucket removes the oldest from 2026-04-16 00:00:00 UTC on.',
    );
    expect(uploadDocument(uploads())).toEqual({
      count: 16,
      bytes: 1_200_000_000,
      isWhole: true,
      oldest: '2026-04-02T00:00:00Z',
      removedFrom: '2026-04-16T00:00:00Z',
    });
  });

  it('are said to be at least so large where not all was looked at', () => {
    expect(said({ isWhole: false })).toContain('16 unfinished uploads of at least 1.2 GB');
  });

  it('that no rule removes are said to stay', () => {
    expect(said({ count: 1, abortedAt: null })).toMatch(/begun 3 d 0 h ago\. No rule of the bucket is known/);
  });

  it('that may not be listed are not taken for none', () => {
    const lines = uploadLines('shop', { unknown: 'Was not allowed to list.' }, NOW, 1000).map((each) =>
      renderLine(each, false),
    );
    expect(lines).toEqual(['Uploads: shop: unfinished ones were not counted: Was not allowed to list.']);
    expect(uploadDocument({ unknown: 'no' })).toEqual({ unknown: 'no' });
  });

  it('are no line where there are none', () => {
    expect(uploadLines('shop', null, NOW, 80)).toEqual([]);
  });
});
