/** The command line in a process of its own, against a bucket and endpoints of this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { AwsEndpoint } from './aws-endpoint.ts';
import type { TestHouse } from './house.ts';

export const ENTRY = fileURLToPath(new URL('../../cli/safehouse.ts', import.meta.url));

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surrounding {
  readonly house: TestHouse;
  readonly aws: AwsEndpoint;
  /** Where it is started, and its home. */
  readonly directory: string;
}

const environment = ({ house, aws, directory }: Surrounding): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: directory,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_ENDPOINT_URL_S3: house.endpoint,
  AWS_ENDPOINT_URL_SSM: aws.url,
  AWS_ENDPOINT_URL_SFN: aws.url,
  AWS_ENDPOINT_URL_SNS: aws.url,
  AWS_ENDPOINT_URL_CLOUDWATCH: aws.url,
  AWS_MAX_ATTEMPTS: '1',
  AWS_EC2_METADATA_DISABLED: 'true',
});

export function startCommand(around: Surrounding, typed: readonly string[], over: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [ENTRY, ...typed], {
    cwd: around.directory,
    env: { ...environment(around), ...over },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told.stderr += text;
  });
  const ended = once(child, 'close').then(
    ([code, signal]): Ended => ({ code: code as number | null, signal: signal as string | null, ...told }),
  );
  return { child, told, ended };
}

/** No stack trace meets a user. */
export function noTrace({ stdout, stderr }: Pick<Ended, 'stdout' | 'stderr'>): void {
  expect(stdout + stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
  expect(stdout + stderr).not.toContain('node:internal');
}
