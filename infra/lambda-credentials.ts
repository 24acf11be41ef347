/**
 * What the bundler puts in the place of the AWS SDK's search for credentials. In Lambda they are always in the environment,
 * and the search through profiles, SSO, containers and instances would be 90 kB of every bundle that never run.
 */
import { fromEnv } from '@aws-sdk/credential-provider-env';

export const defaultProvider = fromEnv;
