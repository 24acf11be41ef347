import { parseTarget, type Target } from '../../core/config.ts';

/** The least that a user can write. */
export const LEAST = {
  url: 'https://clickhouse.example:8443',
  schedule: { full: 'cron(0 2 * * ? *)' },
} as const;

/** A target's settings as the functions read them, over the least there can be. */
export const targetOf = (overrides: Readonly<Record<string, unknown>> = {}): Target =>
  parseTarget({ ...LEAST, ...overrides }, 'the settings of a test');
