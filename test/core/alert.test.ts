import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertFacts, ageText, anchorOf, composeAlert } from '../../core/alert.ts';
import { anyText } from './any-text.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 3, 2, 6, 20);

const facts = (overrides: Partial<AlertFacts> = {}): AlertFacts => ({
  target: 'logs',
  subject: 'The full backup scheduled for 2026-04-02T02:00:00Z',
  step: 'poll',
  failure: {
    class: 'fix and stop',
    error: 'S3_ERROR',
    what: 'S3 refused to write.',
    remedy: 'Grant s3:PutObject to the writer.',
  },
  attempts: 2,
  backup: '20260402T020000Z-full-k3f9',
  lastGood: { id: '20260401T020000Z-full-aaaa', startedAt: NOW - 28 * HOUR, count: 14 },
  now: NOW,
  execution: 'arn:aws:states:eu-central-1:123456789012:execution:Backup:4f2c',
  ...overrides,
});

describe('an alert', () => {
  it('says what a person on call needs, without AWS being opened', () => {
    expect(composeAlert(facts())).toEqual({
      subject: 'Safehouse: logs: The full backup scheduled for 2026-04-02T02:00:00Z failed (S3_ERROR)',
      text: [
        'The full backup scheduled for 2026-04-02T02:00:00Z failed.',
        '',
        'Target:        logs',
        'What happened: S3 refused to write.',
        'What to do:    Grant s3:PutObject to the writer.',
        'Last good:     20260401T020000Z-full-aaaa, 1 d 4 h old, still in place (14 good in all)',
        '',
        'Step:          poll (S3_ERROR; fix and stop)',
        'Backup:        20260402T020000Z-full-k3f9',
        'Attempts:      2',
        'Execution:     arn:aws:states:eu-central-1:123456789012:execution:Backup:4f2c',
        'Runbook:       docs/runbook.md#clickhouse-cannot-use-the-bucket',
      ].join('\n'),
    });
  });

  it('says in capitals that there is no good backup at all', () => {
    expect(composeAlert(facts({ lastGood: null })).text).toContain(
      'Last good:     NONE. This target has no good backup.',
    );
  });

  it('says that it does not know of a good backup, where the ledger could not be read', () => {
    expect(composeAlert(facts({ lastGood: 'unknown' })).text).toContain(
      'Last good:     not known: the ledger could not be read.',
    );
  });

  it('says that no backup was begun', () => {
    expect(composeAlert(facts({ backup: null })).text).toContain('Backup:        none was begun');
  });

  it('cuts a subject that is too long, and says so', () => {
    const { subject } = composeAlert(facts({ target: 'x'.repeat(200) }));
    expect(subject).toHaveLength(99);
    expect(subject).toMatch(/x\.\.\.$/);
  });

  it('has a subject that SNS takes, and a text without control characters, whatever happened', () => {
    const text = fc.oneof(anyText(), fc.string({ unit: 'grapheme' }), fc.constant('a\r\n\u0000\u001b[31mb'));
    fc.assert(
      fc.property(text, text, text, text, (target, subject, what, error) => {
        const failure = { ...facts().failure, what, error };
        const alert = composeAlert(facts({ target, subject, failure }));
        expect(alert.subject).toMatch(/^[\x21-\x7e][\x20-\x7e]{0,98}$/);
        expect(alert.text).toMatch(/^[^\p{Cc}]*(?:\n[^\p{Cc}]*)*$/u);
      }),
    );
  });
});

describe('an age', () => {
  it.each([
    [-5, '0 s'],
    [0, '0 s'],
    [45_400, '45 s'],
    [59_600, '1 min'],
    [60_000, '1 min'],
    [59 * 60_000, '59 min'],
    [HOUR, '1 h 0 min'],
    [3 * HOUR + 20 * 60_000, '3 h 20 min'],
    [24 * HOUR, '1 d 0 h'],
    [52 * HOUR, '2 d 4 h'],
  ])('of %i ms is %s', (milliseconds, text) => {
    expect(ageText(milliseconds)).toBe(text);
  });
});

describe('the section of the runbook', () => {
  it.each([
    ['S3_ERROR', 'clickhouse-cannot-use-the-bucket'],
    ['BackupOverTime', 'backupovertime'],
    ['Lambda.Unknown', 'a-step-was-ended'],
    ['bad (error); here', 'an-error-without-a-section'],
  ])('for %s is #%s', (error, anchor) => {
    expect(anchorOf(error)).toBe(anchor);
  });
});
