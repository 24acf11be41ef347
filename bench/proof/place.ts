/** A backup that stands, and everybody who reads it: the deployed prover, RESTORE, and `aws s3 cp`. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bucket, getJson, listObjects } from '../../clients/bucket.ts';
import { backupPrefix, proofItemKey, proofPlanKey } from '../../core/keys.ts';
import { type ProofPlan, type ProofResult, proofPlanSchema, proofResultSchema } from '../../core/proof.ts';
import { startParameters } from '../../local/parameters.ts';
import { type AwsCli, downloadByCli } from '../aws-cli.ts';
import { startForwarder } from '../night/forwarder.ts';
import { type Bench, secondsSince, settleDisk, urlOf } from '../overhead/statement.ts';
import type { Workspace } from '../workspace.ts';
import { DeployedProver, type ProofRun } from './deployed-prover.ts';

export interface Standing {
  readonly id: string;
  readonly objects: number;
  readonly bytes: number;
}

export interface Proof extends ProofRun {
  readonly plan: ProofPlan;
  readonly results: readonly ProofResult[];
}

/** A backup by the workflow, verified, as the ledger of its target has it. */
export async function makeStanding({ house, bucket, target }: Bench): Promise<Standing> {
  const execution = await house.start('backup', { target });
  const history = await execution.ended;
  const { backupId } = await execution.view();
  if (history.status !== 'succeeded' || backupId === null)
    throw new Error(`the backup of ${target} ended as ${history.status}: ${history.error} ${history.cause}`);
  await house.settled();
  let [objects, bytes] = [0, 0];
  for await (const { size } of listObjects(bucket, backupPrefix(target, backupId))) {
    objects += 1;
    bytes += size;
  }
  return { id: backupId, objects, bytes };
}

export interface OpenProver {
  prove(target: string, id: string): Promise<Proof>;
  stop(): Promise<void>;
}

/**
 * With processes of its own, none of which has started yet. Ended with the workspace, when not before.
 *
 * @param endpoint of S3, where it is not the house's own
 */
export async function openProver(
  { house, bucket }: Bench,
  workspace: Workspace,
  endpoint = house.servers.s3.endpoint,
): Promise<OpenProver> {
  const stack = await house.stack();
  const { region, credentials } = house.servers.s3;
  const parameters = await startParameters((name) => stack.parameters.get(name));
  provers += 1;
  const prover = new DeployedProver({
    stack,
    environment: {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ENDPOINT_URL_SSM: parameters.url,
    },
    directory: join(workspace.directory, `prover-${provers}`),
  });
  return {
    prove: async (target, id) => {
      await settleDisk();
      return withResults(bucket, target, id, await prover.prove(target, id));
    },
    stop: workspace.atEnd(async () => {
      await prover.stop();
      await parameters.stop();
    }),
  };
}

let provers = 0;

async function withResults(bucket: Bucket, target: string, id: string, run: ProofRun): Promise<Proof> {
  const plan = await getJson(bucket, proofPlanKey(target, id, run.proof), proofPlanSchema);
  if (plan === undefined) throw new Error(`the proof ${run.proof} has left no plan`);
  const results = await Promise.all(
    plan.items.map((_, index) =>
      getJson(bucket, proofItemKey(target, id, run.proof, index), proofResultSchema),
    ),
  );
  return { ...run, plan, results: results.filter((result) => result !== undefined) };
}

/** How often S3 is asked for something in one proof, by whomever, listing and writing included. */
export async function countRequests(bench: Bench, { id }: Standing, workspace: Workspace): Promise<number> {
  let requests = 0;
  const counting = await startForwarder({
    to: bench.house.servers.s3.endpoint,
    onRequest: () => {
      requests += 1;
    },
  });
  const stopCounting = workspace.atEnd(() => counting.stop());
  const prover = await openProver(bench, workspace, counting.url);
  try {
    await prover.prove(bench.target, id);
  } finally {
    await prover.stop();
    await stopCounting();
  }
  return requests;
}

/** Seconds. */
export interface Restored {
  readonly restore: number;
  readonly check: number;
}

/** A full RESTORE beside the original, and CHECK TABLE of all that came back; it is dropped afterwards. */
export async function restoreAndCheck(
  { house, sql, target, database }: Bench,
  { id }: Standing,
): Promise<Restored> {
  await settleDisk();
  const restored = `${database}_restored`;
  const before = performance.now();
  const answer = await sql(
    `RESTORE DATABASE ${database} AS ${restored} FROM S3('${urlOf(house, backupPrefix(target, id).slice(0, -1))}')`,
  );
  const restore = secondsSince(before);
  if (!answer.includes('RESTORED')) throw new Error(`RESTORE answered ${answer}`);
  const tables = (await sql(`SHOW TABLES FROM ${restored}`)).split('\n');
  const beforeCheck = performance.now();
  for (const table of tables) {
    const passed = await sql(`CHECK TABLE ${restored}.${table} SETTINGS check_query_single_value_result = 1`);
    if (passed !== '1') throw new Error(`CHECK TABLE ${table} answered ${passed}`);
  }
  const check = secondsSince(beforeCheck);
  await sql(`DROP DATABASE ${restored} SYNC`);
  return { restore, check };
}

/** @returns seconds from the start of the command's process to its end */
export async function download(
  cli: AwsCli,
  { house, target }: Bench,
  { id }: Standing,
  workspace: Workspace,
): Promise<number> {
  await settleDisk();
  const directory = join(workspace.directory, 'download');
  const before = performance.now();
  await downloadByCli(cli, house.servers.s3, backupPrefix(target, id), directory);
  const seconds = secondsSince(before);
  await rm(directory, { recursive: true });
  return seconds;
}
