import { afterAll, beforeAll, expect, it } from 'vitest';
import { listObjects } from '../../clients/bucket.ts';
import { mountDatabase, openProver, type Prover, s3Location, unmountDatabase } from '../../clients/prover.ts';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';
import { backupPrefix } from '../../core/keys.ts';
import { openTestHouse, type TestHouse } from '../cli/house.ts';
import { type Server, startServer } from '../cli/real-backups.ts';

/** Each is another one as the name of a file. */
const NAMES = ['a-b', 'two words', "it's", 'back`tick', 'back\\slash', 'slash/x', 'pct%20', '訂單', 'a.b'];
const FULL = '20260401T020000Z-full-k3f9';
const INCREMENTAL = '20260402T020000Z-incr-a001';

let house: TestHouse;
let server: Server;
let prover: Prover;

beforeAll(async () => {
  house = await openTestHouse();
  server = await startServer(house);
  for (const name of NAMES) {
    const table = `${quoteIdentifier(name)}.\`ev-ents\``;
    await server.run(`CREATE DATABASE ${quoteIdentifier(name)}`);
    await server.run(
      `CREATE TABLE ${table} (id UInt8, note String DEFAULT 'storage_policy = ''x''') ENGINE = ReplacingMergeTree ORDER BY id SETTINGS index_granularity = 1024 COMMENT 'storage_policy = ''y'''`,
    );
    await server.run(`CREATE VIEW ${quoteIdentifier(name)}.view AS SELECT 1`);
    await server.run(`INSERT INTO ${table} (id) VALUES (1), (2)`);
  }
  await server.backUp({ id: FULL, databases: NAMES });
  for (const name of NAMES)
    await server.run(`INSERT INTO ${quoteIdentifier(name)}.\`ev-ents\` (id) VALUES (3)`);
  await server.backUp({ id: INCREMENTAL, databases: NAMES, base: FULL });
  prover = await openProver();
});
afterAll(async () => {
  prover.close();
  await server.stop();
  await house.stop();
});

const location = (id: string): string =>
  s3Location(`${house.endpoint}/${house.bucket.name}/${backupPrefix('shop', id).slice(0, -1)}`);

const rowsOf = async (name: string): Promise<unknown[]> =>
  prover.ask(`SELECT id, note FROM ${quoteIdentifier(name)}.\`ev-ents\` ORDER BY id`);

const note = "storage_policy = 'x'";

it.each(NAMES)('finds definitions, rows and parts of the database %s', async (name) => {
  await mountDatabase(prover, name, location(FULL));
  expect(await rowsOf(name)).toEqual([
    { id: 1, note },
    { id: 2, note },
  ]);
  expect(
    await prover.ask(
      `SELECT count() AS parts FROM system.parts WHERE database = ${quoteString(name)} AND active SETTINGS output_format_json_quote_64bit_integers = 0`,
    ),
  ).toEqual([{ parts: 1 }]);
  expect(
    await prover.ask(
      `CHECK TABLE ${quoteIdentifier(name)}.\`ev-ents\` SETTINGS check_query_single_value_result = 0`,
    ),
  ).toMatchObject([{ is_passed: 1 }]);
});

it('mounts an incremental in the place of the full that it stands on', async () => {
  await mountDatabase(prover, 'a-b', location(FULL));
  await mountDatabase(prover, 'a-b', location(INCREMENTAL));
  expect(await rowsOf('a-b')).toHaveLength(3);
});

it('removes nothing of the backup when it is unmounted', async () => {
  const objects = async (): Promise<number> => {
    let count = 0;
    for await (const _ of listObjects(house.bucket, 'backups/')) count += 1;
    return count;
  };
  const before = await objects();
  for (const name of NAMES) {
    await mountDatabase(prover, name, location(FULL));
    await unmountDatabase(prover, name);
  }
  expect(await objects()).toBe(before);
  expect(await prover.ask(`SELECT name FROM system.databases WHERE name = 'a-b'`)).toEqual([]);
});
