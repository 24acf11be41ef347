/** The word for a backup's state, in the colour that it deserves. */
import { type LedgerEntry, type State, stateOf } from '../core/ledger.ts';
import { bad, doubtful, faint, good, type Span } from './screen.ts';

export function stateSpan(states: LedgerEntry['states']): Span {
  const state = stateOf(states);
  // What is left of a failure is swept away like everything else, and yet it is the failure that one looks for.
  if (state === 'expiring' && states.failed !== undefined) return bad('failed, marked');
  return toned(state, states.kept === undefined || states.removed !== undefined ? state : `${state}, kept`);
}

function toned(state: State, text: string): Span {
  switch (state) {
    case 'started':
    case 'written':
    case 'expiring':
      return doubtful(text);
    case 'verified':
    case 'proven':
    case 'kept':
      return good(text);
    case 'failed':
      return bad(text);
    case 'removing':
    case 'removed':
      return faint(text);
  }
}
