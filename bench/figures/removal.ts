import { countText } from '../../cli/amounts.ts';
import { type AwsCli, findAwsCli, INSTALL, removeByCli } from '../aws-cli.ts';
import { type Figure, type Measurement, type Result, type Skipped, sampled, type Tools } from '../figure.ts';
import { countObjects, type Doomed, letGo, writeDoomed } from '../removal/doomed.ts';
import { removeByFunction } from '../removal/function.ts';
import { type OpenPlace, openLocalPlace, openNamedPlace } from '../removal/places.ts';
import { removeFunction, TARGET } from '../removal/stack.ts';
import { median, spreadOf } from '../statistics.ts';

const OBJECTS = 20_000;
const ROUNDS = 3;
const AT_LEAST = 5;
const FIRST = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

interface Removed {
  readonly seconds: number;
  /** Of this process, in which the function runs: what is left of the time, the server took. */
  readonly processorSeconds: number;
}

interface Round {
  readonly retention: Removed;
  readonly cli: Removed | undefined;
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
        ...[...rounds].map(([name, each]) => ownWork(name, each)),
        ...(named === undefined ? [ANOTHER_SERVER] : []),
      ],
      details: { objects: OBJECTS, cli: cli?.version ?? null, rounds: Object.fromEntries(rounds) },
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

/** A server that shares the processors with the bench limits the ratio by its own work for each deletion. */
function ownWork(place: string, rounds: readonly Round[]): string {
  const own = median(rounds.map(({ retention }) => retention.processorSeconds));
  const all = median(rounds.map(({ retention }) => retention.seconds));
  return `${place}: of ${all.toFixed(1)} s, retention itself used ${own.toFixed(1)} s of processor time; the rest it waited for the server.`;
}

async function measurePlace(
  place: OpenPlace,
  cli: AwsCli | undefined,
  say: Tools['say'],
): Promise<readonly Round[]> {
  const deployed = await removeFunction(place);
  const byRetention = (number: number): Promise<Removed> =>
    timed(place, number, (doomed) => removeByFunction(deployed, place.s3, doomed, OBJECTS));
  const byCli = async (number: number): Promise<Removed | undefined> =>
    cli && timed(place, number, ({ prefix }) => removeByCli(cli, place.s3, prefix));
  const rounds: Round[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    const [one, other] = [number * 2, number * 2 + 1];
    // Each is first in turn: a bucket is not the same after forty thousand deletions.
    const round =
      number % 2 === 1
        ? { retention: await byRetention(one), cli: await byCli(other) }
        : { cli: await byCli(one), retention: await byRetention(other) };
    const cliText = round.cli === undefined ? '' : `, aws ${round.cli.seconds.toFixed(1)} s`;
    say(`${place.name}, ${number} of ${ROUNDS}: retention ${round.retention.seconds.toFixed(1)} s${cliText}`);
    rounds.push(round);
  }
  return rounds;
}

/** Removes one backup, which is written before and looked for afterwards. */
async function timed(
  { bucket }: OpenPlace,
  number: number,
  remove: (doomed: Doomed) => Promise<void>,
): Promise<Removed> {
  const doomed = await writeDoomed(bucket, TARGET, OBJECTS, FIRST + number * HOUR);
  await letGo(bucket, doomed);
  const used = process.cpuUsage();
  const before = performance.now();
  await remove(doomed);
  const seconds = (performance.now() - before) / 1000;
  const { user, system } = process.cpuUsage(used);
  const left = await countObjects(bucket, doomed.prefix);
  if (left > 0) throw new Error(`${left} of ${OBJECTS} objects are left under ${doomed.prefix}`);
  return { seconds, processorSeconds: (user + system) / 1_000_000 };
}

function measurementsOf(place: string, rounds: readonly Round[]): Measurement[] {
  const clis = rounds.flatMap(({ cli }) => cli ?? []);
  const perSecond = (label: string, removed: readonly Removed[]): Measurement =>
    sampled(`${place}: ${label}`, spreadOf(removed.map(({ seconds }) => OBJECTS / seconds)), 'per second');
  const retention = perSecond(
    'retention',
    rounds.map((round) => round.retention),
  );
  if (clis.length === 0) return [retention];
  const ratios = rounds.flatMap(({ cli, retention: { seconds } }) => (cli ? cli.seconds / seconds : []));
  return [
    sampled(`${place}: retention ÷ aws s3 rm`, spreadOf(ratios), 'times', { atLeast: AT_LEAST }),
    retention,
    perSecond('aws s3 rm', clis),
  ];
}
