import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FileChecksum } from '../../core/cityhash.ts';
import { type ContentCheckRequest, type ContentStreams, checkContents } from '../../core/content-check.ts';
import { objectOf } from '../../core/content-objects.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { BASE_UUID, headerOf, manifestOf, streamOf, UUID, type WrittenFile } from './generated-backup.ts';

const checksumOf = (text: string): string => {
  const checksum = new FileChecksum();
  checksum.update(Buffer.from(text));
  return checksum.digest();
};

/** A file as the manifest has it. */
const written = (name: string, content: string, more: Partial<WrittenFile> = {}): WrittenFile => ({
  name,
  size: Buffer.byteLength(content),
  checksum: checksumOf(content),
  ...more,
});

class Backup implements ContentStreams {
  readonly bytes: Buffer;
  readonly objects = new Map<string, string>();
  /** The keys that were read, in the order in which reading began. */
  readonly asked: string[] = [];

  constructor(files: readonly WrittenFile[], uuid = UUID, edit = (manifest: string) => manifest) {
    const header = headerOf(uuid, uuid === UUID ? `<base_backup_uuid>${BASE_UUID}</base_backup_uuid>` : '');
    this.bytes = Buffer.from(edit(manifestOf({ header, files }).toString()));
  }

  with(key: string, content: string): this {
    this.objects.set(key, content);
    return this;
  }

  readonly manifest = (): AsyncIterable<Uint8Array> => streamOf([this.bytes]);

  readonly read = (key: string): AsyncIterable<Uint8Array> => {
    this.asked.push(key);
    const content = this.objects.get(key);
    if (content === undefined)
      throw new SafehouseError(ERROR_NAMES.notFound, { what: `${key} is not there.`, remedy: '-' });
    // Two chunks, the first empty, as a stream may well give them.
    return streamOf([Buffer.alloc(0), Buffer.from(content)]);
  };
}

const request = (backup: Backup, more: Partial<ContentCheckRequest> = {}): ContentCheckRequest => ({
  manifest: backup.manifest,
  read: backup.read,
  choose: () => true,
  atOnce: 3,
  ...more,
});

const A = 'the first file';
const B = 'another';

const good = (): Backup =>
  new Backup([written('a', A), written('b', B), { name: 'empty', size: 0 }]).with('a', A).with('b', B);

describe('checkContents', () => {
  it('finds nothing wrong where nothing is, and says what it read', async () => {
    const backup = good();

    expect(await checkContents(request(backup))).toEqual({
      files: 2,
      bytes: A.length + B.length,
      findings: [],
      damaged: 0,
      unchecked: { count: 0, named: [] },
      leftToBase: 0,
      manifest: {
        bytes: backup.bytes.length,
        sha256: createHash('sha256').update(backup.bytes).digest('hex'),
      },
    });
  });

  it('names an object of the right size and other bytes, with both checksums', async () => {
    const { findings, damaged } = await checkContents(request(good().with('b', 'anotheR')));

    expect(damaged).toBe(1);
    expect(findings).toEqual([
      {
        kind: 'other content',
        place: 'backup',
        file: 'b',
        objectKey: 'b',
        expected: checksumOf(B),
        found: checksumOf('anotheR'),
        sentence: `b is expected with the checksum ${checksumOf(B)}; what is there has ${checksumOf('anotheR')}.`,
      },
    ]);
  });

  it.each([
    ['short', 'anothe', 'b is expected with 7 bytes; 6 are there.'],
    ['empty', '', 'b is expected with 7 bytes; 0 are there.'],
    ['long', 'another one', 'b is expected with 7 bytes; more than that are there.'],
  ])('names an object that is too %s', async (_, content, sentence) => {
    const { findings } = await checkContents(request(good().with('b', content)));

    expect(findings).toMatchObject([{ kind: 'other size', objectKey: 'b', found: null, sentence }]);
  });

  it('names an object that is gone, and goes on', async () => {
    const backup = good();
    backup.objects.delete('a');
    const { files, findings } = await checkContents(request(backup));

    expect(files).toBe(2);
    expect(findings).toMatchObject([
      {
        kind: 'missing object',
        file: 'a',
        found: null,
        sentence: 'a is expected with 14 bytes; it is not there.',
      },
    ]);
  });

  it('does not read what is too long to its end', async () => {
    let chunks = 0;
    const read = async function* () {
      for (; chunks < 1000; chunks++) yield Buffer.alloc(10);
    };
    const { findings } = await checkContents(request(new Backup([written('b', B)]), { read }));

    expect(findings).toMatchObject([{ kind: 'other size' }]);
    expect(chunks).toBeLessThan(3);
  });

  it('takes an error of reading for no finding: it ends the check, after what is under way', async () => {
    const files = Array.from({ length: 50 }, (_, number) => written(`file ${number}`, B));
    const broken = new Error('connection reset');
    let underWay = 0;
    let begun = 0;
    const read = async function* (key: string) {
      begun++;
      underWay++;
      await new Promise(setImmediate);
      underWay--;
      if (key === 'file 4') throw broken;
      yield Buffer.from(B);
    };

    await expect(checkContents(request(new Backup(files), { read }))).rejects.toBe(broken);
    expect(begun).toBeLessThan(10);
    expect(underWay).toBe(0);
  });

  it('ends without a result where an object could not be read, though it may be there', async () => {
    const refused = new SafehouseError(ERROR_NAMES.refused, { what: 'S3 said no.', remedy: '-' });
    const read = (): AsyncIterable<Uint8Array> => {
      throw refused;
    };
    await expect(checkContents(request(good(), { read }))).rejects.toBe(refused);
  });

  it('compares what is chosen and nothing else', async () => {
    const backup = good();
    const { files } = await checkContents(request(backup, { choose: ({ name }) => name === 'b' }));

    expect(files).toBe(1);
    expect(backup.asked).toEqual(['b']);
  });

  it('reads an object once that several files share, and once for each checksum that it should have', async () => {
    const shared = written('a', A);
    const backup = new Backup([
      shared,
      { ...shared, name: 'same', dataFile: 'a' },
      written('contradiction', 'the FIRST file', { dataFile: 'a' }),
    ]).with('a', A);
    const { findings } = await checkContents(request(backup));

    expect(backup.asked).toEqual(['a', 'a']);
    expect(findings).toMatchObject([
      {
        file: 'contradiction',
        objectKey: 'a',
        sentence: `a, the whole of contradiction, is expected with the checksum ${checksumOf('the FIRST file')}; what is there has ${checksumOf(A)}.`,
      },
    ]);
  });

  it('counts every finding and names the first hundred', async () => {
    const files = Array.from({ length: 250 }, (_, number) => written(`file ${number}`, B));
    const { findings, damaged } = await checkContents(request(new Backup(files)));

    expect(damaged).toBe(250);
    expect(findings).toHaveLength(100);
  });

  it('counts every file that it cannot vouch for and names the first hundred', async () => {
    const beginning = { useBase: true, baseSize: 3, baseChecksum: checksumOf(B.slice(0, 3)) };
    const files = Array.from({ length: 250 }, (_, number) => written(`file ${number}`, B, beginning));
    const { unchecked } = await checkContents(request(new Backup(files)));

    expect(unchecked.count).toBe(250);
    expect(unchecked.named).toHaveLength(100);
  });

  it('reads so many objects at the same time, and the manifest no faster than that', async () => {
    const files = Array.from({ length: 5000 }, (_, number) => written(`file ${number}`, B));
    let underWay = 0;
    let most = 0;
    let chosen = 0;
    let chosenBeforeTheFirstWasRead: number | undefined;
    const choose = (): boolean => {
      chosen++;
      return true;
    };
    const read = async function* () {
      underWay++;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      chosenBeforeTheFirstWasRead ??= chosen;
      underWay--;
      yield Buffer.from(B);
    };
    const check = await checkContents(request(new Backup(files), { choose, read, atOnce: 7 }));

    expect(check.files).toBe(5000);
    expect(most).toBe(7);
    expect(chosenBeforeTheFirstWasRead).toBeGreaterThan(0);
    expect(chosenBeforeTheFirstWasRead).toBeLessThan(500);
  });

  it('refuses to compare no files at a time, which would find nothing wrong', async () => {
    await expect(checkContents(request(good(), { atOnce: 0 }))).rejects.toThrow(RangeError);
    await expect(checkContents(request(good(), { atOnce: Number.NaN }))).rejects.toThrow(RangeError);
  });

  it.each([
    ['cut off', (manifest: string) => manifest.slice(0, -20)],
    [
      'without files',
      (manifest: string) => manifest.replace(/<contents>.*<.contents>/, '<contents></contents>'),
    ],
    ['of another version', (manifest: string) => manifest.replace('<version>1<', '<version>3<')],
  ])('fails for a manifest that is %s', async (_, edit) => {
    const backup = new Backup([written('a', A)], UUID, edit).with('a', A);

    await expect(checkContents(request(backup))).rejects.toThrow(
      expect.objectContaining({ name: 'VerificationFailed' }),
    );
  });

  it('does not vouch for what an encrypted disk has encrypted', async () => {
    const encrypt = (manifest: string) =>
      manifest.replace('</checksum>', '</checksum><encrypted_by_disk>true</encrypted_by_disk>');
    const backup = new Backup([written('a', A), written('b', B)], UUID, encrypt).with('a', A).with('b', B);
    const { files, unchecked } = await checkContents(request(backup));

    expect(files).toBe(1);
    expect(unchecked).toEqual({
      count: 1,
      named: [
        {
          file: 'a',
          sentence: 'a is as an encrypted disk holds it, and its checksum is of what was encrypted.',
        },
      ],
    });
  });
});

describe('the object of a file', () => {
  const file = {
    name: 'a',
    size: 9,
    checksum: 'c',
    useBase: false,
    baseSize: 0,
    baseChecksum: null,
    dataFile: 'a',
    encryptedByDisk: false,
  };
  const read = (): AsyncIterable<Uint8Array> => streamOf([]);

  it('is none where the backup itself has nothing of it', () => {
    expect(objectOf({ ...file, dataFile: null }, 'backup', read)).toBeUndefined();
    expect(objectOf({ ...file, checksum: null }, 'backup', read)).toBeUndefined();
  });

  it('holds the whole, or what came after the base', () => {
    expect(objectOf(file, 'base', read)).toEqual({
      place: 'base',
      holds: 'the whole',
      key: 'a',
      size: 9,
      checksum: 'c',
      read,
    });
    expect(objectOf({ ...file, baseSize: 4 }, 'backup', read)).toMatchObject({ holds: 'the end', size: 5 });
  });
});

describe('checkContents of an incremental', () => {
  const grown = (name = 'grown'): WrittenFile =>
    written(name, `${A}${B}`, { useBase: true, baseSize: A.length, baseChecksum: checksumOf(A) });
  const whole = written('whole', B, { useBase: true });
  const incremental = (files: readonly WrittenFile[] = [grown(), whole]): Backup =>
    new Backup(files).with('grown', B);
  const base = (): Backup =>
    new Backup([written('old', A), written('old whole', B), written('unneeded', 'x')], BASE_UUID)
      .with('old', A)
      .with('old whole', B);

  it('puts together what is in the base and what is new, and reads in the base what is taken from it', async () => {
    const [own, inBase] = [incremental(), base()];
    const check = await checkContents(request(own, { base: inBase }));

    expect(check).toMatchObject({ files: 2, bytes: A.length + 2 * B.length, damaged: 0, leftToBase: 0 });
    expect(check.unchecked.count).toBe(0);
    expect(own.asked).toEqual(['grown']);
    expect(inBase.asked.toSorted()).toEqual(['old', 'old whole']);
  });

  it.each([
    ['base', 'old', 'the first filE', 'In the base backup, old, the beginning of grown,'],
    ['backup', 'grown', 'anotheR', 'grown, the end of grown,'],
    ['base', 'old whole', 'anotheR', 'In the base backup, old whole is expected'],
  ] as const)('finds damage in the %s: %s', async (place, objectKey, content, words) => {
    const [own, inBase] = [incremental(), base()];
    (place === 'base' ? inBase : own).with(objectKey, content);
    const { findings } = await checkContents(request(own, { base: inBase }));

    expect(findings).toMatchObject([{ kind: 'other content', place, objectKey }]);
    expect(findings[0]?.sentence).toContain(words);
  });

  it('finds the wrong data of two files that share their end and not their beginning (ClickHouse#112403)', async () => {
    const whole = written('copy', `${A}${B}`, { dataFile: 'grown' });
    const { findings } = await checkContents(request(incremental([whole, grown()]), { base: base() }));

    expect(findings).toMatchObject([{ kind: 'other size', file: 'copy', objectKey: 'grown' }]);
  });

  it('leaves to the base what lies there when it is not given, and does not vouch for what grew', async () => {
    const check = await checkContents(request(incremental()));

    expect(check).toMatchObject({ files: 0, leftToBase: 1 });
    expect(check.unchecked).toEqual({
      count: 1,
      named: [
        {
          file: 'grown',
          sentence: 'grown takes its first 14 bytes from the base backup, which was not looked at.',
        },
      ],
    });
  });

  it('reads from the base nothing that was not chosen', async () => {
    const inBase = base();
    const choose = ({ name }: { name: string }) => name === 'grown';
    await checkContents(request(incremental(), { base: inBase, choose }));

    expect(inBase.asked).toEqual(['old']);
  });

  it('compares every file that grew from the same beginning', async () => {
    const own = incremental([grown(), grown('second')]).with('second', 'ANOTHER');
    const { files, findings } = await checkContents(request(own, { base: base() }));

    expect(files).toBe(2);
    expect(findings).toMatchObject([{ file: 'second', objectKey: 'second' }]);
  });

  it('does not vouch for what the manifest of the base does not have', async () => {
    const other = new Backup([written('unneeded', 'x')], BASE_UUID);
    const { files, unchecked } = await checkContents(request(incremental(), { base: other }));

    expect(files).toBe(0);
    expect(unchecked).toEqual({
      count: 2,
      named: [
        {
          file: null,
          sentence: '1 contents are expected in the base backup; its manifest does not have them.',
        },
        {
          file: 'grown',
          sentence: `grown takes its first 14 bytes with the checksum ${checksumOf(A)} from the base backup; its manifest has no such file.`,
        },
      ],
    });
  });

  it('misses what lies wholly in the base, although it has found the beginning of what grew', async () => {
    const other = new Backup([written('old', A)], BASE_UUID).with('old', A);
    const { files, unchecked } = await checkContents(request(incremental(), { base: other }));

    expect(files).toBe(1);
    expect(unchecked).toMatchObject({ count: 1, named: [{ file: null }] });
  });

  it('reads no manifest of a base from which nothing is taken', async () => {
    const unread: ContentStreams = {
      manifest: () => {
        throw new Error('the manifest of the base was read');
      },
      read: () => streamOf([]),
    };
    const { files } = await checkContents(request(good(), { base: unread }));

    expect(files).toBe(2);
  });

  it('counts each file that begins in what it cannot read, and the one that lies there', async () => {
    const deeper = new Backup([written('old', A, { useBase: true })]);
    const own = incremental([grown(), grown('second'), written('copy', A, { useBase: true })]);
    const { unchecked } = await checkContents(request(own, { base: deeper }));

    expect(unchecked).toMatchObject({ count: 3, named: [{ file: 'old' }] });
  });

  it.each([
    ['in whole', { useBase: true }],
    ['in part', { useBase: true, baseSize: 5, baseChecksum: checksumOf(A.slice(0, 5)) }],
  ])('does not vouch for what the base takes %s from a base of its own', async (_, more) => {
    const deeper = new Backup([written('old', A, more), written('old whole', B)])
      .with('old', A.slice(5))
      .with('old whole', B);
    const { files, unchecked } = await checkContents(request(incremental(), { base: deeper }));

    expect(files).toBe(1);
    expect(unchecked).toMatchObject({ count: 1, named: [{ file: 'old' }] });
    expect(unchecked.named[0]?.sentence).toContain('from a base of its own');
  });
});
