import { describe, expect, test } from 'vitest';
import {
  concludeInputSchema,
  planInputSchema,
  removalSchema,
  retentionFailureInputSchema,
} from '../../core/workflow.ts';
import { EXECUTION, type Handler, inTurn, named, runLocally } from './local-run.ts';
import { machine } from './state-machines.ts';
import { minimal, synthesise } from './synthesis.ts';

const { template } = synthesise(minimal);
const { definition } = machine(template, 'SafehouseRetention');

const INPUT = { target: 'events' };
const plan = {
  execution: EXECUTION,
  target: 'events',
  remove: [{ id: '20260402T020000Z-full-abcd', reason: 'no rule' }],
  marked: 1,
  kept: 2,
  removed: [],
  done: false,
};
const nothingLeft = { ...plan, remove: [], done: true };
const toldPlan: Handler = () => ({
  outcome: 'give up',
  attempt: 1,
  error: 'AccessDenied',
  cause: 'S3 said no.',
});

const run = (handlers: Readonly<Record<string, Handler>>) =>
  runLocally(
    definition,
    { Plan: () => plan, Remove: () => nothingLeft, RecordFailure: toldPlan, ...handlers },
    INPUT,
  );

describe('retention', () => {
  test('is done when nothing is to go', async () => {
    const { way, output, inputs } = await run({ Plan: () => nothingLeft });
    expect(way).toEqual(['Plan', 'IsAnythingLeft', 'Done']);
    expect(output).toEqual(nothingLeft);
    expect(inputs['Plan']).toEqual([{ execution: EXECUTION, input: INPUT }]);
    expect(() => planInputSchema.parse(inputs['Plan']?.[0])).not.toThrow();
  });

  test('removes a part at a time until nothing is left', async () => {
    const part = { ...plan, removed: [{ id: 'a', objects: 1, bytes: 2 }] };
    const { way, inputs } = await run({ Remove: inTurn(part, part, nothingLeft) });
    expect(way).toEqual([
      'Plan',
      ...Array(3).fill(['IsAnythingLeft', 'Remove']).flat(),
      'IsAnythingLeft',
      'Done',
    ]);
    expect(inputs['Remove']).toEqual([plan, part, part]);
    for (const input of inputs['Remove'] ?? []) expect(() => removalSchema.parse(input)).not.toThrow();
  });

  test.each(['Plan', 'Remove'])('tells a person when %s fails, and fails', async (task) => {
    const { way, failed, inputs } = await run({ [task]: inTurn(named('Refused')) });
    expect(way.slice(-2)).toEqual(['RecordFailure', 'GivenUp']);
    expect(failed).toEqual({ error: 'AccessDenied', cause: 'S3 said no.' });
    const [received] = inputs['RecordFailure'] ?? [];
    expect(() => retentionFailureInputSchema.parse(received)).not.toThrow();
    expect(received).toMatchObject({
      execution: EXECUTION,
      run: { target: 'events', error: { Error: 'Refused' } },
    });
  });

  test('says so when not even the alert could be sent', async () => {
    const { failed } = await run({ Plan: inTurn(named('Refused')), RecordFailure: inTurn(named('Refused')) });
    expect(failed?.error).toBe('AlertNotSent');
  });
});

describe('doctor', () => {
  const doctor = machine(template, 'SafehouseDoctor').definition;

  const concluded = { outcome: 'examined', examinations: [], error: '', cause: '' };

  test('answers with what the conclusion was', async () => {
    const found = { examinations: [] };
    const { output, inputs } = await runLocally(
      doctor,
      { Examine: () => found, Conclude: () => concluded },
      INPUT,
    );
    expect(output).toEqual(concluded);
    expect(inputs['Examine']).toEqual([{ execution: EXECUTION, input: INPUT }]);
    expect(inputs['Conclude']).toEqual([{ execution: EXECUTION, run: { ...INPUT, examined: found } }]);
  });

  test.each(['failed', 'another word'])(
    'fails with what the conclusion says when it is "%s"',
    async (outcome) => {
      const bad = { ...concluded, outcome, error: 'S3_ERROR', cause: 'S3 said no.' };
      const { failed } = await runLocally(doctor, { Examine: () => ({}), Conclude: () => bad }, INPUT);
      expect(failed).toEqual({ error: 'S3_ERROR', cause: 'S3 said no.' });
    },
  );

  test('comes to its conclusion when the examination breaks off', async () => {
    const { inputs } = await runLocally(
      doctor,
      { Examine: inTurn(named('InvalidConfiguration')), Conclude: () => concluded },
      INPUT,
    );
    const [received] = inputs['Conclude'] ?? [];
    expect(concludeInputSchema.parse(received)).toMatchObject({
      execution: EXECUTION,
      run: { ...INPUT, error: { Error: 'InvalidConfiguration' } },
    });
  });

  test('ends with the error itself when nothing can be concluded', async () => {
    const { failed } = await runLocally(
      doctor,
      { Examine: () => ({}), Conclude: inTurn(named('Refused')) },
      INPUT,
    );
    expect(failed?.error).toBe('Refused');
  });
});
