/** The demonstration, step by step. Each step does the real thing and says what came of it. */
import { bytesText, countOf, countText } from '../../cli/amounts.ts';
import { readLedger } from '../../clients/ledger.ts';
import { isGood } from '../../core/ledger.ts';
import { readAgain } from './again.ts';
import { backUp, backUpWhatIsNew, comeBack, loseAnObject } from './backups.ts';
import { DESCRIBE_DATABASES, dropAll, FIRST_CUSTOMERS, MANY_ROWS, TABLES } from './data.ts';
import { makeHistory, pastNights } from './history.ts';
import { turnOneBit } from './one-bit.ts';
import { forget } from './retention.ts';
import { ask, runBackup, sizeOf, type Tour, tell } from './run.ts';

const NIGHTS = 60;

export async function runTour(tour: Tour): Promise<void> {
  await showStack(tour);
  await startServers(tour);
  await makePast(tour);
  await fill(tour);
  await backUp(tour);
  await backUpWhatIsNew(tour);
  await comeBack(tour);
  await turnOneBit(tour);
  await loseAnObject(tour);
  await forget(tour);
  await readAgain(tour);
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
  const known = new Set(entries.flatMap(({ id, states }) => (states.verified === undefined ? [] : [id])));
  const nights = pastNights(NIGHTS, Date.now()).filter((id) => !known.has(id));
  if (nights.length === 0) return screen.done('they are here from an earlier run');
  const { id } = (await runBackup(tour, 'full')).verified;
  await house.settled();
  await makeHistory(bucket, target, id, nights, (made) => screen.show(`night ${made} of ${nights.length}`));
  screen.done(`one real backup, and ${countOf(nights.length, 'copy', 'copies')} of it with earlier dates`);
}

async function fill(tour: Tour): Promise<void> {
  const { house, screen } = tour;
  screen.step('Data: four databases as one finds them');
  await tell(tour, TABLES, 'creating tables');
  await tell(tour, MANY_ROWS, 'filling them');
  const rows = await ask(house, DESCRIBE_DATABASES);
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
