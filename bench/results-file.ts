/** The figures as JSON. Each carries its own machine and time, because a run may measure only some of them. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Result } from './figure.ts';
import type { Machine } from './machine.ts';

/** A figure as the file has it. */
export interface MeasuredFigure extends Result {
  readonly number: number;
  readonly title: string;
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly machine: Machine;
  /** Processes that wanted a processor, on average of the minute before it began and of its last one. */
  readonly load: { readonly before: number; readonly after: number };
}

const fileSchema = z.object({
  version: z.literal(1),
  figures: z.array(z.looseObject({ number: z.number() })),
});
type KnownFigure = z.infer<typeof fileSchema>['figures'][number];

/** The figures of before, with those in the place of their numbers that were measured now. */
export const merged = <Known extends { readonly number: number }>(
  before: readonly Known[],
  now: readonly MeasuredFigure[],
): (Known | MeasuredFigure)[] => {
  const numbers = new Set(now.map(({ number }) => number));
  return [...before.filter(({ number }) => !numbers.has(number)), ...now].sort((a, b) => a.number - b.number);
};

/** @throws {SafehouseError} RefusedForSafety, when the file is something else: it is not overwritten */
export function readResults(file: string): readonly KnownFigure[] {
  if (!existsSync(file)) return [];
  const parsed = fileSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data.figures;
  throw new SafehouseError(ERROR_NAMES.unsafe, {
    what: `${file} exists and does not hold figures of this bench.`,
    remedy: 'Name another file after --json, or remove this one.',
  });
}

/** Whole or not at all. */
export function writeResults(file: string, figures: readonly unknown[]): void {
  const part = `${file}.${process.pid}.part`;
  writeFileSync(part, `${JSON.stringify({ version: 1, figures }, null, 2)}\n`);
  renameSync(part, file);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
