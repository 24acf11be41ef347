/** The workflow and the bare statement, one after the other on the same data, several times in changing order. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Bucket } from '../../clients/bucket.ts';
import { removeObjects } from '../../clients/removal.ts';
import { MANIFEST, targetPrefix } from '../../core/keys.ts';
import { objectUrl } from '../../core/location.ts';
import { backupStatement } from '../../core/statements.ts';
import type { House } from '../../local/house.ts';
import { type Profile, profileOf } from './profile.ts';
import type { Sql } from './sql.ts';

export interface Bench {
  readonly house: House;
  readonly bucket: Bucket;
  readonly sql: Sql;
  /** A target that backs up `database` and nothing else. */
  readonly target: string;
  readonly database: string;
}

/** Seconds. */
export interface Round {
  readonly first: 'workflow' | 'bare';
  readonly bare: number;
  readonly workflow: Profile;
}

/** Not a target's name, so that no ledger knows it. */
const BARE = '0-bare';

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
        ? { first: 'workflow', workflow: await workflow(bench), bare: await bare(bench) }
        : { first: 'bare', bare: await bare(bench), workflow: await workflow(bench) };
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

/** The statement that the workflow sends, to the same bucket with the same settings, waited for. */
async function bare({ house, sql, bucket, target, database }: Bench): Promise<number> {
  const id = randomBytes(6).toString('hex');
  const { bucketName, region, endpoint } = house.servers.s3;
  const prefix = `${targetPrefix(BARE)}${id}`;
  const { query, query_params } = backupStatement({
    elements: [{ kind: 'database', database }],
    destination: { access: 'server', url: objectUrl({ bucket: bucketName, region, endpoint }, prefix) },
    settings: house.target(target).settings,
    id,
  });
  await settleDisk();
  const before = performance.now();
  const answer = await sql(query.replace(/ ASYNC$/, ''), query_params);
  const seconds = (performance.now() - before) / 1000;
  if (!answer.includes('BACKUP_CREATED')) throw new Error(`BACKUP answered ${answer}`);
  await empty(bucket, `${prefix}/`);
  return seconds;
}

/** What the run before wrote goes to the disk before the next one begins, not during it. */
const settleDisk = async (): Promise<void> => {
  await promisify(execFile)('sync');
};

async function clickhouseTimes(sql: Sql, id: string): Promise<{ begin: number; end: number }> {
  const answer = await sql(
    `SELECT toUnixTimestamp64Milli(start_time::DateTime64(3)), toUnixTimestamp64Milli(end_time::DateTime64(3)) FROM system.backups WHERE id = {id:String}`,
    { id },
  );
  const [begin = Number.NaN, end = Number.NaN] = answer.split('\t').map(Number);
  return { begin, end };
}

async function empty(bucket: Bucket, prefix: string): Promise<void> {
  await removeObjects(bucket, prefix, MANIFEST, {
    end: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  });
}
