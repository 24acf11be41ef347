/** What a state of the state machines is doing, in words; a state that is not known here shows its own name. */

const TEXTS: Readonly<Record<string, string>> = {
  Begin: 'Beginning',
  CheckBefore: 'Asking whether it may begin',
  WaitForCondition: 'Waiting until it may begin',
  Prepare: 'Preparing',
  Submit: 'Submitting',
  WaitForClickHouse: 'Writing',
  Poll: 'Writing',
  IsItFinished: 'Writing',
  Verify: 'Verifying',
  PlanProof: 'Mounting',
  IsProofWanted: 'Mounting',
  ProveItems: 'Proving',
  ProveItem: 'Proving',
  JudgeProof: 'Judging',
  StartRetention: 'Finishing',
  RecordFailure: 'Failing',
  NextAttempt: 'Trying again',
  Plan: 'Planning',
  Remove: 'Removing',
  Examine: 'Examining',
  Examined: 'Done',
  BackedUp: 'Done',
  Done: 'Done',
  GivenUp: 'Failed',
};

export const stepText = (state: string | null): string =>
  state === null ? 'Starting' : Object.hasOwn(TEXTS, state) ? (TEXTS[state] ?? state) : state;
