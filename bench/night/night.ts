/** One night: a backup that lasts as long as it is told, verified, and the retention after it, which removes another one. */
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { readEvidence, record } from '../../clients/ledger.ts';
import { type Doomed, letGo, writeDoomed } from '../removal/doomed.ts';
import type { FunctionInvocation } from './clocked-functions.ts';
import { countedRun } from './counted-run.ts';
import { type NightPlace, TARGET } from './place.ts';
import { type Bill, billFor, type S3Requests } from './prices.ts';

export interface Night {
  /** Simulated, from ClickHouse's begin to its end. */
  readonly seconds: number;
  readonly polls: number;
  readonly bill: Bill;
  /** What ClickHouse itself asked of S3. */
  readonly clickhouse: S3Requests;
  /** Of the backup that was made. */
  readonly objects: number;
  /** Of the one that was removed. */
  readonly removed: number;
  readonly invocations: readonly FunctionInvocation[];
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** @throws Error when the night did not go as a good one goes: a figure of another one would mean nothing */
export async function simulateNight(place: NightPlace, seconds: number, objects: number): Promise<Night> {
  const { clock, functions, requests, stack } = place;
  const doomed = await writeFailed(place, objects);
  clock.goTo(Math.ceil(clock.now() / DAY) * DAY + 2 * HOUR);
  functions.take();
  requests.take();
  let waited = 0;
  const run = await countedRun(
    {
      stateMachines: stack.stateMachines,
      execution: `night-of-${seconds}-seconds`,
      invoke: async (arn, input) => {
        if (functions.nameOf(arn) === 'backup/poll') waited += waitBeforePoll(place, input);
        const result = await functions.invoke(arn, input);
        if (functions.nameOf(arn) === 'backup/submit') await letLast(place, input, seconds);
        return result;
      },
    },
    stack.deployment.targets[TARGET]?.backup ?? '',
    { target: TARGET, kind: 'full', scheduledTime: new Date(clock.now()).toISOString() },
  );
  if (run.waited !== waited)
    throw new Error(`the state machine waited ${run.waited} s, and the clock was moved by ${waited} s`);
  const invocations = functions.take();
  const counted = requests.take();
  return {
    seconds,
    polls: invocations.filter(({ name }) => name === 'backup/poll').length,
    bill: billFor({ transitions: run.transitions, invocations, requests: counted.safehouse }),
    clickhouse: counted.clickhouse,
    objects: outputSchema.parse(run.output).verified.objects,
    removed: await removedObjects(place, doomed),
    invocations,
  };
}

const outputSchema = z.object({ verified: z.object({ objects: z.number() }) });
const pollInputSchema = z.object({ poll: z.object({ waitSeconds: z.number() }) });
const submitInputSchema = z.object({ prepared: z.object({ backup: z.object({ id: z.string() }) }) });

/** What the Wait state before it would have taken. */
function waitBeforePoll({ clock }: NightPlace, input: unknown): number {
  const { waitSeconds } = pollInputSchema.parse(input).poll;
  clock.wait(waitSeconds);
  return waitSeconds;
}

/** The real BACKUP takes seconds; then it is said to run until the simulated time is over. */
async function letLast(
  { sql, clickhouse, clock }: NightPlace,
  input: unknown,
  seconds: number,
): Promise<void> {
  const { id } = submitInputSchema.parse(input).prepared.backup;
  clickhouse.finishAt(id, clock.now() + seconds * 1000);
  const status = (): Promise<string> =>
    sql('SELECT status, error FROM system.backups WHERE id = {id:String}', { id });
  for (let now = await status(); !now.startsWith('BACKUP_CREATED'); now = await status()) {
    if (!now.startsWith('CREATING_BACKUP')) throw new Error(`the backup ${id} is ${now}`);
    await wait(100);
  }
}

/** A backup of yesterday that failed: its grace is over, so this night removes it, as many a night removes one. */
async function writeFailed({ bucket, clock }: NightPlace, objects: number): Promise<Doomed> {
  const doomed = await writeDoomed(bucket, TARGET, objects, clock.now() - DAY);
  await record(bucket, TARGET, doomed.id, 'failed', {
    by: 'bench',
    class: 'fix and stop',
    step: 'verify',
    error: 'Bench',
    what: 'It failed.',
    remedy: 'None.',
    final: true,
  });
  await letGo(bucket, doomed);
  return doomed;
}

async function removedObjects({ bucket }: NightPlace, { id }: Doomed): Promise<number> {
  const evidence = await readEvidence(bucket, TARGET, id, 'removed');
  if (evidence === undefined) throw new Error(`retention did not remove ${id}`);
  return evidence.objects;
}
