/** What an examination has found, a line for each check. */
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Failure } from '../../core/failure.ts';
import type { Examination } from '../../core/installation.ts';

export interface Found<Value> {
  /** For the checks that come after. */
  readonly value: Value;
  readonly what: string;
}

const NOT_CHECKED = 'NotChecked';
const BEYOND_REACH = 'BeyondReach';

/** A check that could not be made: neither good nor bad. */
export const notChecked = (what: string, remedy = ''): SafehouseError =>
  new SafehouseError(ERROR_NAMES.refused, { what, remedy, error: NOT_CHECKED });

/** A check that can never be made here, and that nobody should wait for. */
export const beyondReach = (what: string, remedy: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.refused, { what, remedy, error: BEYOND_REACH });

export class Findings {
  readonly examinations: Examination[] = [];
  readonly #bad: Failure[] = [];

  /** Adds a line, good or bad, and gives what was found to the next check. */
  async attempt<Value>(check: string, examine: () => Promise<Found<Value>>): Promise<Value | undefined> {
    try {
      const { value, what } = await examine();
      this.examinations.push({ check, result: 'good', what, remedy: '' });
      return value;
    } catch (error) {
      if (!(error instanceof SafehouseError)) throw error;
      this.#add(check, error.failure);
      return undefined;
    }
  }

  /** Checks for which something is missing that an earlier one should have found. */
  leaveOut(checks: readonly string[], what: string): void {
    for (const check of checks) this.#add(check, notChecked(what).failure);
  }

  #add(check: string, failure: Failure): void {
    const { what, remedy, error } = failure;
    if (error === NOT_CHECKED) this.examinations.push({ check, result: 'not checked', what, remedy });
    else if (error === BEYOND_REACH)
      this.examinations.push({ check, result: 'not checked', what, remedy, isBeyondReach: true });
    else {
      this.examinations.push({ check, result: 'bad', what, remedy, error });
      this.#bad.push(failure);
    }
  }

  /**
   * A server that restarts, or an S3 that asks for patience, is no news for a person before it has been tried again.
   *
   * @throws {SafehouseError} TemporarilyUnavailable, when all that is bad may be good in a minute
   */
  refusePassing(): void {
    const [first] = this.#bad;
    if (first === undefined || this.#bad.some((failure) => failure.class !== 'retry the same')) return;
    throw new SafehouseError(ERROR_NAMES.unavailable, {
      ...first,
      what: this.#bad.map(({ what }) => what).join(' '),
    });
  }
}

/** Everything is as it should be, as far as it can be known. */
export const isGood = (examinations: readonly Examination[]): boolean =>
  examinations.length > 0 &&
  examinations.every(({ result, isBeyondReach }) => result === 'good' || isBeyondReach === true);
