/** Everybody who writes or reads the same data, one after the other, several times in changing order. */
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

async function proveTwice(
  bench: Bench,
  { id }: Standing,
  workspace: Workspace,
): Promise<Pick<Round, 'cold' | 'warm'>> {
  const prover = await openProver(bench, workspace);
  try {
    return { cold: await prover.prove(bench.target, id), warm: await prover.prove(bench.target, id) };
  } finally {
    await prover.stop();
  }
}
