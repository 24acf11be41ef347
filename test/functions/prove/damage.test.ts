import { beforeEach, describe, expect, it } from 'vitest';
import { readLedger } from '../../../clients/ledger.ts';
import { backupPrefix, MANIFEST } from '../../../core/keys.ts';
import { isGood, type LedgerEntry } from '../../../core/ledger.ts';
import type { ManifestFile } from '../../../core/manifest.ts';
import { DAMAGES, type ProofFinding } from '../../../core/proof.ts';
import { pathOf } from '../../../functions/prove/contents.ts';
import { type MadeBackup, ProvingGround } from './proving-ground.ts';

const ground = new ProvingGround();

const flip = (bytes: Buffer): Buffer => {
  const damaged = Buffer.from(bytes);
  const middle = damaged.length >> 1;
  damaged[middle] = (damaged[middle] ?? 0) ^ 1;
  return damaged;
};

interface Damage {
  readonly kind: string;
  readonly table: string;
  /** The file of the part, or of the table, whose object is damaged. */
  readonly file: string;
  /** What becomes of the object; null removes it. */
  readonly inflict: (bytes: Buffer) => Buffer | null;
}

/** Each in a table of its own, so that one proof has to name every one of them. */
const IN_PARTS: readonly Damage[] = [
  { kind: 'a flipped bit in data', table: 'data', file: 'own_data.bin', inflict: flip },
  { kind: 'a flipped bit in marks', table: 'marks', file: 'id.cmrk2', inflict: flip },
  { kind: 'a flipped bit in the primary index', table: 'primary', file: 'primary.cidx', inflict: flip },
  { kind: 'a flipped bit in checksums.txt', table: 'checksums', file: 'checksums.txt', inflict: flip },
  { kind: 'a missing object', table: 'missing', file: 'own_missing.bin', inflict: () => null },
  {
    kind: 'a truncated object',
    table: 'truncated',
    file: 'own_truncated.bin',
    inflict: (bytes) => bytes.subarray(0, -3),
  },
  {
    kind: 'an object with more at its end',
    table: 'grown',
    file: 'own_grown.bin',
    inflict: (bytes) => Buffer.concat([bytes, Buffer.from('more')]),
  },
  { kind: 'a flipped bit in count.txt', table: 'count', file: 'count.txt', inflict: flip },
  { kind: 'a flipped bit in columns.txt', table: 'columns', file: 'columns.txt', inflict: flip },
  { kind: 'a flipped bit in partition.dat', table: 'partition', file: 'partition.dat', inflict: flip },
  { kind: 'a flipped bit in minmax', table: 'minmax', file: 'minmax_day.idx', inflict: flip },
  {
    kind: 'a flipped bit in a projection',
    table: 'projection',
    file: 'by_name.proj/own_projection.bin',
    inflict: flip,
  },
  { kind: 'a missing checksums.txt', table: 'no_checksums', file: 'checksums.txt', inflict: () => null },
];

const rowsOf = (index: number): number => 200 + index;

const wideTable = (name: string, index: number, more = ''): string[] => [
  `CREATE TABLE damaged.${name} (id UInt64, day Date, own_${name} String${more})
   ENGINE = MergeTree PARTITION BY day ORDER BY id SETTINGS min_bytes_for_wide_part = 0, index_granularity = 64`,
  `INSERT INTO damaged.${name}
   SELECT number * ${index + 2}, toDate('2026-01-01') + ${index}, concat('row ', toString(number * ${index + 2})) FROM numbers(${rowsOf(index)})`,
];

const PROJECTION = ', PROJECTION by_name (SELECT own_projection, count() GROUP BY own_projection)';

const STATEMENTS = [
  'CREATE DATABASE damaged',
  // Files that all tables share lie in the first, which is left alone.
  ...wideTable('aaa', 90),
  ...IN_PARTS.flatMap(({ table }, index) =>
    wideTable(table, index, table === 'projection' ? PROJECTION : ''),
  ),
  ...wideTable('whole', 40),
  ...wideTable('swapped', 50),
  `INSERT INTO damaged.swapped SELECT number, toDate('2026-06-01'), toString(number) FROM numbers(77)`,
  'CREATE TABLE damaged.replaced (id UInt64 CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple()',
  'INSERT INTO damaged.replaced SELECT rand64() FROM numbers(500)',
  'CREATE TABLE damaged.log (id UInt64, own_log String) ENGINE = Log',
  'INSERT INTO damaged.log SELECT number, toString(number) FROM numbers(50)',
  'CREATE TABLE damaged.memory (id UInt64, own_memory String) ENGINE = Memory',
  'INSERT INTO damaged.memory SELECT number, toString(number) FROM numbers(60)',
  'CREATE TABLE damaged.source (id UInt64, d Date) ENGINE = MergeTree ORDER BY id',
  'CREATE MATERIALIZED VIEW damaged.view ENGINE = MergeTree ORDER BY twice AS SELECT id * 2 AS twice FROM damaged.source',
  'INSERT INTO damaged.source SELECT number, today() FROM numbers(30)',
  'CREATE DATABASE altered',
  `CREATE TABLE altered.events (id UInt64 COMMENT 'one') ENGINE = MergeTree ORDER BY id`,
  'INSERT INTO altered.events SELECT number FROM numbers(9)',
  'CREATE DATABASE unreadable',
  'CREATE TABLE unreadable.events (id UInt64, n Int8) ENGINE = MergeTree ORDER BY id',
  'INSERT INTO unreadable.events SELECT number, 1 FROM numbers(8)',
];

interface Made {
  readonly full: MadeBackup;
  readonly incremental: MadeBackup;
  /** An older one, with other rows in `replaced`. */
  readonly older: MadeBackup;
  readonly files: readonly ManifestFile[];
}

let made: Made | undefined;
const DATABASES = ['damaged', 'altered', 'unreadable'];

async function make(target: string): Promise<Made> {
  await ground.tell(...STATEMENTS);
  const older = await ground.backUp(target);
  await ground.tell(
    'TRUNCATE TABLE damaged.replaced',
    'INSERT INTO damaged.replaced SELECT rand64() FROM numbers(500)',
  );
  const full = await ground.backUp(target);
  const incremental = await ground.backUp(target, 'incremental');
  return { full, incremental, older, files: await ground.manifest(full) };
}

let target = '';
beforeEach(async () => {
  if (made === undefined) {
    target = ground.addTarget({ databases: DATABASES });
    made = await make(target);
  } else ground.setTarget(target, { databases: DATABASES });
});

const known = (): Made => {
  if (made === undefined) throw new Error('nothing was made');
  return made;
};

const fileOf = (files: readonly ManifestFile[], database: string, table: string, file: string) => {
  const found = files.filter(({ name }) => {
    const path = pathOf(name);
    return path?.database === database && path.table === table && path.file === file;
  });
  const [first] = found;
  if (first?.dataFile === undefined || first.dataFile === null || found.length !== 1)
    throw new Error(`${found.length} files ${file} of ${database}.${table}`);
  return first as ManifestFile & { dataFile: string };
};

/** What a finding should say of an object: whose it is. */
function placeOf(object: string): Pick<ProofFinding, 'table' | 'part' | 'file'> {
  const path = pathOf(object);
  return path === undefined
    ? { table: null, part: null, file: object }
    : { table: `${path.database}.${path.table}`, part: path.part ?? null, file: path.file };
}

/** Damages objects of the full backup, and gives the way back. */
async function damage(changes: ReadonlyMap<string, (bytes: Buffer) => Buffer | null>) {
  const { full } = known();
  const before = new Map<string, Buffer>();
  for (const [object, inflict] of changes) {
    const key = `${backupPrefix(full.target, full.id)}${object}`;
    const bytes = await ground.get(key);
    before.set(key, bytes);
    const after = inflict(bytes);
    if (after === null) await ground.remove(key);
    else await ground.put(key, after);
  }
  return async () => {
    for (const [key, bytes] of before) await ground.put(key, bytes);
    for (const backup of [full, known().incremental, known().older]) await ground.forgive(backup);
  };
}

/** Every damage at once, by the object that it is done to. */
async function allDamages(): Promise<Map<string, (bytes: Buffer) => Buffer | null>> {
  const { files, full, older } = known();
  const changes = new Map<string, (bytes: Buffer) => Buffer | null>();
  for (const { table, file, inflict } of IN_PARTS)
    changes.set(fileOf(files, 'damaged', table, file).dataFile, inflict);
  for (const name of ['log', 'memory'])
    changes.set(fileOf(files, 'damaged', name, name === 'log' ? 'own_log.bin' : 'data.bin').dataFile, flip);
  changes.set(fileOf(files, 'damaged', 'view', 'data.bin').dataFile, flip);
  for (const { name } of files)
    if (name.startsWith('data/damaged/whole/') && files.some(({ dataFile }) => dataFile === name))
      changes.set(name, () => null);
  await addSwaps(changes, full, files);
  const replaced = fileOf(files, 'damaged', 'replaced', 'data.bin').dataFile;
  const others = await ground.manifest(older);
  const other = fileOf(others, 'damaged', 'replaced', 'data.bin').dataFile;
  const bytes = await ground.get(`${backupPrefix(older.target, older.id)}${other}`);
  changes.set(replaced, (own) => {
    expect(own.length).toBe(bytes.length);
    expect(own.equals(bytes)).toBe(false);
    return bytes;
  });
  return changes;
}

/** Each of two parts gets the files of the other. */
async function addSwaps(
  changes: Map<string, (bytes: Buffer) => Buffer | null>,
  { target: of, id }: MadeBackup,
  files: readonly ManifestFile[],
): Promise<void> {
  const own = files.filter(
    ({ name, dataFile }) => name.startsWith('data/damaged/swapped/') && dataFile === name,
  );
  const parts = [...new Set(own.map(({ name }) => pathOf(name)?.part ?? ''))];
  expect(parts).toHaveLength(2);
  for (const { name } of own) {
    const path = pathOf(name);
    const twin = own.find(
      (file) => pathOf(file.name)?.file === path?.file && pathOf(file.name)?.part !== path?.part,
    );
    if (twin === undefined) continue;
    const bytes = await ground.get(`${backupPrefix(of, id)}${twin.name}`);
    changes.set(name, () => bytes);
  }
}

const entryOf = async ({ id }: MadeBackup): Promise<LedgerEntry> => {
  const { entries } = await readLedger(ground.around.bucket, target);
  const entry = entries.find((each) => each.id === id);
  if (entry === undefined) throw new Error(`the ledger has no ${id}`);
  return entry;
};

/** Which of the expected places a proof has named, by table, part and file. */
const namedBy = (findings: readonly ProofFinding[], objects: Iterable<string>) =>
  Object.fromEntries(
    [...objects].map((object) => {
      const place = placeOf(object);
      const named = findings.some(
        ({ table, part, file }) => table === place.table && part === place.part && file === place.file,
      );
      return [object, named ? 'named' : 'not named'];
    }),
  );

const TIME = { timeout: 240_000 };

describe('damage to objects of a full backup', TIME, () => {
  it('is not found where there is none, in the full one and in the incremental', async () => {
    const { full, incremental } = known();
    expect(await ground.prove(full)).toMatchObject({ verdict: 'proven' });
    expect(await ground.prove(incremental)).toMatchObject({ verdict: 'proven' });
  });

  it('is found, whatever its kind, and named by table, part and file', async () => {
    const { full } = known();
    const changes = await allDamages();
    const undo = await damage(changes);
    try {
      expect(await ground.prove(full, { name: 'full' })).toMatchObject({
        verdict: 'failed',
        failure: { error: 'ProofRefuted' },
      });
      const { findings, unjudged } = await ground.findings(full, 'full');
      expect(namedBy(findings, changes.keys())).toEqual(
        Object.fromEntries([...changes.keys()].map((object) => [object, 'named'])),
      );
      expect(unjudged).toEqual([]);
      expect(findings.filter(({ table }) => table === 'damaged.aaa')).toEqual([]);
      expect(findings.filter(({ inBase }) => inBase === true)).toEqual([]);
      expect(isGood((await entryOf(full)).states)).toBe(false);
    } finally {
      await undo();
    }
  });

  it('is found through the incremental that takes them from there, which takes both down', async () => {
    const { full, incremental, older } = known();
    const changes = await allDamages();
    const undo = await damage(changes);
    try {
      const proof = await ground.prove(incremental, { name: 'incremental' });
      expect(proof).toMatchObject({ verdict: 'failed', failure: { error: 'ProofRefuted' } });
      const { findings } = await ground.findings(incremental, 'incremental');
      expect(namedBy(findings, changes.keys())).toEqual(
        Object.fromEntries([...changes.keys()].map((object) => [object, 'named'])),
      );
      expect(findings.filter(({ file, inBase }) => file !== null && inBase !== true)).toEqual([]);
      expect(await ground.failed(full)).toMatchObject({
        error: 'ProofRefuted',
        step: 'prove',
        what: expect.stringContaining(`It was found by the proof of ${incremental.id}.`),
      });
      expect(await ground.failed(older)).toBeUndefined();
    } finally {
      await undo();
    }
  });

  it.each([
    ['altered', 'an altered definition', (text: string) => text.replace("'one'", "'two'")],
    ['unreadable', 'one that the engine cannot read', (text: string) => text.replace('Int8', 'Int9')],
  ])('is found in a definition in %s: %s', async (database, _, alter) => {
    const { full, incremental } = known();
    const object = `metadata/${database}/events.sql`;
    const undo = await damage(new Map([[object, (bytes) => Buffer.from(alter(bytes.toString()))]]));
    try {
      for (const backup of [full, incremental]) {
        const name = `${database}-${backup === full ? 'full' : 'incremental'}`;
        expect(await ground.prove(backup, { name })).toMatchObject({
          verdict: 'failed',
          failure: { error: 'ProofRefuted', what: expect.stringContaining(object) },
        });
        const { findings } = await ground.findings(backup, name);
        expect(namedBy(findings, [object])).toEqual({ [object]: 'named' });
        await ground.forgive(full);
      }
    } finally {
      await undo();
    }
  });

  it.each([
    ['another checksum', (text: string) => text.replace(/<checksum>./, '<checksum>e')],
    ['another size', (text: string) => text.replace(/<size>(\d)/, '<size>9$1')],
    ['no XML any more', (text: string) => text.slice(0, -40)],
    ['a version of tomorrow', (text: string) => text.replace('<version>1<', '<version>9<')],
    ['nothing', () => null],
  ])('is found in the manifest, when it has %s', async (name, alter) => {
    const { full, incremental } = known();
    const undo = await damage(
      new Map([
        [
          MANIFEST,
          (bytes) => {
            const altered = alter(bytes.toString());
            return altered === null ? null : Buffer.from(altered);
          },
        ],
      ]),
    );
    try {
      for (const backup of [full, incremental]) {
        const proof = `manifest-${name.replaceAll(' ', '-')}-${backup === full ? 'full' : 'incremental'}`;
        expect(await ground.prove(backup, { name: proof })).toMatchObject({
          verdict: 'failed',
          failure: { error: 'ProofRefuted' },
        });
        const { findings } = await ground.findings(backup, proof);
        expect(findings).toMatchObject([{ table: null, part: null, file: MANIFEST }]);
        expect(findings[0]?.inBase).toBe(backup === full ? undefined : true);
        // Nothing was given to the engine.
        expect((await ground.readPlan(backup, proof)).items).toEqual([]);
      }
    } finally {
      await undo();
    }
  });
});

it('covers what the self-test promises to see', () => {
  const covered = [...IN_PARTS.map(({ kind }) => kind), 'a swapped part', 'an altered definition'];
  expect(covered).toEqual(expect.arrayContaining([...DAMAGES]));
});
