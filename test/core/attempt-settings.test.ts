import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LESS_MEMORY, settingsAfter } from '../../core/attempt-settings.ts';

it('asks for less memory after it has run out', () => {
  expect(settingsAfter('MEMORY_LIMIT_EXCEEDED', undefined)).toEqual(LESS_MEMORY);
});

it('keeps to what an attempt was given, whatever ended it', () => {
  fc.assert(
    fc.property(
      fc.option(fc.string(), { nil: undefined }),
      fc.option(fc.dictionary(fc.string(), fc.integer()), { nil: undefined }),
      (error, before) => {
        fc.pre(error !== 'MEMORY_LIMIT_EXCEEDED');
        expect(settingsAfter(error, before)).toBe(before);
        expect(settingsAfter('MEMORY_LIMIT_EXCEEDED', before)).toEqual({ ...before, ...LESS_MEMORY });
      },
    ),
  );
});

it('asks for parts that S3 takes', () => {
  for (const name of ['s3_min_upload_part_size', 's3_max_single_part_upload_size'])
    expect(LESS_MEMORY[name]).toBe(5 * 1024 * 1024);
});
