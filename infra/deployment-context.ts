import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Config } from '../core/config.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import type { FunctionCode } from './function-code.ts';
import type { BucketAccess } from './permissions.ts';

/** What every workflow of one deployment shares. */
export interface DeploymentContext {
  /** The name of the stack: part of every parameter's path and a dimension of every metric. */
  readonly stackName: string;
  readonly bucketName: string;
  readonly bucket: BucketAccess;
  /** The key of the bucket, where it is not S3's own. */
  readonly encryptionKey?: IKey | undefined;
  readonly topic: ITopic;
  /** `/safehouse/<stack>/targets/` */
  readonly settingsPrefix: string;
  readonly code: FunctionCode;
  /** The size of the functions that prove, and of what each of them reads. */
  readonly prover: Config['prover'];
}

/** The environment variables that every function has. */
export const commonEnvironment = (context: DeploymentContext): Readonly<Record<string, string>> => ({
  [ENVIRONMENT.stack]: context.stackName,
  [ENVIRONMENT.bucket]: context.bucketName,
  [ENVIRONMENT.settings]: context.settingsPrefix,
});
