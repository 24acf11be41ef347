/**
 * Whether the base of an incremental backup has everything that is taken from it. ClickHouse asks neither when it makes
 * the backup nor before a restore reads the files (ClickHouse#112395).
 */
import type { BackupStreams } from './backup-streams.ts';
import { SafehouseError } from './errors.ts';
import { type ManifestFile, ManifestReader, readManifest } from './manifest.ts';
import { ObjectComparison } from './object-comparison.ts';
import { ObjectTable } from './object-table.ts';
import type { Findings } from './verification-findings.ts';

const FOUND = 1;

/** In base 36, as V8 keeps the decimal texts of numbers for a while: that was a sixth of the peak of memory. */
const keyOf = (size: number, checksum: string): string => `${checksum} ${size.toString(36)}`;

/** What a backup takes from its base. ClickHouse looks files up there by size and checksum, not by name. */
export class BaseNeeds {
  readonly #needs = new ObjectTable();
  #found = 0;

  add({ baseSize, baseChecksum }: ManifestFile): void {
    if (baseChecksum !== null) this.#needs.add(keyOf(baseSize, baseChecksum));
  }

  get none(): boolean {
    return this.#needs.entries === 0;
  }

  get missing(): number {
    return this.#needs.entries - this.#found;
  }

  /** True for the first file of the base that answers a need. ClickHouse takes the first one, too. */
  answer({ size, checksum }: ManifestFile): boolean {
    const index = checksum === null ? -1 : this.#needs.find(keyOf(size, checksum));
    if (index < 0 || !this.#needs.mark(index, FOUND)) return false;
    this.#found++;
    return true;
  }

  isMissing({ baseSize, baseChecksum }: ManifestFile): boolean {
    const index = baseChecksum === null ? -1 : this.#needs.find(keyOf(baseSize, baseChecksum));
    return index >= 0 && !this.#needs.has(index, FOUND);
  }
}

/**
 * Reads the base's listing and manifest and finds what is missing in it. False when it has no manifest to be read.
 *
 * @param uuid what the backup's own manifest says of its base
 * @throws SafehouseError `VerificationFailed` when the base's manifest cannot be read, `IncompleteReading` as
 *   `readManifest` does
 */
export async function checkBase(
  base: BackupStreams & { readonly uuid?: string },
  uuid: string,
  needs: BaseNeeds,
  findings: Findings,
): Promise<boolean> {
  const objects = new ObjectComparison();
  const { manifestBytes } = await ofBase(objects.list(base.listing()));
  if (manifestBytes === null) {
    findings.add(
      'unknown base',
      null,
      () => `The base backup ${uuid} has no .backup: it is gone, or never was complete.`,
    );
    return false;
  }
  const { header } = await ofBase(
    readManifest(base.manifest(), manifestBytes, (file) => {
      if (needs.answer(file)) checkBaseFile(file, objects, findings);
    }),
  );
  for (const expected of new Set([uuid, base.uuid ?? uuid]))
    if (!isSameUuid(header.uuid, expected))
      findings.add(
        'wrong base',
        null,
        () => `The base backup ${expected} is expected; ${header.uuid} is there.`,
      );
  return true;
}

const isSameUuid = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

function checkBaseFile(file: ManifestFile, objects: ObjectComparison, findings: Findings): void {
  if (file.useBase) {
    findings.add(
      'deeper base',
      file.name,
      () =>
        `The base takes ${file.name} from a base of its own, which was not looked at. A base is expected to be a full backup.`,
    );
    return;
  }
  if (file.dataFile === null) return;
  const key = file.dataFile;
  const judgement = objects.expect(key, file.size);
  if (judgement.is === 'missing')
    findings.add(
      'missing object in base',
      key,
      () => `${key} is expected in the base backup with ${file.size} bytes; it is not there.`,
    );
  else if (judgement.is === 'of another size')
    findings.add(
      'wrong size in base',
      key,
      () =>
        `${key} is expected in the base backup with ${file.size} bytes; ${judgement.listed} bytes are there.`,
    );
  else if (judgement.is === 'contradicted')
    findings.add(
      'contradiction',
      key,
      () => `The manifest of the base gives ${key} both ${judgement.before} and ${file.size} bytes.`,
    );
}

/** Reads the backup's own manifest once more, to name the files that lack their base. */
export async function nameMissingInBase(
  manifest: AsyncIterable<Uint8Array>,
  needs: BaseNeeds,
  findings: Findings,
): Promise<void> {
  findings.count('missing in base', needs.missing);
  const reader = new ManifestReader((file) => {
    if (needs.isMissing(file))
      findings.name(
        'missing in base',
        file.name,
        () =>
          `${file.name} takes ${file.baseSize} bytes with checksum ${file.baseChecksum} from the base backup; its manifest has no such file.`,
      );
  });
  for await (const chunk of manifest) {
    if (findings.isFull('missing in base')) break;
    reader.write(chunk);
  }
}

async function ofBase<Result>(reading: Promise<Result>): Promise<Result> {
  try {
    return await reading;
  } catch (error) {
    throw error instanceof SafehouseError ? aboutBase(error) : error;
  }
}

const aboutBase = (error: SafehouseError): SafehouseError =>
  new SafehouseError(
    error.name,
    { ...error.failure, what: `In the base backup: ${error.failure.what}` },
    { cause: error },
  );
