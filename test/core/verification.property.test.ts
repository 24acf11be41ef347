/** A backup that lacks, changes or adds anything is never complete, wherever that is. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SafehouseError } from '../../core/errors.ts';
import type { ListedObject, VerificationRequest } from '../../core/verification.ts';
import { verifyBackup } from '../../core/verification.ts';
import {
  type GeneratedBackup,
  generatedBackup,
  manifestOf,
  requestOf,
  streamsOf,
  type WrittenBackup,
} from './generated-backup.ts';
import { tries } from './property-runs.ts';

const RUNS = tries(300);

type Outcome = 'complete' | 'incomplete' | 'VerificationFailed' | 'IncompleteReading';

async function outcomeOf(request: VerificationRequest): Promise<Outcome> {
  try {
    return (await verifyBackup(request)).verdict;
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    expect(['VerificationFailed', 'IncompleteReading']).toContain(error.name);
    return error.name as Outcome;
  }
}

const at = <Item>(items: readonly Item[], place: number): Item => {
  const item = items[place % items.length];
  if (item === undefined) throw new RangeError('nothing to choose from');
  return item;
};

const withObjects = <Backup extends WrittenBackup>(
  backup: Backup,
  objects: readonly ListedObject[],
): Backup => ({
  ...backup,
  objects,
});

/** Every mutation gets a place and a number to be random with; undefined where there is nothing to mutate. */
type Mutation = (backup: GeneratedBackup, place: number, number: number) => VerificationRequest | undefined;

const MUTATIONS: Record<string, Mutation> = {
  'an object is gone': (backup, place) =>
    requestOf(withObjects(backup, backup.objects.toSpliced(place % backup.objects.length, 1))),
  'an object has another size': (backup, place, number) => {
    const { key, size } = at(backup.objects, place);
    const other = { key, size: size === number ? size + 1 : number };
    return requestOf(withObjects(backup, backup.objects.with(place % backup.objects.length, other)));
  },
  'an object is there that nobody wrote': (backup, place, number) => {
    const key = `${at(backup.files, place).name}/${number}`;
    return requestOf(withObjects(backup, [...backup.objects, { key, size: number }]));
  },
  'the lock is still there': (backup) =>
    requestOf(withObjects(backup, [...backup.objects, { key: '.lock', size: 36 }])),
  'the manifest is gone': (backup) =>
    requestOf(backup, {
      listing: () => listing(backup.objects),
      manifest: () => {
        throw new Error('the manifest is not there to be read');
      },
    }),
  'a table lost its definition': (backup, place) => {
    const name = at(
      backup.files.filter((file) => file.name.startsWith('metadata/')),
      place,
    ).name;
    return requestOf({
      ...backup,
      files: backup.files.filter((file) => file.name !== name),
      objects: backup.objects.filter(({ key }) => key !== name),
    });
  },
  'a file is listed twice': (backup, place) =>
    requestOf({ ...backup, files: [...backup.files, at(backup.files, place)] }),
  'a digit of a size is another': (backup, place, number) => {
    const manifest = manifestOf(backup);
    const sizes = [...manifest.toString('latin1').matchAll(/(?<=<(?:base_)?size>)\d+/g)];
    const size = at(sizes, place);
    const digit = size.index + (number % size[0].length);
    const changed = Buffer.from(manifest);
    changed[digit] = 0x30 + (((changed[digit] ?? 0) - 0x30 + 1 + (number % 9)) % 10);
    return requestOf(backup, streamsOf(backup, changed));
  },
  'the manifest is cut off': (backup, place) => {
    const manifest = manifestOf(backup);
    return requestOf(backup, streamsOf(backup, manifest.subarray(0, place % manifest.byteLength)));
  },
  'the stream of the manifest breaks off': (backup, place) => {
    const manifest = manifestOf(backup);
    return requestOf(
      backup,
      streamsOf(backup, manifest.subarray(0, place % manifest.byteLength), manifest.byteLength),
    );
  },
  'an object of the base is gone': (backup, place) =>
    ofBase(backup, {
      ...backup.base,
      objects: backup.base.objects.toSpliced(place % (backup.base.objects.length - 1), 1),
    }),
  'an object of the base has another size': (backup, place, number) => {
    if (!backup.usesBase) return undefined;
    const index = place % (backup.base.objects.length - 1);
    const { key, size } = at(backup.base.objects, index);
    const objects = backup.base.objects.with(index, { key, size: size === number ? size + 1 : number });
    return ofBase(backup, { ...backup.base, objects });
  },
  'the base does not have a file': (backup, place) =>
    ofBase(backup, {
      ...backup.base,
      files: backup.base.files.toSpliced(place % (backup.base.files.length - 1), 1),
    }),
  'the manifest of the base is cut off': (backup, place) => {
    if (!backup.usesBase) return undefined;
    const manifest = manifestOf(backup.base);
    const base = streamsOf(backup.base, manifest.subarray(0, place % manifest.byteLength));
    return { ...requestOf(backup), base };
  },
  'the base is another backup': (backup) =>
    ofBase(backup, { ...backup.base, header: backup.base.header.replace('f3b209b0', 'f3b209b1') }),
  'no base is expected': (backup) =>
    backup.usesBase ? { ...requestOf(backup), expectedBase: false } : undefined,
};

async function* listing(objects: readonly ListedObject[]) {
  yield* objects;
}

const ofBase = (backup: GeneratedBackup, base: WrittenBackup): VerificationRequest | undefined =>
  backup.usesBase ? requestOf({ ...backup, base }) : undefined;

describe('verifyBackup', () => {
  it('finds nothing wrong with a backup that is complete', async () => {
    await fc.assert(
      fc.asyncProperty(generatedBackup, async (backup) => {
        const verification = await verifyBackup(requestOf(backup));

        expect(verification.findings).toEqual([]);
        expect(verification).toMatchObject({
          verdict: 'complete',
          counts: {},
          files: backup.files.length,
          objects: backup.objects.length + 1,
          logicalBytes: backup.files.reduce((sum, { size }) => sum + size, 0),
          usesBase: backup.usesBase,
          otherTables: { count: 0, named: [] },
        });
      }),
      RUNS,
    );
  });

  it.each(Object.entries(MUTATIONS))('does not call a backup complete when %s', async (_, mutate) => {
    let mutated = 0;
    await fc.assert(
      fc.asyncProperty(
        generatedBackup,
        fc.nat({ max: 100_000 }),
        fc.nat({ max: 100_000 }),
        async (backup, place, number) => {
          const request = mutate(backup, place, number);
          if (request === undefined) return;
          mutated++;
          expect(await outcomeOf(request)).not.toBe('complete');
        },
      ),
      RUNS,
    );
    expect(mutated).toBeGreaterThan(RUNS.numRuns / 3);
  });
});
