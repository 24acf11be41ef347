/** Times of the configuration that contradict each other, found at synthesis and not on the night they matter. */
import { Annotations } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';
import { type Config, NEVER_EXAMINED, type Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { largestGapHours, skippedRuns } from '../core/schedule.ts';

/**
 * Gaps are counted from the first of January, so that the template does not differ from one day to the next.
 *
 * @param now milliseconds since 1970
 */
const startOfYear = (now: number): number => Date.UTC(new Date(now).getUTCFullYear(), 0, 1);

const expressions = ({ schedule }: Target): readonly string[] =>
  schedule.incremental === undefined ? [schedule.full] : [schedule.full, schedule.incremental];

const gapHours = (target: Target, now: number): number =>
  largestGapHours(expressions(target), target.schedule.timeZone, startOfYear(now));

/** For starting, for verifying, and for five minutes between two looks of the watch. */
const SPARE_HOURS = 2;

/**
 * How old the newest good backup may become: what the target says, or the largest gap of its schedule, plus the time a
 * backup may take, because its age counts from its beginning and it is good only at its end. Without that, every
 * backup of more than two hours would be an alarm.
 *
 * @param now milliseconds since 1970
 * @throws {SafehouseError} InvalidConfiguration, when the schedule has no gap to go by
 */
export function staleAfterHours(name: string, target: Target, now: number): number {
  if (target.staleAfterHours !== undefined) return target.staleAfterHours;
  const gap = gapHours(target, now);
  if (!Number.isFinite(gap))
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `targets.${name}.schedule runs fewer than twice from this year on (${expressions(target).join(', ')}), so it says nothing about how old a backup may become.`,
      remedy: `Correct the schedule, or set targets.${name}.staleAfterHours.`,
    });
  return Math.ceil(gap + target.maxHours + SPARE_HOURS);
}

/** A proof begins when its backup has ended, and the next one may be a day late before it is missed. */
const PROOF_SPARE_HOURS = 24;

/**
 * How old the newest proof may become: what the target says, or a day more than its newest good backup.
 *
 * @param staleAfter hours, of the newest good backup
 */
export const proofStaleAfterHours = ({ prove }: Target, staleAfter: number): number =>
  prove.staleAfterHours ?? staleAfter + PROOF_SPARE_HOURS;

/** An hour in which EventBridge may start it, one that it may take, and the hour of CloudWatch in which it counts. */
const EXAMINATION_SPARE_HOURS = 3;

/** No alarm of CloudWatch looks further back. */
const LONGEST_LOOK_BACK_HOURS = 7 * 24;

/**
 * Within how many hours there must be a good examination: the largest gap of its schedule, and some to spare.
 *
 * @param now milliseconds since 1970
 * @returns undefined where only people examine
 * @throws {SafehouseError} InvalidConfiguration, when that is longer than an alarm can look back
 */
export function examinedWithinHours(
  name: string,
  { doctor, schedule }: Target,
  now: number,
): number | undefined {
  if (doctor.schedule === NEVER_EXAMINED) return undefined;
  const gap = largestGapHours([doctor.schedule], schedule.timeZone, startOfYear(now));
  const within = Math.ceil(gap) + EXAMINATION_SPARE_HOURS;
  if (within <= LONGEST_LOOK_BACK_HOURS) return within;
  const text = Number.isFinite(gap)
    ? `leaves up to ${Math.ceil(gap)} hours between two examinations`
    : 'runs fewer than twice from this year on';
  throw new SafehouseError(ERROR_NAMES.configuration, {
    what: `targets.${name}.doctor.schedule (${doctor.schedule}) ${text}, and no alarm of CloudWatch looks back further than ${LONGEST_LOOK_BACK_HOURS} hours, of which ${EXAMINATION_SPARE_HOURS} are to spare: at most ${LONGEST_LOOK_BACK_HOURS - EXAMINATION_SPARE_HOURS} are allowed.`,
    remedy: `Have it run at least twice a week, such as cron(0 9 ? * MON,THU *), or set it to '${NEVER_EXAMINED}'.`,
  });
}

const YEAR = 366 * 24 * 3_600_000;

/** Where the clocks go forward, EventBridge Scheduler leaves a start out, and nobody is told of it on that night. */
function warnOfSkippedRuns(scope: IConstruct, name: string, target: Target, now: number): void {
  const from = startOfYear(now);
  const skipped = expressions(target).flatMap((expression) =>
    skippedRuns(expression, target.schedule.timeZone, from, from + YEAR),
  );
  if (skipped.length === 0) return;
  Annotations.of(scope).addWarningV2(
    `safehouse:skipped-runs-${name}`,
    `targets.${name}.schedule: ${target.schedule.timeZone} has no ${skipped.join(', ')}, so nothing is backed up at that time. Choose an hour that every day has.`,
  );
}

/** @throws {SafehouseError} InvalidConfiguration, with the arithmetic */
export function checkLifetimes(scope: IConstruct, config: Config, now: number): void {
  for (const [name, target] of Object.entries(config.targets)) {
    refuseAbortedUploads(name, target, config.bucket.abortMultipartDays);
    warnOfSkippedRuns(scope, name, target, now);
    if (config.bucket.objectLock !== undefined)
      checkObjectLock(scope, name, target, config.bucket.objectLock, now);
  }
}

function refuseAbortedUploads(name: string, { maxHours }: Target, abortDays: number): void {
  if (abortDays * 24 > maxHours) return;
  throw new SafehouseError(ERROR_NAMES.configuration, {
    what: `bucket.abortMultipartDays is ${abortDays} (${abortDays * 24} hours), and targets.${name}.maxHours lets a backup take ${maxHours}: S3 would abort uploads of a backup that is still running.`,
    remedy: `Set bucket.abortMultipartDays to at least ${Math.floor(maxHours / 24) + 1}.`,
  });
}

function checkObjectLock(
  scope: IConstruct,
  name: string,
  target: Target,
  { mode, days }: NonNullable<Config['bucket']['objectLock']>,
  now: number,
): void {
  const { graceDays } = target.retention;
  const { kept, rule } = longestKept(target, now);
  if (days > kept + graceDays)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `bucket.objectLock holds every object for ${days} days, and targets.${name}.retention keeps no backup for longer than ${round(kept + graceDays)} (${rule} is ${round(kept)}, graceDays ${graceDays}): the lock would decide instead of the rules, and every removal would be refused.`,
      remedy: `Set bucket.objectLock.days to at most ${Math.floor(kept + graceDays)}, or keep backups for longer.`,
    });
  if (days > graceDays)
    Annotations.of(scope).addWarningV2(
      `safehouse:object-lock-${name}`,
      `bucket.objectLock holds every object for ${days} days (${mode}). A backup of ${name} that failed, or that is not the newest of its day, may be removed as soon as its grace is over (graceDays ${graceDays}), and S3 refuses that until the lock ends, ${round(days - graceDays)} days later. Set graceDays to ${days} to avoid it.`,
    );
}

/** Days for which the rule that keeps longest keeps a backup, counted from the newest one. */
function longestKept(target: Target, now: number): { kept: number; rule: string } {
  const { last = 0, withinDays = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0 } = target.retention;
  const byRule = [
    { kept: (last * gapHours(target, now)) / 24, rule: `last ${last} at the largest gap of the schedule` },
    { kept: withinDays, rule: `withinDays ${withinDays}` },
    { kept: daily, rule: `daily ${daily}` },
    { kept: weekly * 7, rule: `weekly ${weekly}` },
    // The shortest month and year: what is promised here must hold in every one.
    { kept: monthly * 28, rule: `monthly ${monthly}` },
    { kept: yearly * 365, rule: `yearly ${yearly}` },
  ];
  return byRule.reduce((longest, each) => (each.kept > longest.kept ? each : longest));
}

const round = (days: number): number => Math.round(days * 10) / 10;
