import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupElements, like, restoreElements, type ServerTable, selectScope } from '../../core/scope.ts';
import { type Engine, startEngine } from '../../local/engine/engine.ts';
import { targetOf } from '../support/targets.ts';

const table = (database: string, name: string, engine = 'MergeTree'): ServerTable => ({
  database,
  name,
  engine,
});

const DATABASES = ['default', 'logs', 'shop', 'system', 'information_schema', 'INFORMATION_SCHEMA'];
const TABLES = [
  table('logs', 'events', 'ReplicatedMergeTree'),
  table('logs', 'queue', 'Kafka'),
  table('shop', 'orders'),
  table('shop', 'view', 'MaterializedView'),
  table('shop', '.inner_id.1b4e28ba-2fa1-11d2-883f-0016d3cca427'),
  table('shop', '.inner.view'),
  table('system', 'users', 'SystemUsers'),
];

const scopeOf = (overrides: Readonly<Record<string, unknown>>, tables: readonly ServerTable[] = TABLES) => {
  const target = targetOf(overrides);
  const scope = selectScope(target, DATABASES, tables);
  return {
    ...scope,
    tables: scope.tables.map(({ database, name }) => `${database}.${name}`),
    elements: backupElements(target, scope),
  };
};

const database = (name: string, ...except: string[]) => ({ kind: 'database', database: name, except });

describe('the scope of a target', () => {
  it('is everything but what belongs to ClickHouse, by default', () => {
    expect(scopeOf({})).toEqual({
      databases: ['default', 'logs', 'shop'],
      tables: ['logs.events', 'logs.queue', 'shop.orders', 'shop.view'],
      missing: [],
      missingTables: [],
      elements: [database('default'), database('logs'), database('shop')],
    });
  });

  it('says of each table what a backup holds of it', () => {
    const { tables } = selectScope(targetOf(), DATABASES, TABLES);
    expect(tables.map(({ name, coverage }) => [name, coverage])).toEqual([
      ['events', 'data'],
      ['queue', 'schema only'],
      ['orders', 'data'],
      ['view', 'data'],
    ]);
  });

  it('is the databases that are named, and names those that are not there', () => {
    expect(scopeOf({ databases: ['shop', 'shpo'] })).toMatchObject({
      databases: ['shop'],
      tables: ['shop.orders', 'shop.view'],
      missing: ['shpo'],
      elements: [database('shop')],
    });
  });

  it('names a database once, however often it was written', () => {
    expect(scopeOf({ databases: ['shop', 'shop'] }).elements).toEqual([database('shop')]);
  });

  it('leaves out what is excepted', () => {
    expect(scopeOf({ except: ['logs.queue', 'logs.nothing'] })).toMatchObject({
      tables: ['logs.events', 'shop.orders', 'shop.view'],
      elements: [database('default'), database('logs', 'queue', 'nothing'), database('shop')],
    });
  });

  it('names the tables of databases with exceptions where there are several: EXCEPT goes in one element only', () => {
    const table = (of: string, name: string) => ({ kind: 'table', database: of, table: name });
    expect(scopeOf({ except: ['logs.queue', 'shop.view'] })).toMatchObject({
      tables: ['logs.events', 'shop.orders'],
      elements: [database('default'), table('logs', 'events'), table('shop', 'orders')],
    });
  });

  it('needs no exceptions in a restore: what was excepted is not in the backup', () => {
    const target = targetOf({ except: ['logs.queue'] });
    expect(restoreElements(target, selectScope(target, DATABASES, TABLES))).toEqual([
      database('default'),
      database('logs'),
      database('shop'),
    ]);
  });

  it('is the tables that are named, one by one', () => {
    expect(scopeOf({ tables: ['shop.orders'] })).toMatchObject({
      databases: ['shop'],
      tables: ['shop.orders'],
      elements: [{ kind: 'table', database: 'shop', table: 'orders' }],
    });
  });

  it('names tables and databases that are wanted and not there: an omission is never silent', () => {
    expect(scopeOf({ tables: ['shop.orders', 'shop.odrers', 'nowhere.at_all'] })).toMatchObject({
      tables: ['shop.orders'],
      missing: ['nowhere'],
      missingTables: [{ database: 'shop', table: 'odrers' }],
    });
  });

  it('does not miss a named table that its engine or an exception leaves out', () => {
    const chosen = {
      tables: ['logs.events', 'logs.queue', 'shop.orders'],
      engines: ['%MergeTree'],
      except: ['shop.orders'],
    };
    expect(scopeOf(chosen)).toMatchObject({ tables: ['logs.events'], missingTables: [] });
  });

  it('is the tables of the engines that are named, as they are when the backup begins', () => {
    expect(scopeOf({ engines: ['%MergeTree', 'Kaf__'] })).toMatchObject({
      tables: ['logs.events', 'logs.queue', 'shop.orders'],
      elements: [
        { kind: 'table', database: 'logs', table: 'events' },
        { kind: 'table', database: 'logs', table: 'queue' },
        { kind: 'table', database: 'shop', table: 'orders' },
      ],
    });
  });

  it('takes no two names that only look alike for one', () => {
    const tables = [table('shop', 'a","b'), table('shop', 'a')];
    expect(scopeOf({ tables: [{ database: 'shop', table: 'a","b' }] }, tables).tables).toEqual([
      'shop.a","b',
    ]);
    expect(scopeOf({ tables: [{ database: 'shop', table: 'A' }] }, tables).missingTables).toHaveLength(1);
  });
});

describe('LIKE', () => {
  it.each([
    ['%', '', true],
    ['%MergeTree', 'ReplicatedMergeTree', true],
    ['%MergeTree', 'MergeTrees', false],
    ['Merge%', 'MergeTree', true],
    ['M_rge', 'Merge', true],
    ['M_rge', 'Mrge', false],
    ['a.c', 'abc', false],
    ['mergetree', 'MergeTree', false],
    ['a\\%b', 'a%b', true],
    ['a\\%b', 'aXb', false],
    ['a\\_b', 'aXb', false],
    ['a\\\\b', 'a\\b', true],
    ['a\\b', 'a\\b', true],
    ['(a|b)+[c]$', '(a|b)+[c]$', true],
    ['a_b', 'a\nb', true],
    ['_', '😀', true],
    ['__', '😀', false],
  ])('%j of %j is %j', (pattern, text, expected) => {
    expect(like(pattern).test(text)).toBe(expected);
  });

  describe('as the engine has it', () => {
    let directory: string;
    let engine: Engine;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'safehouse-like-'));
      engine = await startEngine({ dataDirectory: directory });
    });
    afterAll(async () => {
      await engine.stop();
      await rm(directory, { recursive: true });
    });

    it('is the same for any pattern and any text', async () => {
      const letters = fc.constantFrom('a', 'b', '%', '_', '\\', '.', '*', '(', '[', '-', '\n', 'ß', '😀');
      const texts = () => fc.string({ unit: letters, maxLength: 6 });
      const cases = fc
        .sample(fc.tuple(texts(), texts()), 3000)
        // The engine refuses a pattern that ends within an escape.
        .filter(([pattern]) => /^(?:[^\\]|\\[\s\S])*$/.test(pattern))
        // A pattern like the text itself: two texts at random hardly ever match.
        .flatMap(([pattern, text]) => [
          { pattern, text },
          { pattern: `%${[...text].slice(1, 3).join('').replaceAll('\\', '\\\\')}%`, text },
        ]);
      const client = createClient({ url: engine.url });
      const answer = await client.query({
        query: `SELECT arrayMap((text, pattern) -> like(unhex(text), unhex(pattern)),
                  [${cases.map(({ text }) => hex(text)).join()}], [${cases.map(({ pattern }) => hex(pattern)).join()}]) AS matched`,
        format: 'JSONEachRow',
        clickhouse_settings: { max_query_size: '10000000' },
      });
      const [row] = await answer.json<{ matched: number[] }>();
      await client.close();
      const ours = cases.map(({ pattern, text }) => ({ pattern, text, matched: like(pattern).test(text) }));
      expect(ours).toEqual(cases.map((each, index) => ({ ...each, matched: row?.matched[index] === 1 })));
      expect(ours.filter(({ matched }) => matched).length).toBeGreaterThan(500);
    });
  });
});

const hex = (text: string): string => `'${Buffer.from(text).toString('hex')}'`;
