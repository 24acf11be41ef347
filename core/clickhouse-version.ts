/** The oldest ClickHouse that Safehouse works with: 24.8 has the retry settings of 24.7 and is a long-term release. */
export const OLDEST_VERSION = '24.8';

/** Whether `version()` is at least another version; text after the numbers is of no account. */
export function isAtLeast(version: string, oldest: string): boolean {
  const [have, want] = [numbers(version), numbers(oldest)];
  for (let index = 0; index < want.length; index += 1) {
    const difference = (have[index] ?? 0) - (want[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return have.length > 0;
}

const numbers = (version: string): number[] =>
  /^\d+(?:\.\d+)*/.exec(version)?.[0].split('.').map(Number) ?? [];
