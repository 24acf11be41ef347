import { describe, expect, it } from 'vitest';
import {
  cancelInputSchema,
  compareInputSchema,
  holdSchema,
  planRestoreInputSchema,
  reopenInputSchema,
  restoreFailureInputSchema,
  restorePollInputSchema,
  restoreRunSchema,
  stopInputSchema,
} from '../../core/restore-workflow.ts';

const RUN = { execution: 'arn', restore: 'r', target: 'logs', to: 'spare', backup: 'b' };
const AT = '2026-04-02T02:00:00.000Z';
const POLL = {
  outcome: 'running',
  submittedAt: AT,
  waitSeconds: 2,
  server: null,
  progress: { files: 0, bytes: 0 },
  movedAt: AT,
  silentSince: null,
  polls: 0,
  failure: null,
};
const COMPARED = { outcome: 'equal', done: false, checked: 1, differences: 0 };
const STOPPED = { stopped: false, waitSeconds: 2, since: AT };

describe('the state of a restore', () => {
  it('keeps what a step does not know, for those after it', () => {
    expect(restoreRunSchema.parse({ ...RUN, added: 'later' })).toEqual({ ...RUN, added: 'later' });
    expect(restorePollInputSchema.parse({ ...RUN, poll: POLL, more: 1 })).toEqual({
      ...RUN,
      poll: POLL,
      more: 1,
    });
    expect(compareInputSchema.parse({ ...RUN, compared: COMPARED, more: 1 })).toEqual({
      ...RUN,
      compared: COMPARED,
      more: 1,
    });
    expect(stopInputSchema.parse({ ...RUN, stopped: STOPPED, more: 1 })).toEqual({
      ...RUN,
      stopped: STOPPED,
      more: 1,
    });
  });

  it('needs a poll before it is polled, and nothing before it is compared or stopped', () => {
    expect(restorePollInputSchema.safeParse(RUN).success).toBe(false);
    expect(compareInputSchema.parse(RUN)).toEqual(RUN);
    expect(stopInputSchema.parse(RUN)).toEqual(RUN);
  });

  it.each(Object.keys(RUN))('is none without %s', (field) => {
    expect(restoreRunSchema.safeParse({ ...RUN, [field]: '' }).success).toBe(false);
  });

  it.each([{ outcome: 'fine' }, { checked: -1 }, { differences: 0.5 }, { done: 1 }])(
    'is not compared with %j',
    (changed) => {
      expect(compareInputSchema.safeParse({ ...RUN, compared: { ...COMPARED, ...changed } }).success).toBe(
        false,
      );
    },
  );

  it.each([{ waitSeconds: 0 }, { since: 'now' }, { stopped: null }])('is not stopped with %j', (changed) => {
    expect(stopInputSchema.safeParse({ ...RUN, stopped: { ...STOPPED, ...changed } }).success).toBe(false);
  });
});

describe('what starts a restore, and what ends one', () => {
  const PLAN = { execution: 'arn', startedAt: '2026-04-02T02:00:00.000+02:00', input: { target: 'logs' } };

  it('is taken as it is', () => {
    expect(planRestoreInputSchema.parse(PLAN)).toEqual(PLAN);
    expect(cancelInputSchema.parse({ target: 'logs', restore: 'r' })).toEqual({
      target: 'logs',
      restore: 'r',
    });
    expect(reopenInputSchema.parse({ execution: 'arn', input: 7 })).toEqual({ execution: 'arn', input: 7 });
  });

  it('is nothing that is mistyped', () => {
    expect(planRestoreInputSchema.safeParse({ ...PLAN, strated: 1 }).success).toBe(false);
    expect(planRestoreInputSchema.safeParse({ ...PLAN, execution: '' }).success).toBe(false);
    expect(planRestoreInputSchema.safeParse({ ...PLAN, startedAt: 'tonight' }).success).toBe(false);
    expect(cancelInputSchema.safeParse({ target: 'logs' }).success).toBe(false);
    expect(cancelInputSchema.safeParse({ target: '', restore: 'r' }).success).toBe(false);
    expect(cancelInputSchema.safeParse({ target: 'logs', restore: '' }).success).toBe(false);
    expect(cancelInputSchema.safeParse({ target: 'logs', restore: 'r', to: 'x' }).success).toBe(false);
    expect(reopenInputSchema.safeParse({ execution: '', input: 7 }).success).toBe(false);
    expect(reopenInputSchema.safeParse({ execution: 'arn', input: 7, more: 1 }).success).toBe(false);
  });
});

describe('what is recorded of a failure', () => {
  it('is what is there', () => {
    const run = {
      ...RUN,
      poll: POLL,
      compared: COMPARED,
      error: { Error: 'Refused', Cause: '{}' },
      cleanUpError: { Error: 'States.Timeout' },
      cancelled: true,
    };
    expect(restoreFailureInputSchema.parse({ execution: 'arn', run })).toEqual({ execution: 'arn', run });
  });

  it('is never what is not understood: whatever broke must still be told', () => {
    const run = {
      execution: 7,
      restore: 7,
      target: 7,
      to: 7,
      backup: 7,
      poll: 'x',
      compared: {},
      error: 'x',
      cleanUpError: 'x',
      cancelled: 'x',
    };
    expect(restoreFailureInputSchema.parse({ execution: 'arn', run }).run).toEqual({ target: 7 });
    expect(restoreFailureInputSchema.safeParse({ execution: '', run }).success).toBe(false);
  });
});

it('a hold says who has the database, and until when', () => {
  const hold = { version: 1, restore: 'r', execution: 'arn', lapsesAt: AT };
  expect(holdSchema.parse(hold)).toEqual(hold);
  expect(holdSchema.safeParse({ ...hold, version: 2 }).success).toBe(false);
  expect(holdSchema.safeParse({ ...hold, lapsesAt: 'never' }).success).toBe(false);
});
