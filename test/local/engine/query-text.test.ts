import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { introduce } from '../../../local/engine/identity.ts';
import { readQueryText } from '../../../local/engine/query-text.ts';

const IDENTITY = { uuid: '61f0c404-5cb3-11e7-907b-a6006ad3dba0', startedAt: 1_000_000 };
const introduced = (query: string): string =>
  introduce(query, readQueryText(query), IDENTITY, IDENTITY.startedAt + 2_999);

describe('identity', () => {
  it('takes the place of the two calls, with their names', () => {
    expect(introduced('SELECT serverUUID(), uptime ( ) AS up')).toBe(
      "SELECT (toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS `serverUUID()`), (toUInt32(2) AS `uptime()`) AS up",
    );
  });

  it.each([
    "SELECT 'uptime()', 'it''s uptime()', 'a\\'uptime()'",
    'SELECT 1 AS `uptime()`, 2 AS "serverUUID()", 3 AS `a``uptime()`',
    'SELECT 1 -- uptime()',
    'SELECT 1 /* uptime() */ + 1 # serverUUID()',
    'SELECT $$uptime()$$, $tag$serverUUID()$tag$',
    'SELECT uptime, my_uptime(), uptime(1), t.uptime(), UPTIME()',
    'INSERT INTO t FORMAT CSV uptime()',
  ])('does not touch %s', (query) => {
    expect(introduced(query)).toBe(query);
  });

  it('leaves any text in a literal as it is', () =>
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("'", '\\', '`', '"', '-', '/', '*', '$', ';', 'uptime()', '\n') }),
        (text) => {
          const literal = `'${text.replace(/[\\']/g, '\\$&')}'`;
          expect(introduced(`SELECT ${literal}, uptime()`)).toBe(
            `SELECT ${literal}, (toUInt32(2) AS \`uptime()\`)`,
          );
        },
      ),
    ));
});

describe('second statement', () => {
  it.each([
    ['SELECT 1; SELECT 2', 10],
    ["SELECT ';' ; DROP TABLE t", 13],
    ['SELECT 1 -- ;\n;\nDROP TABLE t', 16],
    ['INSERT INTO t SELECT 1; SELECT 2', 24],
  ])('of %j begins at %i', (query, position) => {
    expect(readQueryText(query).secondStatement).toBe(position);
  });

  it.each([
    'SELECT 1;',
    'SELECT 1; -- the end\n',
    "SELECT ';'",
    'SELECT `;`, ";"',
    'SELECT 1 /* ; */',
    'INSERT INTO t FORMAT CSV 1;2\n3;4',
    "INSERT INTO t VALUES ('a;b'); ",
    'INSERT INTO t (a, b) FORMAT JSONEachRow {"a": "; DROP"}',
  ])('is not in %j', (query) => {
    expect(readQueryText(query).secondStatement).toBeUndefined();
  });
});

describe('format', () => {
  it.each([
    ['SELECT 1 FORMAT JSONEachRow', 'JSONEachRow'],
    ['select 1 format CSV', 'CSV'],
    ['SELECT 1', undefined],
    ["SELECT 'FORMAT CSV'", undefined],
    ["SELECT * FROM format(JSONEachRow, '{}')", undefined],
    ['BACKUP DATABASE d TO S3(x) SETTINGS id=1 ASYNC FORMAT TSV', 'TSV'],
  ])('of %j is %s', (query, format) => {
    expect(readQueryText(query).format).toBe(format);
  });
});
