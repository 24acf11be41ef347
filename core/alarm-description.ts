/** The description of an alarm: written by the stack, mailed by CloudWatch, read back by the command line. */

export interface AlarmDescription {
  /** What it means, in sentences for a person who has just been woken. */
  readonly meaning: string;
  /** The address of its section in the runbook; undefined when the alarm names none. */
  readonly runbook: string | undefined;
  /** Where to look first; undefined when there is no such page. */
  readonly console: string | undefined;
}

const RUNBOOK = 'Runbook: ';
const CONSOLE = 'Console: ';

export function writeAlarmDescription({ meaning, runbook, console }: AlarmDescription): string {
  const links = [...linked(RUNBOOK, runbook), ...linked(CONSOLE, console)];
  return [meaning, ...(links.length > 0 ? ['', ...links] : [])].join('\n');
}

/** Of any text, for whoever may change alarms may write what he likes: what is no link is part of the meaning. */
export function readAlarmDescription(text: string): AlarmDescription {
  const lines = text.split('\n');
  const isLink = (line: string): boolean => line.startsWith(RUNBOOK) || line.startsWith(CONSOLE);
  const linkAfter = (label: string): string | undefined =>
    lines.find((line) => line.startsWith(label))?.slice(label.length);
  return {
    meaning: lines
      .filter((line) => !isLink(line))
      .join('\n')
      .trim(),
    runbook: linkAfter(RUNBOOK),
    console: linkAfter(CONSOLE),
  };
}

const linked = (label: string, address: string | undefined): string[] =>
  address === undefined ? [] : [label + address];
