/** How the demonstration runs a workflow and speaks to ClickHouse: as anybody would. */
import { setTimeout as pause } from 'node:timers/promises';
import { bytesText } from '../../cli/amounts.ts';
import { stepText } from '../../cli/step-text.ts';
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { type Evidence, requireEvidence } from '../../clients/ledger.ts';
import type { Kind } from '../../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { targetPrefix } from '../../core/keys.ts';
import type { History } from '../execution.ts';
import type { House } from '../house.ts';
import type { LocalExecution } from '../state-machines.ts';
import type { DemoScreen } from './screen.ts';

export interface Tour {
  readonly house: House;
  readonly bucket: Bucket;
  readonly screen: DemoScreen;
  /** The target whose backups are shown. */
  readonly target: string;
}

export const LOOKS_EVERY_MILLISECONDS = 100;

export interface ProvenBackup {
  readonly verified: Evidence<'verified'>;
  readonly proven: Evidence<'proven'>;
}

/** Runs the backup's state machine to its end. */
export async function runBackup(tour: Tour, kind: Kind): Promise<ProvenBackup> {
  const { house, bucket, target } = tour;
  const execution = await house.start('backup', { target, kind });
  const { status, cause, output } = await follow(tour, execution);
  const id = (output as { verified?: { id: string } } | null)?.verified?.id;
  if (status !== 'succeeded' || id === undefined) throw unexpectedEnd(`${kind} backup`, cause);
  return {
    verified: await requireEvidence(bucket, target, id, 'verified'),
    proven: await requireEvidence(bucket, target, id, 'proven'),
  };
}

export async function follow({ screen }: Tour, execution: LocalExecution): Promise<History> {
  let ended = false;
  void execution.ended.then(() => {
    ended = true;
  });
  while (!ended) {
    const { state, poll } = await execution.view();
    const written =
      poll === null || poll.progress.bytes === 0 ? '' : `, ${bytesText(poll.progress.bytes)} written`;
    screen.show(`${stepText(state)}${written}`);
    await pause(LOOKS_EVERY_MILLISECONDS);
  }
  return execution.ended;
}

export const unexpectedEnd = (what: string, cause: string | null): SafehouseError =>
  new SafehouseError(ERROR_NAMES.refused, {
    what: `The ${what} of the demonstration did not end as it should: ${cause ?? 'without a reason'}`,
    remedy: 'Remove the directory .safehouse and start again; if it fails again, this is a defect.',
  });

export async function tell(
  { house, screen }: Tour,
  statements: readonly string[],
  doing: string,
): Promise<void> {
  for (const [index, statement] of statements.entries()) {
    screen.show(`${doing} (${index + 1} of ${statements.length})`);
    await ask(house, statement);
  }
}

/** Over HTTP, as anybody would. */
export async function ask(house: House, query: string): Promise<string> {
  const answer = await fetch(await house.startEngine(), { method: 'POST', body: query });
  const text = await answer.text();
  if (answer.ok) return text.trim();
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `ClickHouse refused a statement of the demonstration: ${text.split('\n')[0]}`,
    remedy: 'Remove the directory .safehouse and start again; if it fails again, this is a defect.',
  });
}

export async function sizeOf(bucket: Bucket, target: string): Promise<{ objects: number; bytes: number }> {
  const size = { objects: 0, bytes: 0 };
  for await (const object of listObjects(bucket, targetPrefix(target))) {
    size.objects += 1;
    size.bytes += object.size;
  }
  return size;
}
