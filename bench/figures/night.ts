import { countText } from '../../cli/amounts.ts';
import { type Figure, type Measurement, measured, type Result, type Tools } from '../figure.ts';
import { fill, OBJECTS } from '../night/dataset.ts';
import { type Night, simulateNight } from '../night/night.ts';
import { openNightPlace, TARGET } from '../night/place.ts';
import { billFor, PRICES, requestDollars } from '../night/prices.ts';
import { writeYear } from '../night/year-of-ledger.ts';

const NIGHTS = [
  { name: '1 minute', seconds: 60 },
  { name: '1 hour', seconds: 3600, atMost: 0.01 },
  { name: '12 hours', seconds: 12 * 3600 },
] as const;

export const nightCost: Figure = {
  number: 6,
  title: 'What one nightly backup costs, by how long ClickHouse takes',
  async measure({ workspace, say }: Tools): Promise<Result> {
    const place = await openNightPlace(workspace);
    await fill(place.sql, 'night');
    const known = await writeYear(place.bucket, TARGET, place.target, place.clock.now());
    const nights: { readonly name: string; readonly night: Night; readonly atMost?: number }[] = [];
    for (const { name, seconds, ...rest } of NIGHTS) {
      const night = await simulateNight(place, seconds, OBJECTS);
      say(`${name}: ${night.polls} polls, $${night.bill.dollars.total.toFixed(4)}`);
      nights.push({ name, night, ...rest });
    }
    return {
      measurements: nights.flatMap(({ name, night, atMost }) => measurementsOf(name, night, atMost)),
      notes: notesOf(
        nights.map(({ night }) => night),
        known,
      ),
      details: {
        prices: PRICES,
        ledger: known,
        nights: nights.map(({ name, night }) => detailsOf(name, night)),
      },
    };
  },
};

function measurementsOf(name: string, { bill }: Night, atMost: number | undefined): Measurement[] {
  const { requests } = bill;
  return [
    measured(
      `${name}: dollars`,
      bill.dollars.total,
      'dollars',
      atMost === undefined ? undefined : { atMost },
    ),
    measured(`${name}: state transitions`, bill.transitions, 'count'),
    measured(`${name}: Lambda invocations`, bill.invocations, 'count'),
    measured(`${name}: Lambda GB-seconds`, bill.gigabyteSeconds, 'amount'),
    measured(`${name}: S3 PUT, POST, LIST`, requests.writes, 'count'),
    measured(`${name}: S3 GET, HEAD`, requests.reads, 'count'),
  ];
}

/** Slow networks and Lambda's fraction of a processor: what a step cannot take longer than, on most nights. */
const SLOW_MILLISECONDS = 1000;

function notesOf(nights: readonly Night[], known: number): string[] {
  const [first] = nights;
  if (first === undefined) return [];
  const { objects, removed, clickhouse } = first;
  const slow = nights.map(({ bill, invocations }) => {
    const slower = invocations.map((each) => ({
      ...each,
      milliseconds: Math.max(each.milliseconds, SLOW_MILLISECONDS),
    }));
    const { dollars } = billFor({ ...bill, invocations: slower });
    return `$${dollars.total.toFixed(4)}`;
  });
  return [
    `A full backup of ${countText(objects)} objects, verified, with retention after it: ${countText(removed)} objects of another one removed, ${countText(known)} backups in the ledger. Each further 1,000 objects are one more LIST.`,
    `The synthesised state machines and bundled functions, the real engine and bucket; time was simulated. Prices of ${PRICES.region}, ${PRICES.asOf}, without free tiers.`,
    `Durations are this machine's. If every invocation lasted a second at least: ${slow.join(', ')}.`,
    `Not in it: what ClickHouse itself asks of S3 (here ${countText(clickhouse.writes)} writes and ${countText(clickhouse.reads)} reads, $${requestDollars(clickhouse).toFixed(4)}: one PUT for a file of up to 32 MB; a plain BACKUP costs the same), the proof, which goes by bytes and not by hours, storage, logs, traces, alarms and the watch.`,
  ];
}

function detailsOf(name: string, night: Night) {
  const { invocations, ...rest } = night;
  const byFunction = Object.groupBy(invocations, (invocation) => invocation.name);
  return {
    name,
    ...rest,
    functions: Object.entries(byFunction).map(([each, calls = []]) => ({
      name: each,
      calls: calls.length,
      cold: calls.filter(({ cold }) => cold).length,
      milliseconds: Math.round(calls.reduce((sum, { milliseconds }) => sum + milliseconds, 0)),
    })),
  };
}
