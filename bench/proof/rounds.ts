/** Everybody who writes or reads the same data, one after the other, several times in changing order. */
import { ERROR_NAMES } from '../../core/errors.ts';
import type { AwsCli } from '../aws-cli.ts';
import { type Bench, bareBackup } from '../overhead/statement.ts';
import type { Workspace } from '../workspace.ts';
import { download, openProver, type Proof, type Restored, restoreAndCheck, type Standing } from './place.ts';

/** Seconds. */
export interface Round {
  readonly first: Contestant;
  readonly backup: number;
  readonly cold: Proof;
  /** By the processes of the cold one, once more. */
  readonly warm: Proof;
  /** Pairs of proofs before these in which the engine could not read. */
  readonly givenUp: number;
  readonly restored: Restored;
  /** Undefined without the CLI. */
  readonly download: number | undefined;
}

const CONTESTANTS = ['backup', 'proofs', 'restored', 'download'] as const;
type Contestant = (typeof CONTESTANTS)[number];

export interface RoundsOptions {
  readonly bench: Bench;
  readonly standing: Standing;
  readonly cli: AwsCli | undefined;
  readonly workspace: Workspace;
  readonly rounds: number;
  readonly each: (round: Round, number: number) => void;
}

export async function runProofRounds(options: RoundsOptions): Promise<readonly Round[]> {
  const done: Round[] = [];
  for (let number = 1; number <= options.rounds; number += 1) {
    const round = await runRound(options, number - 1);
    done.push(round);
    options.each(round, number);
  }
  return done;
}

/** What one leaves in caches serves the next, so each begins a round in turn. */
async function runRound({ bench, standing, cli, workspace }: RoundsOptions, turn: number): Promise<Round> {
  const run = {
    backup: () => bareBackup(bench),
    proofs: () => proveTwice(bench, standing, workspace),
    restored: () => restoreAndCheck(bench, standing),
    download: async () => cli && download(cli, bench, standing, workspace),
  };
  const results: { -readonly [Name in Contestant]?: Awaited<ReturnType<(typeof run)[Name]>> } = {};
  const order = CONTESTANTS.map((_, place) => CONTESTANTS[(turn + place) % CONTESTANTS.length] ?? 'backup');
  for (const name of order) Object.assign(results, { [name]: await run[name]() });
  const { backup, proofs, restored } = results;
  if (backup === undefined || proofs === undefined || restored === undefined)
    throw new Error('a round is not whole');
  return { first: order[0] ?? 'backup', backup, ...proofs, restored, download: results.download };
}

/**
 * On a machine that is busy with other things an engine's reading may time out. The state machine would wait and try again;
 * here the proof begins anew, and that it did is told.
 */
const TRIES = 3;

async function proveTwice(
  bench: Bench,
  { id }: Standing,
  workspace: Workspace,
): Promise<Pick<Round, 'cold' | 'warm' | 'givenUp'>> {
  for (let givenUp = 0; ; givenUp += 1) {
    const prover = await openProver(bench, workspace);
    try {
      const cold = await prover.prove(bench.target, id);
      return { cold, warm: await prover.prove(bench.target, id), givenUp };
    } catch (error) {
      if (!isTransient(error) || givenUp + 1 === TRIES) throw error;
    } finally {
      await prover.stop();
    }
  }
}

const isTransient = (error: unknown): boolean =>
  error instanceof Error && error.name === ERROR_NAMES.unavailable;
