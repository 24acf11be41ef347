import { describe, expect, test } from 'vitest';
import {
  judgeProofInputSchema,
  planProofInputSchema,
  proofFailureInputSchema,
  proofInputSchema,
  proveItemInputSchema,
} from '../../core/workflow.ts';
import { readDefinition } from '../../local/definition.ts';
import { EXECUTION, type Handler, inTurn, named, type Payload, runLocally } from './local-run.ts';
import { machine } from './state-machines.ts';
import { minimal, synthesise } from './synthesis.ts';

const { definition } = machine(synthesise(minimal).template, 'SafehouseProve');

const INPUT = {
  target: 'events',
  backup: '20260402T020000Z-full-abcd',
  level: 'counts',
  occasion: 'again',
};
const planned = {
  outcome: 'go',
  target: INPUT.target,
  backup: INPUT.backup,
  proof: 'one',
  items: Array.from({ length: 25 }, (_, index) => index),
};
const judged = { verdict: 'proven', bytes: 30, tables: 1, anomalies: [] };
const SAME = { execution: EXECUTION, target: INPUT.target, backup: INPUT.backup, proof: 'one' };

const fine = {
  PlanProof: () => planned,
  ProveItem: ({ index }) => ({ index }),
  JudgeProof: () => judged,
  RecordFailure: () => ({ outcome: 'give up', attempt: 1, error: 'ProofRefuted', cause: 'It is damaged.' }),
} satisfies Record<string, Handler>;

const run = (handlers: Partial<Record<keyof typeof fine, Handler>> = {}, input: Payload = INPUT) =>
  runLocally(definition, { ...fine, ...handlers }, input);

describe('a proof', () => {
  test('is planned, read and judged', async () => {
    const { way, output, failed } = await run();
    expect(failed).toBeUndefined();
    expect(way).toEqual(['PlanProof', 'IsProofWanted', 'ProveItems', 'JudgeProof', 'Done']);
    expect(output).toEqual({ ...INPUT, proof: planned, judged });
  });

  test('gives every step what its schema asks for', async () => {
    const { inputs } = await run();
    expect(inputs['PlanProof']).toEqual([{ execution: EXECUTION, input: INPUT }]);
    expect(() => planProofInputSchema.parse(inputs['PlanProof']?.[0])).not.toThrow();
    expect(() => proofInputSchema.parse(INPUT)).not.toThrow();
    expect(inputs['ProveItem']).toEqual(planned.items.map((index) => ({ ...SAME, index })));
    for (const item of inputs['ProveItem'] ?? [])
      expect(() => proveItemInputSchema.parse(item)).not.toThrow();
    expect(inputs['JudgeProof']).toEqual([SAME]);
    expect(() => judgeProofInputSchema.parse(inputs['JudgeProof']?.[0])).not.toThrow();
  });

  test('is over at once where none is wanted', async () => {
    const { way, failed } = await run({
      PlanProof: () => ({ ...planned, outcome: 'not wanted', items: [] }),
    });
    expect(failed).toBeUndefined();
    expect(way).toEqual(['PlanProof', 'IsProofWanted', 'Done']);
  });

  test('goes on to be judged for any other word of its plan, and is judged over no items too', async () => {
    const { way } = await run({
      PlanProof: () => ({ ...planned, outcome: 'a word of next year', items: [] }),
    });
    expect(way).toContain('JudgeProof');
  });

  test('reads at most as many items at once as the configuration says', async () => {
    let [now, most] = [0, 0];
    const prover = { ...minimal, prover: { atOnce: 3 } };
    const limited = machine(synthesise(prover).template, 'SafehouseProve').definition;
    const ProveItem = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      return {};
    };
    await runLocally(limited, { ...fine, ProveItem }, INPUT);
    expect(most).toBe(3);
  });

  test('reads an item again when that helps', async () => {
    const { failed, inputs } = await run({
      ProveItem: inTurn(named('TemporarilyUnavailable'), { index: 0 }),
    });
    expect(failed).toBeUndefined();
    expect(inputs['ProveItem']).toHaveLength(planned.items.length + 1);
  });

  test.each(['PlanProof', 'ProveItem', 'JudgeProof'] as const)(
    'tells a person when %s fails, and fails',
    async (task) => {
      const { way, failed, inputs } = await run({ [task]: inTurn(named('VerificationFailed')) });
      expect(way.slice(-2)).toEqual(['RecordFailure', 'GivenUp']);
      expect(failed).toEqual({ error: 'ProofRefuted', cause: 'It is damaged.' });
      const [received] = inputs['RecordFailure'] ?? [];
      expect(() => proofFailureInputSchema.parse(received)).not.toThrow();
      expect(received).toMatchObject({
        execution: EXECUTION,
        run: { ...INPUT, error: { Error: 'VerificationFailed' } },
      });
    },
  );

  test('says so when not even the alert could be sent', async () => {
    const { failed } = await run({
      JudgeProof: inTurn(named('VerificationFailed')),
      RecordFailure: inTurn(named('Refused')),
    });
    expect(failed?.error).toBe('AlertNotSent');
  });
});

test('runs on one machine as it does on AWS', () => {
  expect(() => readDefinition('SafehouseProve', JSON.stringify(definition))).not.toThrow();
});
