import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeExaminationAlert, type ExaminationFacts } from '../../core/examination-alert.ts';
import type { Examination } from '../../core/installation.ts';
import { FOREIGN_TEXT } from './hostile-text.ts';

const NOW = Date.UTC(2026, 3, 2, 9, 1);

const CONNECTION: Examination = { check: 'connection', result: 'good', what: 'It answers.', remedy: '' };
const GRANTS: Examination = { check: 'grants', result: 'not checked', what: 'It does not say.', remedy: '' };
const BUCKET: Examination = {
  check: 'bucket',
  result: 'bad',
  what: 'S3 refused ClickHouse the lock.',
  remedy: 'Allow s3:PutObject.',
  error: 'S3_ERROR',
};
const KEY: Examination = {
  check: 'key',
  result: 'bad',
  what: 'The key k is disabled.',
  remedy: 'Enable it.',
  error: 'KeyDisabled',
};

const compose = (facts: Partial<ExaminationFacts> = {}) =>
  composeExaminationAlert({
    target: 'logs',
    examinations: [CONNECTION, GRANTS, BUCKET, KEY],
    lastGood: { id: '20260401T020000Z-full-aaaa', startedAt: NOW - 31 * 3_600_000, count: 14 },
    now: NOW,
    execution: 'arn:aws:states:eu-central-1:123456789012:execution:Doctor:4f2c',
    ...facts,
  });

describe('the alert of an examination', () => {
  it('has everything that is bad, each with its remedy and its section of the runbook', () => {
    expect(compose()).toEqual({
      subject: 'Safehouse: logs: the examination found something bad (bucket, key)',
      text: [
        'The scheduled examination found 2 of 4 checks bad: bucket, key.',
        '',
        'Target:        logs',
        'Last good:     20260401T020000Z-full-aaaa, 1 d 7 h old, still in place (14 good in all)',
        '',
        'Check:         bucket (S3_ERROR)',
        'What happened: S3 refused ClickHouse the lock.',
        'What to do:    Allow s3:PutObject.',
        'Runbook:       docs/runbook.md#clickhouse-cannot-use-the-bucket',
        '',
        'Check:         key (KeyDisabled)',
        'What happened: The key k is disabled.',
        'What to do:    Enable it.',
        'Runbook:       docs/runbook.md#the-key-cannot-be-used',
        '',
        'Not checked:   grants',
        'Execution:     arn:aws:states:eu-central-1:123456789012:execution:Doctor:4f2c',
        'To try again:  npx safehouse doctor logs',
      ].join('\n'),
    });
  });

  it('leads to a section for an error without a name, and has no line for what is not there', () => {
    const { error: _, ...nameless } = BUCKET;
    const { text } = compose({ examinations: [nameless], lastGood: null });
    expect(text).toContain('Runbook:       docs/runbook.md#an-error-without-a-section');
    expect(text).toContain('Check:         bucket\n');
    expect(text).not.toContain('Not checked');
    expect(text).toContain('Last good:     NONE.');
  });

  it('is as many printable lines as there are facts, whatever the texts hold', () => {
    fc.assert(
      fc.property(FOREIGN_TEXT, FOREIGN_TEXT, FOREIGN_TEXT, (what, remedy, error) => {
        const { subject, text } = compose({ examinations: [{ ...BUCKET, what, remedy, error }] });
        expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
        const lines = text.split('\n');
        expect(lines).toHaveLength(12);
        for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });

  it('carries no secret that an error repeats', () => {
    const what =
      "S3('https://b.s3/x', 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY') failed";
    expect(compose({ examinations: [{ ...BUCKET, what }] }).text).not.toMatch(/AKIA|wJalr/);
  });
});
