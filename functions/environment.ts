/** What the stack told this function, read once. */
import { type Bucket, openBucket } from '../clients/bucket.ts';
import { readTarget } from '../clients/parameters.ts';
import type { Target } from '../core/config.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { BucketAddress } from '../core/location.ts';

/** @throws {SafehouseError} InvalidConfiguration, naming the variable */
export function requireEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `The environment variable ${name} is not set.`,
      remedy: 'The stack sets it: deploy again, and do not edit functions by hand.',
    });
  return value;
}

let opened: Bucket | undefined;

export function bucket(): Bucket {
  opened ??= openBucket(requireEnvironment(ENVIRONMENT.bucket));
  return opened;
}

/** The bucket as ClickHouse is told to reach it. */
export function bucketAddress(): BucketAddress {
  const endpoint = process.env['AWS_ENDPOINT_URL_S3'];
  return {
    bucket: requireEnvironment(ENVIRONMENT.bucket),
    region: requireEnvironment('AWS_REGION'),
    ...(endpoint !== undefined && { endpoint }),
  };
}

export const target = (name: string): Promise<Target> =>
  readTarget(requireEnvironment(ENVIRONMENT.settings), name);
