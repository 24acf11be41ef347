/** One `<file>` of ClickHouse's manifest: what may stand in it, and what it means. */
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import { LOCK, MANIFEST } from './keys.ts';

/** The elements of a `<file>` in a manifest of version 1. Any other could say that its bytes lie elsewhere. */
const ELEMENTS = [
  'name',
  'size',
  'checksum',
  'use_base',
  'base_size',
  'base_checksum',
  'data_file',
  'encrypted_by_disk',
] as const;
export type FileElement = (typeof ELEMENTS)[number];
export type FileText = Partial<Record<FileElement, string>>;

const KNOWN: ReadonlySet<string> = new Set(ELEMENTS);
export const isFileElement = (name: string): name is FileElement => KNOWN.has(name);

/** A file of a backup as its manifest describes it. Sizes are bytes. */
export interface ManifestFile {
  /** Path inside the backup, such as `data/shop/events/202601_1_1_0/data.bin`. */
  readonly name: string;
  readonly size: number;
  /** CityHash128 in 32 hexadecimal digits; null for an empty file. */
  readonly checksum: string | null;
  readonly useBase: boolean;
  /** How many of its first bytes are taken from the base backup: 0 none, `size` all. */
  readonly baseSize: number;
  /** The checksum under which the base backup knows those bytes; null when it takes none. */
  readonly baseChecksum: string | null;
  /** The object under the backup's prefix that holds the rest, `size - baseSize` bytes; null when nothing is left. */
  readonly dataFile: string | null;
  /** True when its bytes are as an encrypted disk holds them: it restores to such a disk only. */
  readonly encryptedByDisk: boolean;
}

/** What a manifest says that cannot be, under the name of ClickHouse's own error for it. */
export const damaged = (what: string, error = 'BACKUP_DAMAGED', options?: ErrorOptions): SafehouseError =>
  new SafehouseError(
    ERROR_NAMES.verification,
    { what, remedy: 'Do not count on this backup: keep the one before it, and make a new one.', error },
    options,
  );

/** A value for a person to read: quoted, on one line, and short. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);

/**
 * Reads the texts of one `<file>`.
 *
 * @param ordinal 1 for the first file of the manifest
 * @throws SafehouseError `VerificationFailed` when something is missing, is no number, or contradicts the rest
 */
export function readFile(text: FileText, ordinal: number): ManifestFile {
  if (text.name === undefined || text.name === '')
    throw damaged(`File ${ordinal} of the manifest has no name.`);
  const where = { ordinal, name: text.name };
  checkPath(text.name, 'name', where);
  const size = readSize(text.size, 'size', where);
  if (size === 0) return emptyFile(text, where);

  const checksum = readChecksum(text.checksum, 'checksum', where);
  const usesBase = readFlag(text.use_base, 'use_base', where);
  const baseSize =
    text.base_size === undefined ? (usesBase ? size : 0) : readSize(text.base_size, 'base_size', where);
  if (baseSize > size)
    throw damaged(`${nameOf(where)} has ${size} bytes and takes ${baseSize} of them from the base backup.`);
  if (text.data_file !== undefined) checkPath(text.data_file, 'data_file', where);
  return {
    name: text.name,
    size,
    checksum,
    useBase: baseSize > 0,
    baseSize,
    baseChecksum: readBaseChecksum(text, checksum, { size, baseSize }, where),
    dataFile: size > baseSize ? (text.data_file ?? text.name) : null,
    encryptedByDisk: readFlag(text.encrypted_by_disk, 'encrypted_by_disk', where),
  };
}

interface Where {
  readonly ordinal: number;
  readonly name: string;
}

const nameOf = ({ ordinal, name }: Where): string => `File ${ordinal} of the manifest, ${shown(name)},`;

/** ClickHouse writes nothing but name and size for an empty file, so that a size that lost its digits shows here. */
function emptyFile(text: FileText, where: Where): ManifestFile {
  const other = ELEMENTS.find((element) => element !== 'name' && element !== 'size' && text[element]);
  if (other !== undefined) throw damaged(`${nameOf(where)} has 0 bytes and yet a <${other}>.`);
  return {
    name: where.name,
    size: 0,
    checksum: null,
    useBase: false,
    baseSize: 0,
    baseChecksum: null,
    dataFile: null,
    encryptedByDisk: false,
  };
}

function readBaseChecksum(
  text: FileText,
  checksum: string,
  { size, baseSize }: { size: number; baseSize: number },
  where: Where,
): string | null {
  if (baseSize === 0) return null;
  return baseSize === size ? checksum : readChecksum(text.base_checksum, 'base_checksum', where);
}

function readSize(text: string | undefined, element: FileElement, where: Where): number {
  const size = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw damaged(
    `${nameOf(where)} has ${text === undefined ? `no <${element}>` : `the <${element}> ${shown(text)}`}; a whole number from 0 to ${Number.MAX_SAFE_INTEGER} is expected.`,
  );
}

function readChecksum(text: string | undefined, element: FileElement, where: Where): string {
  if (text !== undefined && /^[0-9a-f]{32}$/i.test(text)) return text.toLowerCase();
  throw damaged(
    `${nameOf(where)} has ${text === undefined ? `no <${element}>` : `the <${element}> ${shown(text)}`}; 32 hexadecimal digits are expected.`,
  );
}

function readFlag(text: string | undefined, element: FileElement, where: Where): boolean {
  if (text === undefined || text === 'false' || text === '0') return false;
  if (text === 'true' || text === '1') return true;
  throw damaged(`${nameOf(where)} has the <${element}> ${shown(text)}; true or false is expected.`);
}

/** An empty segment, `.` or `..`, and so also a slash at either end. ClickHouse refuses the same (INSECURE_PATH). */
const NOT_PLAIN = /(?:^|\/)\.{0,2}(?:\/|$)/;

function checkPath(path: string, element: FileElement, where: Where): void {
  if (!NOT_PLAIN.test(path) && path !== MANIFEST && path !== LOCK) return;
  throw damaged(
    `${nameOf(where)} has the <${element}> ${shown(path)}; a path inside the backup is expected, without a slash at either end, empty segments, "." or "..", and not one of ClickHouse's own objects.`,
    'INSECURE_PATH',
  );
}
