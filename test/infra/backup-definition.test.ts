import { describe, expect, test } from 'vitest';
import {
  checkBeforeInputSchema,
  failureInputSchema,
  judgeProofInputSchema,
  planProofInputSchema,
  pollInputSchema,
  preparedRunSchema,
  proofInputSchema,
  proveItemInputSchema,
  runSchema,
} from '../../core/workflow.ts';
import { EXECUTION, type Handler, inTurn, named, type Payload, type Run, runLocally } from './local-run.ts';
import { machine } from './state-machines.ts';
import { minimal, synthesise } from './synthesis.ts';

const { definition } = machine(synthesise(minimal).template, 'SafehouseBackup');

const INPUT = { target: 'events', kind: 'incremental', scheduledTime: '2026-04-02T02:00:00Z' };

const begun = {
  execution: EXECUTION,
  ...INPUT,
  slot: 'incremental/20260402T020000Z',
  attempt: 1,
  outcome: 'go',
  reason: null,
  hasBefore: false,
};
const prepared = {
  outcome: 'go',
  reason: null,
  backup: { id: '20260402T020000Z-incr-abcd', kind: 'incremental', base: null, joined: false },
};
const poll = {
  outcome: 'running',
  submittedAt: '2026-04-02T02:00:01.000Z',
  waitSeconds: 2,
  server: null,
  progress: { files: 0, bytes: 0 },
  movedAt: '2026-04-02T02:00:01.000Z',
  silentSince: null,
  polls: 0,
  failure: null,
};
const failure = { class: 'new attempt', error: 'S3_ERROR', what: 'S3 said no.', remedy: 'Wait.' };
const verified = { id: prepared.backup.id, objects: 3, bytes: 30, files: 3 };

const proof = {
  outcome: 'go',
  target: 'events',
  backup: prepared.backup.id,
  proof: 'one',
  items: [0, 1, 2],
};

const fine = {
  Begin: () => begun,
  CheckBefore: () => ({ outcome: 'ready', since: '2026-04-02T02:00:00.000Z', waitSeconds: 1 }),
  Prepare: () => prepared,
  Submit: () => poll,
  Poll: () => ({ ...poll, outcome: 'finished', polls: 1 }),
  Verify: () => verified,
  PlanProof: () => proof,
  ProveItem: ({ index }) => ({ index }),
  JudgeProof: () => ({ verdict: 'proven', bytes: 30, tables: 1, anomalies: [] }),
  StartRetention: () => ({}),
  RecordFailure: () => ({ outcome: 'give up', attempt: 1, error: 'S3_ERROR', cause: 'S3 said no.' }),
} satisfies Record<string, Handler>;

const run = (
  handlers: Partial<Record<keyof typeof fine, Handler>> = {},
  input: Payload = INPUT,
): Promise<Run> => runLocally(definition, { ...fine, ...handlers }, input);

const SUBMITTED = [
  'Prepare',
  'IsThereSomethingToSubmit',
  'Submit',
  'WaitForClickHouse',
  'Poll',
  'IsItFinished',
];
const START = ['Begin', 'IsThereWork', 'HasCondition'];
const PROOF = ['PlanProof', 'IsProofWanted', 'ProveItems', 'JudgeProof'];
const END = ['Verify', ...PROOF, 'StartRetention', 'BackedUp'];

describe('a backup that goes well', () => {
  test('goes from the claim to retention', async () => {
    const { way, failed, inputs } = await run();
    expect(failed).toBeUndefined();
    expect(way).toEqual([...START, ...SUBMITTED, ...END]);
    expect(inputs['Begin']).toEqual([{ execution: EXECUTION, input: INPUT }]);
    expect(inputs['StartRetention']).toEqual([
      { Input: { target: 'events' }, StateMachineArn: expect.any(String) },
    ]);
  });

  test('gives every step what its schema asks for', async () => {
    const { inputs } = await run({ Begin: () => ({ ...begun, hasBefore: true }) });
    expect(() => checkBeforeInputSchema.parse(inputs['CheckBefore']?.[0])).not.toThrow();
    expect(() => runSchema.parse(inputs['Prepare']?.[0])).not.toThrow();
    expect(() => preparedRunSchema.parse(inputs['Submit']?.[0])).not.toThrow();
    expect(() => pollInputSchema.parse(inputs['Poll']?.[0])).not.toThrow();
    expect(() => preparedRunSchema.parse(inputs['Verify']?.[0])).not.toThrow();
    expect(() => planProofInputSchema.parse(inputs['PlanProof']?.[0])).not.toThrow();
    expect(() => judgeProofInputSchema.parse(inputs['JudgeProof']?.[0])).not.toThrow();
  });

  test('is proven as the backup that it has become, by an execution of its name', async () => {
    const { inputs } = await run();
    const input = { target: 'events', backup: prepared.backup.id };
    expect(inputs['PlanProof']).toEqual([{ execution: EXECUTION, input }]);
    expect(() => proofInputSchema.parse(input)).not.toThrow();
    const same = { execution: EXECUTION, ...input, proof: 'one' };
    expect(inputs['ProveItem']).toEqual([0, 1, 2].map((index) => ({ ...same, index })));
    for (const item of inputs['ProveItem'] ?? [])
      expect(() => proveItemInputSchema.parse(item)).not.toThrow();
    expect(inputs['JudgeProof']).toEqual([same]);
  });

  test('is followed by retention at once where no proof is wanted', async () => {
    const { way, failed } = await run({ PlanProof: () => ({ ...proof, outcome: 'not wanted', items: [] }) });
    expect(failed).toBeUndefined();
    expect(way.slice(-5)).toEqual(['Verify', 'PlanProof', 'IsProofWanted', 'StartRetention', 'BackedUp']);
  });

  test('ends at once when the scheduled time has run', async () => {
    const { way, failed } = await run({ Begin: () => ({ ...begun, outcome: 'already ran' }) });
    expect(failed).toBeUndefined();
    expect(way).toEqual(['Begin', 'IsThereWork', 'AlreadyRan']);
  });

  test('ends without a backup when one is still being written', async () => {
    const { way, failed } = await run({
      Prepare: () => ({ outcome: 'skipped', reason: 'busy', backup: null }),
    });
    expect(failed).toBeUndefined();
    expect(way.at(-1)).toBe('Skipped');
  });

  test('waits while the condition does not hold, and carries since when', async () => {
    const since = '2026-04-02T02:00:00.000Z';
    const { way, inputs } = await run({
      Begin: () => ({ ...begun, hasBefore: true }),
      CheckBefore: inTurn(
        { outcome: 'waiting', since, waitSeconds: 1 },
        { outcome: 'ready', since, waitSeconds: 1 },
      ),
    });
    const check = ['CheckBefore', 'DoesConditionHold'];
    expect(way).toEqual([...START, ...check, 'WaitForCondition', ...check, ...SUBMITTED, ...END]);
    expect(inputs['CheckBefore']?.[0]).not.toHaveProperty('before');
    expect(inputs['CheckBefore']?.[1]).toHaveProperty('before.since', since);
  });

  test('polls while ClickHouse works, and gives each poll what the last one found', async () => {
    const { way, inputs } = await run({
      Poll: inTurn({ ...poll, polls: 1 }, { ...poll, polls: 2 }, { ...poll, outcome: 'finished', polls: 3 }),
    });
    expect(way.filter((state) => state === 'WaitForClickHouse')).toHaveLength(3);
    expect(inputs['Poll']?.map((received) => (received['poll'] as Payload)['polls'])).toEqual([0, 1, 2]);
  });
});

describe('a backup that fails', () => {
  test.each(['failed', 'cancelled', 'lost', 'stalled', 'over time', 'a word of next year'])(
    'is recorded when ClickHouse says "%s"',
    async (outcome) => {
      const { way, failed, inputs } = await run({ Poll: () => ({ ...poll, outcome, failure }) });
      expect(way.slice(-3)).toEqual(['RecordFailure', 'IsThereAnotherAttempt', 'GivenUp']);
      expect(failed).toEqual({ error: 'S3_ERROR', cause: 'S3 said no.' });
      expect(inputs['RecordFailure']?.[0]).toMatchObject({
        execution: EXECUTION,
        run: { poll: { outcome, failure } },
      });
    },
  );

  test.each(['Begin', 'CheckBefore', 'Prepare', 'Submit', 'Poll', 'Verify', 'StartRetention'] as const)(
    'is recorded with what is known, when %s throws',
    async (task) => {
      const { way, inputs, failed } = await run({
        Begin: () => ({ ...begun, hasBefore: true }),
        [task]: inTurn(named('Refused')),
      });
      expect(way.filter((state) => state === task)).toHaveLength(1);
      expect(way.at(-1)).toBe('GivenUp');
      expect(failed?.error).toBe('S3_ERROR');
      const [received] = inputs['RecordFailure'] ?? [];
      expect(() => failureInputSchema.parse(received)).not.toThrow();
      expect(received).toMatchObject({
        execution: EXECUTION,
        run: { target: 'events', error: { Error: 'Refused' } },
      });
    },
  );

  test.each(['PlanProof', 'ProveItem', 'JudgeProof'] as const)(
    'is recorded with what is known of its proof, and retention is not started, when %s throws',
    async (task) => {
      const { way, inputs, failed } = await run({ [task]: inTurn(named('VerificationFailed')) });
      expect(way.slice(-3)).toEqual(['RecordFailure', 'IsThereAnotherAttempt', 'GivenUp']);
      expect(way).not.toContain('StartRetention');
      expect(failed?.error).toBe('S3_ERROR');
      const [received] = inputs['RecordFailure'] ?? [];
      expect(() => failureInputSchema.parse(received)).not.toThrow();
      const state = {
        verified,
        error: { Error: 'VerificationFailed' },
        ...(task !== 'PlanProof' && { proof }),
      };
      expect(received).toMatchObject({ execution: EXECUTION, run: state });
      expect(received).not.toHaveProperty('run.judged');
    },
  );

  test('is not judged when one of its items could not be read', async () => {
    const { way, inputs } = await run({
      ProveItem: ({ index }) => {
        if (index === 1) throw named('IncompleteReading');
        return { index };
      },
    });
    expect(way).not.toContain('JudgeProof');
    expect(inputs['RecordFailure']?.[0]).toMatchObject({ run: { error: { Error: 'IncompleteReading' } } });
  });

  test('is not recorded when the same call helps', async () => {
    const { way, inputs, failed } = await run({ Submit: inTurn(named('TemporarilyUnavailable'), poll) });
    expect(failed).toBeUndefined();
    expect(way).not.toContain('RecordFailure');
    expect(inputs['Submit']).toHaveLength(2);
  });

  test('begins again under the next number, with nothing of the failed attempt', async () => {
    const { way, inputs, failed } = await run({
      Begin: () => ({ ...begun, hasBefore: true }),
      Poll: inTurn({ ...poll, outcome: 'failed', failure }, { ...poll, outcome: 'finished' }),
      RecordFailure: () => ({ outcome: 'new attempt', attempt: 2, error: 'S3_ERROR', cause: 'no' }),
    });
    expect(failed).toBeUndefined();
    expect(way.slice(way.indexOf('RecordFailure'), way.indexOf('RecordFailure') + 5)).toEqual([
      'RecordFailure',
      'IsThereAnotherAttempt',
      'NextAttempt',
      'HasCondition',
      'CheckBefore',
    ]);
    expect(way.slice(-END.length)).toEqual(END);
    expect(inputs['CheckBefore']?.[1]).toEqual({
      execution: EXECUTION,
      ...INPUT,
      slot: begun.slot,
      hasBefore: true,
      outcome: 'go',
      attempt: 2,
    });
    expect(() => runSchema.parse(inputs['Prepare']?.[1])).not.toThrow();
  });

  test('says so when not even the alert could be sent', async () => {
    const { way, failed } = await run({
      Verify: inTurn(named('VerificationFailed')),
      RecordFailure: inTurn(named('Refused')),
    });
    expect(way.slice(-2)).toEqual(['RecordFailure', 'AlertNotSent']);
    expect(failed?.error).toBe('AlertNotSent');
    expect(failed?.cause).toContain('nobody was told');
  });

  test('is recorded when the input is nonsense', async () => {
    const { inputs, failed } = await run({ Begin: inTurn(named('InvalidInput')) }, { tarmac: 1 });
    expect(failed?.error).toBe('S3_ERROR');
    expect(inputs['RecordFailure']?.[0]).toMatchObject({
      run: { tarmac: 1, error: { Error: 'InvalidInput' } },
    });
  });
});
