/** Tries, one after the other, everything that a backup of the target needs, and says what is wrong and what to do. */
import { randomBytes } from 'node:crypto';
import { ask, askText, type ClickHouse, openClickHouse } from '../../clients/clickhouse.ts';
import { carriesSecrets } from '../../clients/destination.ts';
import { readScope, readServer } from '../../clients/server.ts';
import { compactTime } from '../../core/backup-id.ts';
import type { Target } from '../../core/config.ts';
import { explainIssues } from '../../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { quoteIdentifier } from '../../core/identifiers.ts';
import type { Examination } from '../../core/installation.ts';
import { MANIFEST } from '../../core/keys.ts';
import type { Scope } from '../../core/scope.ts';
import { doctorInputSchema, examineInputSchema } from '../../core/workflow.ts';
import { target as readTarget } from '../environment.ts';
import { step } from '../step.ts';
import { writeCanary } from './canary.ts';
import { tryDelete } from './deletion.ts';
import { beyondReach, Findings, type Found, notChecked } from './findings.ts';

export const handler = step(
  'examine',
  examineInputSchema,
  async ({ input }): Promise<{ examinations: Examination[] }> => {
    const { target: name, scheduled } = explainIssues(
      doctorInputSchema,
      input,
      'The input of the execution',
      ERROR_NAMES.input,
    );
    const target = await readTarget(name);
    const findings = new Findings();
    await examine(name, target, findings);
    // Whoever asked waits: they have an answer now, and may ask again.
    if (scheduled) findings.refusePassing();
    return { examinations: findings.examinations };
  },
);

async function examine(name: string, target: Target, findings: Findings): Promise<void> {
  const found = await findings.attempt('connection', () => connect(target));
  if (found === undefined)
    return findings.leaveOut(['version', 'databases', 'grants', 'bucket'], 'There is no connection.');
  try {
    await findings.attempt('version', () => examineVersion(found));
    if (target.cluster !== undefined)
      await findings.attempt('cluster', () => examineCluster(found, target.cluster ?? ''));
    const scope = await findings.attempt('databases', () => examineScope(found, target));
    await findings.attempt('grants', () => examineGrants(found, target, scope));
    const canary = `${compactTime(Date.now())}-${randomBytes(3).toString('hex')}`;
    const written = await findings.attempt('bucket', () => examineBucket(found, name, target, canary));
    // Only these are in Safehouse's hands; what a role of the server may, the server alone could try.
    if (carriesSecrets(target.s3))
      await findings.attempt('deletes', () => examineDeletes(name, target, written));
  } finally {
    await found.client.close();
  }
}

async function examineBucket(
  clickhouse: ClickHouse,
  name: string,
  target: Target,
  canary: string,
): Promise<Found<string>> {
  try {
    return await writeCanary(clickhouse, name, target, canary);
  } catch (error) {
    // It is at work in the bucket, or in another one. What comes of that is told by itself.
    if (error instanceof SafehouseError && error.failure.error === 'CONCURRENT_ACCESS_NOT_SUPPORTED')
      throw notChecked(
        'The server writes or restores a backup at this moment, and allows one at a time.',
        `Ask again when it is done. If that is so every day, set targets.${name}.doctor.schedule to another hour.`,
      );
    throw error;
  }
}

/** A server that can delete what it wrote can delete every backup. */
async function examineDeletes(
  name: string,
  target: Target,
  written: string | undefined,
): Promise<Found<string>> {
  if (written === undefined) throw notChecked('Nothing was written that could be deleted.');
  const key = `${written}/${MANIFEST}`;
  switch (await tryDelete(name, target, key)) {
    case 'refused':
      return { value: key, what: `ClickHouse's credentials may not delete ${key}.` };
    case 'deleted':
      throw new SafehouseError(ERROR_NAMES.unsafe, {
        what: `ClickHouse's credentials may delete backups, and should not: they have deleted ${key}.`,
        remedy: `Allow them s3:DeleteObject on keys that end in .lock alone; \`npx safehouse policy ${name}\` prints all that ClickHouse needs.`,
        error: 'DELETE_ALLOWED',
      });
  }
}

async function connect(target: Target): Promise<Found<ClickHouse>> {
  const clickhouse = await openClickHouse(target);
  try {
    const [row] = await ask<{ user: string }>(clickhouse, { query: 'SELECT currentUser() AS user' });
    return { value: clickhouse, what: `${target.url} answers ${row?.user ?? target.user}.` };
  } catch (error) {
    await clickhouse.client.close();
    throw error;
  }
}

async function examineVersion(clickhouse: ClickHouse): Promise<Found<string>> {
  const { version } = await readServer(clickhouse);
  return { value: version, what: `ClickHouse ${version} is new enough.` };
}

async function examineCluster(clickhouse: ClickHouse, cluster: string): Promise<Found<number>> {
  const rows = await ask<{ shard: number }>(clickhouse, {
    query: 'SELECT shard_num AS shard FROM system.clusters WHERE cluster = {cluster:String}',
    parameters: { cluster },
  });
  if (rows.length === 0)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `${clickhouse.url} knows no cluster "${cluster}".`,
      remedy: 'Correct `cluster` of the target: SELECT DISTINCT cluster FROM system.clusters lists them.',
      error: 'CLUSTER_DOESNT_EXIST',
    });
  const shards = new Set(rows.map(({ shard }) => shard)).size;
  return {
    value: rows.length,
    what: `The cluster ${cluster} has ${countOf(shards, 'shard')} with ${countOf(rows.length, 'replica')}.`,
  };
}

async function examineScope(clickhouse: ClickHouse, target: Target): Promise<Found<Scope>> {
  const scope = await readScope(clickhouse, target);
  const bare = scope.tables.filter(({ coverage }) => coverage !== 'data');
  const named = bare.slice(0, 5).map(({ database, name, engine }) => `${database}.${name} (${engine})`);
  const omitted =
    bare.length === 0
      ? ''
      : ` ClickHouse saves the definition only, not the data, of ${bare.length}: ${named.join(', ')}${bare.length > named.length ? ', …' : ''}.`;
  return {
    value: scope,
    what: `${countOf(scope.databases.length, 'database')} with ${countOf(scope.tables.length, 'table')} ${scope.databases.length === 1 ? 'is' : 'are'} in scope.${omitted}`,
  };
}

/** `CHECK GRANT` asks for exactly what BACKUP will be checked for: a database needs the grant on all of it. */
async function examineGrants(
  clickhouse: ClickHouse,
  target: Target,
  scope: Scope | undefined,
): Promise<Found<number>> {
  if (scope === undefined) throw notChecked('It is not known what the grants would be for.');
  const narrowed = target.tables !== undefined || target.engines !== undefined;
  const objects = narrowed
    ? scope.tables.map(({ database, name }) => `${quoteIdentifier(database)}.${quoteIdentifier(name)}`)
    : scope.databases.map((name) => `${quoteIdentifier(name)}.*`);
  const missing: string[] = [];
  for (const object of objects.slice(0, MOST_GRANTS)) {
    const granted = await askText(clickhouse, `CHECK GRANT BACKUP ON ${object}`).catch((error: unknown) => {
      const name = error instanceof SafehouseError ? error.failure.error : 'CHECK GRANT failed';
      // A server that does not know the statement never will, and says no more about itself tomorrow.
      throw (name === 'SYNTAX_ERROR' ? beyondReach : notChecked)(
        `The server does not say what is granted (${name}).`,
        'The first backup will tell; `safehouse grants` prints what the user needs.',
      );
    });
    if (granted !== '1') missing.push(object);
  }
  if (missing.length > 0)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `${target.user} may not BACKUP ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}.`,
      remedy: `GRANT BACKUP ON ${missing[0]} TO ${quoteIdentifier(target.user)}; \`safehouse grants\` prints the whole.`,
      error: 'ACCESS_DENIED',
    });
  const asked =
    objects.length > MOST_GRANTS ? `the first ${MOST_GRANTS} of ${objects.length}` : 'all of them';
  return { value: objects.length, what: `${target.user} may back up ${asked}.` };
}

const MOST_GRANTS = 200;

const countOf = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;
