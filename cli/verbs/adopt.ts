import {
  type AdoptedBackup,
  type Adoption,
  type AdoptionProgress,
  adopt as adoptBackup,
  examineOnly,
} from '../../clients/adoption.ts';
import type { ExaminedSource } from '../../clients/adoption-source.ts';
import type { Installation } from '../../core/installation.ts';
import { sourceText } from '../../core/source-address.ts';
import { adoptedScreen, adoptProgress, wouldAdoptScreen } from '../adopt-screen.ts';
import { openSource } from '../adopt-source.ts';
import { isoTime } from '../amounts.ts';
import { bucketOf } from '../bucket-of.ts';
import { byHand } from '../by-hand.ts';
import { usageError } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { requireTarget } from '../find-target.ts';
import { faint, line } from '../screen.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const adopt: Verb = {
  name: 'adopt',
  summary: 'take a backup that was made without Safehouse into the ledger',
  argument: { name: 'URL', required: true },
  flags: {
    target: { value: 'TARGET', about: 'whose backup it becomes; may be left out where there is but one' },
    'time-zone': {
      value: 'ZONE',
      about: 'of the clock of the server that made it, such as Europe/Berlin; else UTC',
    },
    'dry-run': { about: 'looks at it, says what would be adopted, and copies nothing' },
  },
  about: [
    'URL is where BACKUP wrote it: s3://BUCKET/PREFIX, or https://BUCKET.s3.REGION.amazonaws.com/PREFIX. It is compared with its manifest where it lies, copied inside S3 with your own AWS credentials, compared again, and is then a backup like any other: to be proven, restored, kept, and expired. The source is not changed.',
    'Full backups in folders can be adopted; incrementals and archives cannot. Broken off, the same command goes on where it was; repeated, it does nothing more. Exit code 5: the backup is damaged, and nothing was copied.',
  ],
  examples: [
    'adopt s3://old/clickhouse-backup/2026-04-02 --target shop',
    'adopt https://old.s3.eu-central-1.amazonaws.com/2026-04-02',
    'adopt s3://old/2026-04-02 --target demo --local --dry-run',
  ],
  run,
};

async function run(call: Call): Promise<Answer> {
  const { flags, argument } = call;
  const installation = await call.open();
  const target = await targetOf(installation, flags.get('target'));
  const source = openSource(installation, argument, textOf(flags.get('time-zone')) ?? 'UTC');
  const signal = call.interruptible();
  const showing = showProgress(call);
  const shown = { source: sourceText(source.address), target, command: call.command };
  try {
    if (flags.has('dry-run')) {
      showing.see({ doing: 'examining', objects: 0, bytes: 0, ofObjects: 0, ofBytes: 0 });
      const examined = await examineOnly({ source, signal });
      return {
        exitCode: EXIT.good,
        json: { adoptable: { target, source: shown.source, ...content(examined) } },
        screen: (width) => wouldAdoptScreen({ ...shown, examined, width }),
      };
    }
    const adopted = await adoptBackup({
      source,
      signal,
      ...(await placeOf(installation, target)),
      by: byHand('adopt'),
      onProgress: showing.see,
    });
    return {
      exitCode: EXIT.good,
      json: { adopted: jsonOf(adopted, target, shown.source) },
      screen: (width) => adoptedScreen(adopted, { ...shown, examined: adopted.examined, width }),
    };
  } catch (error) {
    if (!signal.aborted) throw error;
    return interrupted(call, target, shown.source);
  } finally {
    showing.stop();
    source.bucket.client.destroy();
  }
}

async function targetOf(installation: Installation, named: string | true | undefined): Promise<string> {
  if (typeof named === 'string') return requireTarget(installation, named);
  const targets = await installation.targets();
  const [only, ...others] = targets;
  if (only !== undefined && others.length === 0) return only;
  throw usageError(
    [`${installation.title} has ${targets.length} targets.`],
    `Say whose backup it becomes, with --target: ${targets.join(', ')}.`,
  );
}

const textOf = (flag: string | true | undefined): string | undefined =>
  typeof flag === 'string' ? flag : undefined;

async function placeOf(
  installation: Installation,
  target: string,
): Promise<Pick<Adoption, 'bucket' | 'address' | 'target' | 'settings'>> {
  const { bucketName, region, endpoint } = installation;
  return {
    bucket: bucketOf(installation),
    address: { bucket: bucketName, region, ...(endpoint !== undefined && { endpoint }) },
    target,
    settings: await installation.target(target),
  };
}

const REDRAW_EVERY = 1000;

function showProgress({ progress, now }: Call): {
  readonly see: (seen: AdoptionProgress) => void;
  readonly stop: () => void;
} {
  const began = now();
  let last: AdoptionProgress | undefined;
  const redraw = (): void => {
    if (last !== undefined) progress.show(adoptProgress(last, now() - began));
  };
  const timer = setInterval(redraw, REDRAW_EVERY);
  return {
    see: (seen) => {
      const isNews = last?.doing !== seen.doing;
      last = seen;
      // Objects are copied by the hundred a second; the timer is soon enough for them.
      if (isNews) redraw();
    },
    stop: () => {
      clearInterval(timer);
      progress.clear();
    },
  };
}

function interrupted({ progress, command, argument }: Call, target: string, source: string): Answer {
  progress.note(
    line(
      'Stopped. What was copied stays; the same command goes on from there:  ',
      faint(command(`adopt ${argument} --target ${target}`)),
    ),
  );
  return { exitCode: EXIT.interrupted, json: { adopted: null, target, source }, screen: () => [] };
}

const content = (examined: ExaminedSource) => ({
  startedAt: isoTime(examined.startedAt),
  objects: examined.extent.objects,
  bytes: examined.extent.bytes,
  manifestSha256: examined.manifestSha256,
  databases: examined.databases,
  tables: examined.tables,
  systemDatabases: examined.systemDatabases,
  undefinedDatabases: examined.undefinedDatabases,
  strangers: examined.strangers,
});

const jsonOf = (
  { id, standing, examined, copied, verified }: AdoptedBackup,
  target: string,
  source: string,
) => ({
  id,
  target,
  source,
  standing,
  copied,
  ...content(examined),
  restore: verified.restore,
});
