import { describe, expect, it } from 'vitest';
import { ManifestReader } from '../../core/manifest.ts';
import { ManifestScope } from '../../core/manifest-scope.ts';
import { headerOf, manifestOf, UUID, type WrittenFile } from './generated-backup.ts';

const CHECKSUM = 'ab'.repeat(16);

const file = (name: string, over: Partial<WrittenFile> = {}): WrittenFile => ({
  name,
  size: 10,
  checksum: CHECKSUM,
  ...over,
});

function scopeOf(...files: readonly WrittenFile[]): ManifestScope {
  const scope = new ManifestScope();
  const reader = new ManifestReader((entry) => scope.add(entry));
  reader.write(manifestOf({ header: headerOf(UUID), files }));
  reader.end();
  return scope;
}

describe('the scope that a manifest shows', () => {
  it('has every table with a definition, under its own name', () => {
    const scope = scopeOf(
      file('metadata/my%2Dshop.sql'),
      file('metadata/my%2Dshop/a%2Fb.sql'),
      file('data/my%2Dshop/a%2Fb/all_1_1_0/data.bin', { size: 100 }),
    );
    expect(scope.databases).toEqual(['my-shop']);
    expect(scope.tables).toEqual([{ database: 'my-shop', name: 'a/b', key: 'metadata/my%2Dshop/a%2Fb.sql' }]);
    expect(scope.undefinedDatabases).toEqual([]);
  });

  it('leaves the databases of ClickHouse itself out, and says which there were', () => {
    const scope = scopeOf(
      file('metadata/system.sql'),
      file('metadata/system/query_log.sql'),
      file('metadata/INFORMATION_SCHEMA/tables.sql'),
      file('metadata/default.sql'),
    );
    expect(scope.databases).toEqual(['default']);
    expect(scope.tables).toEqual([]);
    expect(scope.systemDatabases).toEqual(['INFORMATION_SCHEMA', 'system']);
  });

  it('knows a database of which only tables were backed up', () => {
    const scope = scopeOf(file('metadata/shop/events.sql'), file('metadata/other.sql'));
    expect(scope.databases).toEqual(['other', 'shop']);
    expect(scope.undefinedDatabases).toEqual(['shop']);
  });

  it('takes one definition of each table where every replica has its own', () => {
    const scope = scopeOf(
      file('shards/1/replicas/1/metadata/shop.sql'),
      file('shards/1/replicas/1/metadata/shop/events.sql'),
      file('shards/1/replicas/2/metadata/shop/events.sql'),
    );
    expect(scope.tables).toEqual([
      { database: 'shop', name: 'events', key: 'shards/1/replicas/1/metadata/shop/events.sql' },
    ]);
    expect(scope.undefinedDatabases).toEqual([]);
  });

  it('finds a definition under the name of another file that is equal to it', () => {
    const scope = scopeOf(file('metadata/b/t.sql', { dataFile: 'ab/cdef' }));
    expect(scope.tables).toEqual([{ database: 'b', name: 't', key: 'ab/cdef' }]);
  });
});

it('counts each object once, and no file that has none', () => {
  const scope = scopeOf(
    file('a', { size: 7 }),
    file('b', { size: 7, dataFile: 'a' }),
    { name: 'empty', size: 0 },
    file('c', { size: 5 }),
  );
  expect(scope.extent).toEqual({ objects: 2, bytes: 12 });
  expect(scope.usesBase).toBe(false);
});

it('counts of a file that grew what is stored here', () => {
  const grown = file('a', { size: 10, useBase: true, baseSize: 4, baseChecksum: CHECKSUM });
  expect(scopeOf(grown, file('b', { size: 6, dataFile: 'a' })).extent).toEqual({ objects: 1, bytes: 6 });
});

it('sees that files are taken from a base', () => {
  expect(scopeOf(file('a', { useBase: true })).usesBase).toBe(true);
});
