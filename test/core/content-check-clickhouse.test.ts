/** Backups that ClickHouse itself has written, damaged by hand: what `CHECK TABLE` sees, and what the content check. */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ContentCheck, type ContentCheckRequest, checkContents } from '../../core/content-check.ts';
import { needsContentCheck } from '../../core/content-policy.ts';
import type { ManifestFile } from '../../core/manifest.ts';
import { engineBackups } from './engine-backups.ts';

/** The tables that a mounted backup shows. */
const MOUNTED = ['compact', 'wide'];

const STATEMENTS = [
  'CREATE DATABASE shop',
  'CREATE TABLE shop.compact (id UInt64, day Date, text String) ENGINE = MergeTree ORDER BY id PARTITION BY toYYYYMM(day) TTL day + INTERVAL 100 YEAR',
  'CREATE TABLE shop.wide (id UInt64, text String, kind LowCardinality(String), INDEX i text TYPE set(100), PROJECTION p (SELECT text, count() GROUP BY text)) ENGINE = MergeTree ORDER BY id SETTINGS min_bytes_for_wide_part = 0, compress_marks = 0, assign_part_uuids = 1',
  'CREATE TABLE shop.log (id UInt64, text String) ENGINE = Log',
  'CREATE TABLE shop.stripe (id UInt64, text String) ENGINE = StripeLog',
  'CREATE TABLE shop.memory (id UInt64, text String) ENGINE = Memory',
  'CREATE MATERIALIZED VIEW shop.totals ENGINE = SummingMergeTree ORDER BY id AS SELECT id FROM shop.log',
  "INSERT INTO shop.compact SELECT number, '2026-01-05', toString(number % 5) FROM numbers(5000)",
  'INSERT INTO shop.wide SELECT number, toString(number % 7), toString(number % 3) FROM numbers(5000)',
  'SYSTEM STOP MERGES shop.compact',
  "ALTER TABLE shop.compact UPDATE text = 'z' WHERE id = 3 SETTINGS mutations_sync = 0",
  'CREATE DATABASE twins',
  'CREATE TABLE twins.numbers (id UInt64 CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple()',
  'INSERT INTO twins.numbers SELECT cityHash64(number, 1) FROM numbers(1000)',
  'INSERT INTO twins.numbers SELECT cityHash64(number, 2) FROM numbers(1000)',
];
const GROWING = ['log', 'stripe', 'memory'].map(
  (table) => `INSERT INTO shop.${table} SELECT number, randomString(10) FROM numbers(1000)`,
);

const engine = engineBackups((engine) => {
  engine.query(...STATEMENTS, ...GROWING);
  engine.backUp('shop', 'full');
  engine.backUp('shop', 'full-by-checksum', ", data_file_name_generator = 'checksum'");
  engine.backUp('shop', 'full-undeduplicated', ', deduplicate_files = 0');
  engine.query(...GROWING, "INSERT INTO shop.compact SELECT number, '2026-02-05', 'new' FROM numbers(10)");
  engine.backUp('shop', 'incremental', `, base_backup = ${engine.location('full')}`);
  engine.backUp('twins', 'twins');
});

const beyondTheMount = (file: ManifestFile): boolean =>
  needsContentCheck(file, (database, table) => database !== 'shop' || MOUNTED.includes(table));
const everything = (): boolean => true;

const checkOf = (name: string, more: Partial<ContentCheckRequest> = {}): Promise<ContentCheck> =>
  checkContents({
    ...engine().streams(name),
    choose: beyondTheMount,
    atOnce: 8,
    ...(name === 'incremental' ? { base: engine().streams('full') } : {}),
    ...more,
  });

interface Mounted {
  /** Table, part and rows of each part, a line each; or why there is no mounting it. */
  readonly parts: string;
  /** What `CHECK TABLE` says against a part, a line each. */
  readonly complaints: readonly string[];
}

/** Always under the same name: under another, a backup mounted for the second time has no parts (ClickHouse#83219). */
function mount(name: string, database = 'shop', tables = MOUNTED): Mounted {
  const server = engine();
  try {
    server.query(`CREATE DATABASE mounted ENGINE = Backup('${database}', ${server.location(name)})`);
    const parts = server.query(
      "SELECT table, name, rows FROM system.parts WHERE database = 'mounted' AND active ORDER BY ALL",
    );
    const complaints = tables.flatMap((table) =>
      server
        .query(`CHECK TABLE mounted.${table} SETTINGS check_query_single_value_result = 0`)
        .split('\n')
        .filter((line) => line !== '' && line.split('\t')[1] !== '1'),
    );
    return { parts, complaints };
  } catch (error) {
    return { parts: String(error), complaints: [] };
  } finally {
    server.query('DROP DATABASE IF EXISTS mounted');
  }
}

/** Flips a bit in the middle of an object, and back again afterwards. */
async function withDamage<Result>(
  name: string,
  key: string,
  judge: () => Result | Promise<Result>,
): Promise<Result> {
  const path = join(engine().path(name), key);
  const bytes = readFileSync(path);
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
  writeFileSync(path, damaged);
  try {
    return await judge();
  } finally {
    writeFileSync(path, bytes);
  }
}

const leafOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

describe('checkContents of a backup that ClickHouse wrote', () => {
  it.each(['full', 'full-by-checksum', 'full-undeduplicated', 'incremental'])(
    'finds nothing wrong in %s, and leaves nothing out',
    async (name) => {
      for (const choose of [beyondTheMount, everything]) {
        const check = await checkOf(name, { choose });

        expect(check.findings).toEqual([]);
        expect(check.unchecked.named).toEqual([]);
        expect(check.files).toBeGreaterThan(20);
      }
    },
  );

  it('reads every object when it is to read everything', async () => {
    const { files } = await checkOf('full', { choose: everything });

    expect(files).toBe((await engine().objects('full')).length);
  });

  it('sees, with the mount, a flipped bit in any object; alone, when it is to read everything', async () => {
    const good = mount('full');
    expect(good).toEqual({ parts: 'compact\t202601_1_1_0\t5000\nwide\tall_1_1_0\t5000', complaints: [] });
    const seenBy = { check: new Set<string>(), parts: new Set<string>(), content: new Set<string>() };

    for (const key of await engine().objects('full'))
      await withDamage('full', key, async () => {
        const { parts, complaints } = mount('full');
        const { findings } = await checkOf('full');
        const { damaged } = await checkOf('full', { choose: everything });
        const seen = [complaints.length > 0, parts !== good.parts, findings.length > 0];

        expect(seen, key).toContain(true);
        expect(damaged, key).toBeGreaterThan(0);
        for (const { objectKey } of findings) expect(objectKey).toBe(key);
        if (complaints.length > 0) seenBy.check.add(leafOf(key));
        else if (parts !== good.parts) seenBy.parts.add(leafOf(key));
        if (!seen[0] && !seen[1]) seenBy.content.add(key);
      });

    for (const leaf of [
      'data.bin',
      'text.bin',
      'id.mrk2',
      'primary.cidx',
      'count.txt',
      'ttl.txt',
      'uuid.txt',
    ])
      expect(seenBy.check).toContain(leaf);
    // A part that cannot be loaded is silently not there, and CHECK TABLE says that all is well.
    for (const leaf of ['checksums.txt', 'columns.txt', 'partition.dat', 'serialization.json', 'data.cmrk4'])
      expect(seenBy.parts).toContain(leaf);
    for (const leaf of ['default_compression_codec.txt', 'metadata_version.txt'])
      expect(seenBy.content).toContain(`data/shop/compact/202601_1_1_0/${leaf}`);
    for (const key of [
      'compact/mutations/0000000002.txt',
      'log/id.bin',
      'stripe/data.bin',
      'memory/data.bin',
    ])
      expect(seenBy.content).toContain(`data/shop/${key}`);
    expect(seenBy.content).toContain('data/shop/totals/all_1_1_1/data.cmrk4');
    // Which of them depends on the letter: in a UUID, one in eight is no UUID any more.
    expect([...seenBy.content].filter((key) => key.endsWith('.sql'))).not.toEqual([]);
  });

  it('sees two parts of the same sizes that changed places, which CHECK TABLE does not', async () => {
    const good = mount('twins', 'twins', ['numbers']);
    expect(good).toEqual({ parts: 'numbers\tall_1_1_0\t1000\nnumbers\tall_2_2_0\t1000', complaints: [] });
    const parts = join(engine().path('twins'), 'data/twins/numbers');
    const [one, other] = [join(parts, 'all_1_1_0'), join(parts, 'all_2_2_0')];
    for (const leaf of ['checksums.txt', 'data.bin']) {
      expect(statSync(join(one, leaf)).size).toBe(statSync(join(other, leaf)).size);
      renameSync(join(one, leaf), join(one, 'away'));
      renameSync(join(other, leaf), join(one, leaf));
      renameSync(join(one, 'away'), join(other, leaf));
    }

    expect(mount('twins', 'twins', ['numbers'])).toEqual(good);
    // In the order in which they were read to their ends.
    const { findings } = await checkOf('twins');
    expect(findings.map(({ kind, file }) => [kind, file]).sort()).toEqual([
      ['other content', 'data/twins/numbers/all_1_1_0/checksums.txt'],
      ['other content', 'data/twins/numbers/all_2_2_0/checksums.txt'],
    ]);
  });

  it('sees a definition that was altered and is as good as before, which the mount does not', async () => {
    const path = join(engine().path('full'), 'metadata/shop/compact.sql');
    const definition = readFileSync(path, 'utf8');
    const good = mount('full');
    writeFileSync(path, definition.replace('toIntervalYear(100)', 'toIntervalYear(001)'));
    const altered = { mount: mount('full'), check: await checkOf('full') };
    writeFileSync(path, definition);

    expect(altered.mount).toEqual(good);
    expect(altered.check.findings).toMatchObject([
      { kind: 'other content', objectKey: 'metadata/shop/compact.sql' },
    ]);
  });

  it('sees through an incremental whatever is damaged of what it takes from its base, and nothing else', async () => {
    const needed = new Set(
      (await engine().manifest('incremental')).map(
        ({ baseSize, baseChecksum }) => `${baseSize} ${baseChecksum}`,
      ),
    );
    const base = await engine().manifest('full');
    const outcomes = { found: 0, unneeded: 0 };
    for (const key of await engine().objects('full')) {
      const { findings } = await withDamage('full', key, () =>
        checkOf('incremental', { choose: everything }),
      );
      const isNeeded = base.some(
        ({ dataFile, size, checksum }) => dataFile === key && needed.has(`${size} ${checksum}`),
      );

      expect(findings.length > 0, key).toBe(isNeeded);
      for (const finding of findings) expect(finding).toMatchObject({ place: 'base', objectKey: key });
      outcomes[isNeeded ? 'found' : 'unneeded']++;
    }

    expect(outcomes.found).toBeGreaterThan(30);
    expect(outcomes.unneeded).toBeGreaterThan(0);
  });

  it('sees damage in the new end of a file that grew since its base', async () => {
    const [grown] = (await engine().manifest('incremental')).filter(
      (file) => file.useBase && file.dataFile !== null,
    );
    const key = grown?.dataFile ?? '';
    const { findings } = await withDamage('incremental', key, () => checkOf('incremental'));

    expect(findings).toMatchObject([{ place: 'backup', objectKey: key, expected: grown?.checksum }]);
  });
});
