/** CREATE statements out of a backup: read from a bucket that others may write to, and full of names that others chose. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { definitionText } from '../../clients/definition-text.ts';
import { definedEngine } from '../../core/defined-engine.ts';
import { readDefinition } from '../../core/definition.ts';
import { SafehouseError } from '../../core/errors.ts';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';
import { FOREIGN_TEXT } from '../core/hostile-text.ts';
import { rowsOf, serveEngine } from '../local/engine/served-engine.ts';
import { BadInputs } from './bad-inputs.ts';

const TIME = { timeout: 120_000 };

const STATEMENTS = [
  "CREATE TABLE shop.events UUID '97cf' (`id` UInt64 COMMENT 'it''s') ENGINE = ReplicatedMergeTree('/clickhouse/{uuid}', '{replica}') ORDER BY id TTL d TO VOLUME 'cold', d TO DISK 's3' SETTINGS storage_policy = 'tiered'",
  "CREATE MATERIALIZED VIEW a.mv REFRESH EVERY 1 DAY TO a.events (`id` UInt8) AS SELECT 'ENGINE = Log' AS id",
  "CREATE TABLE a.buf (`t` String DEFAULT concat('(', \"x\")) ENGINE = Buffer('a', 'events', 1, 10)",
];

test('damaged statements are read as something, and never for long', TIME, ({ task }) => {
  const inputs = new BadInputs();
  const damages = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 12 }), FOREIGN_TEXT), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.constantFrom(...STATEMENTS), damages, (statement, places) => {
      let text = statement;
      for (const [place, removed, instead] of places) {
        const at = place % (text.length + 1);
        text = `${text.slice(0, at)}${instead}${text.slice(at + removed)}`;
      }
      inputs.answer(() => readDefinition(text));
      expect(inputs.answer(() => definedEngine(text))).not.toBe('');
    }),
    { numRuns: 3_000 },
  );
  inputs.report(task);
});

describe('an object that is said to be a definition', () => {
  const MEBIBYTE = Buffer.alloc(1024 ** 2, 'a');
  let handed = 0;
  /** As good as endless, and yet at an end where nobody stops it. */
  async function* endless() {
    for (handed = 0; handed < 64; handed += 1) yield MEBIBYTE;
  }

  test.each([
    ['says that it is long', 2 ** 40, 0],
    ['lies about its length', 100, 5],
  ])('and %s is refused before it fills the memory', async (_, size, most) => {
    handed = 0;
    const reading = definitionText({ stream: endless(), size }, 'backups/a/b/metadata/a/b.sql');
    await expect(reading).rejects.toMatchObject({
      name: 'VerificationFailed',
      failure: {
        what: expect.stringContaining('backups/a/b/metadata/a/b.sql is said to hold the definition'),
      },
    });
    expect(handed).toBeLessThanOrEqual(most);
  });

  test('is read whole where it is one', async () => {
    const stream = (async function* () {
      yield Buffer.from('CREATE TABLE ');
      yield Buffer.from('a');
    })();
    expect(await definitionText({ stream, size: 14 }, 'x')).toBe('CREATE TABLE a');
  });
});

describe('as the real engine writes them', () => {
  const engine = serveEngine();

  /** What would be taken for a clause if quotes were not understood. */
  const WORDS = fc.constantFrom(
    "'",
    '`',
    '"',
    '\\',
    '\n',
    '(',
    ')',
    '--',
    ' ENGINE = Memory ',
    'ENGINE = `Log`',
    " SETTINGS storage_policy = 'other'",
    " TO DISK 'x'",
    ' REFRESH EVERY 1 DAY ',
    ' AS SELECT ',
    "ENGINE = ReplicatedMergeTree('/a', 'b')",
    '\u001b[2J',
    '\u202e',
    '\u0000',
    'Ж',
    ';',
  );
  const NAME = fc.array(WORDS, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''));

  test('hostile names, comments and defaults hide no engine and invent none', TIME, async ({ task }) => {
    const inputs = new BadInputs();
    const { client } = engine();
    const cases = fc.sample(
      fc.record({
        table: NAME,
        column: NAME,
        comment: NAME,
        text: NAME,
        engine: fc.constantFrom('MergeTree ORDER BY tuple()', 'Log', 'Memory', 'StripeLog', 'Null'),
      }),
      { numRuns: 48, seed: 5 },
    );
    await client.command({ query: 'CREATE DATABASE hostile' });
    for (const [n, { table, column, comment, text, engine: clause }] of cases.entries())
      await client.command({
        query: `CREATE TABLE hostile.${quoteIdentifier(`${n}${table}`)} (${quoteIdentifier(column)} String DEFAULT ${quoteString(text)} COMMENT ${quoteString(comment)}) ENGINE = ${clause} COMMENT ${quoteString(comment)}`,
      });
    const rows = await rowsOf<{ name: string; engine: string; sql: string }>(
      client,
      "SELECT name, engine, create_table_query AS sql FROM system.tables WHERE database = 'hostile'",
    );
    expect(rows.map(({ name }) => name).sort()).toEqual(cases.map(({ table }, n) => `${n}${table}`).sort());
    for (const { engine: real, sql } of rows) {
      expect(inputs.answer(() => definedEngine(sql))).toBe(real);
      const read = inputs.answer(() => readDefinition(sql));
      if (read instanceof SafehouseError) throw read;
      expect(read).toMatchObject({ refreshable: false });
    }
    await client.command({ query: 'DROP DATABASE hostile SYNC' });
    inputs.report(task);
  });
});
