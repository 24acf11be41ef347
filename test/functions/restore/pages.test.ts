import '../../support/function-environment.ts';
import { describe, expect, it } from 'vitest';
import { requireBefore, requireOpen, requirePlan, restorer } from '../../../functions/restore/pages.ts';
import { failureOf } from '../../support/failures.ts';
import { Surroundings } from '../../support/surroundings.ts';
import { targetOf } from '../../support/targets.ts';
import { writePage, writePlan } from './written-restore.ts';

const around = new Surroundings();

describe('the user that restores', () => {
  const s3 = { access: 'role', roleArn: 'arn:aws:iam::123456789012:role/reader' } as const;

  it('is the one that backs up, unless another one is named', () => {
    const settings = targetOf({ user: 'backup', password: { ssm: '/backup' } });
    expect(restorer(settings)).toMatchObject({ user: 'backup', password: { ssm: '/backup' } });
    expect(restorer(settings).s3).toEqual(settings.s3);
  });

  it('has a password of its own, or none: never that of the other', () => {
    const settings = targetOf({
      user: 'backup',
      password: { ssm: '/backup' },
      restore: { user: 'restore', s3 },
    });
    expect(restorer(settings)).toMatchObject({ user: 'restore', s3 });
    expect(restorer(settings).password).toBeUndefined();
    const own = targetOf({
      password: { ssm: '/backup' },
      restore: { user: 'restore', password: { ssm: '/restore' } },
    });
    expect(restorer(own).password).toEqual({ ssm: '/restore' });
  });
});

describe('what the steps read', () => {
  it('is there, or the step says what is gone', async () => {
    const { plan, run } = await writePlan(around, around.addTarget());
    expect(await requirePlan(run)).toEqual(plan);
    expect(await failureOf('IncompleteReading', requireBefore(run))).toMatchObject({
      what: `restores/${run.to}/${run.restore}/before.json was there a moment ago and is gone.`,
    });
    await failureOf('IncompleteReading', requirePlan({ ...run, restore: '20260402T030000Z-restore-000000' }));
  });

  it.each(['cleaned', 'ended'] as const)('does not go on when it is %s', async (object) => {
    const { plan, run } = await writePlan(around, around.addTarget());
    await requireOpen(run);
    await writePage(around, plan, object);
    expect((await failureOf('RefusedForSafety', requireOpen(run))).what).toContain('brought to its end');
  });
});
