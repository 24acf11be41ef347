/** Work on the files of a manifest while it is being read, no faster than the work is done. */
import { type ManifestFile, ManifestReader } from './manifest.ts';

/** What is handed to the reader at once, in bytes: it bounds how many files wait for their turn, to about 100. */
const BITE = 16_384;

/**
 * Does some work for each file that is chosen, for so many at the same time. After the first failure no further one is
 * begun, and what is under way is waited for.
 *
 * @param choose called for every file, in the order of the manifest
 * @throws RangeError when `atOnce` is less than 1; SafehouseError `VerificationFailed` for a manifest that cannot be read;
 *   and whatever the manifest's stream, `choose` and `work` throw
 */
export async function forEachChosen(
  manifest: AsyncIterable<Uint8Array>,
  choose: (file: ManifestFile) => boolean,
  atOnce: number,
  work: (file: ManifestFile) => Promise<void>,
): Promise<void> {
  if (!(atOnce >= 1)) throw new RangeError(`at least 1 file at a time is needed, got ${atOnce}`);
  const files = chosenFiles(manifest, choose);
  const worker = async (): Promise<void> => {
    for await (const file of files) await work(file);
  };
  const endings = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  const failure = endings.find((ending) => ending.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

/** One generator for all workers: a loop that is left by an error closes it for the others. */
async function* chosenFiles(
  manifest: AsyncIterable<Uint8Array>,
  choose: (file: ManifestFile) => boolean,
): AsyncGenerator<ManifestFile> {
  const chosen: ManifestFile[] = [];
  const reader = new ManifestReader((file) => {
    if (choose(file)) chosen.push(file);
  });
  for await (const chunk of manifest)
    for (let at = 0; at < chunk.length; at += BITE) {
      reader.write(chunk.subarray(at, at + BITE));
      yield* chosen.splice(0);
    }
  reader.end();
}
