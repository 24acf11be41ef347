import { countText } from '../../cli/amounts.ts';
import { type Figure, type Measurement, type Result, type Skipped, sampled, type Tools } from '../figure.ts';
import { type AwsCli, findAwsCli, INSTALL, removeByCli } from '../removal/aws-cli.ts';
import { countObjects, type Doomed, letGo, writeDoomed } from '../removal/doomed.ts';
import { removeByFunction } from '../removal/function.ts';
import { type OpenPlace, openLocalPlace, openNamedPlace } from '../removal/places.ts';
import { removeFunction, TARGET } from '../removal/stack.ts';
import { spreadOf } from '../statistics.ts';

const OBJECTS = 20_000;
const ROUNDS = 3;
const AT_LEAST = 5;
const FIRST = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

/** Seconds for all objects. */
interface Round {
  readonly retention: number;
  readonly cli: number | undefined;
}

export const removal: Figure = {
  number: 2,
  title: `Removing ${countText(OBJECTS)} objects, against aws s3 rm --recursive`,
  async measure({ workspace, environment, say }: Tools): Promise<Result> {
    const cli = await findAwsCli();
    const named = await openNamedPlace(workspace, environment);
    const places = [await openLocalPlace(workspace), ...(named === undefined ? [] : [named])];
    const rounds = new Map<string, readonly Round[]>();
    for (const place of places) {
      rounds.set(place.name, await measurePlace(place, cli, say));
      await place.close();
    }
    return {
      measurements: [...rounds].flatMap(([name, each]) => measurementsOf(name, each)),
      skipped: cli === undefined ? [WITHOUT_CLI] : [],
      notes: [
        "Retention: its function from a cold start, the ledger's entries and the closing listing included.",
        ...(cli === undefined
          ? []
          : [`The CLI: ${cli.version} with --quiet, from the start of its process.`]),
        ...(named === undefined ? [ANOTHER_SERVER] : []),
      ],
      details: { objects: OBJECTS, cli: cli?.version ?? null, seconds: Object.fromEntries(rounds) },
    };
  },
};

const WITHOUT_CLI: Skipped = {
  name: 'retention against aws s3 rm',
  why: 'This machine has no aws command.',
  remedy: `${INSTALL}, then: npm run bench -- 2`,
};

const ANOTHER_SERVER =
  'With AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set, it is measured on that server, too, in a bucket of its own that is removed afterwards.';

async function measurePlace(
  place: OpenPlace,
  cli: AwsCli | undefined,
  say: Tools['say'],
): Promise<readonly Round[]> {
  const deployed = await removeFunction(place);
  const byRetention = (number: number): Promise<number> =>
    timed(place, number, (doomed) => removeByFunction(deployed, place.s3, doomed, OBJECTS));
  const byCli = async (number: number): Promise<number | undefined> =>
    cli && timed(place, number, ({ prefix }) => removeByCli(cli, place.s3, prefix));
  const rounds: Round[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    const [one, other] = [number * 2, number * 2 + 1];
    // Each is first in turn: a bucket is not the same after forty thousand deletions.
    const round =
      number % 2 === 1
        ? { retention: await byRetention(one), cli: await byCli(other) }
        : { cli: await byCli(one), retention: await byRetention(other) };
    const cliText = round.cli === undefined ? '' : `, aws ${round.cli.toFixed(1)} s`;
    say(`${place.name}, ${number} of ${ROUNDS}: retention ${round.retention.toFixed(1)} s${cliText}`);
    rounds.push(round);
  }
  return rounds;
}

/** Seconds to remove one backup, which is written before and looked for afterwards. */
async function timed(
  { bucket }: OpenPlace,
  number: number,
  remove: (doomed: Doomed) => Promise<void>,
): Promise<number> {
  const doomed = await writeDoomed(bucket, TARGET, OBJECTS, FIRST + number * HOUR);
  await letGo(bucket, doomed);
  const before = performance.now();
  await remove(doomed);
  const seconds = (performance.now() - before) / 1000;
  const left = await countObjects(bucket, doomed.prefix);
  if (left > 0) throw new Error(`${left} of ${OBJECTS} objects are left under ${doomed.prefix}`);
  return seconds;
}

function measurementsOf(place: string, rounds: readonly Round[]): Measurement[] {
  const clis = rounds.flatMap(({ cli }) => cli ?? []);
  const perSecond = (label: string, seconds: readonly number[]): Measurement =>
    sampled(`${place}: ${label}`, spreadOf(seconds.map((each) => OBJECTS / each)), 'per second');
  const retention = perSecond(
    'retention',
    rounds.map((round) => round.retention),
  );
  if (clis.length === 0) return [retention];
  const ratios = rounds.map((round) => (round.cli ?? Number.NaN) / round.retention);
  return [
    sampled(`${place}: retention ÷ aws s3 rm`, spreadOf(ratios), 'times', { atLeast: AT_LEAST }),
    retention,
    perSecond('aws s3 rm --recursive', clis),
  ];
}
