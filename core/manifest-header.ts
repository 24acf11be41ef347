/** What ClickHouse's manifest says before its list of files. */
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import { damaged, shown } from './manifest-file.ts';

export interface ManifestHeader {
  readonly version: 1;
  /** When the backup began, `YYYY-MM-DD hh:mm:ss` by the server's clock in the server's zone, which it does not name. */
  readonly timestamp: string;
  readonly uuid: string;
  /** The `id` of the `BACKUP` statement; null from servers before 26.7, which did not write it (ClickHouse#110335). */
  readonly backupId: string | null;
  /** False when equal files are stored once each (`deduplicate_files=0`); null when the manifest does not say. */
  readonly deduplicateFiles: boolean | null;
  /** How objects are named, such as `checksum`; null when each has the name of the first file that it holds. */
  readonly dataFileNameGenerator: string | null;
  /** Where the base backup lies, without its credentials; null when no file is taken from a base. */
  readonly baseBackup: string | null;
  readonly baseBackupUuid: string | null;
}

/** The elements before `<contents>` that mean something here. Others are let pass: servers add some now and then. */
const ELEMENTS = [
  'version',
  'timestamp',
  'uuid',
  'backup_id',
  'deduplicate_files',
  'data_file_name_generator',
  'base_backup',
  'base_backup_uuid',
] as const;
type HeaderElement = (typeof ELEMENTS)[number];
export type HeaderText = Partial<Record<HeaderElement, string>>;

const KNOWN: ReadonlySet<string> = new Set(ELEMENTS);
export const isHeaderElement = (name: string): name is HeaderElement => KNOWN.has(name);

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TIMESTAMP = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

/** @throws SafehouseError `VerificationFailed` when something is missing or is not what ClickHouse writes */
export function readHeader(text: HeaderText): ManifestHeader {
  return {
    version: readVersion(required(text, 'version')),
    timestamp: required(text, 'timestamp', TIMESTAMP),
    uuid: required(text, 'uuid', UUID),
    backupId: text.backup_id ?? null,
    deduplicateFiles: readDeduplicateFiles(text.deduplicate_files),
    dataFileNameGenerator: text.data_file_name_generator ?? null,
    baseBackup: text.base_backup === undefined ? null : withoutCredentials(text.base_backup),
    baseBackupUuid: text.base_backup_uuid === undefined ? null : required(text, 'base_backup_uuid', UUID),
  };
}

/** What the versions after 1 are, and what makes ClickHouse write them. */
const LATER: ReadonlyMap<string, string> = new Map([
  ['2', 'a lightweight snapshot, whose data lies outside the backup (experimental_lightweight_snapshot)'],
  ['3', 'a packed backup, whose files lie in objects of another layout (experimental_backup_pack_format)'],
]);

/** @throws SafehouseError `VerificationFailed` for any version but 1: an unknown format must never pass */
export function readVersion(text: string): 1 {
  if (text === '1') return 1;
  const later = LATER.get(text);
  throw new SafehouseError(ERROR_NAMES.verification, {
    what: `The manifest has version ${shown(text)}${later === undefined ? '' : `: ${later}`}. Only version 1 can be verified.`,
    remedy:
      'Make the backup without the setting that leads to this format, or use a Safehouse that knows it.',
    error: 'BACKUP_VERSION_NOT_SUPPORTED',
    class: 'fix and stop',
  });
}

function required(header: HeaderText, element: HeaderElement, pattern?: RegExp): string {
  const text = header[element];
  if (text === undefined) throw damaged(`The manifest has no <${element}> before its <contents>.`);
  if (pattern?.test(text) === false) throw damaged(`The manifest has the <${element}> ${shown(text)}.`);
  return text;
}

function readDeduplicateFiles(text: string | undefined): boolean | null {
  if (text === undefined) return null;
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw damaged(`The manifest has the <deduplicate_files> ${shown(text)}; 0 or 1 is expected.`);
}

/**
 * Before ClickHouse#107357 servers wrote the base's key and secret into the manifest in clear text. Of the literals only
 * the first stays, the address or the path, and only of the engines whose first argument is one.
 */
function withoutCredentials(expression: string): string {
  let literals = 0;
  const addressFirst = /^\s*(?:S3|File|Disk)\s*\(/i.test(expression);
  // One that is not closed is one to the end.
  return expression.replace(/(=\s*)?'(?:[^'\\]|\\.?|'')*'?/gs, (literal, named: string | undefined) =>
    literals++ === 0 && addressFirst && named === undefined ? literal : `${named ?? ''}'[HIDDEN]'`,
  );
}
