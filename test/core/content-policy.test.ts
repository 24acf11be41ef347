import { describe, expect, it } from 'vitest';
import { needsContentCheck } from '../../core/content-policy.ts';
import type { ManifestFile } from '../../core/manifest.ts';

const file = (name: string): ManifestFile => ({
  name,
  size: 1,
  checksum: '5e9d75de4a6945fbb2dc2a22e355d451',
  useBase: false,
  baseSize: 0,
  baseChecksum: null,
  dataFile: name,
  encryptedByDisk: false,
});
const isShop = (database: string): boolean => database === 'shop';
const PART = 'data/shop/events/202601_1_1_0';

describe('needsContentCheck', () => {
  it.each([
    'checksums.txt',
    'columns.txt',
    'columns_substreams.txt',
    'default_compression_codec.txt',
    'metadata_version.txt',
    'txn_version.txt',
    'a_file_of_a_newer_clickhouse.txt',
    'data.bin.txt',
    'discount.txt',
    'count.txt.old',
  ])('is so for %s of a part, which is not in checksums.txt', (leaf) => {
    expect(needsContentCheck(file(`${PART}/${leaf}`), isShop)).toBe(true);
    expect(needsContentCheck(file(`${PART}/by_kind.proj/${leaf}`), isShop)).toBe(true);
  });

  it.each([
    'data.bin',
    'id.cmrk2',
    'id.mrk2',
    'id.mrk',
    'data.mrk4',
    'primary.idx',
    'primary.cidx',
    'skp_idx_i.idx2',
    'minmax_day.idx',
    'partition.dat',
    'count.txt',
    'ttl.txt',
    'uuid.txt',
    'serialization.json',
    'statistics.packed',
    'columns%2Etxt.bin',
  ])('is not so for %s of a part, which is', (leaf) => {
    expect(needsContentCheck(file(`${PART}/${leaf}`), isShop)).toBe(false);
    expect(needsContentCheck(file(`${PART}/by_kind.proj/${leaf}`), isShop)).toBe(false);
  });

  it.each([
    'metadata/shop.sql',
    'metadata/shop/events.sql',
    'data/shop/events/mutations/0000000003.txt',
    'data/shop/log/id.bin',
    'data/shop/log/count.txt',
    'data/shop/memory/data.bin',
    'data/system/users/access01.txt',
    'temporary_tables/data/t/data.bin',
    'shards/1/replicas/1/data/shop/events/202601_1_1_0/data.bin',
    'data/shop/events/202601_1_1_0/a.proj/b.proj/data.bin',
    'data/shop/events/202601_1_1_0/no_projection/data.bin',
    'data/shop/events/202601_1_1_0/data.bin/deeper',
    'data/shop/events/202601_1_1_0/by_kind.proj/data.bin/deeper',
  ])('is so for %s, which is not in a part that is mounted', (name) => {
    expect(needsContentCheck(file(name), isShop)).toBe(true);
  });

  it('is so for all of a table that the mount does not show, whose names it asks for as they are', () => {
    const asked: [string, string][] = [];
    const none = (database: string, table: string): boolean => {
      asked.push([database, table]);
      return false;
    };

    expect(needsContentCheck(file('data/my%20shop/%D0%BF%25/all_1_1_0/data.bin'), none)).toBe(true);
    expect(asked).toEqual([['my shop', 'п%']]);
  });
});
