import { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { lendCredentials } from '../../cli/engine-credentials.ts';

const bucketWith = (credentials: {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}) => ({ name: 'b', client: new S3Client({ region: 'us-east-1', credentials: async () => credentials }) });

it('puts whatever the SDK finds where the engine looks for it', async () => {
  const environment: NodeJS.ProcessEnv = { AWS_PROFILE: 'audit' };
  const expiration = new Date(1_800_000_000_000);
  const lent = await lendCredentials(
    bucketWith({ accessKeyId: 'ASIA1', secretAccessKey: 's', sessionToken: 't', expiration }),
    environment,
  );
  expect(environment).toEqual({
    AWS_PROFILE: 'audit',
    AWS_ACCESS_KEY_ID: 'ASIA1',
    AWS_SECRET_ACCESS_KEY: 's',
    AWS_SESSION_TOKEN: 't',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  expect(lent).toEqual({ expiresAt: 1_800_000_000_000 });
});

it('takes a token of other credentials away: with it, lasting ones are refused', async () => {
  const environment: NodeJS.ProcessEnv = { AWS_SESSION_TOKEN: 'of another role' };
  expect(
    await lendCredentials(bucketWith({ accessKeyId: 'AKIA1', secretAccessKey: 's' }), environment),
  ).toEqual({
    expiresAt: null,
  });
  expect(environment).not.toHaveProperty('AWS_SESSION_TOKEN');
});
