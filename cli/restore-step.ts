/** What a state of the restore's machines is doing, in words. */
import { stepText } from './step-text.ts';

const TEXTS: Readonly<Record<string, string>> = {
  Pin: 'Pinning',
  Preflight: 'Looking',
  IsItToBeDone: 'Looking',
  MakeRoom: 'Making room',
  WaitForClickHouse: 'Restoring',
  Poll: 'Restoring',
  IsItFinished: 'Restoring',
  Compare: 'Comparing',
  IsItEqual: 'Comparing',
  IsItADrill: 'Cleaning up',
  DropDrill: 'Cleaning up',
  Finish: 'Finishing',
  WasItDone: 'Done',
  Restored: 'Done',
  OnlyPlanned: 'Done',
  Reopen: 'Looking',
  IsItOpen: 'Looking',
  HasEnded: 'Done',
  Stop: 'Stopping',
  HasItStopped: 'Stopping',
  WaitUntilStopped: 'Stopping',
  CleanUp: 'Cleaning up',
  IsItCleanedUp: 'Done',
  Cancelled: 'Done',
};

export const restoreStep = (state: string | null): string =>
  state !== null && Object.hasOwn(TEXTS, state) ? (TEXTS[state] ?? state) : stepText(state);

/** In the machine that ends what was cancelled, its report is no failure. */
export const endingStep = (state: string | null): string =>
  state === 'RecordFailure' ? 'Finishing' : restoreStep(state);
