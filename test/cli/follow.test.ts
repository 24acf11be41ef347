import { expect, it } from 'vitest';
import { follow } from '../../cli/follow.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { ExecutionView } from '../../core/installation.ts';
import { RUNNING } from './house.ts';

const passing = new SafehouseError(ERROR_NAMES.unavailable, { what: 'throttled', remedy: '' });

function following(looks: readonly (ExecutionView | Error)[], interrupted = new AbortController().signal) {
  const seen: ExecutionView[] = [];
  let look = 0;
  const execution = {
    id: 'e',
    view: async () => {
      const next = looks[Math.min(look, looks.length - 1)];
      look += 1;
      if (next === undefined || next instanceof Error) throw next;
      return next;
    },
  };
  const ended = follow({ execution, interrupted, everyMilliseconds: 0, onView: (view) => seen.push(view) });
  return { ended, seen, looks: () => look };
}

it('stays until the execution has ended', async () => {
  const done: ExecutionView = { ...RUNNING, status: 'succeeded', output: { a: 1 } };
  const { ended, seen } = following([RUNNING, RUNNING, done]);
  expect(await ended).toEqual({ view: done, interrupted: false });
  expect(seen).toHaveLength(3);
});

it('bears nine looks in a row that fail in passing, and not a tenth', async () => {
  const done: ExecutionView = { ...RUNNING, status: 'failed' };
  const nine = Array.from({ length: 9 }, () => passing);
  expect((await following([...nine, RUNNING, ...nine, done]).ended).view).toEqual(done);
  await expect(following([...nine, passing]).ended).rejects.toThrow('throttled');
});

it('does not ask again after a refusal', async () => {
  const refused = new SafehouseError(ERROR_NAMES.refused, { what: 'forbidden', remedy: '' });
  const { ended, looks } = following([RUNNING, refused]);
  await expect(ended).rejects.toThrow('forbidden');
  expect(looks()).toBe(2);
});

it('lets go at once when it is interrupted', async () => {
  const interruption = new AbortController();
  const execution = { id: 'e', view: async () => RUNNING };
  const ended = follow({
    execution,
    interrupted: interruption.signal,
    everyMilliseconds: 3_600_000,
    onView: () => interruption.abort(),
  });
  expect(await ended).toEqual({ view: RUNNING, interrupted: true });
});
