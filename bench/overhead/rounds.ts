/** The workflow and the bare statement, one after the other on the same data, several times in changing order. */
import { targetPrefix } from '../../core/keys.ts';
import { type Profile, profileOf } from './profile.ts';
import type { Sql } from './sql.ts';
import { type Bench, bareBackup, empty, settleDisk } from './statement.ts';

/** Seconds. */
export interface Round {
  readonly first: 'workflow' | 'bare';
  readonly bare: number;
  readonly workflow: Profile;
}

export async function runRounds(
  bench: Bench,
  rounds: number,
  each: (round: Round, number: number) => void,
): Promise<readonly Round[]> {
  const done: Round[] = [];
  for (let number = 1; number <= rounds; number += 1) {
    // What the first of a pair leaves in caches serves the second, so each is first in turn.
    const round: Round =
      number % 2 === 1
        ? { first: 'workflow', workflow: await workflow(bench), bare: await bareBackup(bench) }
        : { first: 'bare', bare: await bareBackup(bench), workflow: await workflow(bench) };
    done.push(round);
    each(round, number);
  }
  return done;
}

async function workflow({ house, sql, target, bucket }: Bench): Promise<Profile> {
  await settleDisk();
  const began = Date.now();
  const before = performance.now();
  const execution = await house.start('backup', { target });
  const history = await execution.ended;
  const total = performance.now() - before;
  const { backupId } = await execution.view();
  if (history.status !== 'succeeded' || backupId === null)
    throw new Error(`the backup of ${target} ended as ${history.status}: ${history.error} ${history.cause}`);
  const clickhouse = await clickhouseTimes(sql, backupId);
  await house.settled();
  await empty(bucket, `${targetPrefix(target)}${backupId}/`);
  return profileOf(history.transitions, { begin: began, end: began + total }, clickhouse);
}

async function clickhouseTimes(sql: Sql, id: string): Promise<{ begin: number; end: number }> {
  const answer = await sql(
    `SELECT toUnixTimestamp64Milli(start_time::DateTime64(3)), toUnixTimestamp64Milli(end_time::DateTime64(3)) FROM system.backups WHERE id = {id:String}`,
    { id },
  );
  const [begin = Number.NaN, end = Number.NaN] = answer.split('\t').map(Number);
  return { begin, end };
}
