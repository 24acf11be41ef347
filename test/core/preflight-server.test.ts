import { describe, expect, it } from 'vitest';
import { serverFindings } from '../../core/preflight-server.ts';
import type { RestorePlan } from '../../core/restore.ts';
import { DEFINITION, destination, plannedTable, restorePlan, standingTable } from './restore-plans.ts';

const find = (plan: RestorePlan, ...[overrides]: Parameters<typeof destination>) =>
  serverFindings(plan, destination(overrides), 0.1);

const at = (version: string) => ({ server: { version, server: 'A', host: 'a.example' } });

it('finds nothing on a server that has everything', () => {
  expect(find(restorePlan())).toEqual([]);
});

describe('the version', () => {
  it.each([
    ['26.7.2.1', '26.7.9.9', []],
    ['26.7.9.9', '26.7.2.1', []],
    ['26.7.2.1', '26.6.9.9', ['blocks']],
    ['26.7.2.1', '25.12.1.1', ['blocks']],
    ['9.1', '10.1', []],
    ['unknown', '24.8.1.1', ['notice']],
    ['', '24.8.1.1', ['notice']],
    ['adopted in 2026', '24.8.1.1', ['notice']],
  ])('of a backup by %s goes to %s: %j', (writtenBy, version, weights) => {
    const found = find(restorePlan({ writtenBy }), at(version));
    expect(found.map(({ weight }) => weight)).toEqual(weights);
    for (const { check } of found) expect(check).toBe('version');
  });
});

it('names engines that the server lacks, once', () => {
  const tables = ['a', 'b'].map((name) => plannedTable({ name, engine: 'SharedMergeTree' }));
  expect(find(restorePlan({ tables }))).toMatchObject([
    { check: 'engines', weight: 'blocks', what: 'The server has no table engine SharedMergeTree.' },
  ]);
});

it('of many engines names ten, and counts the others', () => {
  const said = (count: number) => {
    const tables = Array.from({ length: count }, (_, index) => plannedTable({ engine: `E${index}` }));
    return find(restorePlan({ tables }))[0]?.what;
  };
  expect(said(10)).toBe('The server has no table engine E0, E1, E2, E3, E4, E5, E6, E7, E8, E9.');
  expect(said(12)).toBe('The server has no table engine E0, E1, E2, E3, E4, E5, E6, E7, E8, E9 and 2 more.');
});

it('asks nothing of a table whose definition could not be read, but for room', () => {
  const table = plannedTable({ definition: null, bytes: 5000 });
  expect(find(restorePlan({ tables: [table] }))).toEqual([]);
  const disks = [{ name: 'default', free: 4999, total: 0 }];
  expect(find(restorePlan({ tables: [table] }), { disks })).toMatchObject([{ check: 'disk' }]);
});

describe('storage', () => {
  const hot = plannedTable({ definition: { ...DEFINITION, storagePolicy: 'hot' } });
  const moved = plannedTable({ definition: { ...DEFINITION, volumes: ['cold'], disks: ['s3'] } });

  it('a policy that is not there blocks, unless another one takes its place', () => {
    expect(find(restorePlan({ tables: [hot] }))).toMatchObject([
      {
        check: 'storage-policy',
        weight: 'blocks',
        what: expect.stringContaining('shop.orders wants the storage policy "hot"'),
      },
    ]);
    expect(find(restorePlan({ tables: [hot], storagePolicy: 'default' }))).toEqual([]);
    expect(find(restorePlan({ tables: [hot], storagePolicy: 'none' }))).toMatchObject([{ weight: 'blocks' }]);
  });

  it('the one disk that tables are kept on must be there, with the room for them', () => {
    const kept = plannedTable({ bytes: 5000, definition: { ...DEFINITION, disk: 's3' } });
    const plan = restorePlan({ tables: [kept, { ...kept, name: 'log' }] });
    expect(find(plan)).toMatchObject([
      {
        check: 'storage-policy',
        weight: 'blocks',
        what: 'shop.orders, shop.log keep the parts on the disk "s3", which the server does not have.',
      },
    ]);
    const disk = { name: 'default', free: 0, total: 0 };
    expect(find(plan, { disks: [disk, { name: 's3', free: 10_000, total: 0 }] })).toEqual([]);
    expect(find(plan, { disks: [disk, { name: 's3', free: 9999, total: 0 }] })).toMatchObject([
      { check: 'disk' },
    ]);
  });

  it('volumes and disks of a TTL must be there by name', () => {
    expect(find(restorePlan({ tables: [moved] }))).toMatchObject([
      {
        check: 'storage-policy',
        weight: 'blocks',
        what: 'The TTL of shop.orders moves parts to volume cold, disk s3, and the storage policy "default" of the server has the volumes default on the disks default.',
      },
    ]);
    const policies = [{ name: 'default', volumes: ['default', 'cold'], disks: ['default', 's3'] }];
    expect(find(restorePlan({ tables: [moved] }), { policies })).toEqual([]);
  });

  it('thousands of tables with the same lack are one finding', () => {
    const tables = Array.from({ length: 5000 }, (_, index) => ({ ...moved, name: `t${index}` }));
    expect(find(restorePlan({ tables }))).toHaveLength(1);
  });

  it('of tables that exist, the definition on the server counts', () => {
    for (const mode of ['intoExisting', 'append'] as const)
      expect(find(restorePlan({ mode, tables: [hot, moved] }))).toEqual([]);
  });

  it('of two tables that want the same lack, and of one, is told in words', () => {
    const other = { ...hot, name: 'items' };
    expect(find(restorePlan({ tables: [hot, other] }))[0]?.what).toBe(
      'shop.orders, shop.items want the storage policy "hot", which the server does not have.',
    );
    const kept = plannedTable({ definition: { ...DEFINITION, disk: 's3' } });
    expect(find(restorePlan({ tables: [kept] }))[0]?.what).toBe(
      'shop.orders keeps the parts on the disk "s3", which the server does not have.',
    );
  });

  it('a TTL asks of the policy of its own table, and of none that is missing', () => {
    const policies = [
      { name: 'hot', volumes: ['cold'], disks: ['s3'] },
      { name: 'default', volumes: ['default'], disks: ['default'] },
    ];
    const ofHot = plannedTable({
      definition: { ...DEFINITION, storagePolicy: 'hot', volumes: ['cold'], disks: ['s3'] },
    });
    const disks = ['default', 's3'].map((name) => ({ name, free: 10_000, total: 0 }));
    expect(find(restorePlan({ tables: [ofHot] }), { policies, disks })).toEqual([]);
    expect(find(restorePlan({ tables: [moved] }), { policies, disks })).toHaveLength(1);
    expect(find(restorePlan({ tables: [ofHot] }))).toHaveLength(1);
  });

  it('room is asked for where the tables will lie: on the disks of their policy, or of the one that is chosen', () => {
    const policies = [
      { name: 'default', volumes: ['default'], disks: ['default'] },
      { name: 'hot', volumes: ['v'], disks: ['nvme', 'ssd'] },
    ];
    const disks = (free: Record<string, number>) =>
      ['default', 'nvme', 'ssd'].map((name) => ({ name, free: free[name] ?? 0, total: 0 }));
    const found = (plan: Parameters<typeof restorePlan>[0], free: Record<string, number>) =>
      find(restorePlan(plan), { policies, disks: disks(free) });
    const tables = [{ ...hot, bytes: 5000 }];
    expect(found({ tables }, { nvme: 2500, ssd: 2500 })).toEqual([]);
    expect(found({ tables }, { default: 9000, nvme: 2500, ssd: 2499 })).toMatchObject([
      { check: 'disk', what: expect.stringContaining('to the disk nvme, ssd, where') },
    ]);
    expect(found({ tables, storagePolicy: 'default' }, { default: 5000 })).toEqual([]);
    expect(found({ tables, storagePolicy: 'default' }, { nvme: 9000 })).toMatchObject([{ check: 'disk' }]);
    const onOneDisk = plannedTable({ bytes: 5000, definition: { ...DEFINITION, disk: 'ssd' } });
    expect(found({ tables: [onOneDisk] }, { ssd: 5000 })).toEqual([]);
    expect(found({ tables: [onOneDisk], storagePolicy: 'hot' }, { nvme: 5000 })).toEqual([]);
    expect(found({ tables: [onOneDisk], storagePolicy: 'default' }, { ssd: 5000 })).toMatchObject([
      { check: 'disk' },
    ]);
  });

  it('room is asked for on the default disk where the policy is not known', () => {
    const plan = restorePlan({ tables: [{ ...hot, bytes: 5000 }] });
    const disks = [{ name: 'default', free: 4999, total: 0 }];
    expect(find(plan, { disks }).map(({ check }) => check)).toEqual(['storage-policy', 'disk']);
    expect(find(plan, { disks: [{ name: 'default', free: 5000, total: 0 }] })).toHaveLength(1);
  });

  it('says how much is needed, how much is free and how much must stay so', () => {
    const said = (bytes: number, free: number, total: number) =>
      find(restorePlan({ tables: [plannedTable({ bytes })] }), {
        disks: [{ name: 'default', free, total }],
      })[0]?.what;
    expect(said(25e9, 10e9, 100e9)).toBe(
      '25.0 GB are to be restored to the disk default, where 10.0 GB are free and 10.0 GB are to stay so.',
    );
    expect(said(5e6, 4e6, 0)).toBe(
      '0.005 GB are to be restored to the disk default, where 0.004 GB are free and 0.000 GB are to stay so.',
    );
    expect(said(2e9, 1e9, 0)).toContain('where 1.0 GB are free');
  });

  it('the share to keep free is not used', () => {
    const disk = (free: number) => ({ disks: [{ name: 'default', free, total: 10_000 }] });
    const plan = restorePlan({ tables: [plannedTable({ bytes: 5000 })] });
    expect(find(plan, disk(6000))).toEqual([]);
    expect(find(plan, disk(5999))).toMatchObject([{ check: 'disk', weight: 'blocks' }]);
    expect(find(restorePlan({ structureOnly: true, tables: plan.tables }), disk(0))).toEqual([]);
  });

  it('policies on the same disks share their space', () => {
    const policies = ['default', 'hot'].map((name) => ({ name, volumes: ['v'], disks: ['default'] }));
    const disks = [{ name: 'default', free: 9000, total: 10_000 }];
    const plan = restorePlan({ tables: [plannedTable({ bytes: 4500 }), { ...hot, bytes: 4500 }] });
    expect(find(plan, { policies, disks })).toMatchObject([{ check: 'disk' }]);
  });
});

describe('Keeper', () => {
  const replicated = plannedTable({
    engine: 'ReplicatedMergeTree',
    definition: { ...DEFINITION, replica: { path: '/tables/orders', name: 'a' } },
  });
  const plan = restorePlan({ tables: [replicated] });
  const replicas = [{ table: 'shop.orders', path: "/tables/o'rders" }];

  it('must be there for replicated tables', () => {
    expect(find(plan, { replicas: null })).toMatchObject([{ check: 'replicas', weight: 'blocks' }]);
    expect(find(restorePlan(), { replicas: null })).toEqual([]);
    expect(find(restorePlan({ mode: 'intoExisting', tables: [replicated] }), { replicas: null })).toEqual([]);
  });

  it('must not know the replica already, and the path is quoted in what is to be pasted', () => {
    const [found] = find(plan, { replicas });
    expect(found).toMatchObject({ check: 'replicas', weight: 'blocks' });
    expect(found?.remedy).toContain(String.raw`FROM ZKPATH '/tables/o\'rders'`);
  });

  it('are told with how many they are', () => {
    const other = { ...replicated, name: 'items' };
    expect(find(plan, { replicas: null })[0]?.what).toContain('shop.orders is replicated');
    expect(find(restorePlan({ tables: [replicated, other] }), { replicas: null })[0]?.what).toContain(
      'shop.orders, shop.items are replicated',
    );
    const many = Array.from({ length: 12 }, (_, index) => ({ table: `shop.t${index}`, path: `/t/${index}` }));
    const [found] = find(plan, { replicas: many });
    expect(found?.what).toContain('shop.t0 (/t/0), shop.t1 (/t/1)');
    expect(found?.what).toContain('shop.t9 (/t/9) and 2 more: REPLICA_ALREADY_EXISTS.');
    expect(found?.remedy.match(/SYSTEM DROP REPLICA/g)).toHaveLength(10);
  });

  it('may know that of a table that stands in the place: it is kept, or dropped first', () => {
    const tables = [standingTable({ engine: 'ReplicatedMergeTree' })];
    for (const mode of ['replace', 'asIs'] as const)
      expect(find(restorePlan({ mode, tables: [replicated] }), { replicas, tables })).toEqual([]);
  });
});

describe('what consumes', () => {
  const kafka = plannedTable({ engine: 'Kafka', coverage: 'schema only' });

  it('is told of, and is idle when it is quiet', () => {
    expect(find(restorePlan({ tables: [kafka] }))).toMatchObject([{ check: 'consumers', weight: 'notice' }]);
    expect(find(restorePlan({ tables: [kafka], quiet: true }))).toEqual([]);
  });

  it('is a view that refreshes by itself too, and no table that is only called so', () => {
    const refreshing = plannedTable({
      engine: 'MaterializedView',
      definition: { ...DEFINITION, refreshable: true },
    });
    expect(find(restorePlan({ tables: [refreshing] }))).toMatchObject([{ check: 'consumers' }]);
    for (const engine of ['RabbitMQ', 'NATS', 'S3Queue', 'AzureQueue', 'FileLog'])
      expect(find(restorePlan({ tables: [plannedTable({ engine })] }), { engines: [engine] })).toMatchObject([
        { check: 'consumers' },
      ]);
    for (const engine of ['KafkaLike', 'NotKafka'])
      expect(find(restorePlan({ tables: [plannedTable({ engine })] }), { engines: [engine] })).toEqual([]);
  });

  it('blocks where the server cannot make it idle', () => {
    const plan = restorePlan({ tables: [kafka], quiet: true, writtenBy: '24.8.1.1' });
    expect(find(plan, at('24.9.1.1'))).toMatchObject([{ check: 'consumers', weight: 'blocks' }]);
    expect(find(plan, at('24.10.1.1'))).toEqual([]);
  });
});

it('names grants that are missing, and says when that is not known', () => {
  expect(find(restorePlan(), { missingGrants: ['INSERT ON `shop`.*'] })).toMatchObject([
    { check: 'grants', weight: 'blocks', remedy: 'Grant it: GRANT INSERT ON `shop`.* TO ….' },
  ]);
  expect(find(restorePlan(), { missingGrants: null })).toMatchObject([{ check: 'grants', weight: 'notice' }]);
});

it('names ten grants that are missing', () => {
  const missingGrants = Array.from({ length: 12 }, (_, index) => `SELECT ON \`t${index}\`.*`);
  const [found] = find(restorePlan(), { missingGrants });
  expect(found?.what).toContain(' and 2 more.');
  expect(found?.remedy.match(/GRANT SELECT/g)).toHaveLength(10);
});

it('tells of other restores', () => {
  expect(find(restorePlan(), { restoring: ['r1'] })[0]?.what).toBe(
    'The server works on 1 other restore: r1.',
  );
  expect(find(restorePlan(), { restoring: ['r1', 'r2'] })).toMatchObject([
    { check: 'another-restore', weight: 'notice', what: expect.stringContaining('2 other restores: r1, r2') },
  ]);
});
