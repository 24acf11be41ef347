import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SafehouseError } from '../../core/errors.ts';
import { type ManifestFile, type ManifestHeader, ManifestReader, readManifest } from '../../core/manifest.ts';
import {
  BASE_UUID,
  fileElement,
  generatedBackup,
  headerOf,
  manifestOf,
  streamOf,
  UUID,
} from './generated-backup.ts';
import { tries } from './property-runs.ts';

const CHECKSUM = '5e9d75de4a6945fbb2dc2a22e355d451';
const FILE = `<file><name>data/shop/events/all_1_1_0/data.bin</name><size>7</size><checksum>${CHECKSUM}</checksum></file>`;

const withFiles = (files: string, header = headerOf(UUID)): string =>
  `<config>${header}<contents>${files}</contents></config>`;

interface Reading {
  readonly header: ManifestHeader;
  readonly files: readonly ManifestFile[];
}

function read(...chunks: readonly (string | Uint8Array)[]): Reading {
  const files: ManifestFile[] = [];
  const reader = new ManifestReader((file) => files.push(file));
  for (const chunk of chunks) reader.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return { header: reader.end(), files };
}

/** The error of a reading, or undefined. Whatever is no SafehouseError is let through. */
function failureOf(...chunks: readonly (string | Uint8Array)[]): SafehouseError | undefined {
  try {
    read(...chunks);
    return undefined;
  } catch (error) {
    if (error instanceof SafehouseError) return error;
    throw error;
  }
}

const sizeOf = (size: string): string => withFiles(FILE.replace('<size>7<', `<size>${size}<`));
const nameOf = (name: string): string => withFiles(FILE.replace('data/shop/events/all_1_1_0/data.bin', name));

describe('ManifestReader', () => {
  it('reads what ClickHouse 26.7 writes for an incremental', () => {
    const manifest =
      `<config><version>1</version><deduplicate_files>1</deduplicate_files><timestamp>2026-11-20 04:51:59</timestamp><uuid>${UUID}</uuid><backup_id>inc1</backup_id>` +
      `<base_backup>S3('http://127.0.0.1:9201/backups/a/full1')</base_backup><base_backup_uuid>${BASE_UUID}</base_backup_uuid><base_backup_copy_s3_credentials_from_backup>true</base_backup_copy_s3_credentials_from_backup><contents>` +
      `<file><name>data/shop/a.bin</name><size>1258984</size><checksum>${CHECKSUM}</checksum><use_base>true</use_base></file>` +
      `<file><name>data/shop/b.bin</name><size>140</size><checksum>${CHECKSUM}</checksum><use_base>true</use_base><base_size>70</base_size><base_checksum>4910741c39a8d32429b0acca484bdbad</base_checksum></file>` +
      `<file><name>data/shop/c.txt</name><size>49</size><checksum>${CHECKSUM}</checksum><data_file>data/shop/lg/c.txt</data_file><encrypted_by_disk>true</encrypted_by_disk></file>` +
      '<file><name>data/shop/empty</name><size>0</size></file>' +
      '</contents></config>';

    const { header, files } = read(manifest);

    expect(header).toEqual({
      version: 1,
      timestamp: '2026-11-20 04:51:59',
      uuid: UUID,
      backupId: 'inc1',
      deduplicateFiles: true,
      dataFileNameGenerator: null,
      baseBackup: "S3('http://127.0.0.1:9201/backups/a/full1')",
      baseBackupUuid: BASE_UUID,
    });
    const stored = {
      checksum: CHECKSUM,
      useBase: false,
      baseSize: 0,
      baseChecksum: null,
      encryptedByDisk: false,
    };
    expect(files).toEqual([
      {
        ...stored,
        name: 'data/shop/a.bin',
        size: 1258984,
        useBase: true,
        baseSize: 1258984,
        baseChecksum: CHECKSUM,
        dataFile: null,
      },
      {
        ...stored,
        name: 'data/shop/b.bin',
        size: 140,
        useBase: true,
        baseSize: 70,
        baseChecksum: '4910741c39a8d32429b0acca484bdbad',
        dataFile: 'data/shop/b.bin',
      },
      {
        ...stored,
        name: 'data/shop/c.txt',
        size: 49,
        dataFile: 'data/shop/lg/c.txt',
        encryptedByDisk: true,
      },
      { ...stored, name: 'data/shop/empty', size: 0, checksum: null, dataFile: null },
    ]);
  });

  it.each([
    ['&amp;&lt;&gt;&quot;&apos;', `&<>"'`],
    ['&#x9;&#1078;', '\tж'],
    ['<![CDATA[<a&b>]]>', '<a&b>'],
    ['漢字 é 🙂', '漢字 é 🙂'],
  ])('reads the name %s', (written, name) => {
    expect(read(nameOf(written)).files[0]?.name).toBe(name);
  });

  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('reads the flag %s', (flag, expected) => {
    const file = FILE.replace('</file>', `<use_base>${flag}</use_base></file>`);
    expect(read(withFiles(file)).files[0]?.useBase).toBe(expected);
  });

  it('shows two hundred characters of what it refuses, and says that there are more', () => {
    const refused = (digits: number) => failureOf(sizeOf('9'.repeat(digits)))?.failure.what;
    expect(refused(200)).toContain(`<size> "${'9'.repeat(200)}"`);
    expect(refused(201)).toContain(`<size> "${'9'.repeat(200)}…"`);
  });

  it('gives the same result wherever the chunks end', async () => {
    await fc.assert(
      fc.property(
        generatedBackup,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        (backup, places) => {
          const manifest = manifestOf(backup);
          const ends = places.map((place) => Math.floor(place * manifest.byteLength)).sort((a, b) => a - b);
          const chunks = [...ends, manifest.byteLength].map((end, index) =>
            manifest.subarray(ends[index - 1] ?? 0, end),
          );

          expect(read(...chunks)).toEqual(read(manifest));
        },
      ),
      tries(300),
    );
  });

  it('reads a manifest byte by byte, characters of several bytes included', () => {
    const manifest = Buffer.from(nameOf('data/shöp/漢字 🙂/all_1_1_0/data.bin'));

    expect(read(...Array.from(manifest, (byte) => Uint8Array.of(byte)))).toEqual(read(manifest));
  });

  it('hides the credentials that old servers wrote beside the address of the base', () => {
    const baseOf = (expression: string): string | null =>
      read(withFiles(FILE, headerOf(UUID, `<base_backup>${expression}</base_backup>`))).header.baseBackup;

    expect(baseOf("S3('https://b.s3.amazonaws.com/x', 'AKIA', 'se\\'cret')")).toBe(
      "S3('https://b.s3.amazonaws.com/x', '[HIDDEN]', '[HIDDEN]')",
    );
    expect(baseOf("S3(named, secret_access_key = 'secret')")).toBe(
      "S3(named, secret_access_key = '[HIDDEN]')",
    );
    expect(baseOf("AzureBlobStorage('AccountKey=secret', 'c')")).toBe(
      "AzureBlobStorage('[HIDDEN]', '[HIDDEN]')",
    );
    expect(baseOf("S3(named, filename =  'secret', 'x')")).toBe(
      "S3(named, filename =  '[HIDDEN]', '[HIDDEN]')",
    );
    expect(baseOf("S3('https://b/x', 'AKIA', 'half of a sec")).toBe(
      "S3('https://b/x', '[HIDDEN]', '[HIDDEN]'",
    );
    expect(baseOf("S3('https://b/x', 'AKIA', 'cut off \\\\")).toBe(
      "S3('https://b/x', '[HIDDEN]', '[HIDDEN]'",
    );
    expect(baseOf("NotS3('secret')")).toBe("NotS3('[HIDDEN]')");
    expect(baseOf("Null S3('secret')")).toBe("Null S3('[HIDDEN]')");
    expect(baseOf("S3x('secret')")).toBe("S3x('[HIDDEN]')");
    expect(baseOf(" File ('/backups/a', 'b')")).toBe(" File ('/backups/a', '[HIDDEN]')");
  });

  it.each([
    ['<deduplicate_files>1</deduplicate_files>', true],
    ['<deduplicate_files>true</deduplicate_files>', true],
    ['<deduplicate_files>0</deduplicate_files>', false],
    ['<deduplicate_files>false</deduplicate_files>', false],
    ['', null],
  ])('reads from the header %j whether equal files share an object', (element, expected) => {
    const header = headerOf(UUID).replace('<deduplicate_files>1</deduplicate_files>', element);
    expect(read(withFiles(FILE, header)).header.deduplicateFiles).toBe(expected);
  });

  it('lets elements of a newer header pass', () => {
    expect(read(withFiles(FILE, headerOf(UUID, '<new>7</new>'))).files).toHaveLength(1);
  });

  it('passes on an error of the one who takes the files', () => {
    const reader = new ManifestReader(() => {
      throw new RangeError('full');
    });

    expect(() => reader.write(Buffer.from(withFiles(FILE)))).toThrow(new RangeError('full'));
    expect(() => reader.end()).toThrow(new RangeError('full'));
  });

  describe('refuses', () => {
    it.each<[string, string, RegExp]>([
      ['nothing at all', '', /empty: 0 bytes/],
      ['white space', ' \n ', /not well-formed XML.*root element/],
      ['what is not XML', 'PK\u0003\u0004 zip', /not well-formed XML/],
      ['an answer of another kind', '<Error><Code>NoSuchKey</Code></Error>', /element <Error>/],
      ['a manifest that is cut off', withFiles(FILE).slice(0, -10), /cut off after 1 files/],
      ['a second root', `${withFiles(FILE)}<config>`, /not well-formed XML|element <config>/],
      ['text after the root', `${withFiles(FILE)} and more`, /not well-formed XML/],
      ['text among the files', withFiles(`${FILE}stray${FILE}`), /text "stray"/],
      ['text among the elements of a file', withFiles(FILE.replace('<size>', 'stray<size>')), /text "stray"/],
      ['a list without files', withFiles(''), /lists no file/],
      ['no list', `<config>${headerOf(UUID)}</config>`, /no <contents>/],
      [
        'a second list',
        `<config>${headerOf(UUID)}<contents>${FILE}</contents><contents/></config>`,
        /<contents>/,
      ],
      [
        'elements after the list',
        withFiles(FILE).replace('</config>', '<num_packs>1</num_packs></config>'),
        /num_packs/,
      ],
      ['files outside the list', `<config>${headerOf(UUID)}${FILE}</config>`, /element <name>/],
      ['an element inside an element', nameOf('<b>x</b>'), /element <b>/],
      [
        'an element of a file that is unknown',
        withFiles(FILE.replace('</file>', '<object_key>k</object_key></file>')),
        /object_key/,
      ],
      [
        'an element of a file that stands twice',
        withFiles(FILE.replace('</file>', '<size>7</size></file>')),
        /element <size>/,
      ],
      [
        'an element of the header that stands twice',
        withFiles(FILE, `${headerOf(UUID)}<uuid>${UUID}</uuid>`),
        /element <uuid>/,
      ],
      ['an attribute', withFiles(FILE.replace('<size>', '<size unit="k">')), /attribute "unit"/],
      ['what is no file among the files', withFiles(`${FILE}<pack><name>x</name></pack>`), /element <pack>/],
      ['a comment', withFiles(`<!-- ${FILE} -->${FILE}`), /a comment/],
      ['a processing instruction', withFiles(`<?skip ${FILE} ?>${FILE}`), /processing instruction/],
      ['a DOCTYPE', `<!DOCTYPE config [<!ENTITY a "aaaa">]>${withFiles(FILE)}`, /DOCTYPE/],
      ['an entity that nobody declared', nameOf('data/&a;'), /undefined entity/],
      ['an entity named as what objects inherit', nameOf('data/&constructor;'), /undefined entity/],
      [
        'a header without version',
        withFiles(FILE, headerOf(UUID).replace('<version>1</version>', '')),
        /no <version>/,
      ],
      ['a header without uuid', withFiles(FILE, headerOf(UUID).replace(/<uuid>.*<\/uuid>/, '')), /no <uuid>/],
      ['a uuid that is none', withFiles(FILE, headerOf('42')), /<uuid> "42"/],
      ['a uuid with more before it', withFiles(FILE, headerOf(`0${UUID}`)), /<uuid> "0/],
      ['a uuid with more behind it', withFiles(FILE, headerOf(`${UUID}0`)), /<uuid> "/],
      [
        'a time with more behind it',
        withFiles(FILE, headerOf(UUID).replace('04:51:59', '04:51:59.5')),
        /<timestamp> "2026-11-20 04:51:59\.5"/,
      ],
      [
        'a time with more before it',
        withFiles(FILE, headerOf(UUID).replace('2026-11', '12026-11')),
        /<timestamp> "12026/,
      ],
      [
        'files that are perhaps shared',
        withFiles(FILE, headerOf(UUID).replace('>1</dedup', '>2</dedup')),
        /<deduplicate_files> "2"; 0 or 1 is expected/,
      ],
      ['a time that is none', withFiles(FILE, headerOf(UUID).replace(' 04:', ' 4:')), /<timestamp>/],
      ['a file without a name', withFiles('<file><size>7</size></file>'), /File 1 .* no name/],
      ['a file with an empty name', nameOf(''), /File 1 .* no name/],
      ['a file without a size', withFiles(FILE.replace('<size>7</size>', '')), /no <size>/],
      ['a size that is no number', sizeOf('7x'), /<size> "7x".*0 to 9007199254740991/],
      ['an empty size', sizeOf(''), /<size> ""/],
      ['a negative size', sizeOf('-7'), /<size> "-7"/],
      ['a broken size', sizeOf('7.5'), /<size> "7.5"/],
      ['a size in other notation', sizeOf('7e3'), /<size> "7e3"/],
      ['a size above 2^53', sizeOf('9007199254740992'), /<size> "9007199254740992"/],
      ['a size of very many digits', sizeOf('9'.repeat(500)), /<size> "9{200}…"/],
      ['a file without a checksum', withFiles(FILE.replace(/<checksum>.*<\/checksum>/, '')), /no <checksum>/],
      [
        'a checksum that is none',
        withFiles(FILE.replace('5e9d', '5e9x')),
        /^File 1 of the manifest, "data\/shop\/events\/all_1_1_0\/data\.bin", has the <checksum> "5e9x.*32 hexadecimal/,
      ],
      ['a checksum that is too long', withFiles(FILE.replace('5e9d', '05e9d')), /<checksum> "05e9d/],
      ['a checksum with more behind it', withFiles(FILE.replace('d451', 'd451x')), /<checksum> ".*d451x"/],
      ['an empty file with a checksum', sizeOf('0'), /0 bytes and yet a <checksum>/],
      [
        'more from the base than there is',
        withFiles(FILE.replace('</file>', '<base_size>8</base_size></file>')),
        /takes 8/,
      ],
      [
        'a part of the base without its checksum',
        withFiles(FILE.replace('</file>', '<base_size>3</base_size></file>')),
        /no <base_checksum>/,
      ],
      [
        'a flag that is none',
        withFiles(FILE.replace('</file>', '<use_base>yes</use_base></file>')),
        /<use_base> "yes"/,
      ],
    ])('%s', (_, manifest, sentence) => {
      const failure = failureOf(manifest);

      expect(failure?.name).toBe('VerificationFailed');
      expect(failure?.failure.what).toMatch(sentence);
      expect(failure?.failure.remedy).not.toBe('');
    });

    it.each([
      '/etc/passwd',
      '..',
      'data/../../x',
      'data/..',
      './data',
      'data//x',
      'data/x/',
      '.',
      '.backup',
      '.lock',
    ])('the path %j, as a name and as the name of an object', (path) => {
      const dataFile = withFiles(FILE.replace('</file>', `<data_file>${path}</data_file></file>`));
      for (const manifest of [nameOf(path), dataFile])
        expect(failureOf(manifest)?.failure).toMatchObject({ error: 'INSECURE_PATH' });
    });

    it.each([
      ['2', /lightweight snapshot/],
      ['3', /packed backup/],
      ['9', /version "9"\. Only version 1/],
      ['1.0', /version "1\.0"/],
      ['constructor', /version "constructor"\. Only/],
    ])('version %s before it reads a file', (version, sentence) => {
      const manifest = withFiles('<file/>', headerOf(UUID).replace('>1</version>', `>${version}</version>`));
      const { failure } = failureOf(manifest) ?? {};

      expect(failure).toMatchObject({ error: 'BACKUP_VERSION_NOT_SUPPORTED', class: 'fix and stop' });
      expect(failure?.what).toMatch(sentence);
    });

    it.each([
      ['a lone continuation byte', [0x80]],
      ['an overlong slash', [0xc0, 0xaf]],
      ['Latin-1', [0xe9, 0x20]],
      ['a character that ends in the middle', [0xe6, 0xbc]],
    ])('bytes that are not UTF-8: %s', (_, bytes) => {
      const [before = '', after = ''] = nameOf('data/§').split('§');
      const manifest = Buffer.concat([Buffer.from(before), Uint8Array.from(bytes), Buffer.from(after)]);

      expect(failureOf(manifest)?.failure.what).toMatch(/not UTF-8/);
    });

    it('a character cut off by the end', () => {
      expect(failureOf('<config>', Uint8Array.of(0xe6, 0xbc))?.failure.what).toMatch(/not UTF-8/);
    });

    it('a text without end, before it fills the memory', () => {
      const reader = new ManifestReader(() => undefined);
      reader.write(Buffer.from(`<config>${headerOf(UUID)}<contents><file><name>`));
      const more = Buffer.alloc(100_000, 'a');
      let written = 0;

      expect(() => {
        for (; written < 10_000_000; written += more.byteLength) reader.write(more);
      }).toThrow(/without an element/);
      expect(written).toBeLessThan(2_000_000);
    });

    it('a text that is absurdly long', () => {
      expect(failureOf(nameOf('a'.repeat(70_000)))?.failure.what).toMatch(
        /text of more than 65536 characters/,
      );
    });

    it('everything after an error, with the same error', () => {
      const reader = new ManifestReader(() => undefined);
      const failure = /element <Error>/;

      expect(() => reader.write(Buffer.from('<Error>'))).toThrow(failure);
      expect(() => reader.write(Buffer.from(withFiles(FILE)))).toThrow(failure);
      expect(() => reader.end()).toThrow(failure);
    });
  });

  it('meets arbitrary bytes with nothing but its own errors', async () => {
    await fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), (bytes) => {
        expect(failureOf(bytes)?.name).toBe('VerificationFailed');
      }),
      tries(2000),
    );
  });

  it('meets a manifest with arbitrary damage with nothing but its own errors', async () => {
    const markup = fc.constantFrom(
      '<',
      '>',
      '&',
      '</',
      '<!--',
      '<![CDATA[',
      '<?',
      ']]>',
      '&#0;',
      '<file>',
      '"',
      '=',
      '\0',
    );
    const damage = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      markup.map((text) => Buffer.from(text)),
    );
    const runs = tries(1000);
    let refused = 0;
    await fc.assert(
      fc.property(generatedBackup, fc.nat(), fc.nat({ max: 40 }), damage, (backup, place, length, bytes) => {
        const manifest = manifestOf(backup);
        const start = place % manifest.byteLength;
        if (failureOf(manifest.subarray(0, start), bytes, manifest.subarray(start + length)) !== undefined)
          refused++;
      }),
      runs,
    );
    expect(refused).toBeGreaterThan(runs.numRuns / 2);
  });

  it('refuses a manifest that is cut off anywhere', () => {
    const manifest = Buffer.from(withFiles(FILE));
    for (let end = 0; end < manifest.byteLength; end++)
      expect(failureOf(manifest.subarray(0, end))?.failure.what).toMatch(
        /cut off|empty|not well-formed|no <contents>/,
      );
  });
});

describe('readManifest', () => {
  const manifest = Buffer.from(withFiles(FILE + fileElement({ name: 'data/empty', size: 0 })));

  it('counts the files and the bytes and takes their SHA-256', async () => {
    const names: string[] = [];
    const chunks = streamOf([manifest.subarray(0, 100), manifest.subarray(100)]);
    const whole = await readManifest(chunks, manifest.byteLength, ({ name }) => names.push(name));

    expect(whole).toMatchObject({ files: 2, bytes: manifest.byteLength, header: { uuid: UUID } });
    expect(whole.sha256).toBe('de2d112570a878aa10116ea42c5cd9da8ca0ece37f7eff783abdbce26907d198');
    expect(names).toEqual(['data/shop/events/all_1_1_0/data.bin', 'data/empty']);
  });

  it('concludes nothing from a stream that ended early', async () => {
    const reading = readManifest(streamOf([manifest.subarray(0, 100)]), manifest.byteLength, () => undefined);

    await expect(reading).rejects.toMatchObject({
      name: 'IncompleteReading',
      failure: {
        what: expect.stringContaining(`100 bytes; the listing of the bucket says ${manifest.byteLength}`),
      },
    });
  });

  it('passes on the error of the stream', async () => {
    async function* broken() {
      yield manifest.subarray(0, 100);
      throw new Error('socket hang up');
    }

    await expect(readManifest(broken(), manifest.byteLength, () => undefined)).rejects.toThrow(
      'socket hang up',
    );
  });
});
