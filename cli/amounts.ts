/** Numbers, sizes and times as the command line writes them. */

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;

/** Powers of 1,000, as disks are sold and S3 is billed: `842 B`, `1.2 kB`, `42.1 GB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let [value, unit] = [bytes, -1];
  // 999,950 is not "1000.0 kB".
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${UNITS[unit] ?? 'B'}`;
}

const COUNTS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `1,234,567` */
export const countText = (count: number): string => COUNTS.format(count);

/** `1 object`, `2 objects` */
export const countOf = (count: number, one: string, more = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : more}`;

/** `2026-04-02 02:00:07 UTC` */
export const timeText = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** ISO 8601 without fractions, as every JSON output has it. */
export const isoTime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');

/** `0:07`, `12:34`, `3:04:05`: of one width while it runs. */
export function clockText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
