/** The backup's own objects: what its manifest expects under the prefix and what is there. */
import type { BackupStreams } from './backup-streams.ts';
import type { ManifestFile } from './manifest-file.ts';
import type { ObjectComparison } from './object-comparison.ts';
import type { Findings } from './verification-findings.ts';

/** Compares one file of the manifest with the listing that was taken before. */
export function compareFile(file: ManifestFile, objects: ObjectComparison, findings: Findings): void {
  const { name, dataFile: key } = file;
  if (!objects.name(name))
    findings.add(
      'named twice',
      name,
      () => `${name} is expected once in the manifest, and stands there again.`,
    );
  if (key === null) {
    if (file.size === 0) objects.allowEmpty(name);
    return;
  }
  const size = file.size - file.baseSize;
  const judgement = objects.expect(key, size);
  if (judgement.is === 'missing')
    findings.add('missing object', key, () => `${key} is expected with ${size} bytes; it is not there.`);
  else if (judgement.is === 'of another size')
    findings.add(
      'wrong size',
      key,
      () => `${key} is expected with ${size} bytes; ${judgement.listed} bytes are there.`,
    );
  else if (judgement.is === 'contradicted')
    findings.add(
      'contradiction',
      key,
      () => `The manifest gives ${key} both ${judgement.before} and ${size} bytes.`,
    );
}

/** Lists once more, as only the names of what is there can tell which of them nobody expected. */
export async function nameUnexpected(
  listing: BackupStreams['listing'],
  objects: ObjectComparison,
  findings: Findings,
): Promise<void> {
  findings.count('unexpected object', objects.unexpected);
  if (objects.unexpected === 0) return;
  for await (const { key, size } of listing()) {
    if (objects.isUnexpected(key))
      findings.name(
        'unexpected object',
        key,
        () => `${key} is there with ${size} bytes; the manifest has no file for it.`,
      );
    if (findings.isFull('unexpected object')) return;
  }
}
