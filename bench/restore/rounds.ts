/** A restore by the workflow and the bare statement, one after the other of the same backup, several times in changing order. */
import { backupPrefix } from '../../core/keys.ts';
import { restoreStatement } from '../../core/statements.ts';
import { type Bench, secondsSince, settleDisk, urlOf } from '../overhead/statement.ts';

/** Seconds. */
export interface RestoreRound {
  readonly first: 'workflow' | 'bare';
  readonly bare: number;
  /** From its start to its end, everything compared. */
  readonly workflow: number;
}

/** Makes the backup that is restored, proven, so that there is something to compare with. */
export async function makeProvenBackup({ house, target }: Bench): Promise<string> {
  const backup = await house.start('backup', { target });
  const { status, error, cause } = await backup.ended;
  const { backupId } = await backup.view();
  await house.settled();
  if (status !== 'succeeded' || backupId === null)
    throw new Error(`the backup of ${target} ended as ${status}: ${error} ${cause}`);
  return backupId;
}

export async function runRestoreRounds(
  bench: Bench,
  backup: string,
  rounds: number,
  each: (round: RestoreRound, number: number) => void,
): Promise<readonly RestoreRound[]> {
  // The server's first restore takes up to twice as long as those after it, whoever asks for it.
  await restoreBare(bench, backup);
  const done: RestoreRound[] = [];
  for (let number = 1; number <= rounds; number += 1) {
    // What the first of a pair leaves in caches serves the second, so each is first in turn.
    const round: RestoreRound =
      number % 2 === 1
        ? {
            first: 'workflow',
            workflow: await restoreByWorkflow(bench, backup),
            bare: await restoreBare(bench, backup),
          }
        : {
            first: 'bare',
            bare: await restoreBare(bench, backup),
            workflow: await restoreByWorkflow(bench, backup),
          };
    done.push(round);
    each(round, number);
  }
  return done;
}

const PLACE = 'bench_restored';

async function restoreByWorkflow({ house, sql, target, database }: Bench, backup: string): Promise<number> {
  await settleDisk();
  const before = performance.now();
  const execution = await house.start('restore', { target, backup, as: { [database]: PLACE } });
  const { status, error, cause } = await execution.ended;
  const seconds = secondsSince(before);
  if (status !== 'succeeded')
    throw new Error(`the restore of ${backup} ended as ${status}: ${error} ${cause}`);
  await sql(`DROP DATABASE ${PLACE} SYNC`);
  return seconds;
}

async function restoreBare({ house, sql, target, database }: Bench, backup: string): Promise<number> {
  const statement = restoreStatement({
    elements: [{ kind: 'database', database, as: PLACE }],
    source: { access: 'server', url: urlOf(house, backupPrefix(target, backup).slice(0, -1)) },
    settings: house.target(target).settings,
  });
  await settleDisk();
  const before = performance.now();
  const answer = await sql(statement);
  const seconds = secondsSince(before);
  if (!answer.includes('RESTORED')) throw new Error(`RESTORE answered ${answer}`);
  await sql(`DROP DATABASE ${PLACE} SYNC`);
  return seconds;
}
