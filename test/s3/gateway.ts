/** Starts the gateway for a run, unless another S3 is given, and tells the test files where S3 is. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import * as z from 'zod';
import { synthesise } from '../../local/synthesis.ts';
import { CONFIG } from './configuration.ts';

const SCRIPT = fileURLToPath(new URL('../support/ceph-gateway.sh', import.meta.url));

const reachSchema = z
  .object({
    AWS_ENDPOINT_URL_S3: z.url(),
    /** Where roles are made and assumed: often the same server. */
    AWS_ENDPOINT_URL_IAM: z.url().optional(),
    AWS_ENDPOINT_URL_STS: z.url().optional(),
    AWS_REGION: z.string().default('us-east-1'),
    /** The keys of whoever may make buckets and roles. */
    AWS_ACCESS_KEY_ID: z.string(),
    AWS_SECRET_ACCESS_KEY: z.string(),
    AWS_SESSION_TOKEN: z.string().optional(),
    /** Whose those keys are, in the words of a role's trust policy. */
    SAFEHOUSE_OWNER_ARN: z.string(),
    /** A user with keys of its own and without rights, in the words of a bucket's policy. */
    SAFEHOUSE_USER_ARN: z.string(),
    SAFEHOUSE_USER_ACCESS_KEY_ID: z.string(),
    SAFEHOUSE_USER_SECRET_ACCESS_KEY: z.string(),
  })
  .transform((variables) => ({
    endpoint: variables.AWS_ENDPOINT_URL_S3,
    iamEndpoint: variables.AWS_ENDPOINT_URL_IAM ?? variables.AWS_ENDPOINT_URL_S3,
    stsEndpoint: variables.AWS_ENDPOINT_URL_STS ?? variables.AWS_ENDPOINT_URL_S3,
    region: variables.AWS_REGION,
    owner: {
      arn: variables.SAFEHOUSE_OWNER_ARN,
      accessKeyId: variables.AWS_ACCESS_KEY_ID,
      secretAccessKey: variables.AWS_SECRET_ACCESS_KEY,
      ...(variables.AWS_SESSION_TOKEN !== undefined && { sessionToken: variables.AWS_SESSION_TOKEN }),
    },
    user: {
      arn: variables.SAFEHOUSE_USER_ARN,
      accessKeyId: variables.SAFEHOUSE_USER_ACCESS_KEY_ID,
      secretAccessKey: variables.SAFEHOUSE_USER_SECRET_ACCESS_KEY,
    },
  }));

export interface Reach extends z.output<typeof reachSchema> {
  /** Whether it is this run's own server, and ends with it. */
  readonly own: boolean;
}

declare module 'vitest' {
  interface ProvidedContext {
    s3: Reach;
  }
}

export default async function gateway(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  // Here, because files that run at the same time would each do it.
  await synthesise(CONFIG);
  if (process.env['AWS_ENDPOINT_URL_S3'] !== undefined) {
    project.provide('s3', { ...reachSchema.parse(process.env), own: false });
    return undefined;
  }
  const child = spawn(SCRIPT, ['up'], { stdio: ['pipe', 'pipe', 'inherit'] });
  project.provide('s3', { ...reachSchema.parse(await announced(child)), own: true });
  return async () => {
    const ended = once(child, 'exit');
    // The script runs the gateway for as long as somebody holds its input.
    child.stdin.end();
    await ended;
  };
}

/** The variables that the script prints before the line `ready`. */
async function announced({ stdout }: ChildProcess): Promise<Record<string, string>> {
  if (stdout === null) throw new Error('the script has no output');
  const variables: Record<string, string> = {};
  for await (const line of createInterface({ input: stdout })) {
    if (line === 'ready') return variables;
    const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    variables[name] = value;
  }
  throw new Error(`${SCRIPT} ended before the gateway was ready; its reason stands above`);
}
