/** The text of an alert: what a person on call needs, to act without opening AWS. */
import type { Failure } from './failure.ts';
import { harmless } from './redaction.ts';
import { anchorOf, RUNBOOK } from './runbook.ts';

export { anchorOf, RUNBOOK } from './runbook.ts';

export interface LastGood {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly count: number;
}

export interface AlertFacts {
  readonly target: string;
  /** What did not come about: "The full backup scheduled for 2026-04-02T02:00:00Z". */
  readonly subject: string;
  readonly step: string;
  readonly failure: Failure;
  readonly attempts: number;
  readonly backup: string | null;
  /** `unknown` when the ledger could not be read: that is said, not hidden. */
  readonly lastGood: LastGood | null | 'unknown';
  readonly now: number;
  readonly execution: string;
}

export interface Alert {
  /** Printable ASCII, less than 100 characters: SNS refuses anything else. */
  readonly subject: string;
  readonly text: string;
}

/** `3 h 20 min`, `2 d 4 h`, `45 s`: two units at most. */
export function ageText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [days, hours, minutes] = [seconds / 86_400, seconds / 3600, seconds / 60].map(Math.floor) as [
    number,
    number,
    number,
  ];
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min`;
  return `${seconds} s`;
}

export function composeAlert(facts: AlertFacts): Alert {
  const { failure, target, now } = facts;
  const lines = [
    `${facts.subject} failed.`,
    '',
    `Target:        ${target}`,
    `What happened: ${failure.what}`,
    `What to do:    ${failure.remedy}`,
    `Last good:     ${lastGoodText(facts.lastGood, now)}`,
    '',
    `Step:          ${facts.step} (${failure.error}; ${failure.class})`,
    `Backup:        ${facts.backup ?? 'none was begun'}`,
    `Attempts:      ${facts.attempts}`,
    `Execution:     ${facts.execution}`,
    `Runbook:       ${RUNBOOK}#${anchorOf(failure.error)}`,
  ];
  return {
    subject: asciiLine(`Safehouse: ${target}: ${facts.subject} failed (${failure.error})`, 99),
    text: lines.map((line) => harmless(line)).join('\n'),
  };
}

export function lastGoodText(lastGood: AlertFacts['lastGood'], now: number): string {
  if (lastGood === 'unknown')
    return 'not known: the ledger could not be read. Look at it before anything else.';
  if (lastGood === null) return 'NONE. This target has no good backup.';
  return `${lastGood.id}, ${ageText(now - lastGood.startedAt)} old, still in place (${lastGood.count} good in all)`;
}

/** One line of printable ASCII, as SNS wants a subject. */
export function asciiLine(text: string, length: number): string {
  const ascii = text.replace(/[^\x20-\x7e]/g, '?');
  return ascii.length > length ? `${ascii.slice(0, length - 3)}...` : ascii;
}
