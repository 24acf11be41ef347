import { openProver, type Prover, proverTrouble } from '../../clients/prover.ts';

let opened: Promise<Prover> | undefined;

/** The engine of this function, opened once and kept warm. A failed opening is tried again. */
export function prover(): Promise<Prover> {
  opened ??= openProver().catch((cause: unknown) => {
    opened = undefined;
    throw proverTrouble(cause);
  });
  return opened;
}
