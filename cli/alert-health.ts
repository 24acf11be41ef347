/** Whether an alert would reach anybody, as far as whoever asks may know it. */
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Examination, Installation } from '../core/installation.ts';
import { listenerProblem } from '../core/listeners.ts';

/** @returns undefined where there is no topic that anybody could subscribe to: on one machine */
export async function examineAlerts({ listeners }: Installation): Promise<Examination | undefined> {
  if (listeners === undefined) return undefined;
  try {
    const found = await listeners();
    const problem = listenerProblem(found);
    if (problem !== undefined) return { check: 'alerts', result: 'bad', ...problem };
    const count = `${found.length} ${found.length === 1 ? 'subscriber hears' : 'subscribers hear'}`;
    return { check: 'alerts', result: 'good', what: `${count} the alerts.`, remedy: '' };
  } catch (error) {
    return notChecked(error, {
      check: 'alerts',
      what: 'It is not known who hears the alerts.',
      permission: '`sns:ListSubscriptionsByTopic` on the topic',
    });
  }
}

interface Unknown {
  readonly check: string;
  readonly what: string;
  /** What whoever looks must be given. */
  readonly permission: string;
}

/** What could not be read is unknown, and neither good nor bad. */
export function notChecked(error: unknown, { check, what, permission }: Unknown): Examination {
  if (!(error instanceof SafehouseError)) throw error;
  return {
    check,
    result: 'not checked',
    what: `${what} ${error.failure.what}`,
    remedy: error.name === ERROR_NAMES.refused ? `Give whoever looks ${permission}.` : error.failure.remedy,
  };
}
