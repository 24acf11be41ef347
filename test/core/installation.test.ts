import { expect, test } from 'vitest';
import { targetOf, WORKFLOWS } from '../../core/installation.ts';

test('a restore runs where it restores to, and everything else where its target is', () => {
  for (const workflow of WORKFLOWS)
    expect(targetOf(workflow, { target: 'logs', to: 'spare' })).toBe(
      workflow === 'restore' ? 'spare' : 'logs',
    );
  expect(targetOf('restore', { target: 'logs' })).toBe('logs');
  expect(targetOf('restore', { target: 'logs', to: 7 })).toBe('logs');
});
