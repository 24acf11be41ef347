/** Where a backup lies that somebody made by hand, as people write it. */
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import { MANIFEST } from './keys.ts';

export interface SourceAddress {
  readonly bucket: string;
  /** Without a slash at either end; empty for a backup at the root of its bucket. */
  readonly prefix: string;
  /** Null when the address does not say it. */
  readonly region: string | null;
  /** `aws`, or the address of another S3, without a slash at the end; null when it is not said. */
  readonly endpoint: string | null;
}

export const AWS = 'aws';

/** `s3://bucket/prefix`: the one form in which the ledger names it. */
export const sourceText = ({ bucket, prefix }: Pick<SourceAddress, 'bucket' | 'prefix'>): string =>
  `s3://${bucket}/${prefix}`;

/** The key of an object of the backup. */
export const sourceKey = ({ prefix }: Pick<SourceAddress, 'prefix'>, name: string): string =>
  prefix === '' ? name : `${prefix}/${name}`;

const ALLOWED =
  's3://BUCKET/PREFIX, or the address of the BACKUP statement: https://BUCKET.s3.REGION.amazonaws.com/PREFIX';

const REGION = String.raw`[a-z]{2}(?:-[a-z]+)+-\d`;
/** `bucket.s3.region.amazonaws.com`, `s3.region.amazonaws.com`, with a hyphen as it was once written, and without region. */
const AWS_HOST = new RegExp(
  String.raw`^(?:(.+)\.)?s3(?:\.dualstack)?(?:[.-](${REGION}))?\.amazonaws\.com(?:\.cn)?$`,
);

/**
 * Reads `s3://bucket/prefix` or the `https://` address that the `BACKUP` statement had; the `.backup` at its end may stand there.
 *
 * @throws {SafehouseError} InvalidInput, for anything else, and for the address of an archive
 */
export function readSourceAddress(text: string): SourceAddress {
  const address = text.startsWith('s3://') ? readShort(text) : readUrl(text);
  if (!/^[\w.-]{3,63}$/.test(address.bucket))
    throw wrong(text, `${JSON.stringify(address.bucket)} is no name of a bucket`);
  refuseArchive(text, address.prefix);
  return address;
}

function readShort(text: string): SourceAddress {
  const [bucket = '', ...path] = text.slice('s3://'.length).split('/');
  return { bucket, prefix: prefixOf(path), region: null, endpoint: null };
}

function readUrl(text: string): SourceAddress {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) throw wrong(text, 'it is no address');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw wrong(text.replace(/\/\/[^/]*@|[?#].*$/g, '…'), 'it has more than a host and a path');
  const path = url.pathname.slice(1).split('/').map(decode);
  const [, named, region = null] = AWS_HOST.exec(url.hostname) ?? [];
  const endpoint = AWS_HOST.test(url.hostname) ? AWS : url.origin;
  if (named !== undefined) return { bucket: named, prefix: prefixOf(path), region, endpoint };
  const [bucket = '', ...rest] = path;
  return { bucket, prefix: prefixOf(rest), region, endpoint };
}

function prefixOf(path: readonly string[]): string {
  const prefix = path.join('/').replace(/^\/+|\/+$/g, '');
  if (prefix === MANIFEST) return '';
  return prefix.endsWith(`/${MANIFEST}`) ? prefix.slice(0, -MANIFEST.length - 1) : prefix;
}

/** ClickHouse takes the path of an address decoded. A `%` that begins no code stands for itself. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const wrong = (text: string, why: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.input, {
    what: `${JSON.stringify(text)} is not where a backup lies: ${why}.`,
    remedy: `Write ${ALLOWED}.`,
  });

const ARCHIVE = /\.(?:zipx?|7z|t(?:gz|bz2?|xz|zst)|tar(?:\.\w+)?)$/i;

function refuseArchive(text: string, prefix: string): void {
  const [ending] = ARCHIVE.exec(prefix) ?? [];
  if (ending === undefined) return;
  throw new SafehouseError(ERROR_NAMES.input, {
    what: `${JSON.stringify(text)} is an archive (${ending}): its manifest is inside, and nothing of it can be compared or proven without unpacking all of it.`,
    remedy:
      'Adopt a backup that lies in S3 as a folder. What is in this one can be restored to a server by hand, and then be backed up.',
  });
}
