/** What a figure is: a few measurements, each with the target that it has to meet. */
import type { Spread } from './statistics.ts';
import type { Workspace } from './workspace.ts';

export type Target = { readonly atMost: number } | { readonly atLeast: number };

/** How a value is written, on the screen and in words. */
export type Unit =
  | 'ratio'
  | 'times'
  | 'seconds'
  | 'milliseconds'
  | 'bytes'
  | 'dollars'
  | 'count'
  | 'amount'
  | 'per second';

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** The lowest and highest of several samples; the value is their median. */
  readonly spread?: { readonly lowest: number; readonly highest: number; readonly samples: number };
  readonly target?: Target;
  /** Given with a target. */
  readonly met?: boolean;
}

/** What was not measured, and what to do to have it measured. */
export interface Skipped {
  readonly name: string;
  readonly why: string;
  readonly remedy: string;
}

export interface Result {
  readonly measurements: readonly Measurement[];
  readonly skipped?: readonly Skipped[];
  /** Sentences that a reader of the figure needs. */
  readonly notes?: readonly string[];
  /** Everything else that was measured, for whoever wants to know where the time goes. */
  readonly details?: unknown;
}

export interface Tools {
  readonly workspace: Workspace;
  /** The environment of whoever runs the bench. */
  readonly environment: NodeJS.ProcessEnv;
  /** Progress, a line at a time. */
  readonly say: (line: string) => void;
}

export interface Figure {
  readonly number: number;
  readonly title: string;
  measure(tools: Tools): Promise<Result>;
}

export const isMet = (value: number, target: Target): boolean =>
  'atMost' in target ? value <= target.atMost : value >= target.atLeast;

/** A measurement, judged where there is a target. */
export function measured(name: string, value: number, unit: Unit, target?: Target): Measurement {
  return { name, value, unit, ...(target && { target, met: isMet(value, target) }) };
}

/** The same of several samples, whose median counts. */
export function sampled(name: string, spread: Spread, unit: Unit, target?: Target): Measurement {
  const { median, lowest, highest, samples } = spread;
  return { ...measured(name, median, unit, target), spread: { lowest, highest, samples } };
}
