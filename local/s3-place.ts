/** Which S3 the Safehouse of this machine writes to. */
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';

/** An S3 as the SDK and ClickHouse are told to reach it. */
export interface S3Place {
  readonly endpoint: string;
  readonly bucketName: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** False when it is the one that `AWS_ENDPOINT_URL_S3` names. */
  readonly embedded: boolean;
}

const REGION = 'us-east-1';

/**
 * The S3 of the environment, when `AWS_ENDPOINT_URL_S3` and `SAFEHOUSE_BUCKET` name endpoint and bucket.
 *
 * @throws {SafehouseError} InvalidConfiguration, when there are no keys for it
 */
export function externalS3(environment: NodeJS.ProcessEnv): S3Place | undefined {
  const {
    AWS_ENDPOINT_URL_S3: endpoint,
    SAFEHOUSE_BUCKET: bucketName,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = environment;
  if (!endpoint || !bucketName) return undefined;
  if (!accessKeyId || !secretAccessKey)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `AWS_ENDPOINT_URL_S3 and SAFEHOUSE_BUCKET name another S3 (${endpoint}), and there are no keys for it.`,
      remedy:
        'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or leave SAFEHOUSE_BUCKET unset to use the embedded one.',
    });
  return {
    endpoint,
    bucketName,
    region: environment['AWS_REGION'] || REGION,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
    embedded: false,
  };
}

/** The embedded bucket takes any keys; without some, the SDK would look for them on the network. */
export const embeddedS3 = (endpoint: string, bucketName: string): S3Place => ({
  endpoint,
  bucketName,
  region: REGION,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  embedded: true,
});
