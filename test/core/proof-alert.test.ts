import { describe, expect, it } from 'vitest';
import { composeAnomalyAlert } from '../../core/proof-alert.ts';

describe('the alert of a backup that is much smaller', () => {
  it('has each fall on a line of its own, and says what to do', () => {
    const { subject, text } = composeAnomalyAlert('logs', '20260402T020000Z-full-k3f9', [
      'rows fell',
      'bytes fell',
    ]);
    expect(subject).toBe('Safehouse: logs: the newest backup is much smaller');
    expect(text.split('\n')).toEqual([
      'A backup is proven, and holds much less than the one before.',
      '',
      'Target:        logs',
      'Backup:        20260402T020000Z-full-k3f9',
      'What happened: rows fell',
      'What happened: bytes fell',
      'What to do:    If somebody deleted data on purpose, nothing. Otherwise keep the backup before this one',
      '               (`npx safehouse keep`) until it is known what happened.',
    ]);
  });

  it('has a subject that SNS takes, and no line that a table could add', () => {
    const { subject, text } = composeAnomalyAlert('t'.repeat(100), 'id', ['the rows of a\nb\u001b[2J fell']);
    expect(subject).toHaveLength(100);
    expect(text).toContain('What happened: the rows of a b[2J fell\n');
  });
});
