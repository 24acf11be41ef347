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
import { clockText, timeText } from '../amounts.ts';
import { bucketOf } from '../bucket-of.ts';
import { usageError } from '../command-line.ts';
import { lendCredentials } from '../engine-credentials.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup } from '../find-backup.ts';
import { DEFAULT_DATABASE, type MountedBackup, mountBackup } from '../mounted-backup.ts';
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
    "sql latest 'SELECT count() FROM shop.events' --local",
    "sql shop/latest 'SELECT * FROM events LIMIT 10' --format Vertical",
    "sql 20260402T020000Z-full-k3f9 'SELECT * FROM shop.orders' --format CSVWithNames > orders.csv",
  ],
  run,
};

async function run(call: Call): Promise<Answer> {
  const { argument, second: query, open, command } = call;
  const format = formatOf(call);
  const installation = await open();
  const bucket = bucketOf(installation);
  const { entry } = await findBackup(bucket, argument);
  refuseIfNotThere(entry);
  const content = await readContent(bucket, entry);
  const current = currentDatabase(call, content.databases);
  if (!isGood(entry.states)) noteState(call, entry);
  await noteExpiry(call, bucket);
  const about = { id: entry.id, command };
  const mounted = await mount(installation, bucket, entry, content.databases, current, about);
  try {
    const asked: AskedBackup = { ...about, ...content, shown: mounted.shown, current };
    return await answer(call, mounted, query, format, asked);
  } finally {
    mounted.close();
  }
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

function refuseIfNotThere({ id, states }: LedgerEntry): void {
  const gone = states.removed ?? states.removing;
  if (gone !== undefined)
    throw new SafehouseError(ERROR_NAMES.notFound, {
      what: `The backup ${id} is not there any more: retention removed it at ${timeText(gone)}.`,
      remedy: '`list` shows those that there are.',
    });
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

async function mount(
  { bucketName, region, endpoint }: Installation,
  bucket: Bucket,
  { target, id }: LedgerEntry,
  databases: readonly string[],
  current: string,
  about: Pick<AskedBackup, 'id' | 'command'>,
): Promise<MountedBackup> {
  const prefix = backupPrefix(target, id);
  if (await isOnCluster(bucket, prefix))
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `The backup ${id} was made ON CLUSTER: its files lie by shard and replica, and ClickHouse shows no table of such a backup (ClickHouse#89493).`,
      remedy: `Restore it; the statement is shown by:\n${about.command(`show ${id}`)}`,
    });
  const address = { bucket: bucketName, region, ...(endpoint !== undefined && { endpoint }) };
  try {
    return await mountBackup({ url: objectUrl(address, prefix.slice(0, -1)), databases, current });
  } catch (error) {
    throw error instanceof ProverRefusal ? explainMountRefusal(error, about) : error;
  }
}

async function isOnCluster(bucket: Bucket, prefix: string): Promise<boolean> {
  for await (const _ of listObjects(bucket, `${prefix}shards/`)) return true;
  return false;
}

async function answer(
  call: Call,
  mounted: MountedBackup,
  query: string,
  format: string,
  asked: AskedBackup,
): Promise<Answer> {
  const interrupted = call.interruptible();
  const stopWaiting = tellThatItRuns(call);
  const written = writeRows(call, mounted, query, format, stopWaiting);
  try {
    await Promise.race([written, aborted(interrupted)]);
  } catch (error) {
    // Ending early lets the engine refuse what is left of the query: nobody waits for that.
    written.catch(() => {});
    throw error instanceof ProverRefusal ? explainRefusal(error, asked) : error;
  } finally {
    stopWaiting();
  }
  return {
    exitCode: interrupted.aborted ? EXIT.interrupted : EXIT.good,
    json: { backup: asked.id },
    screen: () => [],
  };
}

async function writeRows(
  { data }: Call,
  mounted: MountedBackup,
  query: string,
  format: string,
  stopWaiting: () => void,
): Promise<void> {
  const statement = await mounted.check(query);
  for await (const piece of mounted.run(query, statement, format)) {
    stopWaiting();
    await data.write(piece);
  }
  // No rows are an answer too: nothing else may stand in their place.
  await data.write(new Uint8Array());
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Sooner than this, whoever asked is still looking at the question. */
const TELL_AFTER = 2000;

function tellThatItRuns({ progress, now }: Call): () => void {
  const began = now();
  const timer = setInterval(() => progress.show(['Querying', `  ${clockText(now() - began)}`]), TELL_AFTER);
  return () => {
    clearInterval(timer);
    progress.clear();
  };
}
