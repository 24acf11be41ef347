/** Backups that go well, one that does not, and the way back. */
import { bytesText, countOf, countText } from '../../cli/amounts.ts';
import { type Evidence, readLedger, requireEvidence } from '../../clients/ledger.ts';
import { isGood } from '../../core/ledger.ts';
import type { History } from '../execution.ts';
import { A_DAY_LATER, COUNT_BUFFERED_ROWS, COUNT_ROWS, dropAll } from './data.ts';
import { ask, follow, runBackup, type Tour, tell, unexpectedEnd } from './run.ts';
import { stealObjects } from './thief.ts';

export async function backUp(tour: Tour): Promise<void> {
  const { screen } = tour;
  screen.step('A full backup');
  const { verified, proven } = await runBackup(tour, 'full');
  screen.done(`${verified.id} is proven`);
  screen.facts([
    ['Compared', comparedText(verified)],
    ['Proven', provenText(proven)],
    ['Self-test', selfTestText(proven)],
    ['Holds', coverageText(verified)],
    ['Left out', omissionsText(verified)],
  ]);
}

export async function backUpWhatIsNew(tour: Tour): Promise<void> {
  const { screen } = tour;
  screen.step('A day later: an incremental backup');
  await tell(tour, A_DAY_LATER, 'a day of orders and events');
  const { verified, proven } = await runBackup(tour, 'incremental');
  screen.done(`${verified.id} is proven`);
  const { base } = await requireEvidence(tour.bucket, tour.target, verified.id, 'started');
  screen.facts([
    ['Stands on', base ?? 'nothing'],
    [
      'Stored',
      `${bytesText(verified.bytes)} of ${bytesText(verified.logicalBytes)}: what the base does not have`,
    ],
    ['Compared', comparedText(verified)],
    ['Proven', `${provenText(proven)}, those in the base among them`],
    ['Self-test', selfTestText(proven)],
  ]);
}

/** The statement that the ledger holds for the day on which Safehouse is not at hand either. */
export async function comeBack(tour: Tour): Promise<void> {
  const { house, screen, bucket, target } = tour;
  screen.step('The way back, without Safehouse');
  const newest = (await readLedger(bucket, target)).entries.findLast(({ states }) => isGood(states));
  const { restore } = await requireEvidence(bucket, target, newest?.id ?? '', 'verified');
  const [before, buffered] = [await count(tour, COUNT_ROWS), await count(tour, COUNT_BUFFERED_ROWS)];
  await tell(tour, dropAll(), 'dropping all four databases');
  screen.show('RESTORE');
  await ask(house, restore);
  const after = await count(tour, COUNT_ROWS);
  if (after !== before - buffered) throw unexpectedEnd('RESTORE', `${after} of ${before} rows came back`);
  screen.done('all four databases were dropped; one RESTORE statement brought them back');
  screen.facts([
    [
      'Rows',
      `${countText(after)} of ${countText(before)}: ${countText(buffered)} were in the Buffer only, as said`,
    ],
    ['Statement', `in ledger/${target}/${newest?.id}/verified.json; no Safehouse needed`],
  ]);
}

/** What a lifecycle rule with the wrong prefix does, and nobody notices until the day of the restore. */
export async function loseAnObject(tour: Tour): Promise<void> {
  const { house, screen, bucket, target } = tour;
  screen.step('A backup that goes wrong');
  screen.say(
    'Something else deletes objects in the bucket: one of each new backup, as soon as ClickHouse has finished.',
  );
  const told = house.messages().length;
  const stop = new AbortController();
  const stealing = stealObjects(bucket, target, stop.signal);
  const history = await backUpUntilItFails(tour);
  stop.abort();
  const lost = await stealing;
  await house.settled();
  screen.done(`ClickHouse: BACKUP_CREATED, ${timesText(lost)}. Safehouse: ${history.error}.`);
  for (const { subject, text } of house.messages().slice(told)) screen.quote(subject, text);
}

const TRIES = 3;

/** On a machine that is slow enough, Safehouse has looked before the object is gone. */
async function backUpUntilItFails(tour: Tour): Promise<History> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const history = await follow(
      tour,
      await tour.house.start('backup', { target: tour.target, kind: 'full' }),
    );
    if (history.status === 'failed') return history;
  }
  throw unexpectedEnd('backup that goes wrong', 'it went well');
}

const count = async ({ house }: Tour, query: string): Promise<number> => Number(await ask(house, query));

const comparedText = ({ files, objects, bytes, seconds }: Evidence<'verified'>): string =>
  `${countText(files)} files of the manifest with ${countText(objects)} objects (${bytesText(bytes)}): each is there, with its exact size (${seconds.toFixed(1)} s)`;

const provenText = ({ tables, bytesRead, seconds }: Evidence<'proven'>): string =>
  `${countOf(tables.length, 'table')}, ${bytesText(bytesRead)} read in ${seconds.toFixed(1)} s, by an engine that did not write them`;

function selfTestText({ selfTest: { damages } }: Evidence<'proven'>): string {
  const seen = damages.filter((damage) => damage.seen).length;
  return `${seen} of ${damages.length} kinds of damage seen, in copies of a control backup`;
}

const coverageText = ({ tables }: Evidence<'verified'>): string =>
  `the data of ${countOf(tables.filter(({ coverage }) => coverage === 'data').length, 'table')}`;

function omissionsText({ tables }: Evidence<'verified'>): string {
  const bare = tables.filter(({ coverage }) => coverage !== 'data');
  return bare
    .map(({ database, name, engine }) => `${database}.${name} (${engine}): definition only`)
    .join('; ');
}

const timesText = (count: number): string =>
  count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
