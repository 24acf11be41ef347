/** The caller's own credentials, where the embedded engine looks for them. */
import type { Bucket } from '../clients/bucket.ts';

export interface LentCredentials {
  /** Milliseconds since 1970; null when they do not expire. */
  readonly expiresAt: number | null;
}

/**
 * The engine signs with `AWS_ACCESS_KEY_ID` and its kin and knows nothing of profiles, SSO or roles, so whatever the SDK finds
 * is put there: before the engine is opened, because it reads its environment from many threads. For the same reason they
 * are not renewed while it runs.
 */
export async function lendCredentials(
  { client }: Bucket,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<LentCredentials> {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await client.config.credentials();
  environment['AWS_ACCESS_KEY_ID'] = accessKeyId;
  environment['AWS_SECRET_ACCESS_KEY'] = secretAccessKey;
  if (sessionToken === undefined) delete environment['AWS_SESSION_TOKEN'];
  else environment['AWS_SESSION_TOKEN'] = sessionToken;
  // Looking for those of an instance as well costs seconds where there is no instance.
  environment['AWS_EC2_METADATA_DISABLED'] = 'true';
  return { expiresAt: expiration?.getTime() ?? null };
}
