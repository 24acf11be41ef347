/**
 * Which refusals of the proving engine say nothing of the backup: it could not read, for want of a network, a permission, memory
 * or time. A good backup must not be taken for a damaged one because of them, and neither for one that was read.
 */

const TROUBLES = new RegExp(
  `^(?:${[
    'ABORTED',
    'ACCESS_DENIED',
    'ALL_CONNECTION_TRIES_FAILED',
    'AUTHENTICATION_FAILED',
    'CANNOT_ALLOCATE_MEMORY',
    'CANNOT_MMAP',
    'CANNOT_MREMAP',
    'CANNOT_MUNMAP',
    'CANNOT_OPEN_FILE',
    'CANNOT_SCHEDULE_TASK',
    'CANNOT_WRITE_TO_FILE_DESCRIPTOR',
    'DNS_ERROR',
    'HTTP_CONNECTION_LIMIT_REACHED',
    'MEMORY_LIMIT_EXCEEDED',
    'NETWORK_ERROR',
    'NOT_ENOUGH_SPACE',
    'POCO_EXCEPTION',
    'QUERY_WAS_CANCELLED',
    'RECEIVED_ERROR_FROM_REMOTE_IO_SERVER',
    'RECEIVED_ERROR_TOO_MANY_REQUESTS',
    'SOCKET_TIMEOUT',
    'TIMEOUT_EXCEEDED',
    'TOO_MANY_SIMULTANEOUS_QUERIES',
  ].join('|')})$`,
);

/** What S3 says of an object that is not there; of its other answers none tells anything of the backup. */
const NOT_THERE = /NoSuchKey|specified key does not exist|NO_SUCH_KEY/i;

/** Errors within errors are named in parentheses: a file that could not be read makes a part look corrupt. */
const NAMED = /\(([A-Z][A-Z0-9_]+)\)/g;

/**
 * @param error ClickHouse's name for it, such as `S3_ERROR`
 * @param text what it said
 */
export function isTrouble({ error, text }: { readonly error: string; readonly text: string }): boolean {
  const names = [error, ...[...text.matchAll(NAMED)].map(([, name = '']) => name)];
  return names.some((name) => (name === 'S3_ERROR' ? !NOT_THERE.test(text) : TROUBLES.test(name)));
}
