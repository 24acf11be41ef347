import { bytesText } from '../../cli/amounts.ts';
import { type Figure, measured, type Result, sampled, type Tools } from '../figure.ts';
import { fill, GIGABYTE } from '../overhead/dataset.ts';
import { bucketOf, openBenchHouse } from '../overhead/house.ts';
import { sqlAt } from '../overhead/sql.ts';
import { makeProvenBackup, runRestoreRounds } from '../restore/rounds.ts';
import { spreadOf } from '../statistics.ts';

const SIZE = { target: 'five', database: 'bench_restore', bytes: 5 * GIGABYTE };
const ROUNDS = 8;
const MOST = 1.15;
/** The data, its backup, and what is restored beside it. */
const DISK_FACTOR = 4;

export const restore: Figure = {
  number: 10,
  title: 'A restore by the workflow, compared, against the bare RESTORE statement',
  async measure({ workspace, say }: Tools): Promise<Result> {
    const { disk } = await workspace.room();
    if (disk < SIZE.bytes * DISK_FACTOR)
      return {
        measurements: [],
        skipped: [
          {
            name: 'the restore',
            why: `It takes ${bytesText(SIZE.bytes * DISK_FACTOR)} of disk, and ${bytesText(disk)} are free.`,
            remedy: 'Free some, or name another disk: TMPDIR=/directory npm run bench -- 10',
          },
        ],
      };
    const { house, close } = await openBenchHouse(workspace, 'restore', [SIZE], { level: 'counts' });
    try {
      const sql = sqlAt(await house.startEngine());
      say(`writing ${bytesText(SIZE.bytes)} of random numbers`);
      await fill(sql, SIZE);
      const bench = { house, bucket: bucketOf(house), sql, target: SIZE.target, database: SIZE.database };
      const backup = await makeProvenBackup(bench);
      const rounds = await runRestoreRounds(bench, backup, ROUNDS, ({ workflow, bare }, number) =>
        say(`${number} of ${ROUNDS}: workflow ${workflow.toFixed(1)} s, RESTORE ${bare.toFixed(1)} s`),
      );
      const fastest = (of: 'workflow' | 'bare'): number => Math.min(...rounds.map((round) => round[of]));
      const size = bytesText(SIZE.bytes);
      return {
        measurements: [
          sampled(
            `${size}: workflow ÷ RESTORE`,
            spreadOf(rounds.map(({ workflow, bare }) => workflow / bare)),
            'ratio',
            { atMost: MOST },
          ),
          measured(`${size}: the fastest ÷ the fastest`, fastest('workflow') / fastest('bare'), 'ratio'),
          sampled(`${size}: RESTORE alone`, spreadOf(rounds.map(({ bare }) => bare)), 'seconds'),
          sampled(`${size}: workflow`, spreadOf(rounds.map(({ workflow }) => workflow)), 'seconds'),
        ],
        notes: [
          'Pairs that ran one after the other, each first in turn: the same backup, server and bucket. The workflow from its start to its end: plan, pin, preflight, RESTORE, polls, every table held against the proof, report.',
        ],
        details: { rounds },
      };
    } finally {
      await close();
    }
  },
};
