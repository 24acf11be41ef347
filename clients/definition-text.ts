/** The `CREATE` statement of a table, out of the object that holds it. */
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';

/**
 * Bytes. ClickHouse reads statements of 256 KiB and no longer ones, unless `max_query_size` is raised. Thirty-two are read at
 * once: a manifest that gives the object of a part for a definition must not fill the memory of a function.
 */
const LONGEST_DEFINITION = 4 * 1024 ** 2;

/**
 * @param what for the error: whose definition it is, or the key of its object
 * @throws {SafehouseError} VerificationFailed, before it is read, when it is too long to be one
 */
export async function definitionText(
  { stream, size }: { readonly stream: AsyncIterable<Uint8Array>; readonly size: number },
  what: string,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = size;
  if (bytes <= LONGEST_DEFINITION) {
    bytes = 0;
    for await (const chunk of stream) {
      bytes += chunk.byteLength;
      if (bytes > LONGEST_DEFINITION) break;
      chunks.push(chunk);
    }
  } else await stream[Symbol.asyncIterator]().return?.();
  if (bytes <= LONGEST_DEFINITION) return Buffer.concat(chunks).toString('utf8');
  throw new SafehouseError(ERROR_NAMES.verification, {
    what: `${what} is said to hold the definition of a table and has more than ${LONGEST_DEFINITION} bytes.`,
    remedy: 'No server writes such a definition: do not count on this backup, and find out who wrote it.',
    error: 'BACKUP_DAMAGED',
  });
}
