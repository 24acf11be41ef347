/** What is kept is read again: storage and people damage what was good. */
import { setTimeout as pause } from 'node:timers/promises';
import { countOf } from '../../cli/amounts.ts';
import { readLedger } from '../../clients/ledger.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { proofCoverage } from '../../core/proof-walk.ts';
import { LOOKS_EVERY_MILLISECONDS, type Tour, unexpectedEnd } from './run.ts';

/** Runs the function that EventBridge calls every day, and waits for the proofs that it starts. */
export async function readAgain(tour: Tour): Promise<void> {
  const { house, screen, target } = tour;
  screen.step('What is kept is read again');
  const { againWithinDays } = house.target(target).prove;
  const before = await coverage(tour);
  const unread = before.good - before.covered;
  screen.say(
    `Every day some of the backups that are kept are proven again, each within ${againWithinDays} days, the longest unread first. ${unread === 0 ? 'All of them were read today.' : `${unread} of the past were never read.`}`,
  );
  const told = house.messages().length;
  screen.show('starting the proofs');
  const { functions } = await house.stack();
  const walk = functions.find(({ environment }) => ENVIRONMENT.proveMachine in environment);
  await house.deliver(walk?.arn ?? '', {});
  await showProofs(tour);
  const { good, covered } = await coverage(tour);
  if (house.messages().length > told) throw unexpectedEnd('proof of what is kept', 'one of them failed');
  screen.done(`${covered} of ${countOf(good, 'good backup')} proven`);
}

async function showProofs(tour: Tour): Promise<void> {
  let settled = false;
  const settling = tour.house.settled().finally(() => {
    settled = true;
  });
  while (!settled) {
    const { good, covered } = await coverage(tour);
    tour.screen.show(`proving, ${covered} of ${good}`);
    await pause(LOOKS_EVERY_MILLISECONDS);
  }
  return settling;
}

async function coverage({ house, bucket, target }: Tour): Promise<{ good: number; covered: number }> {
  const { entries } = await readLedger(bucket, target);
  return proofCoverage(entries, house.target(target).prove.againWithinDays, Date.now());
}
