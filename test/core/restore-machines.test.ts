import { expect, test } from 'vitest';
import { parseRestoreMachines } from '../../core/restore-machines.ts';

test('finds the state machines of each target', () => {
  const text = JSON.stringify([
    { targets: ['events', 'billing'], restore: 'arn:a', cancelRestore: 'arn:b' },
    { targets: ['constructor'], restore: 'arn:c', cancelRestore: 'arn:d' },
  ]);

  expect(Object.entries(parseRestoreMachines(text))).toEqual([
    ['events', { restore: 'arn:a', cancelRestore: 'arn:b' }],
    ['billing', { restore: 'arn:a', cancelRestore: 'arn:b' }],
    ['constructor', { restore: 'arn:c', cancelRestore: 'arn:d' }],
  ]);
});

test.each(['', '{', '{}', '[{"targets":"events"}]'])('refuses %j', (text) => {
  expect(() => parseRestoreMachines(text)).toThrow();
});
