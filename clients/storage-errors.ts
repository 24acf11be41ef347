import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { harmless } from '../core/redaction.ts';

/** Errors after which the same call may be made again, by the SDK's and by Node's names for them. */
const PASSING = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'TimeoutError',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'ConditionalRequestConflict',
  'ECONNABORTED',
  'ECONNRESET',
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ERR_STREAM_PREMATURE_CLOSE',
  'EAI_AGAIN',
]);

/**
 * What an AWS call that failed means: passing, forbidden, absent, or something else. Never "nothing there".
 *
 * @param doing what was being done, as the end of "Safehouse could not …"
 */
export function storageError(cause: unknown, doing: string): SafehouseError {
  return cause instanceof SafehouseError ? cause : explain(cause, harmless(doing, LONGEST_DOING));
}

/** A key has 1,024 bytes at most, and anybody who may write one chooses them. */
const LONGEST_DOING = 1_200;

function explain(cause: unknown, doing: string): SafehouseError {
  const { name, code, status, message } = describe(cause);
  if (PASSING.has(name) || PASSING.has(code) || (status !== undefined && (status >= 500 || status === 429)))
    return new SafehouseError(
      ERROR_NAMES.unavailable,
      {
        what: `Could not ${doing}: ${name} (${message}).`,
        remedy: 'The same call may be made again.',
        error: name,
      },
      { cause },
    );
  if (status === 403 || name === 'AccessDenied' || name === 'AccessDeniedException')
    return new SafehouseError(
      ERROR_NAMES.refused,
      {
        what: `Was not allowed to ${doing}: ${message}.`,
        remedy:
          "Give this role the permission that the stack gives it (docs/security.md), and look for a bucket policy, a key policy or an organisation's rule that takes it away.",
        error: 'AccessDenied',
      },
      { cause },
    );
  if (name === 'NoSuchBucket')
    return new SafehouseError(
      ERROR_NAMES.refused,
      {
        what: `Could not ${doing}: there is no such bucket.`,
        remedy: 'Check the name and the region.',
        error: name,
      },
      { cause },
    );
  return new SafehouseError(
    ERROR_NAMES.refused,
    {
      what: `Could not ${doing}: ${name} (${message}).`,
      remedy: 'Look the error up by its name; nothing was concluded from it.',
      error: name,
    },
    { cause },
  );
}

function describe(cause: unknown): {
  name: string;
  code: string;
  status: number | undefined;
  message: string;
} {
  const error = (cause ?? {}) as {
    name?: string;
    code?: string;
    message?: string;
    $metadata?: { httpStatusCode?: number };
    cause?: { code?: string };
  };
  return {
    // Node's own errors are all called Error; their code says which.
    name: harmless(
      (error.name === 'Error' && (error.code ?? error.cause?.code)) || (error.name ?? 'UnknownError'),
      100,
    ),
    code: error.code ?? error.cause?.code ?? '',
    status: error.$metadata?.httpStatusCode,
    message: harmless((error.message ?? String(cause)).split('\n')[0] ?? '', 1_000).slice(0, 300),
  };
}
