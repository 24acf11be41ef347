/** Whatever starts an execution or is handed to a step: it is done or refused by name, and nothing of it acts on who reads. */
import '../support/function-environment.ts';
import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SafehouseError } from '../../core/errors.ts';
import { handler as begin } from '../../functions/backup/begin.ts';
import { handler as backupFailed } from '../../functions/backup/record-failure.ts';
import { handler as examine } from '../../functions/doctor/examine.ts';
import { handler as planProof } from '../../functions/prove/plan.ts';
import { handler as proofFailed } from '../../functions/prove/record-failure.ts';
import { handler as planRestore } from '../../functions/restore/plan.ts';
import { handler as restoreFailed } from '../../functions/restore/record-failure.ts';
import { handler as reopen } from '../../functions/restore/reopen.ts';
import { handler as planRetention } from '../../functions/retention/plan.ts';
import { handler as retentionFailed } from '../../functions/retention/record-failure.ts';
import { logger } from '../../functions/step.ts';
import { FOREIGN_TEXT, PLANTED_SECRET } from '../core/hostile-text.ts';
import { EXECUTION, OTHER_EXECUTION, pollOf, preparedRunOf } from '../support/runs.ts';
import { Surroundings } from '../support/surroundings.ts';
import { BadInputs, UNSEEN_IN_LINES } from './bad-inputs.ts';
import { type Json, spoilt } from './hostile-json.ts';

const around = new Surroundings();
const logged: string[] = [];

beforeEach(() => {
  logged.length = 0;
  for (const level of ['error', 'warn', 'info', 'debug'] as const)
    vi.spyOn(console, level).mockImplementation((line: string) => void logged.push(line));
  logger.setLogLevel('INFO');
});
afterEach(() => logger.setLogLevel('SILENT'));

type Handler = (event: unknown, context: Context) => Promise<unknown>;

/** The event as Lambda makes it out of what Step Functions sends. */
const run = (handler: Handler, event: unknown): Promise<unknown> =>
  handler(JSON.parse(JSON.stringify(event)), {
    awsRequestId: 'request',
    getRemainingTimeInMillis: () => 60_000,
  } as Context);

const started = { execution: EXECUTION, startedAt: '2026-04-02T09:00:00Z' };
const TIME = { timeout: 120_000 };
const RUNS = 300;

/** No target is known here: what is in order ends with that, and nothing is done. */
const INPUTS: Readonly<Record<string, readonly [handler: Handler, around: Json, good: readonly Json[]]>> = {
  backup: [
    begin,
    { execution: EXECUTION },
    [{ target: 'shop' }, { target: 'shop', kind: 'incremental', scheduledTime: '2026-04-02T02:00:00Z' }],
  ],
  retention: [planRetention, { execution: EXECUTION }, [{ target: 'shop' }]],
  prove: [
    planProof,
    { execution: EXECUTION },
    [{ target: 'shop', backup: '20260402T020000Z-full-k3f9', level: 'bytes', occasion: 'again' }],
  ],
  doctor: [examine, { execution: EXECUTION }, [{ target: 'shop' }]],
  cancel: [
    reopen,
    { execution: EXECUTION },
    [{ target: 'shop', restore: '20260402T090000Z-restore-4f0c2a' }],
  ],
  restore: [
    planRestore,
    started,
    [
      { target: 'shop', at: '2026-04-02T09:00:00Z', to: 'other', mode: 'new', as: { shop: 'shop_again' } },
      {
        target: 'shop',
        backup: 'latest',
        mode: 'asIs',
        tables: ['shop.orders', { database: 'a', table: 'b' }],
      },
      {
        target: 'shop',
        backup: 'latest',
        partitions: [{ table: 'shop.orders', ids: ['202601'] }],
        structureOnly: false,
        quiet: true,
        storagePolicy: 'hot',
        confirm: ['shop'],
        accept: ['disk'],
        check: true,
        dryRun: true,
        drill: false,
      },
    ],
  ],
};

describe.each(Object.entries(INPUTS))('%s', (_, [handler, envelope, good]) => {
  test('refuses any input by name, in words that nothing acts through', TIME, async ({ task }) => {
    const inputs = new BadInputs();
    await fc.assert(
      fc.asyncProperty(spoilt(...good), async (input) => {
        const answer = await inputs.answered(() => run(handler, { ...(envelope as object), input }));
        expect(answer).toBeInstanceOf(SafehouseError);
        const { message, stack } = answer as SafehouseError;
        expect(stack).toBe('');
        expect(message).not.toMatch(UNSEEN_IN_LINES);
        expect(message.length).toBeLessThan(2_000);
      }),
      { numRuns: RUNS },
    );
    await fc.assert(
      fc.asyncProperty(spoilt({ ...(envelope as object), input: good[0] ?? null }), async (event) => {
        await inputs.answered(() => run(handler, event));
      }),
      { numRuns: 100 },
    );
    inputs.report(task);
  });
});

const caught = (what: string): Json => ({
  Error: 'Refused',
  Cause: JSON.stringify({ errorType: 'Refused', errorMessage: what }),
});

const poll = JSON.parse(JSON.stringify(pollOf(60))) as Json;
const backupRun = {
  ...preparedRunOf('shop'),
  before: { outcome: 'ready', since: '2026-04-02T02:00:00Z' },
  poll,
  verified: { id: 'x' },
  error: caught('It broke.\nWhat to do: mend it.\n(S3_ERROR; new attempt)'),
} as Json;
const restoreRun = {
  // Typed by somebody. Where the state is this execution's own, `plan` has made it, and its names have been read by S3 before.
  execution: OTHER_EXECUTION,
  restore: '20260402T090000Z-restore-4f0c2a',
  target: 'shop',
  to: 'other',
  backup: '20260402T020000Z-full-k3f9',
  poll,
  compared: { outcome: 'different', done: true, checked: 1, differences: 2 },
  error: caught('It broke.'),
  cleanUpError: caught('It broke again.'),
  cancelled: false,
} as Json;

const FAILURES: Readonly<Record<string, readonly [handler: Handler, run: Json]>> = {
  backup: [backupFailed, backupRun],
  proof: [proofFailed, { target: 'shop', backup: 'x', error: caught('It broke.') }],
  retention: [retentionFailed, { target: 'shop', error: caught('It broke.'), remove: [] }],
  restore: [restoreFailed, restoreRun],
};

describe.each(Object.entries(FAILURES))('the failure of a %s', (_, [handler, good]) => {
  test(
    'is told whatever the state was, and the alert holds nothing that acts on its reader',
    TIME,
    async ({ task }) => {
      const inputs = new BadInputs();
      await fc.assert(
        fc.asyncProperty(spoilt(good), async (state) => {
          const isState = typeof state === 'object' && state !== null && !Array.isArray(state);
          const told = around.told.length;
          const answer = await inputs.answered(() => run(handler, { execution: EXECUTION, run: state }));
          if (isState) expect(answer).not.toBeInstanceOf(Error);
          if (isState && state['drill'] !== true && state['cancelled'] !== true)
            expect(around.told.length).toBeGreaterThan(told);
          for (const { subject, text } of around.told.slice(told)) {
            expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
            expect(text).not.toMatch(UNSEEN_IN_LINES);
            expect(text.length).toBeLessThan(20_000);
          }
        }),
        { numRuns: RUNS },
      );
      inputs.report(task);
    },
  );

  test('says no secret that an error held, in the alert, the log or the cause', TIME, async ({ task }) => {
    const inputs = new BadInputs();
    await fc.assert(
      fc.asyncProperty(FOREIGN_TEXT, PLANTED_SECRET, async (before, { plant, secret }) => {
        logged.length = 0;
        const text = `${before} ${plant}`;
        const told = around.told.length;
        const error = caught(
          fc.sample(fc.boolean(), 1)[0] ? text : `${text}\nWhat to do: ${text}\n(E; new attempt)`,
        );
        const answer = await inputs.answered(() =>
          run(handler, {
            execution: EXECUTION,
            run: { ...(good as object), cleanUpError: undefined, error },
          }),
        );
        const said = JSON.stringify([answer, around.told.slice(told), logged.join('\n')]);
        expect(said).not.toContain(JSON.stringify(secret).slice(1, -1));
      }),
      { numRuns: RUNS },
    );
    inputs.report(task);
  });
});

test(
  'an input that is nested a hundred thousand deep is refused, and its failure told',
  TIME,
  async ({ task }) => {
    const inputs = new BadInputs();
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 } as Context;
    for (const [handler, envelope] of Object.values(INPUTS))
      for (const input of [deep, { target: deep }, { target: 'shop', again: deep }])
        expect(
          await inputs.answered(() => handler({ ...(envelope as object), input }, context)),
        ).toBeInstanceOf(SafehouseError);
    for (const [handler] of Object.values(FAILURES))
      for (const run of [{ target: deep }, { target: 'shop', error: deep, poll: deep }]) {
        const told = around.told.length;
        expect(
          await inputs.answered(() => handler({ execution: EXECUTION, run }, context)),
        ).not.toBeInstanceOf(Error);
        expect(around.told).toHaveLength(told + 1);
      }
    inputs.report(task);
  },
);
