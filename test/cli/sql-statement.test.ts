import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStatement } from '../../cli/sql-statement.ts';
import { openProver, type Prover } from '../../clients/prover.ts';
import { quoteString } from '../../core/identifiers.ts';

let prover: Prover;
beforeAll(async () => {
  prover = await openProver();
});
afterAll(() => prover.close());

/** As the engine writes it, whose grammar is the one that counts. */
const read = async (query: string) =>
  readStatement(
    (await prover.askText(`SELECT formatQuerySingleLine(${quoteString(query)})`, 'TSVRaw')).trim(),
  );

describe('what reads', () => {
  it.each([
    ['SELECT 1', 'SELECT', undefined],
    ['select 1 format JSON', 'SELECT', 'JSON'],
    ['(SELECT 1) UNION ALL (SELECT 2)', 'SELECT', undefined],
    ['FROM events SELECT id', 'SELECT', undefined],
    ['WITH x AS (SELECT 1) SELECT * FROM x FORMAT CSV', 'WITH', 'CSV'],
    ['-- a comment\nSELECT 1;', 'SELECT', undefined],
    ['SHOW TABLES FROM shop', 'SHOW', undefined],
    ['DESC shop.events', 'DESCRIBE', undefined],
    ['DESCRIBE (SELECT 1)', 'DESCRIBE', undefined],
    ['DESCRIBE TABLE `two words`.`x(y)`', 'DESCRIBE', undefined],
    ['EXPLAIN SELECT 1', 'EXPLAIN', undefined],
    ['EXPLAIN PLAN indexes = 1 SELECT * FROM events WHERE id = 1', 'EXPLAIN', undefined],
    ['EXISTS shop.events', 'EXISTS', undefined],
    ['CHECK TABLE shop.events', 'CHECK', undefined],
    ["SELECT file, `file` FROM t WHERE file IN ('a') ORDER BY file", 'SELECT', undefined],
    ["SELECT 'INTO OUTFILE', ' file(', `into`, outfile FROM t", 'SELECT', undefined],
    ["SELECT format('{} {}', a, b) FROM t", 'SELECT', undefined],
  ])('lets %s through', async (query, kind, format) => {
    expect(await read(query)).toEqual({ kind, format });
  });
});

describe('what does not', () => {
  it.each([
    ['DROP TABLE shop.events', 'begins with DROP'],
    ['INSERT INTO shop.events VALUES (1)', 'begins with INSERT'],
    ['CREATE TABLE x (a Int8) ENGINE = Memory', 'begins with CREATE'],
    ['SET readonly = 0', 'begins with SET'],
    ['USE shop', 'begins with USE'],
    ['KILL QUERY WHERE 1', 'begins with KILL'],
    ['SYSTEM SHUTDOWN', 'begins with SYSTEM'],
    ["BACKUP TABLE a TO File('x')", 'begins with BACKUP'],
    ["SELECT 1 INTO OUTFILE '/tmp/x'", 'INTO OUTFILE'],
    ["SELECT 1 INTO/**/OUTFILE '/tmp/x' TRUNCATE FORMAT CSV", 'INTO OUTFILE'],
    ["EXPLAIN SELECT 1 INTO OUTFILE '/tmp/x'", 'INTO OUTFILE'],
    ["SHOW TABLES INTO OUTFILE '/tmp/x'", 'INTO OUTFILE'],
    ["SELECT file('/etc/passwd')", 'function file'],
    ["SELECT `file`('/etc/passwd')", 'function file'],
    ['SELECT "fi\\x6ce" (\'/etc/passwd\')', 'function file'],
    ["SELECT file/* */('/etc/passwd')", 'function file'],
    ["SELECT arrayMap(p -> file(p), ['/etc/passwd'])", 'function file'],
    ["SELECT * APPLY file FROM (SELECT '/etc/passwd')", 'function file'],
    ["SELECT * APPLY(file) FROM (SELECT '/etc/passwd')", 'function file'],
    ["SELECT COLUMNS('a') APPLY `file` FROM (SELECT '/etc/passwd' AS a)", 'function file'],
    ["SELECT * FROM view(SELECT file('/etc/passwd'))", 'function file'],
    ["SELECT * FROM file('/etc/passwd')", 'function file'],
    ["SELECT * FROM eval('SELECT 1')", 'function eval'],
    ["SELECT catboostEvaluate('/x', 1)", 'function catboostEvaluate'],
    ["SELECT AIGenerate('x')", 'function AIGenerate'],
    ["DESCRIBE url('http://127.0.0.1/x')", 'not table functions'],
    ["DESC TABLE s3('http://127.0.0.1/b/x')", 'not table functions'],
    ["EXPLAIN TABLE OVERRIDE mysql('a', 'b', 'c', 'd', 'e') COLUMNS (a Int8)", 'explains a SELECT'],
    ['EXPLAIN CURRENT TRANSACTION', 'explains a SELECT'],
  ])('refuses %s', async (query, because) => {
    expect(await read(query)).toContain(because);
  });

  it('knows every function of the engine whose name says that it leaves it', async () => {
    // When a release of the engine brings another one, this is the place to think about it.
    const rows = await prover.ask<{ name: string }>(
      "SELECT lower(name) AS name FROM system.functions WHERE match(name, '(?i)^ai[A-Z]|^(file|eval|url|http|exec|shell|catboost.*|reverseDNS.*|readFile.*|fetch.*)$') ORDER BY name",
    );
    const calls = [...new Set(rows.map(({ name }) => name))];
    expect(calls).toContain('file');
    for (const name of calls) expect(readStatement(`SELECT ${name}('x')`)).toContain(`function ${name}`);
  });
});
