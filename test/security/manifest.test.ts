/** Manifests as an attacker in the bucket would write them. A manifest decides which objects count: it is trusted in nothing. */
import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SafehouseError } from '../../core/errors.ts';
import { databaseOfFile, tableOfFile } from '../../core/file-names.ts';
import { backupPrefix } from '../../core/keys.ts';
import { type ManifestFile, ManifestReader } from '../../core/manifest.ts';
import { verifyBackup } from '../../core/verification.ts';
import {
  generatedBackup,
  headerOf,
  manifestOf,
  requestOf,
  streamsOf,
  UUID,
} from '../core/generated-backup.ts';
import { FOREIGN_TEXT } from '../core/hostile-text.ts';
import { BadInputs } from './bad-inputs.ts';

const CHECKSUM = '5e9d75de4a6945fbb2dc2a22e355d451';
const PREFIX = backupPrefix('shop', '20260402T020000Z-full-k3f9');

function read(manifest: Uint8Array): ManifestFile[] {
  const files: ManifestFile[] = [];
  const reader = new ManifestReader((file) => files.push(file));
  reader.write(manifest);
  reader.end();
  return files;
}

const manifest = (files: string, header = headerOf(UUID)): Buffer =>
  Buffer.from(`<config>${header}<contents>${files}</contents></config>`);

const CLIMBING = fc
  .array(
    fc.constantFrom(
      '..',
      '.',
      '',
      '/',
      '//',
      'data',
      '%2e%2e',
      '%2f',
      '..%2f',
      '\\..\\',
      '&#46;&#46;',
      '&#47;',
      '\u2024\u2024',
      '．．',
      'a',
    ),
    { minLength: 1, maxLength: 8 },
  )
  .chain((parts) => fc.constantFrom('/', '', '&#x2f;', '//').map((between) => parts.join(between)));

const PATH = fc.oneof(
  { weight: 3, arbitrary: CLIMBING },
  { weight: 1, arbitrary: FOREIGN_TEXT },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '../../ledger/shop/x/verified.json',
      '/etc/passwd',
      'data/../../../other/backup/data.bin',
      '.backup',
      '.lock',
      'data/\u0000/x',
      'data/&#0;/x',
      'data/&#27;[2J/x',
      'shards/../replicas/1/metadata/a.sql',
      'a'.repeat(60_000),
      '__proto__',
      'constructor/prototype',
      'C:\\windows',
      'file:///etc/passwd',
      's3://other/bucket',
    ),
  },
);

const SIZE = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '1e9',
    '0x10',
    '9007199254740991',
    '9007199254740992',
    '99999999999999999999',
    ' 7',
    '٧',
    '',
    'NaN',
    'Infinity',
  ),
  fc.nat().map(String),
);

const FLAG = fc.constantFrom('true', 'false', '1', '0', 'yes', '', 'TRUE', '\u0000');

const element = (name: string, text: string | undefined): string =>
  text === undefined ? '' : `<${name}>${text}</${name}>`;

/** Mostly as it should be: with everything wrong at once, nothing gets past the first check. */
const mostly = (good: string | undefined, hostile: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(good) },
    { weight: 2, arbitrary: hostile },
    { weight: 1, arbitrary: fc.constant(good === undefined ? '' : undefined) },
  );

const hostileFile = fc
  .record({
    name: mostly('data/shop/orders/all_1_1_0/data.bin', PATH),
    size: mostly('7', SIZE),
    checksum: mostly(CHECKSUM, fc.constantFrom(CHECKSUM.toUpperCase(), 'z'.repeat(32), CHECKSUM.repeat(2))),
    use_base: mostly(undefined, FLAG),
    base_size: mostly(undefined, SIZE),
    base_checksum: mostly(undefined, fc.constant(CHECKSUM)),
    data_file: mostly(undefined, PATH),
    encrypted_by_disk: mostly(undefined, FLAG),
  })
  .map(
    (file) =>
      `<file>${Object.entries(file)
        .map(([name, text]) => element(name, text))
        .join('')}</file>`,
  );

/** What is well-formed, and what would take an XML reader's memory, time or trust. */
const MARKUP = fc.constantFrom(
  '<!DOCTYPE config SYSTEM "file:///etc/passwd">',
  '<!ENTITY x SYSTEM "http://127.0.0.1/">',
  '&x;',
  '&lol9;',
  '<?xml version="1.1" encoding="UTF-16"?>',
  '<?xml-stylesheet href="http://127.0.0.1/"?>',
  '<![CDATA[../../]]>',
  '<![CDATA[',
  ']]>',
  '<!--',
  '-->',
  '<xi:include href="file:///etc/passwd"/>',
  '<file xmlns="http://127.0.0.1/">',
  '</contents>',
  '<contents>',
  '</config>',
  '<config>',
  '\ufeff',
  '\u0000',
  '<'.repeat(5_000),
  '<a>'.repeat(5_000),
  '&amp;'.repeat(20_000),
  'x'.repeat(70_000),
  ' '.repeat(200_000),
);

/** What a reader of the manifest may rest on: where each file of it lies. */
function expectInside({ name, dataFile, size, baseSize }: ManifestFile): void {
  for (const path of [name, dataFile ?? 'data']) {
    expect(posix.normalize(`${PREFIX}${path}`)).toBe(`${PREFIX}${path}`);
    expect(posix.resolve('/backup', path).startsWith('/backup/')).toBe(true);
    expect(path).not.toMatch(/\0/);
  }
  expect(Number.isSafeInteger(size) && size >= 0 && baseSize >= 0 && baseSize <= size).toBe(true);
}

const TIME = { timeout: 120_000 };

describe('a poisoned manifest', TIME, () => {
  test('names no file outside of its own backup, and no size that cannot be', ({ task }) => {
    const inputs = new BadInputs();
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(hostileFile, { minLength: 1, maxLength: 3 }), (files) => {
        const answer = inputs.answer(() => read(manifest(files.join(''))));
        if (answer instanceof SafehouseError) {
          expect(answer.name).toBe('VerificationFailed');
          expect(answer.failure.what.length).toBeLessThan(2_000);
          return;
        }
        accepted += 1;
        for (const file of answer) {
          expectInside(file);
          tableOfFile(file.name);
          databaseOfFile(file.name);
        }
      }),
      { numRuns: 4_000 },
    );
    expect(accepted).toBeGreaterThan(50);
    inputs.report(task);
  });

  test('with markup anywhere in it is refused or read as what it says, in a moment', ({ task }) => {
    const inputs = new BadInputs();
    let refused = 0;
    fc.assert(
      fc.property(
        generatedBackup,
        fc.array(fc.tuple(fc.nat(), MARKUP), { minLength: 1, maxLength: 3 }),
        (backup, damages) => {
          let text = manifestOf(backup).toString();
          for (const [place, markup] of damages) {
            const at = place % (text.length + 1);
            text = `${text.slice(0, at)}${markup}${text.slice(at)}`;
          }
          const answer = inputs.answer(() => read(Buffer.from(text)));
          if (answer instanceof SafehouseError) refused += 1;
          else answer.forEach(expectInside);
        },
      ),
      { numRuns: 800 },
    );
    expect(refused).toBeGreaterThan(700);
    inputs.report(task);
  });

  test('with any bytes of it changed is judged without a crash, as the whole backup', async ({ task }) => {
    const inputs = new BadInputs();
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(generatedBackup, changes, async (backup, places) => {
        const bytes = manifestOf(backup);
        for (const [place, value] of places) bytes[place % bytes.length] = value;
        await inputs.answered(() => verifyBackup(requestOf(backup, streamsOf(backup, bytes))));
      }),
      { numRuns: 600 },
    );
    inputs.report(task);
  });

  test('that would unfold to gigabytes is refused before it unfolds', ({ task }) => {
    const inputs = new BadInputs();
    const entities = Array.from(
      { length: 9 },
      (_, level) => `<!ENTITY lol${level + 1} "${`&lol${level};`.repeat(10)}">`,
    ).join('');
    const bomb = `<!DOCTYPE config [<!ENTITY lol0 "lol">${entities}]>${manifest('<file><name>&lol9;</name></file>')}`;
    const quadratic = `<!DOCTYPE config [<!ENTITY a "${'a'.repeat(50_000)}">]>${manifest(`<file><name>${'&a;'.repeat(50_000)}</name></file>`)}`;
    const began = process.memoryUsage().heapUsed;
    for (const [text, refused] of [
      [bomb, /a DOCTYPE/],
      [quadratic, /a DOCTYPE/],
      ['<a>'.repeat(1_000_000), /an element <a>/],
      [manifest('<file>'.repeat(500_000)).toString(), /an element <file>/],
    ] as const)
      expect(inputs.answer(() => read(Buffer.from(text)))).toMatchObject({
        name: 'VerificationFailed',
        failure: { what: expect.stringMatching(refused) },
      });
    expect(process.memoryUsage().heapUsed - began).toBeLessThan(200_000_000);
    inputs.report(task);
  });

  test('whose sizes lie is not what is in the bucket: the listing decides', async ({ task }) => {
    const inputs = new BadInputs();
    await fc.assert(
      fc.asyncProperty(generatedBackup, fc.nat(), SIZE, async (backup, place, size) => {
        const text = manifestOf(backup).toString();
        const sizes = [...text.matchAll(/<size>(\d+)<\/size>/g)];
        const chosen = sizes[place % Math.max(1, sizes.length)];
        fc.pre(chosen !== undefined && chosen[1] !== size);
        const at = chosen?.index ?? 0;
        const lie = `${text.slice(0, at)}<size>${size}</size>${text.slice(at + (chosen?.[0].length ?? 0))}`;
        const answer = await inputs.answered(() =>
          verifyBackup(requestOf(backup, streamsOf(backup, Buffer.from(lie)))),
        );
        if (!(answer instanceof SafehouseError)) expect(answer.verdict).toBe('incomplete');
      }),
      { numRuns: 500 },
    );
    inputs.report(task);
  });
});
