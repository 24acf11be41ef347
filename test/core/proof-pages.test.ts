/** What the parts of a proof write down is read by the judgement as it was written, to the last field. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  PROOF_LEVELS,
  proofPlanSchema,
  proofResultSchema,
  provenFields,
  READINGS,
} from '../../core/proof.ts';

const FINDING = { table: 'shop.events', part: null, file: 'data.bin', what: 'is damaged', inBase: true };
const MEASURES = {
  version: 1,
  at: '2026-04-02T02:00:00.000Z',
  by: 'arn',
  engine: '26.7.2.1',
  selfTest: { good: true, damages: [{ damage: 'a missing object', seen: true }], seconds: 1 },
  seconds: 1,
  memoryMiB: 3072,
  findings: [FINDING],
  found: 2,
  unjudged: ['not read'],
};
const PLAN = {
  ...MEASURES,
  level: 'bytes',
  manifestSha256: 'a',
  tables: [
    {
      database: 'shop',
      name: 'events',
      engine: 'MergeTree',
      coverage: 'data',
      reading: 'checked',
      rows: null,
      parts: 1,
      bytes: 9,
      fingerprint: 'f',
    },
  ],
  items: [
    {
      kind: 'check',
      checks: [{ database: 'shop', table: 'events', parts: ['all_1_1_0'], expected: 1, bytes: 9 }],
      bytes: 9,
    },
    { kind: 'contents', slice: 0, slices: 2, bytes: 9 },
  ],
  assertions: [{ query: 'SELECT 1', database: 'shop', passed: true, answer: '1' }],
  anomalies: ['rows fell'],
};
const RESULT = { ...MEASURES, index: 0, bytes: 9, parts: 1, files: 4 };

const EVIDENCE = {
  level: 'counts',
  engine: '26.7.2.1',
  manifestSha256: 'a',
  tables: PLAN.tables,
  assertions: PLAN.assertions,
  anomalies: [],
  selfTest: MEASURES.selfTest,
  items: 1,
  bytesRead: 9,
  seconds: 2,
  dollars: 0.001,
};

describe.each([
  ['evidence in the ledger', z.object(provenFields), EVIDENCE],
  ['plan', proofPlanSchema, PLAN],
  ['result of an item', proofResultSchema, RESULT],
] as const)('the %s', (_, schema, page) => {
  it('is read as it was written', () => {
    expect(schema.parse(page)).toEqual(page);
  });

  it.each(Object.keys(page))('is none without %s', (field) => {
    expect(schema.safeParse({ ...page, [field]: undefined }).success).toBe(false);
  });
});

it('has two levels, and three ways to read a table', () => {
  expect(PROOF_LEVELS).toEqual(['counts', 'bytes']);
  expect(READINGS).toEqual(['checked', 'hashed', 'definition']);
});
