/** Backups that are not damaged, and that the prover must not take for proven, or for damaged. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ledgerKey } from '../../../core/keys.ts';
import { write } from '../../support/ledger.ts';
import { type MadeBackup, ProvingGround } from './proving-ground.ts';

const ground = new ProvingGround();

let made: { full: MadeBackup; incremental: MadeBackup } | undefined;
let target = '';
const SETTINGS = { databases: ['shop'] };

beforeEach(async () => {
  if (made !== undefined) return ground.setTarget(target, SETTINGS);
  await ground.tell(
    'CREATE DATABASE shop',
    `CREATE TABLE shop.events (id UInt64, s String) ENGINE = MergeTree PARTITION BY id % 4 ORDER BY id`,
    'INSERT INTO shop.events SELECT number, toString(number) FROM numbers(1000)',
    'CREATE TABLE shop.log (id UInt64) ENGINE = Log',
    'INSERT INTO shop.log SELECT number FROM numbers(10)',
  );
  target = ground.addTarget(SETTINGS);
  made = { full: await ground.backUp(target), incremental: await ground.backUp(target, 'incremental') };
});

const known = () => {
  if (made === undefined) throw new Error('nothing was made');
  return made;
};

const SQL = 'metadata/shop/events.sql';
const withSql = (from: string, to: string) =>
  new Map([
    [
      SQL,
      (text: string): string => {
        const changed = text.replace(from, to);
        expect(changed).not.toBe(text);
        return changed;
      },
    ],
  ]);

const TIME = { timeout: 60_000 };

describe('a backup that the engine is not given to mount', TIME, () => {
  it('takes files from a base and does not say where that is, which would keep the engine for ever', async () => {
    const { incremental } = known();
    const lost = await ground.rewrite(incremental, new Map(), (manifest) =>
      manifest.replace(/<base_backup>.*?<\/base_backup>/, ''),
    );
    expect(await ground.prove(lost, { name: 'lost' })).toMatchObject({
      verdict: 'failed',
      failure: {
        error: 'ProofRefuted',
        what: expect.stringContaining('takes files from a base backup and does not say where that is'),
      },
    });
    expect((await ground.readPlan(lost, 'lost')).items).toEqual([]);
  });

  it.each([
    ['in another place', () => 'http://127.0.0.1:1/other/backups/x/y'],
    // It would keep the engine until the function's time is up.
    [
      'under its own name at another address',
      () => `http://127.0.0.1:1/bucket/backups/${target}/${known().full.id}`,
    ],
    ['with another name', () => ''],
  ])('has its base %s than the ledger says: nothing is read there', async (_, where) => {
    const { incremental, full } = known();
    const place = where();
    const moved = await ground.rewrite(incremental, new Map(), (manifest) =>
      place === ''
        ? manifest.replace(`${full.id}'`, `${full.id.slice(0, -4)}zzzz'`)
        : manifest.replace(/<base_backup>.*?<\/base_backup>/, `<base_backup>S3('${place}')</base_backup>`),
    );
    expect(await ground.prove(moved)).toMatchObject({
      verdict: 'failed',
      failure: {
        error: 'ProofIncomplete',
        what: expect.stringContaining('and the ledger says that it stands on'),
      },
    });
    expect(await ground.failed(moved)).toBeUndefined();
  });

  it('stands on a backup that nobody verified', async () => {
    const { incremental, full } = known();
    const key = ledgerKey(target, full.id, 'verified');
    const page = await ground.get(key);
    await ground.remove(key);
    expect(await ground.prove(incremental)).toMatchObject({
      verdict: 'failed',
      failure: { error: 'ProofIncomplete', what: expect.stringContaining(`its base ${full.id}`) },
    });
    await ground.put(key, page);
  });
});

describe('a backup that the engine does not understand', TIME, () => {
  it.each([
    [
      'a setting of tomorrow',
      'SETTINGS index_granularity',
      'SETTINGS setting_of_tomorrow = 1, index_granularity',
    ],
    ['a type of tomorrow', '`s` String', '`s` Tomorrow'],
  ])('because it has %s is not proven, and not condemned either', async (_, from, to) => {
    const newer = await ground.rewrite(known().full, withSql(from, to));
    expect(await ground.prove(newer)).toMatchObject({
      verdict: 'failed',
      failure: {
        error: 'ProofIncomplete',
        class: 'fix and stop',
        what: expect.stringMatching(/cannot mount the database shop: .*says nothing against the backup/),
        remedy: expect.stringContaining('upgrade Safehouse'),
      },
    });
    expect(await ground.failed(newer)).toBeUndefined();
  });

  it('because a disk has encrypted it is not proven, and not condemned either', async () => {
    const encrypted = await ground.rewrite(known().full, new Map(), (manifest) =>
      manifest.replace(
        /(<name>metadata\/shop\/log.sql<\/name>.*?<\/checksum>)/,
        '$1<encrypted_by_disk>true</encrypted_by_disk>',
      ),
    );
    expect(await ground.prove(encrypted)).toMatchObject({
      verdict: 'failed',
      failure: { error: 'ProofIncomplete', what: expect.stringContaining('encrypted disk') },
    });
    expect(await ground.failed(encrypted)).toBeUndefined();
  });
});

describe('a backup of a server that is set up in another way', TIME, () => {
  it('is proven with replicated tables on a disk that the prover does not have', async () => {
    const replicated = await ground.rewrite(
      known().full,
      withSql(
        'ENGINE = MergeTree',
        "ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')",
      ),
    );
    expect(await ground.prove(replicated)).toMatchObject({
      verdict: 'proven',
      evidence: { tables: [{ name: 'events', rows: 1000, reading: 'checked' }, { name: 'log' }] },
    });
  });

  it('is proven where equal files are stored more than once, each of them', async () => {
    const doubled = await ground.rewrite(known().full, new Map(), (manifest) =>
      manifest.replace('<deduplicate_files>1<', '<deduplicate_files>0<'),
    );
    expect(await ground.prove(doubled)).toMatchObject({
      verdict: 'proven',
      evidence: {
        tables: [
          { name: 'events', rows: 1000, reading: 'checked' },
          { name: 'log', rows: 10 },
        ],
      },
    });
  });

  /** As `ON CLUSTER` lays the files. */
  const onCluster = (backup: MadeBackup): Promise<MadeBackup> =>
    ground.rewrite(
      backup,
      new Map(),
      (manifest) =>
        manifest
          .replaceAll('<name>', '<name>shards/1/replicas/1/')
          .replaceAll('<data_file>', '<data_file>shards/1/replicas/1/'),
      (name) => `shards/1/replicas/1/${name}`,
    );

  it('is proven by its checksums alone when it was made ON CLUSTER', async () => {
    const cluster = await onCluster(known().full);
    expect(await ground.prove(cluster)).toMatchObject({
      verdict: 'proven',
      evidence: {
        tables: [
          { name: 'events', rows: 1000, parts: 4, reading: 'hashed' },
          { name: 'log', rows: 10, reading: 'hashed' },
        ],
      },
    });
    const object = (await ground.manifest(cluster)).find(({ name }) => name.endsWith('data.bin'));
    const key = `backups/${target}/${cluster.id}/${object?.dataFile}`;
    const bytes = await ground.get(key);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await ground.put(key, bytes);
    expect(await ground.prove(cluster)).toMatchObject({
      verdict: 'failed',
      failure: { error: 'ProofRefuted', what: expect.stringContaining('events/0_1_1_0/data.bin') },
    });
  });

  it('cannot be asked for assertions when it was made ON CLUSTER, which is said', async () => {
    const its = ground.addTarget({ ...SETTINGS, prove: { assertions: [{ query: 'SELECT 1' }] } });
    expect(await ground.prove(await onCluster(await ground.backUp(its)))).toMatchObject({
      verdict: 'failed',
      failure: { error: 'ProofIncomplete', what: expect.stringContaining('made ON CLUSTER') },
    });
  });
});

describe('what is no backup to prove', TIME, () => {
  it('is refused by its name', async () => {
    const unknown = { target, id: '20260402T020000Z-full-none' };
    expect(await ground.prove(unknown)).toMatchObject({
      verdict: 'failed',
      failure: { error: 'NotFound', what: `The ledger has no backup ${unknown.id} of ${target}.` },
    });
  });

  it.each([
    ['was never verified', 'written', /is written: it was never verified/],
    ['retention takes away', 'removing', /is removing: retention takes it away/],
    ['retention has removed', 'removed', /is removed: retention takes it away/],
  ] as const)('is refused when it %s', async (_, state, what) => {
    const its = { target: ground.addTarget(SETTINGS), id: '20260402T020000Z-full-aaaa' };
    if (state !== 'written') await write(ground.around.bucket, its.target, its.id, 'verified');
    await write(ground.around.bucket, its.target, its.id, state);
    expect(await ground.prove(its)).toMatchObject({
      verdict: 'failed',
      failure: { error: 'NothingToProve', class: 'fix and stop', what: expect.stringMatching(what) },
    });
  });

  it('is not wanted where the target asks for no proof', async () => {
    const its = ground.addTarget({ ...SETTINGS, prove: { level: 'none' } });
    const backup = await ground.backUp(its);
    expect(await ground.plan(backup, ground.nextExecution())).toMatchObject({
      outcome: 'not wanted',
      items: [],
    });
    // A person who asks for one gets it.
    expect(await ground.prove(backup, { level: 'counts' })).toMatchObject({ verdict: 'proven' });
  });
});

describe('a server that writes with a named collection', TIME, () => {
  it('has its incrementals proven, although the prover has no such collection', async () => {
    const url = `${process.env['AWS_ENDPOINT_URL_S3']}/${ground.around.bucket.name}/`;
    await ground.tell(
      `CREATE NAMED COLLECTION IF NOT EXISTS nightly AS url = '${url}', access_key_id = 'local', secret_access_key = 'local'`,
    );
    const its = ground.addTarget({ ...SETTINGS, s3: { access: 'namedCollection', name: 'nightly' } });
    expect(await ground.prove(await ground.backUp(its))).toMatchObject({ verdict: 'proven' });
    expect(await ground.prove(await ground.backUp(its, 'incremental'))).toMatchObject({
      verdict: 'proven',
      evidence: {
        tables: [
          { name: 'events', rows: 1000 },
          { name: 'log', rows: 10 },
        ],
      },
    });
  });
});
