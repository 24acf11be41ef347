/** What the steps of a restore have left in the bucket, as each finds it. */
import { putOnce } from '../../../clients/bucket.ts';
import { type RESTORE_OBJECTS, restoreKey } from '../../../core/keys.ts';
import type { Before, RestorePlan } from '../../../core/restore.ts';
import { makeRestoreId } from '../../../core/restore-id.ts';
import { restorePlan } from '../../core/restore-plans.ts';
import type { Surroundings } from '../../support/surroundings.ts';

export const EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:Restore:one';

const AT = '2026-04-02T03:00:00.000Z';

export const beforeOf = (overrides: Partial<Before> = {}): Before => ({
  version: 1,
  at: AT,
  server: { version: '26.7.2.1', server: 'A', host: 'a.example' },
  databases: ['default', 'shop'],
  tables: [],
  live: [],
  findings: [],
  statement: 'RESTORE …',
  bytes: 5000,
  estimatedSeconds: null,
  ...overrides,
});

let restores = 0;

export interface WrittenRestore {
  readonly plan: RestorePlan;
  /** The state of the execution once it is planned. */
  readonly run: Readonly<Record<string, unknown>> & {
    readonly execution: string;
    readonly to: string;
    readonly restore: string;
  };
}

/** A restore of a target to itself that is planned. */
export async function writePlan(
  around: Surroundings,
  target: string,
  overrides: Partial<RestorePlan> = {},
): Promise<WrittenRestore> {
  restores += 1;
  const restore = makeRestoreId(AT, `${EXECUTION}-${restores}`);
  const plan = restorePlan({ target, to: target, restore, execution: EXECUTION, ...overrides });
  await putOnce(around.bucket, restoreKey(plan.to, restore, 'plan'), plan);
  const { backup, dryRun, drill } = plan;
  return { plan, run: { execution: EXECUTION, restore, target, to: plan.to, backup, dryRun, drill } };
}

/** Writes one of its pages, as the step would that has come so far. */
export function writePage(
  around: Surroundings,
  { to, restore }: RestorePlan,
  object: (typeof RESTORE_OBJECTS)[number],
  page: Readonly<Record<string, unknown>> = {},
): Promise<boolean> {
  return putOnce(around.bucket, restoreKey(to, restore, object), { version: 1, at: AT, ...page });
}
