import { describe, expect, it } from 'vitest';
import type { RestorePlan } from '../../core/restore.ts';
import { MOST_QUERY_BYTES, restoreStatementOf } from '../../core/restore-statement.ts';
import { restoreStatement } from '../../core/statements.ts';
import { targetOf } from '../support/targets.ts';
import { plannedTable, restorePlan } from './restore-plans.ts';

const locate = (id: string) => ({ access: 'server', url: `https://bucket/${id}` }) as const;

const written = (
  overrides: Partial<RestorePlan> = {},
  settings: Readonly<Record<string, unknown>> = {},
  version = '26.7.2.1',
): string =>
  restoreStatement(restoreStatementOf(restorePlan(overrides), targetOf(settings), version, locate));

const settingsOf = (statement: string): string[] =>
  (/ SETTINGS (.*)$/.exec(statement)?.[1] ?? '')
    .split(', ')
    .filter((each) => !/^backup_restore_|^max_/.test(each));

it('names what it restores, from where, and on which cluster', () => {
  const name = 'o`dd \'"';
  const statement = written(
    { elements: [{ kind: 'database', database: name, as: 'new' }], base: '20260401T020000Z-full-aaaa' },
    { cluster: name },
  );
  expect(statement).toContain(
    "RESTORE DATABASE `o\\`dd '\"` AS `new` ON CLUSTER `o\\`dd '\"` FROM S3('https://bucket/20260402T020000Z-full-k3f9')",
  );
  expect(statement).toContain("base_backup = S3('https://bucket/20260401T020000Z-full-aaaa')");
});

it('takes from the settings of the target those that RESTORE knows', () => {
  const statement = written(
    {},
    { settings: { max_backup_bandwidth: 5, deduplicate_files: 0, s3_max_connections: 7 } },
  );
  expect(statement).toContain('max_backup_bandwidth = 5');
  expect(statement).not.toContain('deduplicate_files');
  expect(statement).not.toContain('s3_max_connections');
  expect(statement).not.toContain('ON CLUSTER');
});

describe('the settings', () => {
  const EXISTING = [
    'create_table = 0',
    'create_database = 0',
    'allow_different_table_def = 1',
    'allow_non_empty_tables = 1',
  ];

  it.each([
    ['new', []],
    ['asIs', []],
    ['replace', []],
    ['intoExisting', EXISTING],
    ['append', EXISTING],
  ] as const)('of mode %s are %j', (mode, settings) => {
    expect(settingsOf(written({ mode }))).toEqual(settings);
  });

  it('let rows into a table that has others only for partitions, and into existing tables', () => {
    const partitions = [plannedTable({ partitions: ['1'] })];
    expect(settingsOf(written({ tables: partitions }))).toEqual(['allow_non_empty_tables = 1']);
    const beside = [...partitions, plannedTable({ name: 'whole' })];
    expect(settingsOf(written({ tables: beside }))).toEqual(['allow_non_empty_tables = 1']);
  });

  it('quiet everything that works outside, where the server can', () => {
    const quiet = settingsOf(written({ mode: 'new', quiet: true }));
    expect(quiet).toEqual([
      'restore_replace_external_engines_to_null = 1',
      'restore_replace_external_table_functions_to_null = 1',
      'restore_replace_external_dictionary_source_to_null = 1',
      'allow_different_table_def = 1',
    ]);
    expect(settingsOf(written({ quiet: true }, {}, '24.9.1.1'))).toEqual([]);
    expect(settingsOf(written({ quiet: true }, {}, '24.10.1.1'))).toEqual(quiet);
  });

  it('bring definitions alone, and another storage policy', () => {
    expect(settingsOf(written({ structureOnly: true, storagePolicy: "h'ot" }))).toEqual([
      'structure_only = 1',
      String.raw`storage_policy = 'h\'ot'`,
    ]);
  });
});

it('of thousands of tables is one statement', () => {
  const elements = Array.from({ length: 5000 }, (_, index) => ({
    kind: 'table' as const,
    database: 'shop',
    table: `t${index}`,
  }));
  const statement = written({ elements });
  expect(statement.match(/TABLE `shop`/g)).toHaveLength(5000);
  // ClickHouse's default of 256 KiB would be too little for so many with long names; this is what may be sent.
  expect(MOST_QUERY_BYTES).toBe(67_108_864);
  expect(statement.length).toBeLessThan(MOST_QUERY_BYTES);
});
