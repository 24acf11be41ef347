/** What the command line ends with. Scripts branch on these numbers: they never change their meaning. */
import { ERROR_NAMES, type ErrorName } from '../core/errors.ts';

export const EXIT = {
  good: 0,
  /** A defect of Safehouse, or something that it does not know. */
  unexpected: 1,
  /** A verb, flag or argument that does not exist, or a configuration or environment that cannot be used. */
  usage: 2,
  /** No such stack, target or backup. */
  notFound: 3,
  /** The operation was begun and failed, or something that was looked at is not well. */
  failed: 4,
  /** What is in the bucket is not what the manifest says, or what was restored not what the backup holds. */
  unverified: 5,
  /** A rule that protects data or backups forbids it. */
  unsafe: 6,
  /** Ctrl-C, by the shells' convention: nothing failed, somebody stopped watching. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf(name: ErrorName): ExitCode {
  switch (name) {
    case ERROR_NAMES.input:
    case ERROR_NAMES.configuration:
      return EXIT.usage;
    case ERROR_NAMES.notFound:
      return EXIT.notFound;
    case ERROR_NAMES.unavailable:
    case ERROR_NAMES.outOfTime:
    case ERROR_NAMES.refused:
    case ERROR_NAMES.incomplete:
      return EXIT.failed;
    case ERROR_NAMES.verification:
      return EXIT.unverified;
    case ERROR_NAMES.unsafe:
      return EXIT.unsafe;
  }
}
