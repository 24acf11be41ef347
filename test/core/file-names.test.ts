import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  databaseOfFile,
  escapeForFileName,
  isInnerTable,
  tableOfFile,
  tablePath,
  unescapeForFileName,
} from '../../core/file-names.ts';
import { anyText } from './any-text.ts';

describe('escapeForFileName', () => {
  it.each([
    ['events_2026', 'events_2026'],
    ['my shop', 'my%20shop'],
    ['a-b.c/d', 'a%2Db%2Ec%2Fd'],
    ['it\'s `quoted` "and" 100%', 'it%27s%20%60quoted%60%20%22and%22%20100%25'],
    ['пъ', '%D0%BF%D1%8A'],
    ['漢🙂', '%E6%BC%A2%F0%9F%99%82'],
    ['a\\b\n\0', 'a%5Cb%0A%00'],
    ['', ''],
  ])('makes of %j what ClickHouse makes of it', (name, escaped) => {
    expect(escapeForFileName(name)).toBe(escaped);
    expect(unescapeForFileName(escaped)).toBe(name);
  });

  it('is undone by unescapeForFileName and leaves nothing but word characters and percent signs', async () => {
    await fc.assert(
      fc.property(anyText(), (text) => {
        const name = text.toWellFormed();
        const escaped = escapeForFileName(name);

        expect(escaped).toMatch(/^(?:[A-Za-z0-9_]|%[0-9A-F]{2})*$/);
        expect(unescapeForFileName(escaped)).toBe(name);
      }),
    );
  });
});

describe('unescapeForFileName', () => {
  it.each([
    ['100%', '100%'],
    ['%4', '%4'],
    ['%zz%41', '%zzA'],
    ['%4x%x4', '%4x%x4'],
    ['%%41', '%A'],
    ['é%C3%A9', 'éé'],
    ['%FF', '\uFFFD'],
  ])('shows %s as %s', (escaped, name) => {
    expect(unescapeForFileName(escaped)).toBe(name);
  });
});

describe('tableOfFile', () => {
  const table = tablePath('my shop', 'a.sql/b');

  it.each([
    [`metadata/${table}.sql`, { table, part: 'metadata' }],
    [`data/${table}/all_1_1_0/data.bin`, { table, part: 'data' }],
    [`data/${table}/mutations/0000000001.txt`, { table, part: 'data' }],
    [`shards/1/replicas/2/metadata/${table}.sql`, { table, part: 'metadata' }],
    [`shards/s%201/replicas/r%2D2/data/${table}/all_1_1_0/data.bin`, { table, part: 'data' }],
    ['data/system/users/access01.txt', { table: 'system/users', part: 'data' }],
  ])('knows whose file %s is', (name, file) => {
    expect(tableOfFile(name)).toEqual(file);
  });

  it.each([
    'metadata/shop.sql',
    'shards/1/replicas/2/metadata/shop.sql',
    'metadata/shop/events.txt',
    'metadata/shop/events/more.sql',
    'metadata//events.sql',
    'data/shop',
    'data/shop/events',
    'temporary_tables/metadata/t.sql',
    'temporary_tables/data/t/data.bin',
    'shards/1/metadata/shop/events.sql',
    'shards/x/shards/1/replicas/2/data/shop/events/all_1_1_0/data.bin',
    'ab/0123456789',
  ])('knows that %s is of no table', (name) => {
    expect(tableOfFile(name)).toBeUndefined();
  });
});

describe('databaseOfFile', () => {
  it.each([
    ['metadata/shop.sql', 'shop'],
    ['metadata/my%20shop.sql', 'my shop'],
    ['shards/1/replicas/2/metadata/shop.sql', 'shop'],
    ['shards/12/replicas/34/metadata/shop.sql', 'shop'],
  ])('of %s is %s', (name, database) => {
    expect(databaseOfFile(name)).toBe(database);
  });

  it.each([
    'metadata/shop/events.sql',
    'metadata/shop.sql.old',
    'metadata/.sql/x',
    'metadata/shop.txt',
    'old/metadata/shop.sql',
    'data/metadata/shop.sql',
    '',
  ])('of %j is none', (name) => {
    expect(databaseOfFile(name)).toBeUndefined();
  });
});

describe('isInnerTable', () => {
  it.each([
    ['.inner.view', true],
    ['.inner_id.05e7d75e-9380-4991-ae83-7a5abb220c41', true],
    ['inner.view', false],
    ['.innermost', false],
    ['not.inner.view', false],
  ])('takes %s for an inner table: %s', (name, is) => {
    expect(isInnerTable(name)).toBe(is);
  });
});
