import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ManifestFile } from '../../core/manifest.ts';
import { Survey } from '../../core/proof-survey.ts';

const file = (name: string, overrides: Partial<ManifestFile> = {}): ManifestFile => ({
  name,
  size: 10,
  checksum: name.padEnd(32, '0').slice(0, 32),
  useBase: false,
  baseSize: 0,
  baseChecksum: null,
  dataFile: name,
  encryptedByDisk: false,
  ...overrides,
});

const surveyOf = (...files: readonly ManifestFile[]): Survey => {
  const survey = new Survey();
  for (const each of files) survey.add(each);
  return survey;
};

const PART = 'data/shop/events/all_1_1_0/';

describe('a survey', () => {
  it('knows the parts of a table and how many files each has, projections with them', () => {
    const survey = surveyOf(
      file('metadata/shop.sql'),
      file('metadata/shop/events.sql'),
      file(`${PART}data.bin`),
      file(`${PART}checksums.txt`),
      file(`${PART}by_name.proj/data.bin`),
      file('data/shop/events/all_2_2_0/data.bin'),
      file('data/shop/events/mutations/0000000001.txt'),
    );
    const table = survey.table('shop', 'events');
    expect(table?.parts).toEqual(
      new Map([
        ['all_1_1_0', 3],
        ['all_2_2_0', 1],
      ]),
    );
    expect(table).toMatchObject({ files: 5, bytes: 50, uncovered: 2 });
    expect(survey).toMatchObject({ others: 2, onCluster: false });
  });

  it('finds a table by its names, however they are written in paths', () => {
    const survey = surveyOf(file('data/w%20eird/per%25cent/id.bin'));
    expect(survey.table('w eird', 'per%cent')).toMatchObject({ files: 1, parts: new Map() });
    expect(survey.table('w eird', 'percent')).toBeUndefined();
  });

  it('keeps the parts of replicas apart, whatever their names', () => {
    const survey = surveyOf(
      file('shards/1/replicas/1/data/shop/events/all_1_1_0/data.bin'),
      file('shards/2/replicas/1/data/shop/events/all_1_1_0/data.bin'),
    );
    expect(survey.onCluster).toBe(true);
    expect(survey.table('shop', 'events')?.parts.size).toBe(2);
  });

  it('has one fingerprint for the same files in whatever order, and another for others', () => {
    const files = [file(`${PART}data.bin`), file(`${PART}count.txt`), file('data/shop/events/x_2/data.bin')];
    const fingerprint = (each: readonly ManifestFile[]) =>
      surveyOf(...each).table('shop', 'events')?.fingerprint;
    expect(fingerprint(files.toReversed())).toBe(fingerprint(files));
    const [first, ...rest] = files;
    expect(first).toBeDefined();
    if (first !== undefined)
      expect(fingerprint([{ ...first, checksum: 'f'.repeat(32) }, ...rest])).not.toBe(fingerprint(files));
  });

  it('has a fingerprint that is the sum of the digests of its files, as 64 bits', () => {
    const digest = (leaf: string, checksum: string): bigint =>
      createHash('sha256').update(`${leaf}\0${checksum}`).digest().readBigUInt64BE(0);
    const fingerprint = (...files: ManifestFile[]) => surveyOf(...files).table('shop', 'log')?.fingerprint;
    const [id, sizes] = [file('data/shop/log/id.bin'), file('data/shop/log/sizes.json', { checksum: null })];
    expect(fingerprint(id)).toBe(digest('id.bin', id.checksum ?? ''));
    expect(fingerprint(id, sizes)).toBe(
      BigInt.asUintN(64, digest('id.bin', id.checksum ?? '') + digest('sizes.json', '')),
    );
  });

  it('takes nothing for the data of a table that only looks like it', () => {
    const survey = surveyOf(
      file('old/data/shop/events/all_1_1_0/data.bin'),
      file('data/shop/events'),
      file('shards/data/shop/events/all_1_1_0/data.bin'),
      file('metadata/data/shop/events.sql'),
    );
    expect(survey.tables.size).toBe(0);
    expect(survey.others).toBe(4);
  });

  it('knows shards and replicas by numbers of any length', () => {
    const survey = surveyOf(file('shards/12/replicas/34/data/shop/events/all_1_1_0/data.bin'));
    expect(survey.table('shop', 'events')?.parts).toEqual(new Map([['shards/12/replicas/34/all_1_1_0', 1]]));
  });

  it('knows where the numbers of rows lie: here, or in the base by size and checksum', () => {
    const here = file('data/shop/log/count.txt', { dataFile: 'data/shop/other/count.txt' });
    const there = file(`${PART}count.txt`, { useBase: true, baseSize: 10, dataFile: null, checksum: 'c' });
    const gone = file('data/shop/gone/count.txt', {
      useBase: true,
      baseSize: 10,
      dataFile: null,
      checksum: 'd',
    });
    const survey = surveyOf(here, there, gone, file(`${PART}by_name.proj/count.txt`));
    survey.addBase(file('data/old/count.txt', { checksum: 'c', size: 11 }));
    survey.addBase(file('data/older/count.txt', { checksum: 'c' }));
    survey.addBase(file('data/again/count.txt', { checksum: 'c' }));
    expect(survey.table('shop', 'events')?.counts).toEqual([there]);
    expect(survey.placeOf(here)).toEqual({ inBase: false, key: 'data/shop/other/count.txt' });
    expect(survey.placeOf(there)).toEqual({ inBase: true, key: 'data/older/count.txt' });
    expect(survey.placeOf(gone)).toBeNull();
  });
});
