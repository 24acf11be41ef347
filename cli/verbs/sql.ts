import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { readEvidence } from '../../clients/ledger.ts';
import { ProverRefusal } from '../../clients/prover.ts';
import { ageText } from '../../core/alert.ts';
import { SYSTEM_DATABASES } from '../../core/config.ts';
import { nearestText } from '../../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Installation } from '../../core/installation.ts';
import { backupPrefix } from '../../core/keys.ts';
import { isGood, type LedgerEntry, type LedgerTable, stateOf } from '../../core/ledger.ts';
import { objectUrl } from '../../core/location.ts';
import { clockText } from '../amounts.ts';
import { bucketOf } from '../bucket-of.ts';
import { usageError } from '../command-line.ts';
import { lendCredentials } from '../engine-credentials.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup } from '../find-backup.ts';
import { DEFAULT_DATABASE, type MountedBackup, mountBackup } from '../mounted-backup.ts';
import { requirePresent } from '../present-backup.ts';
import { doubtful, line } from '../screen.ts';
import { type AskedBackup, explainMountRefusal, explainRefusal } from '../sql-errors.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const sql: Verb = {
  name: 'sql',
  summary: 'query a backup, without restoring it, on this machine',
  argument: { name: 'BACKUP', required: true },
  second: { name: 'SQL', required: true },
  flags: {
    format: {
      value: 'FORMAT',
      about:
        "any of ClickHouse's; else PrettyCompact on a terminal and TabSeparated elsewhere, or JSON with --json",
    },
    database: {
      value: 'NAME',
      about: 'where names without a database are looked up; else the only one of the backup, or default',
    },
  },
  about: [
    'Opens an embedded ClickHouse in this process, mounts the databases of the backup under their own names, and runs one query that reads. Nothing is restored, and no server is asked. It reads S3 with your own AWS credentials, which it takes once, when it begins: a query that outlasts them fails and says so.',
    'ClickHouse shows only tables of the MergeTree family in such a backup. It refuses changes, settings, files and addresses: INTO OUTFILE, file, url, s3, remote and their like.',
    'Rows go to stdout as they are; on a terminal, control characters in them are shown and not obeyed. TabSeparated, CSV, JSONEachRow and Native are written as they come; other formats are put together in memory first.',
  ],
  examples: [
    'sql latest "SELECT count() FROM shop.events" --local',
    'sql shop/latest "SELECT * FROM events LIMIT 9" --format Vertical',
    'sql 20260402 "SELECT * FROM shop.orders" --format CSVWithNames',
  ],
  run,
};

async function run(call: Call): Promise<Answer> {
  const format = formatOf(call);
  const installation = await call.open();
  const bucket = bucketOf(installation);
  const { entry } = await findBackup(bucket, call.argument);
  requirePresent(entry);
  requireWritten(entry);
  const content = await readContent(bucket, entry);
  const asked = {
    id: entry.id,
    ...content,
    current: currentDatabase(call, content.databases),
    command: call.command,
  };
  if (!isGood(entry.states)) noteState(call, entry);
  await noteExpiry(call, bucket);
  const interrupted = call.interruptible();
  await untilAborted(ask(call, { installation, bucket, entry }, asked, format, interrupted), interrupted);
  return {
    exitCode: interrupted.aborted ? EXIT.interrupted : EXIT.good,
    json: { backup: entry.id },
    screen: () => [],
  };
}

/** The engine cannot be called back: after Ctrl-C nobody waits for it, nor hears how it ends. */
async function untilAborted(asking: Promise<void>, interrupted: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  if (interrupted.aborted) aborted.resolve();
  interrupted.addEventListener('abort', () => aborted.resolve(), { once: true });
  await Promise.race([aborted.promise, asking]);
  asking.catch(() => {});
}

function formatOf({ flags, data }: Call): string {
  const format = flags.get('format');
  if (typeof format !== 'string') {
    if (flags.has('json')) return 'JSON';
    return data.isTerminal ? 'PrettyCompact' : 'TabSeparated';
  }
  if (!/^\w+$/.test(format))
    throw usageError(
      [`--format is ${JSON.stringify(format)}; must be the name of one of ClickHouse's formats.`],
      'Examples: PrettyCompact, Vertical, CSVWithNames, JSONEachRow, Parquet.',
    );
  // The package takes `arrow` for a name of its own, and would set a setting for it.
  return format === 'arrow' ? 'Arrow' : format;
}

function requireWritten({ id, states }: LedgerEntry): void {
  if (states.written === undefined && states.verified === undefined)
    throw new SafehouseError(ERROR_NAMES.notFound, {
      what: `The backup ${id} was never written to its end (it is ${stateOf(states)}): there is nothing to ask.`,
      remedy: '`list` shows those that are verified.',
    });
}

interface Content {
  readonly databases: readonly string[];
  readonly tables: readonly LedgerTable[];
}

async function readContent(bucket: Bucket, { target, id }: LedgerEntry): Promise<Content> {
  const [started, verified] = await Promise.all([
    readEvidence(bucket, target, id, 'started'),
    readEvidence(bucket, target, id, 'verified'),
  ]);
  const tables = verified?.tables ?? started?.tables ?? [];
  const databases = new Set([...(started?.databases ?? []), ...tables.map(({ database }) => database)]);
  return { databases: [...databases].filter((name) => !isSystem(name)), tables };
}

const isSystem = (database: string): boolean => (SYSTEM_DATABASES as readonly string[]).includes(database);

function currentDatabase({ flags }: Call, databases: readonly string[]): string {
  const wanted = flags.get('database');
  const [first = DEFAULT_DATABASE, ...others] = databases;
  if (typeof wanted !== 'string') return others.length === 0 ? first : DEFAULT_DATABASE;
  if (databases.includes(wanted)) return wanted;
  throw new SafehouseError(ERROR_NAMES.notFound, {
    what: `The backup has no database ${JSON.stringify(wanted)}${nearestText(wanted, databases)}.`,
    remedy: `It has ${databases.join(', ')}.`,
  });
}

const noteState = ({ progress }: Call, { id, states }: LedgerEntry): void =>
  progress.note(line(doubtful('Note: '), `${id} is ${stateOf(states)}; it is read all the same.`));

const QUARTER_OF_AN_HOUR = 15 * 60_000;

async function noteExpiry({ progress, now }: Call, bucket: Bucket): Promise<void> {
  const { expiresAt } = await lendCredentials(bucket);
  const left = (expiresAt ?? Number.POSITIVE_INFINITY) - now();
  if (left < QUARTER_OF_AN_HOUR)
    progress.note(
      line(doubtful('Note: '), `The AWS credentials expire in ${ageText(left)}, and the query with them.`),
    );
}

interface Place {
  readonly installation: Installation;
  readonly bucket: Bucket;
  readonly entry: LedgerEntry;
}

type Asked = Omit<AskedBackup, 'shown'>;

async function ask(
  call: Call,
  place: Place,
  asked: Asked,
  format: string,
  interrupted: AbortSignal,
): Promise<void> {
  const stopTelling = tellThatItRuns(call);
  let mounted: MountedBackup | undefined;
  try {
    mounted = await mount(place, asked, interrupted);
    for await (const piece of rows(mounted, call.second, format, { ...asked, shown: mounted.shown })) {
      stopTelling();
      await call.data.write(piece);
    }
  } finally {
    stopTelling();
    mounted?.close();
  }
}

async function mount(
  { installation: { bucketName, region, endpoint }, bucket, entry }: Place,
  asked: Asked,
  interrupted: AbortSignal,
): Promise<MountedBackup> {
  const { id, databases, current, command } = asked;
  const prefix = backupPrefix(entry.target, id);
  if (await isOnCluster(bucket, prefix))
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `The backup ${id} was made ON CLUSTER: its files lie by shard and replica, and ClickHouse shows no table of such a backup (ClickHouse#89493).`,
      remedy: `Restore it; the statement is shown by:\n${command(`show ${id}`)}`,
    });
  const address = { bucket: bucketName, region, ...(endpoint !== undefined && { endpoint }) };
  const url = objectUrl(address, prefix.slice(0, -1));
  try {
    return await mountBackup({ url, databases, current, interrupted });
  } catch (error) {
    throw error instanceof ProverRefusal ? explainMountRefusal(error, asked) : error;
  }
}

async function isOnCluster(bucket: Bucket, prefix: string): Promise<boolean> {
  for await (const _ of listObjects(bucket, `${prefix}shards/`)) return true;
  return false;
}

async function* rows(
  mounted: MountedBackup,
  query: string,
  format: string,
  asked: AskedBackup,
): AsyncGenerator<Uint8Array> {
  try {
    const statement = await mounted.check(query);
    yield* mounted.run(query, statement, format);
  } catch (error) {
    throw error instanceof ProverRefusal ? explainRefusal(error, asked) : error;
  }
  // No rows are an answer too: nothing else may stand in their place.
  yield new Uint8Array();
}

/** Sooner than this, whoever asked is still looking at the question. */
const TELL_AFTER = 2000;

/** A log, which keeps every line, gets none: what it wants is the answer. */
function tellThatItRuns({ progress, now }: Call): () => void {
  if (!progress.isLive) return () => {};
  const began = now();
  const timer = setInterval(() => progress.show(['Querying', `  ${clockText(now() - began)}`]), TELL_AFTER);
  return () => {
    clearInterval(timer);
    progress.clear();
  };
}
