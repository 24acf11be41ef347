/** Backups as ClickHouse would write them, made from a handful of random choices: manifest, objects, base, scope. */
import * as fc from 'fast-check';
import type { LedgerTable } from '../../core/ledger.ts';
import type { BackupStreams, ListedObject, VerificationRequest } from '../../core/verification.ts';
import { anyText } from './any-text.ts';

/** One `<file>`, as it is to stand in the manifest. */
export interface WrittenFile {
  readonly name: string;
  readonly size: number;
  readonly checksum?: string;
  readonly useBase?: boolean;
  readonly baseSize?: number;
  readonly baseChecksum?: string;
  readonly dataFile?: string;
}

export interface WrittenBackup {
  readonly header: string;
  readonly files: readonly WrittenFile[];
  /** Without the manifest itself. */
  readonly objects: readonly ListedObject[];
}

export interface GeneratedBackup extends WrittenBackup {
  readonly base: WrittenBackup;
  readonly usesBase: boolean;
  readonly scope: readonly LedgerTable[];
}

export const UUID = 'efbdc972-316f-45cc-ad9f-d28b35722977';
export const BASE_UUID = 'f3b209b0-2037-4c0e-854d-6616c33703f4';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const element = (name: string, value: string | number | undefined): string =>
  value === undefined ? '' : `<${name}>${escaped(String(value))}</${name}>`;

export const headerOf = (uuid: string, more = ''): string =>
  `<version>1</version><deduplicate_files>1</deduplicate_files><timestamp>2026-11-20 04:51:59</timestamp><uuid>${uuid}</uuid>${more}`;

export const fileElement = (file: WrittenFile): string =>
  `<file>${element('name', file.name)}${element('size', file.size)}${element('checksum', file.checksum)}${file.useBase ? '<use_base>true</use_base>' : ''}${element('base_size', file.baseSize)}${element('base_checksum', file.baseChecksum)}${element('data_file', file.dataFile)}</file>`;

export const manifestOf = ({ header, files }: Pick<WrittenBackup, 'header' | 'files'>): Buffer =>
  Buffer.from(`<config>${header}<contents>${files.map(fileElement).join('')}</contents></config>`);

export async function* streamOf<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items;
}

/** The streams of a backup; the listing has the manifest with the size that it has. */
export function streamsOf(
  backup: WrittenBackup,
  manifest = manifestOf(backup),
  listedManifest = manifest.byteLength,
): BackupStreams {
  const listing = [{ key: '.backup', size: listedManifest }, ...backup.objects];
  return { manifest: () => streamOf([manifest]), listing: () => streamOf(listing) };
}

export const requestOf = (backup: GeneratedBackup, streams = streamsOf(backup)): VerificationRequest => ({
  ...streams,
  scope: backup.scope,
  expectedBase: backup.usesBase,
  base: streamsOf(backup.base),
});

/** How the bytes of a file are stored. */
const STORED = ['here', 'shared', 'elsewhere', 'base', 'partly base', 'empty'] as const;

interface Sketch {
  readonly tables: readonly {
    readonly database: string;
    readonly name: string;
    readonly coverage: boolean;
  }[];
  readonly files: readonly {
    readonly table: number;
    readonly leaf: string;
    readonly stored: (typeof STORED)[number];
    readonly size: number;
    readonly tail: number;
  }[];
}

const anyName = anyText({ minLength: 1, maxLength: 12 });

const sketch: fc.Arbitrary<Sketch> = fc.record({
  tables: fc.uniqueArray(fc.record({ database: anyName, name: anyName, coverage: fc.boolean() }), {
    minLength: 1,
    maxLength: 5,
    selector: ({ database, name }) => JSON.stringify([database, name].map((part) => part.toWellFormed())),
  }),
  files: fc.array(
    fc.record({
      table: fc.nat({ max: 4 }),
      leaf: fc.constantFrom('data.bin', 'a&b<c>.bin', 'é "quoted".txt', "it's %41.mrk2", '漢字.bin'),
      stored: fc.constantFrom(...STORED),
      size: fc.integer({ min: 1, max: 5_000_000 }),
      tail: fc.integer({ min: 1, max: 100_000 }),
    }),
    { maxLength: 25 },
  ),
});

/** Written without the code under test, from the rule: every byte of the UTF-8 but `A-Z a-z 0-9 _` as `%XX`. */
const escapedName = (name: string): string =>
  [...Buffer.from(name)]
    .map((byte) =>
      /\w/.test(String.fromCharCode(byte)) && byte < 128
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');

const checksumOf = (number: number): string => number.toString(16).padStart(32, '0');

/** A generated backup that is complete. */
export const generatedBackup: fc.Arbitrary<GeneratedBackup> = sketch.map(build);

function build({ tables, files: sketches }: Sketch): GeneratedBackup {
  const paths = tables.map(({ database, name }) => `${escapedName(database)}/${escapedName(name)}`);
  const files: WrittenFile[] = [];
  const objects: ListedObject[] = [];
  const base: { files: WrittenFile[]; objects: ListedObject[] } = { files: [], objects: [] };
  const store = (file: WrittenFile, size: number): void => {
    files.push(file);
    objects.push({ key: file.dataFile ?? file.name, size });
  };
  paths.forEach((path, table) => {
    store(
      { name: `metadata/${path}.sql`, size: 100 + table, checksum: checksumOf(1000 + table) },
      100 + table,
    );
  });
  sketches.forEach(({ table, leaf, stored, size, tail }, number) => {
    const name = `data/${paths[table % paths.length]}/all_${number}_${number}_0/${leaf}`;
    const checksum = checksumOf(number);
    const inBase = { name: `data/before/${number}.bin`, size, checksum: checksumOf(5000 + number) };
    if (stored === 'empty') {
      files.push({ name, size: 0 });
    } else if (stored === 'here') {
      store({ name, size, checksum }, size);
    } else if (stored === 'elsewhere') {
      store({ name, size, checksum, dataFile: `ab/${checksum}` }, size);
    } else if (stored === 'shared') {
      store({ name, size, checksum }, size);
      files.push({ name: `${name}.copy`, size, checksum, dataFile: name });
    } else {
      base.files.push(inBase);
      base.objects.push({ key: inBase.name, size });
      const { checksum: baseChecksum } = inBase;
      if (stored === 'base') files.push({ name, size, checksum: baseChecksum, useBase: true });
      else store({ name, size: size + tail, checksum, useBase: true, baseSize: size, baseChecksum }, tail);
    }
  });
  base.files.push({ name: 'metadata/before.sql', size: 3, checksum: checksumOf(9999) });
  base.objects.push({ key: 'metadata/before.sql', size: 3 });
  const usesBase = base.files.length > 1;
  const baseElements = `<base_backup>S3('https://b.s3.amazonaws.com/x')</base_backup><base_backup_uuid>${BASE_UUID}</base_backup_uuid>`;
  return {
    header: headerOf(UUID, usesBase ? baseElements : ''),
    files,
    objects,
    base: { header: headerOf(BASE_UUID), ...base },
    usesBase,
    scope: tables.map(({ database, name, coverage }) => ({
      database,
      name,
      engine: coverage ? 'MergeTree' : 'Kafka',
      coverage: coverage ? 'data' : 'schema only',
    })),
  };
}
