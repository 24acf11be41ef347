/** The alarms of a stack as CloudWatch has them, and what is wrong with them. */

export interface StackAlarm {
  readonly name: string;
  /** `unknown` is CloudWatch's INSUFFICIENT_DATA, and whatever else it may say. */
  readonly state: 'ringing' | 'quiet' | 'unknown';
  /** When it came into this state, in milliseconds since 1970; null when CloudWatch does not say. */
  readonly since: number | null;
  /** Whether it would tell the topic of the alerts. */
  readonly tells: boolean;
  /** What it means when it rings. */
  readonly meaning: string;
  /** The address of its section in the runbook. */
  readonly runbook: string | null;
}

export interface StackAlarms {
  readonly alarms: readonly StackAlarm[];
  /** How many the stack has deployed: one that was deleted cannot ring. */
  readonly deployed: number;
}

export interface AlarmFinding {
  readonly result: 'good' | 'bad' | 'not checked';
  /** A line for each alarm that rings, below one that counts them. */
  readonly what: string;
  /** Empty when nothing is to be done. */
  readonly remedy: string;
}

const NAMED = 10;

export function judgeAlarms({ alarms, deployed }: StackAlarms): AlarmFinding {
  const bad = [...ringing(alarms), ...silenced(alarms), ...missing(alarms.length, deployed)];
  const open = withoutState(alarms);
  const found = [...bad, ...open];
  if (found.length === 0)
    return { result: 'good', what: `None of ${countOf(alarms.length)} rings.`, remedy: '' };
  return {
    result: bad.length > 0 ? 'bad' : 'not checked',
    what: found.map(({ what }) => what).join('\n'),
    remedy: found.map(({ remedy }) => remedy).join(' '),
  };
}

/** Those that ring, the newest first. */
export const ringingOf = (alarms: readonly StackAlarm[]): StackAlarm[] =>
  alarms.filter(({ state }) => state === 'ringing').sort((a, b) => (b.since ?? 0) - (a.since ?? 0));

interface Problem {
  readonly what: string;
  readonly remedy: string;
}

function ringing(alarms: readonly StackAlarm[]): Problem[] {
  const all = ringingOf(alarms);
  if (all.length === 0) return [];
  const more = all.length > NAMED ? [`… and ${all.length - NAMED} more.`] : [];
  const head = `${all.length} of ${countOf(alarms.length)} ${all.length === 1 ? 'rings' : 'ring'}.`;
  return [
    {
      what: [head, ...all.slice(0, NAMED).map(lineOf), ...more].join('\n'),
      remedy: 'Read the section of the runbook that each names.',
    },
  ];
}

const lineOf = ({ name, since, meaning, runbook }: StackAlarm): string =>
  [
    since === null ? '' : `Since ${isoSeconds(since)}: `,
    meaning || name,
    runbook === null ? '' : ` (${runbook})`,
  ].join('');

function silenced(alarms: readonly StackAlarm[]): Problem[] {
  const mute = alarms.filter(({ tells }) => !tells);
  if (mute.length === 0) return [];
  return [
    {
      what: `${mute.length} of ${countOf(alarms.length)} would tell nobody: the actions of ${namesOf(mute)} are off, or do not name the topic of the alerts.`,
      remedy:
        'Switch them on again: `aws cloudwatch enable-alarm-actions --alarm-names NAME`, and look whether the action names the topic.',
    },
  ];
}

function missing(found: number, deployed: number): Problem[] {
  if (found >= deployed) return [];
  return [
    {
      what: `The stack has deployed ${countOf(deployed)}, and CloudWatch has ${found} of them.`,
      remedy:
        'CloudFormation names the missing ones when it detects the drift of the stack; a deployment alone does not bring them back.',
    },
  ];
}

function withoutState(alarms: readonly StackAlarm[]): Problem[] {
  const unknown = alarms.filter(({ state }) => state === 'unknown');
  if (unknown.length === 0) return [];
  return [
    {
      what: `${unknown.length} of ${countOf(alarms.length)} ${unknown.length === 1 ? 'has' : 'have'} no state: ${namesOf(unknown)}.`,
      remedy: 'A new alarm has one within minutes; what keeps none for longer cannot ring.',
    },
  ];
}

function namesOf(alarms: readonly StackAlarm[]): string {
  const names = alarms.slice(0, NAMED).map(({ name }) => name);
  return names.join(', ') + (alarms.length > NAMED ? ` and ${alarms.length - NAMED} more` : '');
}

const countOf = (count: number): string => `${count} ${count === 1 ? 'alarm' : 'alarms'}`;

const isoSeconds = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
