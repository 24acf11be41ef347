import { describe, expect, it } from 'vitest';
import { handler as pin } from '../../../functions/restore/pin.ts';
import { handler as plan } from '../../../functions/restore/plan.ts';
import { handler as preflight } from '../../../functions/restore/preflight.ts';
import { handler as stop } from '../../../functions/restore/stop.ts';
import { handler as submit } from '../../../functions/restore/submit.ts';
import { RestoreGround } from './restore-ground.ts';

const ground = new RestoreGround();

describe('a restore that is stopped while it submits', { timeout: 60_000 }, () => {
  it('sends no statement any more, although the function that would goes on', async () => {
    await ground.tell(
      'CREATE DATABASE shop',
      'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id',
    );
    const target = ground.addTarget({ databases: ['shop'] });
    const { id } = await ground.backUp(target);
    const before = await ground.databases();
    const run = await ground.step(plan, {
      execution: 'arn:aws:states:eu-central-1:123456789012:execution:Restore:stopped',
      startedAt: new Date().toISOString(),
      input: { target, backup: id },
    });
    await ground.step(pin, run);
    await ground.step(preflight, run);
    expect(await ground.step(stop, run)).toMatchObject({ stopped: true });
    await expect(ground.step(submit, run)).rejects.toMatchObject({ failure: { error: 'RestoreCancelled' } });
    expect(await ground.databases()).toEqual(before);
    expect(await ground.ask(`SELECT id FROM system.backups WHERE status LIKE 'REST%'`)).toEqual([]);
  });
});
