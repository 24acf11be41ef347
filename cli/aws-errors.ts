/** What a person at the keyboard can do about an error of AWS: it is their own credentials, region and rights. */
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';

const EXPIRED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'TokenRefreshRequired',
  'TokenProviderError',
]);
const UNKNOWN_KEY = new Set([
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'IncompleteSignature',
  'AuthFailure',
]);
const FORBIDDEN = new Set(['AccessDenied', 'AccessDeniedException', 'Forbidden']);
const OTHER_REGION = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
const NO_HOST = new Set(['ENOTFOUND', 'EAI_AGAIN']);

interface AwsError {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly hostname?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly cause?: unknown;
}

/** The error in better words, or undefined when it is none of AWS's that a person can do something about. */
export function explainAwsError(thrown: unknown): SafehouseError | undefined {
  for (const error of causes(thrown)) {
    const explained = explain(error);
    if (explained !== undefined)
      return new SafehouseError(
        explained.name,
        { ...explained, error: error.name ?? explained.name },
        { cause: thrown },
      );
  }
  return undefined;
}

/** An error, what caused it, what caused that…: the SDK's own lies beneath those of the clients. */
function causes(thrown: unknown): AwsError[] {
  const found: AwsError[] = [];
  for (
    let next = thrown;
    next instanceof Error && !found.includes(next) && found.length < 10;
    next = next.cause
  )
    found.push(next);
  return found.reverse();
}

interface Explained {
  readonly name: (typeof ERROR_NAMES)[keyof typeof ERROR_NAMES];
  readonly what: string;
  readonly remedy: string;
}

function explain(error: AwsError): Explained | undefined {
  const { name = '', code = '', hostname = '' } = error;
  const message = firstLine(error.message ?? '');
  if (EXPIRED.has(name) || (name === 'CredentialsProviderError' && /expired|sso login/i.test(message)))
    return {
      name: ERROR_NAMES.configuration,
      what: `The AWS credentials have expired: ${message}`,
      remedy: 'Sign in again (`aws sso login`), or set fresh keys.',
    };
  if (name === 'CredentialsProviderError')
    return {
      name: ERROR_NAMES.configuration,
      what: `No AWS credentials were found: ${message}`,
      remedy: 'Sign in (`aws sso login`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID. Without AWS: --local.',
    };
  if (UNKNOWN_KEY.has(name))
    return {
      name: ERROR_NAMES.configuration,
      what: `AWS does not accept these credentials: ${message}`,
      remedy:
        '`aws sts get-caller-identity` tells whose they are. Check AWS_PROFILE and the AWS_… variables.',
    };
  if (/^Region is missing/.test(message))
    return {
      name: ERROR_NAMES.configuration,
      what: 'No AWS region is set.',
      remedy: 'Set AWS_REGION, or `region` in the profile, to where the stack was deployed.',
    };
  if (OTHER_REGION.has(name))
    return {
      name: ERROR_NAMES.configuration,
      what: `The bucket is in another region than the one that was asked: ${message}`,
      remedy: 'Set AWS_REGION to where the stack was deployed.',
    };
  if (NO_HOST.has(code))
    return {
      name: ERROR_NAMES.unavailable,
      what: `${hostname === '' ? 'AWS' : hostname} was not found.`,
      remedy: 'Check the network, and that AWS_REGION is the name of a region.',
    };
  if (FORBIDDEN.has(name) && error.$metadata !== undefined)
    return {
      name: ERROR_NAMES.refused,
      what: `AWS does not allow it: ${message}`,
      remedy:
        'The command line acts as you. Use a profile that may read the stack’s parameters, start its state machines, and read its bucket (docs/security.md).',
    };
  return undefined;
}

const firstLine = (text: string): string => text.split('\n')[0]?.slice(0, 400) ?? '';
