/**
 * Whether a manifest's address of a base leads to the base that is meant. A server that was taken over writes what it likes into
 * its manifest, and the engine of the prover calls whatever address stands there, with the prover's credentials.
 */
import { readSourceAddress, type SourceAddress } from './source-address.ts';

export interface BasePlace {
  /** The address of the bucket, with a slash at its end. */
  readonly bucketUrl: string;
  /** Of the base in its bucket, without a slash at either end. */
  readonly path: string;
}

/** `S3('address', …` or, with a named collection that holds the address of the bucket, `S3(name, 'path', …`. */
const EXPRESSION = /^\s*S3\s*\(\s*(?:(?:[A-Za-z_]\w*|`(?:[^`\\]|\\.)*`)\s*,\s*()|)'((?:[^'\\]|\\.|'')*)'/i;

/** @param expression what the manifest has in `<base_backup>`, its further literals hidden or not */
export function leadsToBase(expression: string, { bucketUrl, path }: BasePlace): boolean {
  const [, named, literal] = EXPRESSION.exec(expression) ?? [];
  if (literal === undefined) return false;
  const text = literal.replace(/\\(.)|''/gs, (_, escaped: string | undefined) => escaped ?? "'");
  if (named !== undefined) return text.replace(/^\/+|\/+$/g, '') === path;
  const meant = readSourceAddress(`${bucketUrl}${path}`);
  const said = readOrUndefined(text);
  return (
    said !== undefined &&
    said.bucket === meant.bucket &&
    said.prefix === meant.prefix &&
    said.endpoint === meant.endpoint &&
    (said.region ?? meant.region) === meant.region
  );
}

function readOrUndefined(text: string): SourceAddress | undefined {
  try {
    return readSourceAddress(text);
  } catch {
    // Whatever it is, it is not the address of a backup.
    return undefined;
  }
}
