/** The `aws` command: the way that everybody knows to delete or to fetch many objects. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { S3Place } from '../local/s3-place.ts';

export interface AwsCli {
  readonly command: string;
  /** `aws-cli/2.9.19` */
  readonly version: string;
}

/** Debian's own first: whatever else the PATH holds may be of any age. */
const COMMANDS = ['/usr/bin/aws', 'aws'];
export const INSTALL = 'apt-get install awscli';

const run = promisify(execFile);

/** Undefined on a machine without it. */
export async function findAwsCli(): Promise<AwsCli | undefined> {
  for (const command of COMMANDS)
    try {
      const { stdout } = await run(command, ['--version']);
      return { command, version: stdout.split(' ')[0] ?? stdout };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  return undefined;
}

/** `aws s3 rm --recursive` */
export const removeByCli = (cli: AwsCli, s3: S3Place, prefix: string): Promise<void> =>
  runCli(cli, s3, 'rm', addressOf(s3, prefix));

/** `aws s3 cp --recursive` into a directory. */
export const downloadByCli = (cli: AwsCli, s3: S3Place, prefix: string, directory: string): Promise<void> =>
  runCli(cli, s3, 'cp', addressOf(s3, prefix), directory);

const addressOf = ({ bucketName }: S3Place, prefix: string): string => `s3://${bucketName}/${prefix}`;

/** Quiet: printing a line for each object would take time of its own. */
async function runCli({ command }: AwsCli, s3: S3Place, ...parameters: readonly string[]): Promise<void> {
  const { accessKeyId, secretAccessKey, sessionToken } = s3.credentials;
  await run(command, ['s3', ...parameters, '--recursive', '--quiet', '--endpoint-url', s3.endpoint], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      // Whatever this machine's user has configured for AWS is no part of the measurement.
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_REGION: s3.region,
      AWS_DEFAULT_REGION: s3.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken && { AWS_SESSION_TOKEN: sessionToken }),
    },
  });
}
