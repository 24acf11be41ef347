import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAlarmDescription, writeAlarmDescription } from '../../core/alarm-description.ts';

test('is the meaning, and below it where to read on and where to look', () => {
  const written = writeAlarmDescription({
    meaning: 'It is late.',
    runbook: 'docs/runbook.md#alarm-late',
    console: 'https://console/x',
  });
  expect(written).toBe('It is late.\n\nRunbook: docs/runbook.md#alarm-late\nConsole: https://console/x');
  expect(writeAlarmDescription({ meaning: 'It is late.', runbook: undefined, console: undefined })).toBe(
    'It is late.',
  );
});

const sentence = () => fc.stringMatching(/^[A-Z][a-z .,]{0,40}[a-z]\.$/);
const address = () => fc.stringMatching(/^[a-z]{1,10}\/[a-z#-]{1,20}$/);

test('is read back as it was written', () => {
  const description = fc.record({
    meaning: sentence(),
    runbook: fc.option(address(), { nil: undefined }),
    console: fc.option(address(), { nil: undefined }),
  });
  fc.assert(
    fc.property(description, (given) => {
      expect(readAlarmDescription(writeAlarmDescription(given))).toEqual(given);
    }),
  );
});

test('of any other text is its meaning, without links', () => {
  expect(readAlarmDescription('')).toEqual({ meaning: '', runbook: undefined, console: undefined });
  expect(readAlarmDescription('Somebody wrote\nthis by hand.')).toMatchObject({
    meaning: 'Somebody wrote\nthis by hand.',
    runbook: undefined,
  });
});
