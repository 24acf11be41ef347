/** What the fuzzers share: bad inputs are counted, each must be answered in time, and nothing but our own errors is an answer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type RunnerTask } from 'vitest';
import { SafehouseError } from '../../core/errors.ts';

/**
 * Milliseconds of the processor for one input: a machine that does other things as well is slow, and works no more. What is
 * looked for is a factor of a thousand: inputs are so long that a reader which goes over them again from each place takes
 * minutes.
 */
const LONGEST_ANSWER = 2_000;

const millisecondsSince = (began: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1_000;
};

/** Counts inputs. With SAFEHOUSE_FIGURES each test leaves its count in a file of that directory, for `run.ts`. */
export class BadInputs {
  #tried = 0;

  /**
   * Reads one input.
   *
   * @returns what came of it, or the error of ours that refused it
   * @throws whatever else is thrown: that is the crash that is looked for
   */
  answer<Result>(read: () => Result): Result | SafehouseError {
    this.#tried += 1;
    const began = process.cpuUsage();
    try {
      return read();
    } catch (error) {
      if (error instanceof SafehouseError) return error;
      throw error;
    } finally {
      expect(millisecondsSince(began)).toBeLessThan(LONGEST_ANSWER);
    }
  }

  /** The same for what is waited for. What waits for ever is ended by the time of its test. */
  async answered<Result>(read: () => Promise<Result>): Promise<Result | SafehouseError> {
    this.#tried += 1;
    const began = process.cpuUsage();
    try {
      return await read();
    } catch (error) {
      if (error instanceof SafehouseError) return error;
      throw error;
    } finally {
      expect(millisecondsSince(began)).toBeLessThan(LONGEST_ANSWER);
    }
  }

  /** To be called at the end of the test: only a count that is reached without a crash is one. */
  report(task: Readonly<RunnerTask>): void {
    const directory = process.env['SAFEHOUSE_FIGURES'];
    if (directory === undefined || directory === '') return;
    mkdirSync(directory, { recursive: true });
    const figure = { file: task.file.name, test: task.name, badInputs: this.#tried };
    writeFileSync(join(directory, `bad-inputs-${task.id}.json`), `${JSON.stringify(figure)}\n`);
  }
}

/** What a terminal could obey or an eye could miss. Line breaks are for texts of several lines. */
export const UNSEEN = /[\p{Cc}\p{Cf}]/u;
export const UNSEEN_IN_LINES = /[^\P{Cc}\n]|\p{Cf}/u;
