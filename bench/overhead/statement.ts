/** ClickHouse's own statements, as somebody would type them who has no Safehouse, each waited for. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Bucket } from '../../clients/bucket.ts';
import { removeObjects } from '../../clients/removal.ts';
import { MANIFEST, targetPrefix } from '../../core/keys.ts';
import { objectUrl } from '../../core/location.ts';
import { backupStatement } from '../../core/statements.ts';
import type { House } from '../../local/house.ts';
import type { Sql } from './sql.ts';

export interface Bench {
  readonly house: House;
  readonly bucket: Bucket;
  readonly sql: Sql;
  /** A target that backs up `database` and nothing else. */
  readonly target: string;
  readonly database: string;
}

/** Not a target's name, so that no ledger knows it. */
const BARE = '0-bare';

/**
 * The statement that the workflow sends, to the same bucket with the same settings; what it wrote is removed.
 *
 * @returns seconds
 */
export async function bareBackup({ house, sql, bucket, target, database }: Bench): Promise<number> {
  const id = randomBytes(6).toString('hex');
  const prefix = `${targetPrefix(BARE)}${id}`;
  const { query, query_params } = backupStatement({
    elements: [{ kind: 'database', database }],
    destination: { access: 'server', url: urlOf(house, prefix) },
    settings: house.target(target).settings,
    id,
  });
  await settleDisk();
  const before = performance.now();
  const answer = await sql(query.replace(/ ASYNC$/, ''), query_params);
  const seconds = secondsSince(before);
  if (!answer.includes('BACKUP_CREATED')) throw new Error(`BACKUP answered ${answer}`);
  await empty(bucket, `${prefix}/`);
  return seconds;
}

export const urlOf = ({ servers }: House, prefix: string): string => {
  const { bucketName, region, endpoint } = servers.s3;
  return objectUrl({ bucket: bucketName, region, endpoint }, prefix);
};

/** What the run before wrote goes to the disk before the next one begins, not during it. */
export const settleDisk = async (): Promise<void> => {
  await promisify(execFile)('sync');
};

export const secondsSince = (before: number): number => (performance.now() - before) / 1000;

export async function empty(bucket: Bucket, prefix: string): Promise<void> {
  await removeObjects(bucket, prefix, MANIFEST, {
    end: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  });
}
