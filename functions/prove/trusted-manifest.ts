/**
 * The manifest is what all else is held against: it has to be the one that was verified, and one that the engine may be given to
 * mount. One that takes files from a base and does not name it would keep the engine busy for ever.
 */
import { leadsToBase } from '../../core/base-address.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { MANIFEST } from '../../core/keys.ts';
import {
  type ManifestFile,
  type ManifestHeader,
  type ReadManifest,
  readManifest,
} from '../../core/manifest.ts';
import type { ProofFinding } from '../../core/proof.ts';
import type { Found } from './findings.ts';
import type { ProofSource } from './source.ts';

export interface TrustedManifest extends Found {
  /** Null when it is not to be trusted; what was found says why. */
  readonly header: ManifestHeader | null;
  /** Of what is there; empty when nothing could be read. */
  readonly sha256: string;
}

/**
 * @param verified the SHA-256 of the manifest that was verified
 * @param base what the backup stands on
 * @param onFile called for every file, before it is known whether the manifest is to be trusted
 * @throws {SafehouseError} IncompleteReading, and what S3 makes of it
 */
export async function readTrusted(
  source: ProofSource,
  verified: string,
  base: ProofSource | undefined,
  onFile: (file: ManifestFile) => void,
): Promise<TrustedManifest> {
  let takesFromBase = false;
  const read = await readOrFinding(source, (file) => {
    takesFromBase ||= file.useBase;
    onFile(file);
  });
  if ('what' in read) return { header: null, sha256: '', findings: [read], unjudged: [] };
  const { header, sha256 } = read;
  const doubt = { header: null, sha256, findings: [], unjudged: [] };
  if (sha256 !== verified)
    return {
      ...doubt,
      findings: [
        finding(
          `The manifest is not the one that was verified: its SHA-256 is ${sha256}, and was ${verified}.`,
        ),
      ],
    };
  if (takesFromBase && header.baseBackup === null)
    return {
      ...doubt,
      findings: [finding('The manifest takes files from a base backup and does not say where that is.')],
    };
  if (header.baseBackup !== null && (base === undefined || !isBase(header.baseBackup, base)))
    return {
      ...doubt,
      unjudged: [
        `its manifest takes files from ${header.baseBackup}, and the ledger says that it stands on ${base?.path ?? 'nothing'}`,
      ],
    };
  return { ...doubt, header };
}

/** What the control backups of the self-test stand on lies beside them, wherever this function was unpacked. */
const isBase = (expression: string, { bucketUrl, path }: ProofSource): boolean =>
  bucketUrl === null ? expression.includes(path) : leadsToBase(expression, { bucketUrl, path });

const finding = (what: string): ProofFinding => ({ table: null, part: null, file: MANIFEST, what });

async function readOrFinding(
  source: ProofSource,
  onFile: (file: ManifestFile) => void,
): Promise<ReadManifest | ProofFinding> {
  try {
    return await readManifest(source.manifest(), await source.manifestBytes(), onFile);
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    if (error.name === ERROR_NAMES.notFound)
      return finding(`The backup has no ${MANIFEST} any more, and cannot be restored.`);
    if (error.name === ERROR_NAMES.verification)
      return finding(`The manifest is not the one that was verified. ${error.failure.what}`);
    throw error;
  }
}
