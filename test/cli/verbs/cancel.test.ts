import { afterAll, beforeAll, expect, it } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../../../core/errors.ts';
import type { ExecutionView } from '../../../core/installation.ts';
import { restoreKey } from '../../../core/keys.ts';
import type { RestorePlan, RestoreReport } from '../../../core/restore.ts';
import { call } from '../call.ts';
import { makeStarted, openTestHouse, shopTarget, type TestHouse } from '../house.ts';
import { makeRestore, planOf, reportOf } from '../restores.ts';

let house: TestHouse;
const BACKUP = makeBackupId(Date.parse('2026-04-02T02:00:00Z'), 'full', 'k3f9');
let restores = 0;

beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.stop());

interface Cancelling {
  readonly ended?: Partial<RestoreReport>;
  readonly isEnded?: boolean;
  /** Whether it takes something away after the report was written. */
  readonly cleaned?: boolean;
  /** Whether its end comes to an end. */
  readonly isDone?: boolean;
  /** What the end of it writes. */
  readonly report?: Partial<RestoreReport> | null;
  readonly views?: readonly Partial<ExecutionView>[];
  readonly given?: (plan: RestorePlan) => string;
  readonly stop?: () => Promise<void>;
  readonly typed?: readonly string[];
}

async function cancel(cancelling: Cancelling = {}) {
  restores += 1;
  const {
    given = ({ restore }) => restore,
    report = {},
    ended,
    isEnded = true,
    isDone = true,
    typed = [],
  } = cancelling;
  const plan = planOf(BACKUP, { to: 'mes', execution: `arn:aws:states:x:execution:Restore:${restores}` });
  await makeRestore(house.bucket, {
    plan,
    isEnded,
    ...(ended !== undefined && { report: reportOf(plan, ended) }),
  });
  const cancelled = reportOf(plan, {
    outcome: 'cancelled',
    tables: [],
    dropped: [{ kind: 'database', database: 'shop_restored', table: null }],
    ...report,
  });
  const installation = house.installation({
    targets: { shop: shopTarget(), mes: shopTarget() },
    executions: [
      {
        id: 'ending',
        views: cancelling.views ?? [{ status: 'succeeded' }],
        begun: async () => {
          if (cancelling.cleaned === true) await takeAway(plan);
          if (report !== null) await makeRestore(house.bucket, { plan, report: cancelled, isEnded: isDone });
        },
      },
    ],
    ...(cancelling.stop !== undefined && { stop: cancelling.stop }),
  });
  const called = await call(['cancel', given(plan), ...typed], {
    open: async () => installation,
    columns: 80,
  });
  const { started, stopped } = installation;
  return { ...called, started, stopped, plan, told: called.stderr.replace(/\s+/g, ' ') };
}

const takeAway = async ({ to, restore }: RestorePlan): Promise<void> => {
  const at = '2026-04-02T10:00:00.000Z';
  const dropped = [{ kind: 'database', database: 'cleaned_later', table: null }];
  await putOnce(house.bucket, restoreKey(to, restore, 'cleaned'), { version: 1, at, dropped, left: [] });
  await putOnce(house.bucket, restoreKey(to, restore, 'ended'), { version: 1, at, outcome: 'cancelled' });
};

it.each([
  ['its id', ({ restore }: RestorePlan) => restore],
  ['its execution', ({ execution }: RestorePlan) => execution],
])('stops a restore that is named by %s, ends it, and says what was dropped', async (_, given) => {
  const { exitCode, stdout, started, stopped, plan } = await cancel({ given });
  expect(exitCode).toBe(0);
  expect(stopped).toEqual([plan.execution]);
  expect(started).toEqual([{ workflow: 'cancelRestore', input: { target: 'mes', restore: plan.restore } }]);
  expect(stdout).toMatch(new RegExp(`^Cancelled {2}${BACKUP} of shop$`, 'm'));
  expect(stdout.replace(/\s+/g, ' ')).toContain('Taken away database shop_restored');
});

it('gives scripts the report', async () => {
  expect((await cancel({ typed: ['--json'] })).json).toMatchObject({
    outcome: 'cancelled',
    dropped: [{ kind: 'database', database: 'shop_restored' }],
    left: [],
  });
});

it('cleans up after an execution that is not there any more', async () => {
  const stop = () =>
    Promise.reject(new SafehouseError(ERROR_NAMES.notFound, { what: 'no such execution', remedy: '' }));
  const { exitCode, started } = await cancel({ stop });
  expect(exitCode).toBe(0);
  expect(started).toHaveLength(1);
});

it('does not go on where it may not stop the execution', async () => {
  const stop = () =>
    Promise.reject(new SafehouseError(ERROR_NAMES.refused, { what: 'forbidden', remedy: 'ask' }));
  const { exitCode, told, started } = await cancel({ stop });
  expect(exitCode).toBe(4);
  expect(told).toContain('forbidden');
  expect(started).toEqual([]);
});

it.each([
  [
    'restored',
    4,
    'has ended already, at 2026-04-02T09:05:00.000Z: restored. What it restored is left as it is.',
  ],
  ['different', 4, 'different. What it restored is left as it is.'],
  ['failed', 0, ''],
  ['cancelled', 0, ''],
  ['dry run', 0, ''],
] as const)('stops nothing that has ended as %s, and ends with %i', async (outcome, code, sentence) => {
  const { exitCode, told, started, stopped } = await cancel({ ended: { outcome } });
  expect(exitCode).toBe(code);
  expect(told).toContain(sentence);
  expect([...started, ...stopped]).toEqual([]);
});

it('says of one that came to its end in that moment that it stands', async () => {
  const { exitCode, told } = await cancel({ report: { outcome: 'restored' } });
  expect(exitCode).toBe(4);
  expect(told).toContain('has ended already');
});

it('takes up one whose cleaning up had failed, and tells what was taken away now', async () => {
  const { exitCode, stdout, started } = await cancel({
    ended: { outcome: 'failed', tables: [] },
    isEnded: false,
    report: null,
    cleaned: true,
  });
  expect(exitCode).toBe(0);
  expect(started).toHaveLength(1);
  expect(stdout.replace(/\s+/g, ' ')).toContain('Taken away database cleaned_later');
});

it('does not claim that all is clean when the end of it failed', async () => {
  const views = [{ status: 'failed', error: 'AuthenticationFailed', cause: 'no' }] as const;
  const left = [{ what: 'shop.events has 3 rows of it.', statement: 'TRUNCATE TABLE `shop`.`events`' }];
  const { exitCode, stdout, told } = await cancel({ report: { left }, isDone: false, views });
  expect(exitCode).toBe(4);
  expect(stdout).toContain('\nTRUNCATE TABLE `shop`.`events`;\n');
  expect(told).toContain('AuthenticationFailed');
  const failure = {
    class: 'fix and stop',
    error: 'X',
    what: 'Cleaning up failed.',
    remedy: 'Mend it.',
  } as const;
  expect((await cancel({ report: { failure }, isDone: false })).told).toContain(
    'Cleaning up failed. To do: Mend it.',
  );
  const none = await cancel({ report: null });
  expect(none.exitCode).toBe(4);
  expect(none.told).toContain('the ledger has no report of it');
});

it('says how a backup is ended, by its id and by its execution', async () => {
  const running = makeBackupId(Date.now(), 'full', 'runs');
  await makeStarted(house.bucket, running);
  for (const given of [running, 'execution-1']) {
    const { exitCode, told, started, stopped } = await cancel({ given: () => given });
    expect(exitCode).toBe(2);
    expect(told).toContain(
      `KILL QUERY WHERE query_id = (SELECT query_id FROM system.backups WHERE id = '${running}') ASYNC`,
    );
    expect([...started, ...stopped]).toEqual([]);
  }
});
