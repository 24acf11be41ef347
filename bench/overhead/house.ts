/** Safehouse on this machine, with an engine and a bucket of its own, for the databases of the bench. */
import { S3Client } from '@aws-sdk/client-s3';
import type { Bucket } from '../../clients/bucket.ts';
import { parseConfig } from '../../core/config.ts';
import { EMBEDDED_PASSWORD, EMBEDDED_URL, EMBEDDED_USER } from '../../local/configuration.ts';
import { type House, openHouse } from '../../local/house.ts';
import type { Workspace } from '../workspace.ts';

/** A target that backs up one database and nothing else. */
export interface BenchTarget {
  readonly target: string;
  readonly database: string;
}

export interface BenchHouse {
  readonly house: House;
  /** Once, whoever is first: the figure that is done with it, or the workspace that ends. */
  close(): Promise<void>;
}

/** @param name its directory in the workspace */
export async function openBenchHouse(
  workspace: Workspace,
  name: string,
  benchTargets: readonly BenchTarget[],
  // Reading every byte once more is another figure.
  prove: { readonly level: 'none' | 'counts' } = { level: 'none' },
): Promise<BenchHouse> {
  const embedded = {
    url: EMBEDDED_URL,
    user: EMBEDDED_USER,
    password: { ssm: EMBEDDED_PASSWORD },
    schedule: { full: 'cron(0 2 * * ? *)' },
    prove,
  };
  const targets = benchTargets.map(({ target, database }) => [
    target,
    { ...embedded, databases: [database] },
  ]);
  const house = await openHouse({
    config: parseConfig({ targets: Object.fromEntries(targets) }, 'The configuration of the bench'),
    home: await workspace.subdirectory(name),
    // Not another S3 that the shell may name: engine and bucket are to be on this machine.
    environment: {},
  });
  const close = workspace.atEnd(() => house.close('abort'));
  // Synthesising takes seconds and happens when a stack is deployed, not at night.
  await house.stack();
  return { house, close };
}

export function bucketOf({ servers }: House): Bucket {
  const { bucketName, ...s3 } = servers.s3;
  return { name: bucketName, client: new S3Client({ ...s3, forcePathStyle: true }) };
}
