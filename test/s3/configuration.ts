/** One configuration for all files, so that the stack is synthesised once. Each target has a ledger of its own. */
import { type ConfigInput, parseConfig } from '../../core/config.ts';
import { EMBEDDED_URL } from '../../local/configuration.ts';

const TARGET = {
  url: EMBEDDED_URL,
  databases: ['shop'],
  schedule: { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' },
  retention: { last: 1, minimum: 1, maxShare: 1 },
  prove: { level: 'bytes' },
} satisfies ConfigInput['targets'][string];

export const CONFIG = parseConfig(
  {
    targets: {
      shop: TARGET,
      /** Another server: it reads the backups of the first. */
      standby: TARGET,
      /** No server listens at port 1. */
      unreachable: { ...TARGET, url: 'http://127.0.0.1:1', attempts: 1 },
      /** Takes half a minute for sixty megabytes, so that something can happen meanwhile. */
      slow: {
        ...TARGET,
        databases: ['bulk'],
        attempts: 1,
        settings: { max_backup_bandwidth: 2_000_000, backup_restore_s3_retry_attempts: 2 },
      },
      /** Twenty thousand objects. */
      many: { ...TARGET, databases: ['many'], prove: { level: 'none' } },
      /** Parts that one request does not carry. */
      large: { ...TARGET, databases: ['large'] },
    },
    alerts: { email: ['oncall@example.com'] },
    writerRoles: ['clickhouse-node'],
  },
  'The configuration of the tests',
);
