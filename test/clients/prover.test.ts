import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  fileLocation,
  mountDatabase,
  openProver,
  type Prover,
  ProverRefusal,
  proverTrouble,
  s3Location,
  unmountDatabase,
} from '../../clients/prover.ts';
import { withProver } from '../../functions/prove/open-prover.ts';

let prover: Prover;
beforeEach(async () => {
  prover = await openProver();
});
afterEach(() => prover.close());

async function refusalOf(promise: Promise<unknown>): Promise<ProverRefusal> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ProverRefusal);
  return error as ProverRefusal;
}

/** A backup of one table with ten rows, in the prover's own directory. */
async function backUp(name: string, first = 0): Promise<string> {
  for (const statement of [
    'CREATE DATABASE shop',
    'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS index_granularity = 2',
    `INSERT INTO shop.orders SELECT ${first} + number FROM numbers(10)`,
    `BACKUP DATABASE shop TO ${fileLocation(join(prover.directory, name))}`,
    'DROP DATABASE shop SYNC',
  ])
    await prover.ask(statement);
  return fileLocation(join(prover.directory, name));
}

describe('the prover', { timeout: 30_000 }, () => {
  it('answers with rows, or with text in a format of its own', async () => {
    expect(prover.version).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(await prover.ask("SELECT 1 AS one, 'a\\nb' AS two")).toEqual([{ one: 1, two: 'a\nb' }]);
    expect(await prover.ask('SELECT 1 WHERE 0')).toEqual([]);
    expect(await prover.askText('SELECT 1, 2', 'TSV')).toBe('1\t2\n');
  });

  it('says what the engine said, with its name', async () => {
    const refusal = await refusalOf(prover.ask('SELECT * FROM nothing.nowhere'));
    expect(refusal).toMatchObject({ name: 'ProverRefusal', code: 81, error: 'UNKNOWN_DATABASE' });
    expect(refusal.message).toContain('nothing');
    expect(await refusalOf(prover.ask('SELEC 1'))).toMatchObject({ code: 62, error: 'SYNTAX_ERROR' });
    expect(await refusalOf(prover.ask('SELECT 1 FORMAT Pretty'))).toMatchObject({ error: 'NOT_ROWS' });
  });

  it('mounts a database of a backup under its own name, and takes it away again', async () => {
    const location = await backUp('one');
    await mountDatabase(prover, 'shop', location);
    expect(await prover.ask('SELECT sum(id) AS sum FROM shop.orders')).toEqual([{ sum: 45 }]);
    // Mounting it again is no mistake.
    await mountDatabase(prover, 'shop', location);
    await unmountDatabase(prover, 'shop');
    await unmountDatabase(prover, 'shop');
    expect(await refusalOf(prover.ask('SELECT * FROM shop.orders'))).toMatchObject({
      error: 'UNKNOWN_DATABASE',
    });
  });

  it('never answers from a backup that was mounted before under the same name', async () => {
    const [one, other] = [await backUp('one'), await backUp('other', 1000)];
    const question = 'SELECT count() AS rows, min(id) AS first FROM shop.orders WHERE id > 500';
    for (const [location, rows, first] of [
      [one, 0, 0],
      [other, 10, 1000],
      [one, 0, 0],
    ] as const) {
      await mountDatabase(prover, 'shop', location);
      expect(await prover.ask(question)).toEqual([{ rows, first }]);
    }
  });

  it('asks in a database without staying there', async () => {
    await mountDatabase(prover, 'shop', await backUp('one'));
    expect(await prover.askIn('shop', 'SELECT count() AS rows FROM orders -- all of them')).toEqual([
      { rows: 10 },
    ]);
    expect(await refusalOf(prover.ask('SELECT count() FROM orders'))).toMatchObject({
      error: 'UNKNOWN_TABLE',
    });
    expect(await refusalOf(prover.askIn('nowhere', 'SELECT 1'))).toMatchObject({ error: 'UNKNOWN_DATABASE' });
  });

  it('answers questions in databases beside each other', async () => {
    await mountDatabase(prover, 'shop', await backUp('one'));
    const order: string[] = [];
    await Promise.all([
      prover.askIn('shop', 'SELECT sleep(1.5)').then(() => order.push('slow')),
      prover.askIn('shop', 'SELECT 1').then(() => order.push('quick')),
    ]);
    expect(order).toEqual(['quick', 'slow']);
  });

  it('refuses what it cannot mount', async () => {
    expect(
      await refusalOf(mountDatabase(prover, 'shop', fileLocation(join(prover.directory, 'nothing')))),
    ).toMatchObject({ code: 599, error: 'BACKUP_NOT_FOUND' });
  });

  it('reads files of its own directory alone', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'safehouse-outside-'));
    try {
      await refusalOf(mountDatabase(prover, 'shop', fileLocation(outside)));
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it('leaves nothing behind', async () => {
    const other = dirname(prover.directory);
    expect(existsSync(other)).toBe(true);
    prover.close();
    expect(existsSync(other)).toBe(false);
    prover = await openProver();
  });

  it('leaves nothing behind either when its engine cannot be opened', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'safehouse-temporary-'));
    vi.stubEnv('TMPDIR', empty);
    // A process has one engine at a time.
    await expect(openProver()).rejects.toThrow(/only one active data directory/);
    expect(readdirSync(empty)).toEqual([]);
    await rm(empty, { recursive: true });
  });
});

describe('places', () => {
  it('are quoted', () => {
    expect(s3Location("https://b.s3.amazonaws.com/it's")).toBe("S3('https://b.s3.amazonaws.com/it\\'s')");
    expect(fileLocation('/tmp/x')).toBe("File('/tmp/x')");
  });
});

describe('an engine that cannot be opened', () => {
  it("is the prover's own trouble", () => {
    expect(proverTrouble(new Error('no space left on device')).failure).toMatchObject({
      error: 'ProverNotOpened',
      class: 'fix and stop',
      what: 'The proving engine could not be opened: no space left on device.',
    });
  });
});

describe('an engine for a step', { timeout: 30_000 }, () => {
  beforeEach(() => prover.close());

  it('is lent to one at a time, and never to a second one', async () => {
    const directories: string[] = [];
    const during: string[] = [];
    const use = (name: string) =>
      withProver(async (engine) => {
        during.push(`${name} begins`);
        directories.push(engine.directory);
        await engine.ask('SELECT sleep(0.2)');
        during.push(`${name} ends`);
        return name;
      });
    expect(await Promise.all([use('one'), use('two')])).toEqual(['one', 'two']);
    expect(during).toEqual(['one begins', 'one ends', 'two begins', 'two ends']);
    expect(new Set(directories).size).toBe(2);
    expect(directories.filter((directory) => existsSync(directory))).toEqual([]);
    prover = await openProver();
  });

  it('is closed also when the work fails, and the next one gets another', async () => {
    const broken = withProver(() => Promise.reject(new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
    expect(await withProver((engine) => engine.ask('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
    prover = await openProver();
  });
});
