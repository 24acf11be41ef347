import { openProver, type Prover, proverTrouble } from '../../clients/prover.ts';

let turn: Promise<unknown> = Promise.resolve();

/**
 * Lends an engine that nobody has used before and nobody will use again: opening one takes a tenth of a second, and nothing of
 * another backup is in it. An engine of 26.7 keeps the manifest of a place that it has mounted for as long as it lives, and would
 * show what lay there before. A process has one engine at a time: whoever comes second waits, as after a step that ran out of time
 * and is still at work.
 */
export function withProver<Result>(work: (engine: Prover) => Promise<Result>): Promise<Result> {
  const result = turn.then(() => lend(work));
  turn = result.catch(() => {});
  return result;
}

async function lend<Result>(work: (engine: Prover) => Promise<Result>): Promise<Result> {
  const engine = await openProver().catch((cause: unknown) => {
    throw proverTrouble(cause);
  });
  try {
    return await work(engine);
  } finally {
    engine.close();
  }
}
