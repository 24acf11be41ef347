/** What one step hands to the next arrives as it was made, to the last field. */
import { describe, expect, it } from 'vitest';
import {
  attemptClaimSchema,
  backupInputSchema,
  beginInputSchema,
  checkBeforeInputSchema,
  claimSchema,
  concludeInputSchema,
  doctorInputSchema,
  examineInputSchema,
  failureInputSchema,
  judgeProofInputSchema,
  pinSchema,
  planInputSchema,
  planProofInputSchema,
  pollInputSchema,
  preparedRunSchema,
  proofFailureInputSchema,
  proofInputSchema,
  proveItemInputSchema,
  removalSchema,
  retentionFailureInputSchema,
  retentionInputSchema,
  runSchema,
  skippedSchema,
} from '../../core/workflow.ts';

const AT = '2026-04-02T02:00:00.000Z';
const ID = '20260402T020000Z-full-k3f9';
const CONTEXT = { execution: 'arn' };
const ERROR = { Error: 'Refused', Cause: '{}' };
const RUN = { ...CONTEXT, target: 'logs', kind: 'full', scheduledTime: null, slot: 'manual/1', attempt: 1 };
const BACKUP = { id: ID, kind: 'full', base: null, joined: false };
const POLL = {
  outcome: 'failed',
  submittedAt: AT,
  waitSeconds: 2,
  server: 'A',
  progress: { files: 1, bytes: 2 },
  movedAt: AT,
  silentSince: AT,
  polls: 3,
  failure: { class: 'new attempt', error: 'E', what: 'w', remedy: 'r' },
};
const PROOF = { ...CONTEXT, target: 'logs', backup: ID, proof: 'p' };

const SHAPES = {
  'the input of a backup': {
    schema: backupInputSchema,
    shape: { target: 'logs', kind: 'incremental', scheduledTime: AT },
    needs: ['target'],
    isClosed: true,
  },
  'the input of begin': {
    schema: beginInputSchema,
    shape: { ...CONTEXT, input: { target: 'logs' } },
    needs: ['execution'],
    isClosed: true,
  },
  'a run': { schema: runSchema, shape: RUN, needs: Object.keys(RUN), isClosed: false },
  'a run that waits': {
    schema: checkBeforeInputSchema,
    shape: { ...RUN, before: { since: AT } },
    needs: Object.keys(RUN),
    isClosed: false,
  },
  'the claim of an attempt': {
    schema: attemptClaimSchema,
    shape: { version: 1, id: ID, kind: 'full', base: null, reason: null, execution: 'arn', at: AT },
    needs: ['version', 'id', 'kind', 'base', 'reason', 'execution', 'at'],
    isClosed: false,
  },
  'the claim of a scheduled time': {
    schema: claimSchema,
    shape: { version: 1, execution: 'arn', at: AT },
    needs: ['version', 'execution', 'at'],
    isClosed: false,
  },
  'a skipped time': {
    schema: skippedSchema,
    shape: { version: 1, execution: 'arn', at: AT, reason: 'another one runs' },
    needs: ['version', 'execution', 'at', 'reason'],
    isClosed: false,
  },
  'a prepared run': {
    schema: preparedRunSchema,
    shape: { ...RUN, prepared: { backup: BACKUP } },
    needs: [...Object.keys(RUN), 'prepared'],
    isClosed: false,
  },
  'a run that is polled': {
    schema: pollInputSchema,
    shape: { ...RUN, prepared: { backup: BACKUP }, poll: POLL },
    needs: [...Object.keys(RUN), 'prepared', 'poll'],
    isClosed: false,
  },
  'a failed run': {
    schema: failureInputSchema,
    shape: {
      ...CONTEXT,
      run: {
        ...RUN,
        hasBefore: true,
        before: { outcome: 'ready', since: AT },
        prepared: { backup: BACKUP },
        poll: POLL,
        verified: { id: ID },
        proof: { outcome: 'go' },
        judged: { verdict: 'proven' },
        error: ERROR,
      },
    },
    needs: ['execution', 'run'],
    isClosed: false,
  },
  'the input of retention': {
    schema: retentionInputSchema,
    shape: { target: 'logs' },
    needs: ['target'],
    isClosed: true,
  },
  'the input of its plan': {
    schema: planInputSchema,
    shape: { ...CONTEXT, input: 7 },
    needs: ['execution'],
    isClosed: true,
  },
  'a removal': {
    schema: removalSchema,
    shape: {
      ...CONTEXT,
      target: 'logs',
      remove: [{ id: ID, reason: 'its grace ended' }],
      marked: 1,
      kept: 2,
      removed: [{ id: ID, objects: 3, bytes: 4 }],
      done: false,
    },
    needs: ['execution', 'target', 'remove', 'marked', 'kept', 'removed', 'done'],
    isClosed: false,
  },
  'a retention that failed': {
    schema: retentionFailureInputSchema,
    shape: { ...CONTEXT, run: { target: 'logs', error: ERROR } },
    needs: ['execution', 'run'],
    isClosed: false,
  },
  'a pin': {
    schema: pinSchema,
    shape: { version: 1, holder: 'restore', reason: 'reading', lapsesAt: AT },
    needs: ['version', 'holder', 'reason', 'lapsesAt'],
    isClosed: false,
  },
  'the input of an examination': {
    schema: doctorInputSchema,
    shape: { target: 'logs', scheduled: true },
    needs: ['target'],
    isClosed: true,
  },
  'an examination': {
    schema: examineInputSchema,
    shape: { ...CONTEXT, input: 7 },
    needs: ['execution'],
    isClosed: true,
  },
  'what was examined': {
    schema: concludeInputSchema,
    shape: {
      ...CONTEXT,
      run: {
        target: 'logs',
        scheduled: true,
        examined: {
          examinations: [
            { check: 'key', result: 'bad', what: 'w', remedy: 'r', error: 'E', isBeyondReach: false },
          ],
        },
        error: ERROR,
      },
    },
    needs: ['execution', 'run'],
    isClosed: false,
  },
  'the input of a proof': {
    schema: proofInputSchema,
    shape: { target: 'logs', backup: ID, level: 'bytes', occasion: 'again' },
    needs: ['target', 'backup'],
    isClosed: true,
  },
  'the plan of a proof': {
    schema: planProofInputSchema,
    shape: { ...CONTEXT, input: 7 },
    needs: ['execution'],
    isClosed: true,
  },
  'an item of a proof': {
    schema: proveItemInputSchema,
    shape: { ...PROOF, index: 0 },
    needs: [...Object.keys(PROOF), 'index'],
    isClosed: true,
  },
  'a judgement': {
    schema: judgeProofInputSchema,
    shape: PROOF,
    needs: Object.keys(PROOF),
    isClosed: true,
  },
  'a proof that failed': {
    schema: proofFailureInputSchema,
    shape: { ...CONTEXT, run: { target: 'logs', backup: ID, error: ERROR } },
    needs: ['execution', 'run'],
    isClosed: false,
  },
};

describe.each(Object.entries(SHAPES))('%s', (_, { schema, shape, needs, isClosed }) => {
  it('arrives as it was made', () => {
    expect(schema.parse(shape)).toEqual(shape);
  });

  it.each(needs)('is none without %s', (field) => {
    expect(schema.safeParse({ ...shape, [field]: undefined }).success).toBe(false);
  });

  it(isClosed ? 'is none with a field that nobody knows' : 'may have fields that nobody knows', () => {
    expect(schema.safeParse({ ...shape, unheard: 1 }).success).toBe(!isClosed);
  });
});

describe('a field that must be one', () => {
  it.each([
    [runSchema, RUN, { target: '' }],
    [runSchema, RUN, { execution: '' }],
    [runSchema, RUN, { attempt: 0 }],
    [runSchema, RUN, { attempt: 1.5 }],
    [proveItemInputSchema, { ...PROOF, index: 0 }, { index: -1 }],
    [proveItemInputSchema, { ...PROOF, index: 0 }, { index: 0.5 }],
    [proofInputSchema, { target: 'logs', backup: ID }, { backup: '' }],
    [proofInputSchema, { target: 'logs', backup: ID }, { level: 'all' }],
    [claimSchema, { version: 1, execution: 'arn', at: AT }, { version: 2 }],
  ])('is none otherwise: %#', (schema, shape, changed) => {
    expect(schema.safeParse(shape).success).toBe(true);
    expect(schema.safeParse({ ...shape, ...changed }).success).toBe(false);
  });
});

describe('what is not understood where a failure is recorded', () => {
  it('is not there, and what is told of it stays', () => {
    const wrong = {
      execution: 7,
      kind: 'weekly',
      scheduledTime: 5,
      slot: 7,
      attempt: 0,
      hasBefore: 'x',
      before: 'x',
      prepared: 7,
      poll: {},
      verified: true,
      proof: 'x',
      judged: 'x',
      scheduled: 'x',
      examined: 'x',
      error: 'x',
    };
    const parsed = (schema: { parse: (input: unknown) => { run: object } }) =>
      schema.parse({ ...CONTEXT, run: { target: 7, backup: 8, ...wrong } }).run;
    const { scheduled, examined } = wrong;
    expect(parsed(failureInputSchema)).toEqual({ target: 7, backup: 8, scheduled, examined });
    const { error: _, ...untouched } = wrong;
    expect(parsed(retentionFailureInputSchema)).toEqual({ target: 7, backup: 8, ...untouched });
    expect(parsed(proofFailureInputSchema)).toEqual({ target: 7, backup: 8, ...untouched });
    const { error: __, scheduled: ___, examined: ____, ...run } = wrong;
    expect(parsed(concludeInputSchema)).toEqual({ target: 7, backup: 8, ...run });
  });
});

describe('what is not said', () => {
  it('is a full backup, a proof of a new one, and an examination that somebody waits for', () => {
    expect(backupInputSchema.parse({ target: 'logs' })).toEqual({ target: 'logs', kind: 'full' });
    expect(proofInputSchema.parse({ target: 'logs', backup: ID })).toEqual({
      target: 'logs',
      backup: ID,
      occasion: 'new',
    });
    expect(doctorInputSchema.parse({ target: 'logs' })).toEqual({ target: 'logs', scheduled: false });
  });
});
