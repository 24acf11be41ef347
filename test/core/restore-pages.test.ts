/** What a restore writes down is read by its later steps as it was written, to the last field. */
import { describe, expect, it } from 'vitest';
import {
  ACCEPTABLE,
  BAD_COMPARISONS,
  beforeSchema,
  COMPARISONS,
  checkedTableSchema,
  cleanedSchema,
  comparisonSchema,
  definitionSchema,
  endedSchema,
  PREFLIGHT_CHECKS,
  RESTORE_OUTCOMES,
  restorePlanSchema,
  restoreReportSchema,
  roomSchema,
  submittedSchema,
} from '../../core/restore.ts';
import { plannedTable, restorePlan } from './restore-plans.ts';

const AT = '2026-04-02T03:00:00.000Z';
const PLACE = { database: 'shop', table: 'orders' };
const DEFINITION = {
  storagePolicy: 'tiered',
  disk: 'fast',
  volumes: ['cold'],
  disks: ['slow'],
  refreshable: false,
  replica: { path: '/t', name: 'r1' },
};
const FINDING = { check: 'disk', weight: 'blocks', what: 'It is full.', remedy: 'Make room.' };
const COMPARED = {
  ...PLACE,
  expectedRows: 1,
  rows: 1,
  parts: 1,
  bytes: 9,
  comparison: 'identical',
  checked: true,
  what: 'the same',
};
const DROPPED = { kind: 'table', ...PLACE };
const REPLICA = { table: 'shop.orders', what: 'all active', healthy: true };
const ASSERTION = { query: 'SELECT 1', database: 'shop', passed: true, answer: '1' };
const LEFT = { what: 'rows', statement: 'TRUNCATE' };

const PAGES = {
  plan: {
    schema: restorePlanSchema,
    page: restorePlan({
      base: 'full',
      storagePolicy: 'tiered',
      confirm: ['shop'],
      accept: ['disk'],
      tables: [plannedTable({ partitions: ['1'], definition: DEFINITION })],
      leftOut: [{ ...PLACE, why: 'left out' }],
      elements: [
        { kind: 'database', database: 'shop', as: 'other', except: ['x'] },
        { kind: 'table', ...PLACE, as: PLACE, partitions: ['1'] },
      ],
    }),
  },
  before: {
    schema: beforeSchema,
    page: {
      version: 1,
      at: AT,
      server: { version: '26.7.2.1', server: 'A', host: 'a.example' },
      databases: ['default'],
      tables: [{ ...PLACE, uuid: 'u', engine: 'MergeTree', rows: null }],
      live: [PLACE],
      findings: [FINDING],
      statement: 'RESTORE …',
      bytes: 9,
      estimatedSeconds: null,
    },
  },
  room: { schema: roomSchema, page: { version: 1, at: AT, dropped: [DROPPED], created: ['other'] } },
  submitted: { schema: submittedSchema, page: { version: 1, at: AT, never: true } },
  check: { schema: checkedTableSchema, page: { ...PLACE, passed: false, what: 'damaged' } },
  compared: {
    schema: comparisonSchema,
    page: {
      version: 1,
      at: AT,
      tables: [COMPARED],
      replicas: [REPLICA],
      assertions: [ASSERTION],
      restoreSeconds: 2,
    },
  },
  cleaned: { schema: cleanedSchema, page: { version: 1, at: AT, dropped: [DROPPED], left: [LEFT] } },
  ended: { schema: endedSchema, page: { version: 1, at: AT, outcome: 'restored' } },
  report: {
    schema: restoreReportSchema,
    page: {
      version: 1,
      at: AT,
      by: 'arn',
      restore: 'r',
      target: 'logs',
      to: 'spare',
      backup: 'b',
      mode: 'new',
      drill: false,
      outcome: 'failed',
      seconds: 3,
      restoreSeconds: null,
      bytes: 9,
      statement: 'RESTORE …',
      tables: [COMPARED],
      replicas: [REPLICA],
      assertions: [ASSERTION],
      leftOut: [{ ...PLACE, why: 'left out' }],
      isWhole: false,
      dropped: [{ kind: 'database', database: 'shop', table: null }],
      left: [LEFT],
      findings: [FINDING],
      covers: { from: AT, to: AT },
      swap: ['EXCHANGE TABLES …'],
      swapBack: ['EXCHANGE TABLES …'],
      failure: { class: 'fix and stop', error: 'E', what: 'w', remedy: 'r' },
    },
  },
};

describe.each(Object.entries(PAGES))('the page %s', (_, { schema, page }) => {
  it('is read as it was written', () => {
    expect(schema.parse(page)).toEqual(page);
  });

  it.each(Object.keys(page).filter((field) => field !== 'never'))('is none without %s', (field) => {
    expect(schema.safeParse({ ...page, [field]: undefined }).success).toBe(false);
  });
});

it('a definition that names no disk has none', () => {
  const { disk: _, ...before } = DEFINITION;
  expect(definitionSchema.parse(before)).toEqual({ ...before, disk: null });
});

it('what would mix or destroy data cannot be taken on oneself', () => {
  expect(PREFLIGHT_CHECKS.filter((check) => !ACCEPTABLE.includes(check))).toEqual([
    'backup',
    'chain',
    'engines',
    'storage-policy',
    'destination',
    'confirmation',
    'another-restore',
  ]);
  expect(ACCEPTABLE).toEqual(['version', 'disk', 'grants', 'replicas', 'proof', 'consumers']);
});

it('a restore ends in one of five ways, and three comparisons are bad', () => {
  expect(RESTORE_OUTCOMES).toEqual(['restored', 'different', 'failed', 'cancelled', 'dry run']);
  expect(COMPARISONS.filter((comparison) => !BAD_COMPARISONS.includes(comparison))).toEqual([
    'identical',
    'same rows',
    'definition',
    'not counted',
  ]);
  expect(BAD_COMPARISONS).toEqual(['missing', 'different', 'damaged']);
});
