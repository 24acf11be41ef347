/** The demonstration, step by step. Each step does the real thing and says what came of it. */
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { bytesText, countOf, countText } from '../cli/amounts.ts';
import { stepText } from '../cli/step-text.ts';
import { type Bucket, deleteObject, listObjects, putOnce } from '../clients/bucket.ts';
import { type Evidence, readLedger, requireEvidence } from '../clients/ledger.ts';
import { planTarget } from '../clients/retention.ts';
import type { Kind } from '../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { ledgerKey, MANIFEST, targetPrefix } from '../core/keys.ts';
import { isGood } from '../core/ledger.ts';
import { A_DAY_LATER, dropAll, FIRST_CUSTOMERS, MANY_ROWS, TABLES } from './demo-data.ts';
import { makeHistory } from './demo-history.ts';
import type { DemoScreen } from './demo-screen.ts';
import type { History } from './execution.ts';
import type { House } from './house.ts';
import type { LocalExecution } from './state-machines.ts';

export interface Tour {
  readonly house: House;
  readonly bucket: Bucket;
  readonly screen: DemoScreen;
  /** The target whose backups are shown. */
  readonly target: string;
}

const NIGHTS = 60;
const LOOKS_EVERY_MILLISECONDS = 100;

export async function runTour(tour: Tour): Promise<void> {
  await showStack(tour);
  await startServers(tour);
  await makePast(tour);
  await fill(tour);
  await backUp(tour);
  await backUpWhatIsNew(tour);
  await loseAnObject(tour);
  await forget(tour);
  await sumUp(tour);
}

async function showStack({ house, screen }: Tour): Promise<void> {
  screen.step('The stack, synthesised as `npx cdk deploy` would');
  screen.show('bundling the functions');
  const { functions, stateMachines, schedules, alarms } = await house.stack();
  screen.done(
    `${countOf(stateMachines.length, 'state machine')}, ${countOf(functions.length, 'function')}, ${countOf(schedules.length, 'schedule')}, ${countOf(alarms.length, 'alarm')}`,
  );
}

async function startServers({ house, screen }: Tour): Promise<void> {
  screen.step('ClickHouse and S3');
  screen.show('starting');
  const url = await house.startEngine();
  const version = await ask(house, 'SELECT version()');
  screen.done('running, each in a process of its own');
  screen.facts([
    ['ClickHouse', `${version} at ${url}`],
    ['S3', `${house.servers.s3.endpoint}, bucket ${house.servers.s3.bucketName}`],
  ]);
}

async function makePast(tour: Tour): Promise<void> {
  const { house, screen, bucket, target } = tour;
  screen.step(`A past of ${NIGHTS} nights`);
  await tell(tour, dropAll(), 'clearing what an earlier run left');
  await tell(tour, FIRST_CUSTOMERS, 'creating the first table');
  const { entries } = await readLedger(bucket, target);
  if (entries.some(({ startedAt }) => Date.now() - startedAt > 86_400_000)) {
    screen.done(`${countOf(entries.length, 'backup')} from an earlier run are still here`);
    return;
  }
  const { id } = await runBackup(tour, 'full');
  const ids = await makeHistory(bucket, target, id, NIGHTS, (made) => screen.show(`night ${made} of ${NIGHTS}`));
  screen.done(`one real backup, and ${ids.length} copies of it with earlier dates`);
  await house.settled();
}

async function fill(tour: Tour): Promise<void> {
  const { house, screen } = tour;
  screen.step('Data: four databases as one finds them');
  await tell(tour, TABLES, 'creating tables');
  await tell(tour, MANY_ROWS, 'filling them');
  const rows = await ask(
    house,
    `SELECT database, count(), sum(total_rows), sum(total_bytes),
            arrayStringConcat(arraySort(groupUniqArray(engine)), ', ')
     FROM system.tables WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema', 'default')
     GROUP BY database ORDER BY sum(total_bytes) DESC FORMAT TabSeparatedRaw`,
  );
  const databases = rows.split('\n').map((row) => row.split('\t'));
  const total = databases.reduce((sum, [, , , bytes]) => sum + Number(bytes), 0);
  screen.done(`${bytesText(total)} on disk`);
  screen.facts(
    databases.map(([name = '', tables, count, , engines]) => [
      name,
      `${countOf(Number(tables), 'table')}, ${countText(Number(count))} rows: ${engines}`,
    ]),
  );
}

async function backUp(tour: Tour): Promise<void> {
  const { screen } = tour;
  screen.step('A full backup');
  const verified = await runBackup(tour, 'full');
  screen.done(`${verified.id} is verified`);
  screen.facts([
    ['Compared', comparedText(verified)],
    ['Holds', coverageText(verified)],
    ['Left out', omissionsText(verified)],
  ]);
}

async function backUpWhatIsNew(tour: Tour): Promise<void> {
  const { screen } = tour;
  screen.step('A day later: an incremental backup');
  await tell(tour, A_DAY_LATER, 'a day of orders and events');
  const verified = await runBackup(tour, 'incremental');
  screen.done(`${verified.id} is verified`);
  const { base } = await requireEvidence(tour.bucket, tour.target, verified.id, 'started');
  screen.facts([
    ['Stands on', base ?? 'nothing'],
    ['Stored', `${bytesText(verified.bytes)} of ${bytesText(verified.logicalBytes)}: what the base does not have`],
    ['Compared', comparedText(verified)],
  ]);
}

/** A rule that removes objects under `backups/` is no invention: it is the commonest way to lose a backup in silence. */
async function loseAnObject(tour: Tour): Promise<void> {
  const { house, screen, bucket, target } = tour;
  screen.step('A backup that goes wrong');
  screen.say('Something else deletes objects in the bucket: one of each new backup, as soon as ClickHouse has finished.');
  const told = house.messages().length;
  const stop = new AbortController();
  const deleting = deleteFromEachNew(bucket, target, stop.signal);
  const history = await follow(tour, await house.start('backup', backupInput(target, 'full')));
  stop.abort();
  const lost = await deleting;
  await house.settled();
  screen.done(
    `ClickHouse said BACKUP_CREATED ${lost === 1 ? 'once' : `${lost} times`}; Safehouse looked, and gave up: ${history.error}`,
  );
  for (const { subject, text } of house.messages().slice(told)) screen.quote(subject, text);
}

async function deleteFromEachNew(bucket: Bucket, target: string, signal: AbortSignal): Promise<number> {
  const prefix = targetPrefix(target);
  const manifests = async (): Promise<string[]> => {
    const { entries } = await readLedger(bucket, target);
    return entries.filter(({ states }) => states.verified === undefined).map(({ id }) => `${prefix}${id}/${MANIFEST}`);
  };
  const known = new Set(await manifests());
  let deleted = 0;
  while (!signal.aborted) {
    for (const manifest of await manifests()) {
      if (known.has(manifest)) continue;
      for await (const { key } of listObjects(bucket, manifest.replace(MANIFEST, 'data/'))) {
        if (!(await exists(bucket, manifest))) break;
        await bucket.client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: key }));
        known.add(manifest);
        deleted += 1;
        break;
      }
    }
    await pause(LOOKS_EVERY_MILLISECONDS / 2);
  }
  return deleted;
}

async function forget(tour: Tour): Promise<void> {
  const { house, screen, bucket, target } = tour;
  screen.step('Retention');
  const { plan, entries } = await planTarget(bucket, target, house.target(target), Date.now());
  const marked = plan.decisions.filter(({ action }) => action === 'wait');
  const rules = new Map<string, number>();
  for (const { action, rule } of plan.decisions)
    if (action === 'keep') rules.set(rule, (rules.get(rule) ?? 0) + 1);
  const before = await sizeOf(bucket, target);
  screen.say(
    `It has run after each backup, and marked ${countOf(marked.length, 'backup')} that no rule wants. For three days a mark can be taken back. The demonstration now makes the marks three days older.`,
  );
  for (const { id } of marked) await endGrace(bucket, target, id);
  const runs = await removeAll(tour);
  const after = await sizeOf(bucket, target);
  screen.done(
    `${countOf(marked.length, 'backup')} removed in ${countOf(runs, 'run')}, a quarter at most in each: ${countText(before.objects - after.objects)} objects, ${bytesText(before.bytes - after.bytes)}`,
  );
  screen.facts([
    ['Kept', [...rules].map(([rule, count]) => `${rule} ${count}`).join(', ')],
    ['Ledger', `still knows all ${entries.length}, and why each went`],
  ]);
}

async function removeAll(tour: Tour): Promise<number> {
  const { house, target } = tour;
  for (let runs = 1; ; runs += 1) {
    const { output, status, cause } = await follow(tour, await house.start('retention', { target }));
    if (status !== 'succeeded') throw unexpectedEnd('retention', cause);
    if ((output as { removed: readonly unknown[] }).removed.length === 0) return runs - 1;
  }
}

/** The same mark with an earlier date, for the time that nobody wants to wait here. */
async function endGrace(bucket: Bucket, target: string, id: string): Promise<void> {
  const mark = await requireEvidence(bucket, target, id, 'expiring');
  const key = ledgerKey(target, id, 'expiring');
  await deleteObject(bucket, key);
  await putOnce(bucket, key, { ...mark, removeAfter: new Date(Date.now() - 1000).toISOString() });
}

async function sumUp({ house, screen, bucket, target }: Tour): Promise<void> {
  screen.step('What is left');
  const { entries } = await readLedger(bucket, target);
  const good = entries.filter(({ states }) => isGood(states));
  const failed = entries.filter(({ states }) => states.failed !== undefined);
  const { objects, bytes } = await sizeOf(bucket, target);
  const metrics = await house.metrics();
  screen.done(`${countOf(good.length, 'good backup')}, the newest ${good.at(-1)?.id}`);
  screen.facts([
    ['Bucket', `${countText(objects)} objects, ${bytesText(bytes)}, in ${house.home.directory}`],
    ['Failed', `${failed.length}, each with its reason in the ledger`],
    ['Metrics', `${metrics.length} published, as CloudWatch would have got them`],
  ]);
}

// --- what the steps have in common ---------------------------------------------------------------------------------

const backupInput = (target: string, kind: Kind): { readonly target: string } & Record<string, string> => ({ target, kind });

/** Runs the backup's state machine to its end. */
async function runBackup(tour: Tour, kind: Kind): Promise<Evidence<'verified'>> {
  const { house, bucket, target } = tour;
  const execution = await house.start('backup', backupInput(target, kind));
  const { status, cause, output } = await follow(tour, execution);
  const id = (output as { verified?: { id: string } } | null)?.verified?.id;
  if (status !== 'succeeded' || id === undefined) throw unexpectedEnd(`${kind} backup`, cause);
  return requireEvidence(bucket, target, id, 'verified');
}

async function follow({ screen }: Tour, execution: LocalExecution): Promise<History> {
  let ended = false;
  void execution.ended.then(() => {
    ended = true;
  });
  while (!ended) {
    const { state, poll } = await execution.view();
    const written = poll === null || poll.progress.bytes === 0 ? '' : `, ${bytesText(poll.progress.bytes)} written`;
    screen.show(`${stepText(state)}${written}`);
    await pause(LOOKS_EVERY_MILLISECONDS);
  }
  return execution.ended;
}

const unexpectedEnd = (what: string, cause: string | null): SafehouseError =>
  new SafehouseError(ERROR_NAMES.refused, {
    what: `The ${what} of the demonstration did not end as it should: ${cause ?? 'without a reason'}`,
    remedy: 'Remove the directory .safehouse and start again; if it fails again, this is a defect.',
  });

const comparedText = ({ files, objects, bytes, seconds }: Evidence<'verified'>): string =>
  `${countText(files)} files of the manifest with ${countText(objects)} objects (${bytesText(bytes)}): each is there, with its exact size (${seconds.toFixed(1)} s)`;

const coverageText = ({ tables }: Evidence<'verified'>): string =>
  `the data of ${countOf(tables.filter(({ coverage }) => coverage === 'data').length, 'table')}`;

function omissionsText({ tables }: Evidence<'verified'>): string {
  const bare = tables.filter(({ coverage }) => coverage !== 'data');
  return bare.map(({ database, name, engine }) => `${database}.${name} (${engine}): definition only`).join('; ');
}

async function tell({ house, screen }: Tour, statements: readonly string[], doing: string): Promise<void> {
  for (const [index, statement] of statements.entries()) {
    screen.show(`${doing} (${index + 1} of ${statements.length})`);
    await ask(house, statement);
  }
}

/** Over HTTP, as anybody would. */
async function ask(house: House, query: string): Promise<string> {
  const answer = await fetch(await house.startEngine(), { method: 'POST', body: query });
  const text = await answer.text();
  if (answer.ok) return text.trim();
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `ClickHouse refused a statement of the demonstration: ${text.split('\n')[0]}`,
    remedy: 'Remove the directory .safehouse and start again; if it fails again, this is a defect.',
  });
}

async function sizeOf(bucket: Bucket, target: string): Promise<{ objects: number; bytes: number }> {
  const size = { objects: 0, bytes: 0 };
  for await (const object of listObjects(bucket, targetPrefix(target))) {
    size.objects += 1;
    size.bytes += object.size;
  }
  return size;
}

async function exists(bucket: Bucket, key: string): Promise<boolean> {
  for await (const object of listObjects(bucket, key)) return object.key === key;
  return false;
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
