/**
 * What Safehouse backs up, when, and for how long. Every key is explained in docs/configuration.md; a mistake here is told by
 * name when the stack is synthesised, before anything is deployed.
 */
import { defineConfig } from './core/config.ts';

export default defineConfig({
  targets: {
    // The name of a target is part of every key in the bucket: choose one that can stay.
    events: {
      url: 'https://clickhouse.internal:8443',
      user: 'safehouse',
      // Where the password is, never the password itself: a SecureString parameter of SSM.
      password: { ssm: '/clickhouse/events/safehouse-password' },
      // From where ClickHouse is reached. Leave it out for a server that is public.
      network: {
        vpcId: 'vpc-0123456789abcdef0',
        subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
        securityGroupIds: ['sg-0123456789abcdef0'],
      },
      // All databases but ClickHouse's own.
      databases: 'all',
      // A full backup on Sundays, and what has changed since then on the other days. Not at an hour that the clock skips in
      // spring: what is due then does not run.
      schedule: {
        timeZone: 'Europe/Berlin',
        full: 'cron(30 3 ? * SUN *)',
        incremental: 'cron(30 3 ? * MON-SAT *)',
      },
      // A week of days, a month of Sundays, a year of months; three days pass before anything is removed.
      retention: { daily: 7, weekly: 4, monthly: 12, graceDays: 3 },
      // Every byte of each backup is read back, which is the default; and what is kept, once a fortnight.
      prove: { againWithinDays: 14 },
    },

    // Only some databases, and only tables that hold data.
    billing: {
      url: 'https://billing.clickhouse.example:8443',
      user: 'safehouse',
      // The same in Secrets Manager, where a secret is often a JSON object with several fields.
      password: { secretsManager: 'clickhouse/billing', field: 'password' },
      databases: ['billing', 'ledger'],
      engines: ['%MergeTree'],
      // The server takes a role of its own for the bucket, instead of its instance's.
      s3: { access: 'role', roleArn: 'arn:aws:iam::111122223333:role/clickhouse-backup' },
      schedule: { full: 'cron(30 1 * * ? *)' },
      // Waits until this query returns 0, for half an hour at most.
      before: { query: 'SELECT count() FROM billing.import_queue', limitMinutes: 30 },
      // A backup of this target takes minutes; one that takes longer is cancelled, and told.
      maxHours: 2,
      retention: { daily: 30, yearly: 7 },
      // What must hold over the data of each new backup, asked of the backup itself: an empty one is no backup.
      prove: {
        assertions: [
          { query: 'SELECT max(issued_at) > now() - INTERVAL 26 HOUR FROM invoices', database: 'billing' },
        ],
      },
    },
  },

  // Who hears of failures and of backups that did not happen.
  alerts: { email: ['oncall@example.com'] },

  // What a proof may cost: how many items of a backup are read at once, each by a function of this size.
  // prover: { atOnce: 10, memoryMiB: 3072 },

  // The roles under which ClickHouse runs (the EKS node role, the EC2 role): they may write backups, and remove none.
  // writerRoles: ['clickhouse-node'],
});
