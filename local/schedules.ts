/** EventBridge Scheduler on this machine: starts what the stack's schedules name, when they say. */
import { nextRuns } from '../core/schedule.ts';
import type { DeployedSchedule } from './template.ts';

/** The part of a house that schedules need. */
export interface Scheduled {
  stack(): Promise<{ readonly schedules: readonly DeployedSchedule[] }>;
  deliver(arn: string, input: unknown): Promise<void>;
}

const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';
/** Longer waits overflow the timer and would fire at once. */
const LONGEST_WAIT = 2 ** 31 - 1;

/**
 * Follows every schedule until the signal. A start that fails is told and the next one waited for.
 *
 * @returns a line for each schedule: when it comes next
 */
export async function runSchedules(
  house: Scheduled,
  signal: AbortSignal,
  tell: (text: string) => void,
): Promise<string[]> {
  const { schedules } = await house.stack();
  return schedules.flatMap((schedule) => {
    const first = nextRun(schedule, Date.now());
    if (first === undefined) return [];
    wake(house, schedule, first, signal, tell);
    return [`${nameOf(schedule)}: next at ${isoSeconds(first)}`];
  });
}

function wake(
  house: Scheduled,
  schedule: DeployedSchedule,
  at: number,
  signal: AbortSignal,
  tell: (text: string) => void,
): void {
  if (signal.aborted) return;
  const remaining = at - Date.now();
  const timer = setTimeout(
    () => {
      if (remaining > LONGEST_WAIT) return wake(house, schedule, at, signal, tell);
      tell(`${isoSeconds(at)}  ${nameOf(schedule)}`);
      house
        .deliver(schedule.targetArn, JSON.parse(schedule.input.replaceAll(SCHEDULED_TIME, isoSeconds(at))))
        .catch((error: unknown) => tell(`${nameOf(schedule)} did not start: ${String(error)}`));
      const next = nextRun(schedule, at);
      if (next !== undefined) wake(house, schedule, next, signal, tell);
    },
    Math.min(Math.max(0, remaining), LONGEST_WAIT),
  );
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

const nextRun = ({ expression, timeZone }: DeployedSchedule, after: number): number | undefined =>
  nextRuns(expression, timeZone, after, 1)[0];

const isoSeconds = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/\.\d+/, '');

/** The input says what it starts; the watch, the walk, the sweep and the trial alert name no target. */
function nameOf({ input, name }: DeployedSchedule): string {
  const { target, kind, drill } = JSON.parse(input) as { target?: string; kind?: string; drill?: boolean };
  if (target === undefined) return name.replace(/^.*Schedules|[0-9A-F]{8}$/g, '');
  if (drill === true) return `drill of ${target}`;
  return kind === undefined ? `examination of ${target}` : `${kind} backup of ${target}`;
}
