/** Retention and a restore that want the same backup in the same second, step by step as it was found by a walk. */
import '../support/function-environment.ts';
import { describe, expect, test } from 'vitest';
import { exists, putOnce } from '../../clients/bucket.ts';
import { backupPrefix, ledgerKey, pinKey } from '../../core/keys.ts';
import { handler as remove } from '../../functions/retention/remove.ts';
import { write } from '../support/ledger.ts';
import { invoke, Surroundings } from '../support/surroundings.ts';

const around = new Surroundings();
const OLD = '20260401T020000Z-full-aaaa';
const NEW = '20260402T020000Z-full-bbbb';

const pin = (target: string) =>
  putOnce(around.bucket, pinKey(target, OLD, 'restore-1'), {
    version: 1,
    holder: 'restore-1',
    reason: 'restore',
    lapsesAt: new Date(Date.now() + 3_600_000).toISOString(),
  });

async function addExpired(): Promise<string> {
  const target = around.addTarget();
  for (const id of [OLD, NEW]) {
    await write(around.bucket, target, id, 'started');
    await write(around.bucket, target, id, 'verified');
    await putOnce(around.bucket, `${backupPrefix(target, id)}.backup`, {});
  }
  await write(around.bucket, target, OLD, 'expiring', { removeAfter: '2026-04-05T02:00:00.000Z' });
  return target;
}

const removal = (target: string) => ({
  execution: 'arn:aws:states:eu-central-1:123456789012:execution:Retention:one',
  target,
  remove: [{ id: OLD, reason: 'no rule keeps it' }],
  marked: 0,
  kept: 1,
  removed: [],
  done: false,
});

const isThere = (target: string): Promise<boolean> =>
  exists(around.bucket, `${backupPrefix(target, OLD)}.backup`);

describe('a removal and a restore of the same backup', () => {
  test('a pin that comes after the removal has looked for pins, and before it has said that it begins', async () => {
    const target = await addExpired();
    // As if this step had looked, the restore had pinned and seen nothing, and only then the page was written.
    await pin(target);
    await write(around.bucket, target, OLD, 'removing');
    const answer = (await invoke(remove, removal(target))) as { removed: unknown[]; done: boolean };
    expect(answer).toMatchObject({ removed: [], done: true });
    expect(await isThere(target)).toBe(true);
  });

  test('goes on when the pin is gone', async () => {
    const target = await addExpired();
    await write(around.bucket, target, OLD, 'removing');
    await invoke(remove, removal(target));
    expect(await isThere(target)).toBe(false);
    expect(await exists(around.bucket, ledgerKey(target, OLD, 'removed'))).toBe(true);
  });
});
