/** How a failure is told: what it is called, what happened, what to do; never a stack trace. */
import { SafehouseError } from '../core/errors.ts';
import { redact } from '../core/redaction.ts';
import { explainAwsError } from './aws-errors.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { bad, type Line, line, paragraph } from './screen.ts';
import type { ReportedError } from './verb.ts';

export interface Report {
  readonly error: ReportedError;
  readonly exitCode: ExitCode;
}

/** Whatever was thrown, as something that a person can act on. */
export function reportOf(thrown: unknown): Report {
  const known = explainAwsError(thrown) ?? thrown;
  if (known instanceof SafehouseError) {
    const { what, remedy } = known.failure;
    return {
      error: { name: known.name, what: redact(what), remedy: redact(remedy) },
      exitCode: exitCodeOf(known.name),
    };
  }
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return {
    error: {
      name: 'Unexpected',
      what: `Something happened that Safehouse does not know: ${redact(text)}`,
      remedy: 'This is a defect. SAFEHOUSE_DEBUG=1 before the command shows where it happened.',
    },
    exitCode: EXIT.unexpected,
  };
}

export const reportLines = ({ what, remedy }: ReportedError, width: number): Line[] => [
  ...paragraph(bad('Error: '), what.trimEnd(), width),
  ...(remedy === '' ? [] : paragraph('To do: ', remedy, width)),
];

/** Where a defect happened, for whoever asked for it with SAFEHOUSE_DEBUG. */
export const stackLines = (thrown: unknown): Line[] =>
  thrown instanceof Error && thrown.stack !== undefined
    ? redact(thrown.stack)
        .split('\n')
        .map((text) => line(text))
    : [];
