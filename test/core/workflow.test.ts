import { describe, expect, it } from 'vitest';
import {
  backupInputSchema,
  failureInputSchema,
  pinSchema,
  pollInputSchema,
  preparedRunSchema,
  removalSchema,
} from '../../core/workflow.ts';

describe('what starts a backup', () => {
  it('is a target, and a full backup when nothing else is asked for', () => {
    expect(backupInputSchema.parse({ target: 'logs' })).toEqual({ target: 'logs', kind: 'full' });
  });

  it.each([
    { target: 'logs', kind: 'incremental', scheduledTime: '2026-04-02T02:00:00Z' },
    { target: 'logs', kind: 'full', scheduledTime: '2026-04-02T02:00:00.000+02:00' },
  ])('is %j, as EventBridge Scheduler sends it', (input) => {
    expect(backupInputSchema.parse(input)).toEqual(input);
  });

  it.each([
    {},
    { target: '' },
    { target: 'logs', kind: 'weekly' },
    { target: 'logs', scheduledTime: 'tonight' },
    { target: 'logs', scheduledTime: '2026-04-02T02:00:00' },
    { target: 'logs', databse: 'x' },
    null,
    'logs',
  ])('is not %j', (input) => {
    expect(backupInputSchema.safeParse(input).success).toBe(false);
  });
});

const RUN = {
  execution: 'arn',
  target: 'logs',
  kind: 'full',
  scheduledTime: null,
  slot: 'manual/1',
  attempt: 1,
};
const BACKUP = { id: '20260402T020000Z-full-k3f9', kind: 'full', base: null, joined: false };

describe('the state that passes between steps', () => {
  it('keeps what a step does not know, for those after it', () => {
    const run = { ...RUN, prepared: { outcome: 'go', backup: BACKUP }, added: 'later' };
    expect(preparedRunSchema.parse(run)).toMatchObject({ added: 'later' });
  });

  it('needs a poll before it is polled', () => {
    const run = { ...RUN, prepared: { backup: BACKUP } };
    const poll = {
      outcome: 'running',
      submittedAt: '2026-04-02T02:00:00.000Z',
      waitSeconds: 2,
      server: null,
      progress: { files: 0, bytes: 0 },
      movedAt: '2026-04-02T02:00:00.000Z',
      silentSince: null,
      polls: 0,
      failure: null,
    };
    expect(pollInputSchema.safeParse({ ...run, poll }).success).toBe(true);
    expect(pollInputSchema.safeParse(run).success).toBe(false);
    expect(pollInputSchema.safeParse({ ...run, poll: { ...poll, outcome: 'fine' } }).success).toBe(false);
    expect(pollInputSchema.safeParse({ ...run, poll: { ...poll, waitSeconds: 0 } }).success).toBe(false);
  });

  it('may be anything where a failure is recorded: whatever broke must still be told', () => {
    for (const run of [
      {},
      { target: 7, kind: 'weekly', scheduledTime: 5 },
      { ...RUN, error: { Error: 'States.Timeout' } },
      { ...RUN, prepared: { outcome: 'skipped', backup: null } },
      { slot: 7, attempt: 0, before: 'x', prepared: 7, poll: {}, verified: true, error: 'x', execution: 7 },
    ])
      expect(failureInputSchema.safeParse({ execution: 'arn', run }).success).toBe(true);
  });

  it('of a removal names what is left', () => {
    expect(removalSchema.safeParse({ execution: 'arn', target: 'logs', remove: [] }).success).toBe(false);
  });
});

describe('a pin', () => {
  it('says until when it holds', () => {
    const pin = { version: 1, holder: 'restore', reason: 'reading', lapsesAt: '2026-04-02T02:00:00.000Z' };
    expect(pinSchema.safeParse(pin).success).toBe(true);
    expect(pinSchema.safeParse({ ...pin, lapsesAt: 'never' }).success).toBe(false);
    expect(pinSchema.safeParse({ ...pin, version: 2 }).success).toBe(false);
  });
});
