/** Names and texts as the embedded engine understands them once they are quoted. */
import { Session } from 'chdb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';
import { NASTY_TEXT } from './nasty-text.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase();

/** Names of databases become names of files, in which each byte can take three characters. */
const NAME = NASTY_TEXT.map((text) => [...text].slice(0, 20).join('')).filter((text) => text !== '');

describe('in the real engine', () => {
  let engine: Session;
  beforeAll(() => {
    engine = new Session();
  });
  afterAll(() => engine.close());

  const answer = (query: string): string => engine.query(query, 'TSVRaw').replace(/\n$/, '');
  const databases = (): string[] => answer('SELECT hex(name) FROM system.databases').split('\n').sort();

  test('a database has exactly the name that was quoted', () => {
    const before = databases();
    fc.assert(
      fc.property(
        NAME.filter((name) => !before.includes(hex(name))),
        (name) => {
          engine.query(`CREATE DATABASE ${quoteIdentifier(name)}`);
          const created = databases().filter((found) => !before.includes(found));
          engine.query(`DROP DATABASE ${quoteIdentifier(name)} SYNC`);
          expect(created).toEqual([hex(name)]);
        },
      ),
      { numRuns: 150 },
    );
    expect(databases()).toEqual(before);
  });

  test('a table is found again under a name of nothing but marks', () => {
    const name = '`\'"\\;--/*\n\0{x:Identifier}.`.`';
    engine.query('CREATE DATABASE marks');
    engine.query(
      `CREATE TABLE marks.${quoteIdentifier(name)} (${quoteIdentifier(name)} UInt8) ENGINE = Memory`,
    );
    expect(answer(`SELECT hex(name) FROM system.tables WHERE name = ${quoteString(name)}`)).toBe(hex(name));
    expect(answer(`SELECT hex(name) FROM system.columns WHERE table = ${quoteString(name)}`)).toBe(hex(name));
    engine.query('DROP DATABASE marks SYNC');
  });

  test('a text comes back byte for byte', () => {
    fc.assert(
      fc.property(NASTY_TEXT, (text) => {
        expect(answer(`SELECT hex(${quoteString(text)})`)).toBe(hex(text));
      }),
      { numRuns: 300 },
    );
  });

  test.each(['.', '..', ' ', '-', '0', 'select', 'a/b', '%2F', '*'])(
    '%j is a name like any other',
    (name) => {
      engine.query(`CREATE DATABASE ${quoteIdentifier(name)}`);
      expect(databases()).toContain(hex(name));
      engine.query(`DROP DATABASE ${quoteIdentifier(name)} SYNC`);
    },
  );

  test('the engine itself refuses an empty name and one that makes too long a file name', () => {
    expect(() => engine.query('CREATE DATABASE ``')).toThrow(/Code: 62\./);
    expect(() => engine.query(`CREATE DATABASE ${quoteIdentifier('x'.repeat(248))}`)).toThrow(
      /File name too long/,
    );
  });
});
