/** The Safehouse of this machine, for the command line. */
import type { Config } from '../core/config.ts';
import type { Installation } from '../core/installation.ts';
import { localConfig } from './configuration.ts';
import { openHouse } from './house.ts';

export interface LocalOptions {
  /** By default `safehouse.local.config.ts` where the command runs, else the built-in one. */
  readonly config?: Config | undefined;
  /** By default `SAFEHOUSE_HOME`, else `.safehouse`. */
  readonly home?: string | undefined;
}

/**
 * Uses the servers that `local up` runs in this home, or runs its own until it is closed. Executions run in this process
 * either way and are waited for when it closes, the retention that a backup starts included.
 *
 * @throws {SafehouseError} InvalidConfiguration; RefusedForSafety, when another command works in the home
 */
export async function openLocal({ config, home }: LocalOptions = {}): Promise<Installation> {
  const house = await openHouse({ config: config ?? (await localConfig()), home });
  const { s3 } = house.servers;
  // The embedded bucket takes any keys, but the SDK must have some: without, it would look for them on the network.
  process.env['AWS_ACCESS_KEY_ID'] ||= s3.credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] ||= s3.credentials.secretAccessKey;
  return {
    title: 'this machine',
    bucketName: s3.bucketName,
    region: s3.region,
    endpoint: s3.endpoint,
    targets: async () => Object.keys(house.config.targets),
    target: async (name) => house.target(name),
    start: (workflow, input) => house.start(workflow, input),
    stop: (execution) => house.stop(execution),
    close: () => house.close(),
  };
}
