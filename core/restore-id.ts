import { createHash } from 'node:crypto';
import { compactTime } from './backup-id.ts';

const PATTERN = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-restore-[0-9a-f]{6}$/;

/**
 * The id of a restore, and of its operation in ClickHouse: sortable by time, and always the same for one execution, so that a
 * repeated step finds what it began.
 *
 * @param startedAt when the execution began, ISO 8601
 * @param execution its ARN, or its name on one machine
 */
export function makeRestoreId(startedAt: string, execution: string): string {
  const digest = createHash('sha256').update(execution).digest('hex');
  return `${compactTime(Date.parse(startedAt))}-restore-${digest.slice(0, 6)}`;
}

export const isRestoreId = (text: string): boolean => PATTERN.test(text);

/** When the execution of a restore began, to the second, in milliseconds since 1970; NaN for what is no id of a restore. */
export function restoreTime(id: string): number {
  const [, year, month, day, hour, minute, second] = PATTERN.exec(id) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
