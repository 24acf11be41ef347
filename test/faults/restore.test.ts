/** The day the backup is needed, and what can be in its way. */
import '../support/function-environment.ts';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { requireEvidence } from '../../clients/ledger.ts';
import { openProver, type Prover } from '../../clients/prover.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { backupPrefix, ledgerKey } from '../../core/keys.ts';
import { blindness } from '../../core/proof.ts';
import type { Removal } from '../../core/workflow.ts';
import { testProver } from '../../functions/prove/self-test.ts';
import { handler as cleanUp } from '../../functions/restore/clean-up.ts';
import { handler as reopen } from '../../functions/restore/reopen.ts';
import { handler as stop } from '../../functions/restore/stop.ts';
import { handler as sweep } from '../../functions/restore/sweep.ts';
import { handler as planRetention } from '../../functions/retention/plan.ts';
import { handler as remove } from '../../functions/retention/remove.ts';
import type { MadeBackup } from '../functions/prove/proving-ground.ts';
import { carried, invoke } from '../support/surroundings.ts';
import { FaultGround } from './fault-ground.ts';
import { runNight } from './night.ts';

const ground = new FaultGround();
const DATABASES = ['shop'];
const TIME = { timeout: 60_000 };
const MEGABYTE = 1_000_000;
let made: MadeBackup | undefined;

beforeEach(async () => {
  if (made !== undefined) return ground.setTarget(made.target, { databases: DATABASES });
  await ground.tell(
    'CREATE DATABASE shop',
    `CREATE TABLE shop.orders (id UInt64, text String) ENGINE = MergeTree PARTITION BY id % 4 ORDER BY id
     SETTINGS min_bytes_for_wide_part = 0`,
    'INSERT INTO shop.orders SELECT number, toString(number) FROM numbers(4000)',
  );
  made = await ground.backUp(ground.addTarget({ databases: DATABASES }));
});

const known = (): MadeBackup => {
  if (made === undefined) throw new Error('nothing was made');
  return made;
};

const count = async (table: string): Promise<number> => {
  const [row] = await ground.ask<{ rows: string }>(`SELECT count() AS rows FROM ${table}`);
  return Number(row?.rows);
};

/** A table with a kilobyte in each row that nothing makes smaller. */
const filled = (table: string, rows: number): string[] => [
  `CREATE TABLE ${table} (id UInt64, text String) ENGINE = MergeTree ORDER BY id`,
  `INSERT INTO ${table} SELECT number, randomString(1000) FROM numbers(${rows})`,
];

const drop = (database: string) => ground.tell(`DROP DATABASE IF EXISTS ${database} SYNC`);

const RETENTION = 'arn:aws:states:eu-central-1:123456789012:execution:Retention:one';
const retain = (target: string): Promise<Removal> =>
  carried(invoke(planRetention, { execution: RETENTION, input: { target } }));

/** Lets so many days pass for the functions; the bucket keeps its own clock. */
function pass(days: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
}

describe('the place that a restore goes to', TIME, () => {
  test('fault 19: without room for it, is left alone: it is said how much is needed and how much is free', async () => {
    const { target, id } = known();
    const to = ground.addTarget({ databases: DATABASES, restore: { keepFree: 0.999_999 } });
    const refused = await ground.restore({ target, to, backup: id, as: { shop: 'crowded' } });
    expect(refused).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
    expect(refused.cause).toMatch(/\[disk\] .* GB are to be restored to the disk .* GB are free/);
    expect(await ground.databases()).not.toContain('crowded');
  });

  test('fault 19: that fills up while the restore writes, is left with nothing half-filled, and takes it later', async () => {
    const tables = [1, 2, 3, 4].map((number) => `logs.part_${number}`);
    await ground.tell('CREATE DATABASE logs');
    for (const table of tables) await ground.tell(...filled(table, 12_000));
    const { target, id } = await ground.backUp(ground.addTarget({ databases: ['logs'] }));
    const small = await ground.startEngine(64 * MEGABYTE);
    await small.tell('CREATE DATABASE app');
    const to = ground.addTarget({ url: small.url, databases: ['app'], restore: { keepFree: 0 } });
    const request = { target, to, backup: id, as: { logs: 'again' } };
    // The application goes on writing between the look at the disk and the statement.
    const full = await ground.restore(request, {
      'before submit': () => small.tell(...filled('app.events', 24_000)),
    });
    expect(full).toMatchObject({ status: 'failed', error: 'NOT_ENOUGH_SPACE', report: { left: [] } });
    expect(full.cause).toContain('What it had made was taken away: again.');
    expect(await small.ask("SELECT bytes_read > 0 FROM system.backups WHERE status = 'RESTORE_FAILED'")).toBe(
      '1',
    );
    expect(await small.ask('SHOW DATABASES')).not.toContain('again');
    expect(await small.ask('SELECT count() FROM app.events')).toBe('24000');
    await small.tell('DROP TABLE app.events SYNC');
    expect((await ground.restore(request)).status).toBe('succeeded');
    expect(await small.ask('SELECT count() FROM again.part_4')).toBe('12000');
  });

  test('fault 41: with rows in it, is not mixed with others: nothing is begun', async () => {
    const { target, id } = known();
    const refused = await ground.restore({ target, backup: id, tables: ['shop.orders'] });
    expect(refused).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
    expect(refused.cause).toContain('shop.orders');
    expect(await count('shop.orders')).toBe(4000);
  });

  test('fault 27: is given to one restore at a time, while two others may read the same backup', async () => {
    const { target, id } = known();
    let same: Awaited<ReturnType<typeof ground.restore>> | undefined;
    let other: Awaited<ReturnType<typeof ground.restore>> | undefined;
    const first = await ground.restore(
      { target, backup: id, as: { shop: 'one' } },
      {
        'after submit': async () => {
          same = await ground.restore({ target, backup: id, as: { shop: 'one' } });
          other = await ground.restore({ target, backup: id, as: { shop: 'two' } });
        },
      },
    );
    expect(same).toMatchObject({ status: 'failed', error: 'AnotherRestore' });
    expect([first.status, other?.status]).toEqual(['succeeded', 'succeeded']);
    expect([await count('one.orders'), await count('two.orders')]).toEqual([4000, 4000]);
    await drop('one');
    await drop('two');
  });
});

describe('a restore that takes long', TIME, () => {
  test('fault 25: keeps its backup from a removal that was decided before it began', async () => {
    const target = ground.addTarget({
      databases: DATABASES,
      retention: { last: 1, minimum: 1, graceDays: 1, maxShare: 1 },
    });
    const old = await ground.backUp(target);
    await ground.backUp(target);
    await retain(target);
    pass(2);
    const removal = await retain(target);
    expect(removal.remove.map(({ id }) => id)).toEqual([old.id]);
    const restored = await ground.restore(
      { target, backup: old.id, as: { shop: 'long' }, accept: ['marked'] },
      { 'before submit': () => invoke(remove, removal) },
    );
    expect(restored).toMatchObject({ status: 'succeeded' });
    expect(await count('long.orders')).toBe(4000);
    await drop('long');
    // When it has let go, the next run removes it.
    expect(await carried(invoke(remove, await retain(target)))).toMatchObject({ removed: [{ id: old.id }] });
    expect(await ground.keys(backupPrefix(target, old.id))).toEqual([]);
  });
});

describe('a bit that has flipped', TIME, () => {
  test('fault 20: fails the proof by table and object, takes the backup out of use, and nothing is built on it', async () => {
    const target = ground.addTarget({ databases: DATABASES });
    const backup = await ground.backUp(target);
    const manifest = await ground.manifest(backup);
    const file = manifest.find(({ name }) => /^data\/shop\/orders\/1_.*\/text\.bin$/.test(name));
    const key = `${backupPrefix(target, backup.id)}${file?.dataFile}`;
    const bytes = await ground.get(key);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await ground.put(key, bytes);

    const proof = await ground.prove(backup);
    expect(proof).toMatchObject({ verdict: 'failed' });
    expect(proof.verdict === 'failed' && proof.failure.what).toMatch(/shop\.orders|shop\/orders/);
    expect(await ground.good(target)).toEqual([]);
    const night = await runNight({ target, kind: 'incremental' });
    expect(night.attempts[0]).toMatch(/-full-/);
    const restored = await ground.restore({ target, backup: backup.id, as: { shop: 'flipped' } });
    expect(restored).toMatchObject({ status: 'failed' });
    expect(await ground.databases()).not.toContain('flipped');
  });
});

describe('a drill', TIME, () => {
  const DRILL = /^safehouse_drill_/;
  const scratch = async () => (await ground.databases()).filter((name) => DRILL.test(name));

  test('fault 43: that dies half way is found by the sweep, and what it made is dropped', async () => {
    const { target, id } = known();
    await ground.prove(known());
    const reached = Promise.withResolvers<void>();
    // Nothing of this execution is ever heard again.
    void ground.restore(
      { target, backup: id, drill: true },
      {
        'before compare': () => {
          reached.resolve();
          return new Promise(() => {});
        },
      },
    );
    await reached.promise;
    expect(await scratch()).not.toEqual([]);

    const sfn = mockClient(SFNClient);
    sfn.onAnyCommand().rejects(new Error('unexpected command'));
    sfn.on(DescribeExecutionCommand).resolves({ status: 'ABORTED' });
    sfn.on(StartExecutionCommand).resolves({});
    const machines = [{ targets: [target], restore: 'restore', cancelRestore: 'cancel' }];
    vi.stubEnv(ENVIRONMENT.restoreMachines, JSON.stringify(machines));
    const { started } = await carried(invoke(sweep, {}));
    const { stateMachineArn, input = '' } = sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input ?? {};
    sfn.restore();
    expect(stateMachineArn).toBe('cancel');
    expect(started).toHaveLength(1);

    const execution = 'arn:aws:states:eu-central-1:123456789012:execution:Cancel:one';
    const reopened = await ground.step(reopen, { execution, input: JSON.parse(input) });
    const stopped = await ground.step(stop, reopened);
    await ground.step(cleanUp, { ...reopened, stopped });
    expect(await scratch()).toEqual([]);
    expect(await count('shop.orders')).toBe(4000);
  });
});

describe('a prover that sees nothing', TIME, () => {
  test('fault 44: is found out on a damaged control backup before its verdict counts', async () => {
    const engine = await openProver();
    try {
      const blind: Prover = {
        ...engine,
        askIn: async <Row>(database: string, query: string): Promise<Row[]> => {
          const rows = await engine.askIn<Row>(database, query);
          return query.startsWith('CHECK TABLE')
            ? rows.map((row) => ({ ...row, is_passed: 1, message: '' }))
            : rows;
        },
      };
      expect(blindness(await testProver(blind))).toContain('it did not see');
      expect(blindness(await testProver(engine))).toBeUndefined();
    } finally {
      await engine.close();
    }
  });
});

describe('another release', TIME, () => {
  test('fault 50: an older server is not given what a newer one wrote, and says so before anything is begun', async () => {
    const target = ground.addTarget({ databases: DATABASES });
    const backup = await ground.backUp(target);
    const key = ledgerKey(target, backup.id, 'started');
    const started = (await ground.json(key)) as { clickhouse: object };
    await ground.put(
      key,
      Buffer.from(JSON.stringify({ ...started, clickhouse: { ...started.clickhouse, version: '99.1.1.1' } })),
    );
    const refused = await ground.restore({ target, backup: backup.id, as: { shop: 'older' } });
    expect(refused).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
    expect(refused.cause).toContain('99.1.1.1 wrote the backup');
    expect(await ground.databases()).not.toContain('older');
  });

  test('fault 50: a page of the ledger that a newer release wrote is not taken for its own', async () => {
    const target = ground.addTarget({ databases: DATABASES });
    const backup = await ground.backUp(target);
    const key = ledgerKey(target, backup.id, 'verified');
    const verified = (await ground.json(key)) as object;
    await ground.put(key, Buffer.from(JSON.stringify({ ...verified, version: 2 })));
    await expect(requireEvidence(ground.around.bucket, target, backup.id, 'verified')).rejects.toMatchObject({
      name: 'IncompleteReading',
    });
    expect((await ground.entries(target)).map(({ id }) => id)).toEqual([backup.id]);
  });
});

describe('when nothing is left but the bucket', TIME, () => {
  test('fault 52: the statement in the ledger restores on a server that never heard of Safehouse', async () => {
    const { target, id } = known();
    const { restore } = (await ground.json(ledgerKey(target, id, 'verified'))) as { restore: string };
    const fresh = await ground.startEngine();
    await fresh.ask(restore);
    expect(await fresh.ask('SELECT count() FROM shop.orders')).toBe('4000');
  });
});
