import { describe, expect, it } from 'vitest';
import type { LedgerTable } from '../../core/ledger.ts';
import {
  type ListedObject,
  type Verification,
  type VerificationRequest,
  verifyBackup,
} from '../../core/verification.ts';
import { FINDING_KINDS, findingsText } from '../../core/verification-findings.ts';
import {
  BASE_UUID,
  type GeneratedBackup,
  headerOf,
  manifestOf,
  requestOf,
  streamOf,
  streamsOf,
  UUID,
  type WrittenBackup,
  type WrittenFile,
} from './generated-backup.ts';

const checksum = (digit: string): string => digit.repeat(32);

const METADATA: WrittenFile = { name: 'metadata/shop/events.sql', size: 200, checksum: checksum('a') };
const DATA: WrittenFile = {
  name: 'data/shop/events/all_1_1_0/data.bin',
  size: 1000,
  checksum: checksum('b'),
};
const COPY: WrittenFile = { ...DATA, name: 'data/shop/events/all_2_2_0/data.bin', dataFile: DATA.name };

const EVENTS: LedgerTable = { database: 'shop', name: 'events', engine: 'MergeTree', coverage: 'data' };

const BASE_ELEMENTS = `<base_backup>S3('https://b/x')</base_backup><base_backup_uuid>${BASE_UUID}</base_backup_uuid>`;

const NO_BASE: WrittenBackup = { header: headerOf(BASE_UUID), files: [], objects: [] };

/** A full backup of one table, whose objects are those that its files stand for. */
function makeBackup(overrides: Partial<GeneratedBackup> = {}): GeneratedBackup {
  return {
    header: headerOf(UUID),
    files: [METADATA, DATA, COPY],
    objects: [
      { key: METADATA.name, size: 200 },
      { key: DATA.name, size: 1000 },
    ],
    base: NO_BASE,
    usesBase: false,
    scope: [EVENTS],
    ...overrides,
  };
}

/** An incremental that takes one file whole and the beginning of another from its base. */
function makeIncremental(
  base: Partial<WrittenBackup> = {},
  overrides: Partial<GeneratedBackup> = {},
): GeneratedBackup {
  const kept: WrittenFile = { ...DATA, useBase: true };
  const grown: WrittenFile = {
    name: 'data/shop/log/a.bin',
    size: 140,
    checksum: checksum('c'),
    useBase: true,
    baseSize: 70,
    baseChecksum: checksum('d'),
  };
  return makeBackup({
    header: headerOf(UUID, BASE_ELEMENTS),
    files: [METADATA, kept, grown],
    objects: [
      { key: METADATA.name, size: 200 },
      { key: grown.name, size: 70 },
    ],
    usesBase: true,
    base: {
      header: headerOf(BASE_UUID),
      files: [
        {
          name: 'data/shop/events/all_0_0_0/data.bin',
          size: 1000,
          checksum: checksum('b'),
          dataFile: 'bb/b.bin',
        },
        { name: 'data/shop/log/a.bin', size: 70, checksum: checksum('d') },
        { name: 'data/shop/log/not-needed.bin', size: 5, checksum: checksum('e') },
      ],
      objects: [
        { key: 'bb/b.bin', size: 1000 },
        { key: 'data/shop/log/a.bin', size: 70 },
      ],
      ...base,
    },
    ...overrides,
  });
}

const sentences = ({ findings }: Verification): string[] =>
  findings.map(({ kind, sentence }) => `${kind}: ${sentence}`);

const verified = (backup: GeneratedBackup): Promise<Verification> => verifyBackup(requestOf(backup));

describe('verifyBackup', () => {
  it('tells what a complete backup holds', async () => {
    const manifest = manifestOf(makeBackup());

    expect(await verified(makeBackup())).toEqual({
      verdict: 'complete',
      findings: [],
      counts: {},
      files: 3,
      objects: 3,
      bytes: 1200 + manifest.byteLength,
      logicalBytes: 2200,
      tables: [{ ...EVENTS, files: 2, bytes: 2000 }],
      otherTables: { count: 0, named: [] },
      usesBase: false,
      header: expect.objectContaining({ uuid: UUID, baseBackup: null }),
      manifest: { bytes: manifest.byteLength, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it('names the key, what is expected and what is found', async () => {
    const verification = await verified(
      makeBackup({
        objects: [
          { key: DATA.name, size: 999 },
          { key: 'data/stray.bin', size: 5 },
          { key: '.lock', size: 36 },
        ],
      }),
    );

    expect(verification.verdict).toBe('incomplete');
    expect(sentences(verification)).toEqual([
      'locked: .lock is expected to be gone, and is there: ClickHouse is still writing, or may not delete it.',
      'missing object: metadata/shop/events.sql is expected with 200 bytes; it is not there.',
      'wrong size: data/shop/events/all_1_1_0/data.bin is expected with 1000 bytes; 999 bytes are there.',
      'unexpected object: data/stray.bin is there with 5 bytes; the manifest has no file for it.',
    ]);
    expect(verification.counts).toEqual({
      locked: 1,
      'missing object': 1,
      'wrong size': 1,
      'unexpected object': 1,
    });
  });

  it('does not take a prefix without manifest for a backup, and does not try to read one', async () => {
    const verification = await verifyBackup({
      ...requestOf(makeBackup()),
      listing: () => streamOf([{ key: DATA.name, size: 1000 }]),
      manifest: () => {
        throw new Error('the manifest is not there to be read');
      },
    });

    expect(verification).toMatchObject({
      verdict: 'incomplete',
      objects: 1,
      bytes: 1000,
      header: null,
      manifest: null,
    });
    expect(sentences(verification)).toEqual([
      'no manifest: .backup is expected, and is not among the 1 objects: this is not a backup.',
    ]);
  });

  it('sees that two files give their shared object different sizes', async () => {
    const files = [METADATA, DATA, { ...COPY, size: 1001 }];

    expect(sentences(await verified(makeBackup({ files })))).toEqual([
      `contradiction: The manifest gives ${DATA.name} both 1000 and 1001 bytes.`,
    ]);
  });

  it('counts an object once, however many files share it', async () => {
    const copies = Array.from({ length: 30 }, (_, copy) => ({
      ...COPY,
      name: `data/shop/events/${copy}/data.bin`,
    }));
    const { counts } = await verified(
      makeBackup({ files: [METADATA, DATA, ...copies], objects: [{ key: METADATA.name, size: 200 }] }),
    );

    expect(counts).toEqual({ 'missing object': 1 });
  });

  it('takes the object of an empty file for what it is, and lists only once where nothing is unexpected', async () => {
    const empty: WrittenFile = { name: 'data/shop/events/all_3_3_0/empty.bin', size: 0 };
    const backup = makeBackup({
      files: [METADATA, DATA, empty],
      objects: [
        { key: METADATA.name, size: 200 },
        { key: DATA.name, size: 1000 },
        { key: empty.name, size: 0 },
      ],
    });
    let listed = 0;
    const streams = streamsOf(backup);
    const listing = (): AsyncIterable<ListedObject> => {
      listed += 1;
      return streams.listing();
    };

    expect((await verifyBackup({ ...requestOf(backup), listing })).findings).toEqual([]);
    expect(listed).toBe(1);
  });

  it('does not take an empty object for that of a file whose bytes are in the base', async () => {
    const { objects } = makeIncremental();
    const stray = [...objects, { key: DATA.name, size: 0 }];

    expect(sentences(await verified(makeIncremental({}, { objects: stray })))).toEqual([
      `unexpected object: ${DATA.name} is there with 0 bytes; the manifest has no file for it.`,
    ]);
  });

  it('stops listing once ten unexpected objects are named', async () => {
    const stray = Array.from({ length: 5000 }, (_, number) => ({ key: `stray/${number}`, size: 0 }));
    const backup = makeBackup({ objects: [...makeBackup().objects, ...stray] });
    const given: number[] = [];
    async function* listing() {
      given.push(0);
      for (const object of [{ key: '.backup', size: manifestOf(backup).byteLength }, ...backup.objects]) {
        given[given.length - 1] = (given.at(-1) ?? 0) + 1;
        yield object;
      }
    }

    expect((await verifyBackup({ ...requestOf(backup), listing })).counts).toEqual({
      'unexpected object': 5000,
    });
    expect(given[0]).toBe(5003);
    expect(given[1]).toBeLessThan(20);
  });

  it('sees a name that stands twice in the manifest', async () => {
    expect(sentences(await verified(makeBackup({ files: [METADATA, DATA, COPY, COPY] })))).toEqual([
      `named twice: ${COPY.name} is expected once in the manifest, and stands there again.`,
    ]);
  });

  it('names the first ten of a kind and counts them all', async () => {
    const stray = Array.from({ length: 25 }, (_, number) => ({ key: `stray/${number}`, size: 0 }));
    const gone = Array.from({ length: 1000 }, (_, number) => ({
      name: `data/shop/events/gone/${number}.bin`,
      size: 1,
      checksum: checksum('f'),
    }));
    const verification = await verified(
      makeBackup({ files: [METADATA, ...gone], objects: [{ key: METADATA.name, size: 200 }, ...stray] }),
    );

    expect(verification.counts).toEqual({ 'missing object': 1000, 'unexpected object': 25 });
    expect(verification.findings.map(({ key }) => key)).toEqual([
      ...gone.slice(0, 10).map(({ name }) => name),
      ...stray.slice(0, 10).map(({ key }) => key),
    ]);
  });

  it('sees that the manifest is of another backup, where the manifest says whose it is', async () => {
    const of = (id: string) => headerOf(UUID, `<backup_id>${id}</backup_id>`);
    const verdictOf = async (backup: GeneratedBackup) =>
      sentences(await verifyBackup({ ...requestOf(backup), id: '20260402T020000Z-full-k3f9' }));

    expect(await verdictOf(makeBackup({ header: of('20260402T020000Z-full-k3f9') }))).toEqual([]);
    expect(await verdictOf(makeBackup())).toEqual([]);
    expect(sentences(await verified(makeBackup({ header: of('anything') })))).toEqual([]);
    expect(await verdictOf(makeBackup({ header: of('other') }))).toEqual([
      'other backup: .backup is expected to be of 20260402T020000Z-full-k3f9, and is of other: two backups wrote here.',
    ]);
  });

  describe('concludes nothing from', () => {
    const listingOf = (objects: readonly ListedObject[]): VerificationRequest => ({
      ...requestOf(makeBackup()),
      listing: () => streamOf(objects),
    });

    it.each<[string, readonly ListedObject[]]>([
      [
        'a listing that has a key twice',
        [
          { key: DATA.name, size: 1 },
          { key: DATA.name, size: 1 },
        ],
      ],
      [
        'a listing that has the manifest twice',
        [
          { key: '.backup', size: 1 },
          { key: '.backup', size: 1 },
        ],
      ],
      ['a listing with a size below zero', [{ key: DATA.name, size: -1 }]],
      ['a listing without sizes', [{ key: DATA.name, size: Number.NaN }]],
      ['a manifest of another size than listed', [{ key: '.backup', size: 10 }]],
    ])('%s', async (_, objects) => {
      await expect(verifyBackup(listingOf(objects))).rejects.toMatchObject({ name: 'IncompleteReading' });
    });

    it('a listing that breaks off', async () => {
      async function* broken() {
        yield { key: DATA.name, size: 1000 };
        throw new Error('socket hang up');
      }

      await expect(verifyBackup({ ...listingOf([]), listing: broken })).rejects.toThrow('socket hang up');
    });
  });

  describe('of tables', () => {
    const table = (name: string, overrides: Partial<LedgerTable> = {}): LedgerTable => ({
      ...EVENTS,
      name,
      ...overrides,
    });

    it('misses a table of the scope that the manifest does not define, whatever data it has', async () => {
      const verification = await verified(
        makeBackup({
          scope: [EVENTS, table('my "orders"'), table('queue', { engine: 'Kafka', coverage: 'schema only' })],
        }),
      );

      expect(sentences(verification)).toEqual([
        'missing table: Table "shop"."my \\"orders\\"" (MergeTree) was in scope when the backup began, so metadata/shop/my%20%22orders%22.sql is expected in the manifest; it is not there. Was it dropped or renamed meanwhile?',
        'missing table: Table "shop"."queue" (Kafka) was in scope when the backup began, so metadata/shop/queue.sql is expected in the manifest; it is not there. Was it dropped or renamed meanwhile?',
      ]);
    });

    it('does not take the data of a table for its definition', async () => {
      const { counts } = await verified(
        makeBackup({ files: [DATA], objects: [{ key: DATA.name, size: 1000 }] }),
      );

      expect(counts).toEqual({ 'missing table': 1 });
    });

    it('accepts a table without rows', async () => {
      const { verdict, tables } = await verified(
        makeBackup({ files: [METADATA], objects: [{ key: METADATA.name, size: 200 }] }),
      );

      expect({ verdict, tables }).toEqual({
        verdict: 'complete',
        tables: [{ ...EVENTS, files: 0, bytes: 0 }],
      });
    });

    it('expects nothing of a table that is not in the backup, nor of one whose rows travel inside a view', async () => {
      const scope = [
        EVENTS,
        table('left out', { coverage: 'not in backup' }),
        table('.inner_id.05e7d75e-9380-4991-ae83-7a5abb220c41'),
      ];

      expect((await verified(makeBackup({ scope }))).verdict).toBe('complete');
    });

    it('finds tables under the shards and replicas of a cluster', async () => {
      const replicas = ['shards/1/replicas/1/', 'shards/1/replicas/2/'];
      const files = replicas.flatMap((replica) =>
        [METADATA, DATA].map((file) => ({
          ...file,
          name: replica + file.name,
          dataFile: replicas[0] + file.name,
        })),
      );
      const objects = files.slice(0, 2).map(({ dataFile, size }) => ({ key: dataFile, size }));
      const { verdict, tables } = await verified(makeBackup({ files, objects }));

      expect({ verdict, tables }).toEqual({
        verdict: 'complete',
        tables: [{ ...EVENTS, files: 2, bytes: 2000 }],
      });
    });

    it('lists the tables that came after the scope was read', async () => {
      const later = { name: 'metadata/new%20shop/b%2Fc.sql', size: 10, checksum: checksum('9') };
      const { verdict, otherTables } = await verified(
        makeBackup({
          files: [METADATA, later],
          objects: [
            { key: METADATA.name, size: 200 },
            { key: later.name, size: 10 },
          ],
        }),
      );

      expect(verdict).toBe('complete');
      expect(otherTables).toEqual({ count: 1, named: [{ database: 'new shop', name: 'b/c' }] });
    });
  });

  describe('of an incremental', () => {
    it('is complete when the base has all that is taken from it', async () => {
      const verification = await verified(makeIncremental());

      expect(verification).toMatchObject({
        verdict: 'complete',
        usesBase: true,
        logicalBytes: 1340,
        objects: 3,
      });
    });

    it('is complete without its base when it takes nothing from it', async () => {
      const { base: _, ...alone } = requestOf(makeBackup());

      expect(await verifyBackup({ ...alone, expectedBase: true })).toMatchObject({
        verdict: 'complete',
        usesBase: false,
      });
    });

    it.each<[string, Partial<WrittenBackup>, string]>([
      [
        'lacks a file that is taken whole',
        { files: [{ name: 'data/shop/log/a.bin', size: 70, checksum: checksum('d') }] },
        `missing in base: ${DATA.name} takes 1000 bytes with checksum ${checksum('b')} from the base backup; its manifest has no such file.`,
      ],
      [
        'has the file with another checksum',
        {
          files: [
            { name: DATA.name, size: 1000, checksum: checksum('0'), dataFile: 'bb/b.bin' },
            { name: 'data/shop/log/a.bin', size: 70, checksum: checksum('d') },
          ],
        },
        `missing in base: ${DATA.name} takes 1000 bytes with checksum ${checksum('b')} from the base backup; its manifest has no such file.`,
      ],
      [
        'lost an object',
        { objects: [{ key: 'bb/b.bin', size: 1000 }] },
        'missing object in base: data/shop/log/a.bin is expected in the base backup with 70 bytes; it is not there.',
      ],
      [
        'has an object of another size',
        {
          objects: [
            { key: 'bb/b.bin', size: 1000 },
            { key: 'data/shop/log/a.bin', size: 71 },
          ],
        },
        'wrong size in base: data/shop/log/a.bin is expected in the base backup with 70 bytes; 71 bytes are there.',
      ],
      [
        'gives one object two sizes',
        {
          files: [
            { name: DATA.name, size: 1000, checksum: checksum('b'), dataFile: 'bb/b.bin' },
            { name: 'data/shop/log/a.bin', size: 70, checksum: checksum('d'), dataFile: 'bb/b.bin' },
          ],
        },
        'contradiction: The manifest of the base gives bb/b.bin both 1000 and 70 bytes.',
      ],
      [
        'is another backup',
        { header: headerOf(UUID) },
        `wrong base: The base backup ${BASE_UUID} is expected; ${UUID} is there.`,
      ],
      [
        'takes the file from a base of its own',
        {
          files: [
            { name: 'x', size: 1000, checksum: checksum('b'), useBase: true },
            { name: 'data/shop/log/a.bin', size: 70, checksum: checksum('d') },
          ],
        },
        'deeper base: The base takes x from a base of its own, which was not looked at. A base is expected to be a full backup.',
      ],
    ])('is incomplete when its base %s', async (_, base, sentence) => {
      expect(sentences(await verified(makeIncremental(base)))).toEqual([sentence]);
    });

    it.each([
      ['the address', "<base_backup>S3('https://b/x')</base_backup>"],
      ['the uuid', `<base_backup_uuid>${BASE_UUID}</base_backup_uuid>`],
    ])('stands on its base also when its manifest has no more than %s of it', async (_, element) => {
      const { usesBase, counts } = await verified(
        makeBackup({ header: headerOf(UUID, element), base: makeIncremental().base, usesBase: true }),
      );
      expect(usesBase).toBe(true);
      expect(counts).toEqual(element.includes('uuid') ? {} : { 'unknown base': 1 });
    });

    it('accepts a base that lacks what nobody takes from it', async () => {
      expect((await verified(makeIncremental())).findings).toEqual([]);
    });

    it('is incomplete when the base is gone', async () => {
      const request = {
        ...requestOf(makeIncremental()),
        base: { listing: () => streamOf([]), manifest: () => streamOf([]) },
      };

      expect(sentences(await verifyBackup(request))).toEqual([
        `unknown base: The base backup ${BASE_UUID} has no .backup: it is gone, or never was complete.`,
      ]);
    });

    it('is incomplete when it is not known where its base lies, or which that is', async () => {
      const { base: _, ...alone } = requestOf(makeIncremental());

      expect(sentences(await verifyBackup(alone))).toEqual([
        `unknown base: The backup takes files from the base ${BASE_UUID}, and it is not known where that is.`,
      ]);
      expect(sentences(await verified(makeIncremental({}, { header: headerOf(UUID) })))).toEqual([
        'unknown base: The backup takes files from the base that its manifest does not name, and it is not known which that is.',
      ]);
    });

    it('is incomplete when it should stand on its own', async () => {
      expect(sentences(await verifyBackup({ ...requestOf(makeIncremental()), expectedBase: false }))).toEqual(
        [
          `unexpected base: The backup is expected to stand on its own; it takes files from the base ${BASE_UUID}.`,
        ],
      );
    });

    it('is incomplete when the ledger knows another base than the manifest', async () => {
      const request = requestOf(makeIncremental());
      const base = { ...streamsOf(makeIncremental().base), uuid: UUID };

      expect(sentences(await verifyBackup({ ...request, base }))).toEqual([
        `wrong base: The base backup ${UUID} is expected; ${BASE_UUID} is there.`,
      ]);
    });

    it('says of a damaged manifest that it is that of the base', async () => {
      const base = streamsOf(makeIncremental().base, Buffer.from('<config>'));

      await expect(verifyBackup({ ...requestOf(makeIncremental()), base })).rejects.toMatchObject({
        name: 'VerificationFailed',
        failure: { error: 'BACKUP_DAMAGED', what: expect.stringMatching(/^In the base backup: .*cut off/) },
      });
    });

    it('names the first ten files that their base lacks and counts what it lacks', async () => {
      const taken = Array.from({ length: 50 }, (_, number) => ({
        name: `data/shop/events/${number}.bin`,
        size: 1 + number,
        checksum: checksum('8'),
        useBase: true,
      }));
      const { counts, findings } = await verified(
        makeIncremental({}, { files: [METADATA, ...taken], objects: [{ key: METADATA.name, size: 200 }] }),
      );

      expect(counts).toEqual({ 'missing in base': 50 });
      expect(findings.map(({ key }) => key)).toEqual(taken.slice(0, 10).map(({ name }) => name));
    });
  });

  it('is told by the first three sentences, and how many there are besides', () => {
    const finding = (sentence: string) => ({ kind: 'missing object', key: sentence, sentence }) as const;
    const four = ['One.', 'Two.', 'Three.', 'Four.'].map(finding);
    expect(findingsText(four.slice(0, 1), { 'missing object': 1 })).toBe('One.');
    expect(findingsText(four.slice(0, 3), { 'missing object': 3 })).toBe('One. Two. Three.');
    expect(findingsText(four, { 'missing object': 4 })).toBe('One. Two. Three. And 1 more.');
    expect(findingsText(four, { 'missing object': 1000, locked: 1 })).toBe('One. Two. Three. And 998 more.');
  });

  it('gives the findings in the order of their kinds', async () => {
    const { findings } = await verified(
      makeIncremental(
        { objects: [] },
        {
          objects: [
            { key: 'stray', size: 1 },
            { key: '.lock', size: 1 },
          ],
          scope: [EVENTS, { ...EVENTS, name: 'b' }],
        },
      ),
    );
    const kinds = findings.map(({ kind }) => FINDING_KINDS.indexOf(kind));

    expect(new Set(kinds).size).toBe(5);
    expect(kinds).toEqual([...kinds].sort((a, b) => a - b));
  });
});
