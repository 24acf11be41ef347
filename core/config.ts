/**
 * The configuration: one schema, used when the stack is synthesised and again by every function that reads a target's
 * settings. Defaults live here and nowhere else.
 */
import * as z from 'zod';
import { timeZoneProblems } from './calendar.ts';
import { explainIssues } from './config-problems.ts';
import { retentionSchema } from './retention.ts';
import { scheduleProblems } from './schedule.ts';

const HOUR_LIMIT = 24 * 7;

/** A secret's place, never its value: a SecureString parameter of SSM, or a secret of Secrets Manager. */
export const secretSchema = z.union(
  [
    z.strictObject({ ssm: z.string().min(1) }),
    z.strictObject({
      secretsManager: z.string().min(1),
      /** The key to take, when the secret is a JSON object. */
      field: z.string().min(1).optional(),
    }),
  ],
  { error: "must be a secret's place, { ssm: name } or { secretsManager: name }, never the secret itself" },
);
export type Secret = z.infer<typeof secretSchema>;

/** A table by its two names; `database.table` is short for it and splits at the first dot. */
export const tableNameSchema = z.union([
  z.strictObject({ database: z.string().min(1), table: z.string().min(1) }),
  z
    .string()
    .regex(/^[^.]+\.[\s\S]+$/, 'must be "database.table", or { database, table } when a name has a dot')
    .transform((text) => ({
      database: text.slice(0, text.indexOf('.')),
      table: text.slice(text.indexOf('.') + 1),
    })),
]);
export type TableName = z.infer<typeof tableNameSchema>;

const arn = (service: string) =>
  z.string().regex(new RegExp(`^arn:aws[\\w-]*:${service}:`), `must be an ARN: arn:aws:${service}:…`);

/** How ClickHouse reaches the bucket. Whichever it is, no secret is ever part of the SQL text. */
export const s3AccessSchema = z.discriminatedUnion('access', [
  /** With the server's own credentials: instance profile, IRSA, environment. */
  z.strictObject({ access: z.literal('server') }),
  /** With a role that the server assumes: `extra_credentials(role_arn = …)`. */
  z.strictObject({
    access: z.literal('role'),
    roleArn: arn('iam'),
    externalId: z.string().min(2).optional(),
  }),
  /** With a named collection that exists on the server and holds the bucket's address. */
  z.strictObject({ access: z.literal('namedCollection'), name: z.string().min(1) }),
  /** With temporary credentials that Safehouse takes from STS for each backup, confined to the target's prefix. */
  z.strictObject({
    access: z.literal('sts'),
    roleArn: arn('iam'),
    /** A named collection that holds the bucket's address; the credentials override its own. */
    namedCollection: z.string().min(1),
    /** An hour at most: the function's own credentials come from a role, and AWS gives a session of a session no more. */
    durationSeconds: z.number().int().min(900).max(3600).default(3600),
  }),
  /** With long-lived keys, kept as secrets and passed as query parameters. */
  z.strictObject({ access: z.literal('keys'), accessKeyId: secretSchema, secretAccessKey: secretSchema }),
]);
export type S3Access = z.infer<typeof s3AccessSchema>;

const OWN_SETTINGS = ['id', 'async', 'base_backup', 'internal', 'password', 'host_id', 'backup_uuid'];
const COLD_CLASSES = ['GLACIER', 'DEEP_ARCHIVE'];
/** With these a backup holds less than the target's scope, and its own manifest would not say so. */
const CUTTING_SETTINGS = ['structure_only', 'shard_num', 'replica_num'];

/** Settings of the `BACKUP` statement by ClickHouse's own names, over the defaults. */
const settingsSchema = z
  .record(
    z.string().regex(/^[a-z0-9_]+$/, 'must be the name of a ClickHouse setting'),
    z.union([z.string(), z.number()]),
  )
  .superRefine((settings, context) => {
    for (const name of OWN_SETTINGS)
      if (name in settings)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'is set by Safehouse itself; leave it out',
        });
    for (const name of CUTTING_SETTINGS)
      if (name in settings)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'would leave data out of a backup that is called whole; leave it out',
        });
    const storageClass = settings['s3_storage_class'] ?? settings['s3_storage_class_name'];
    if (COLD_CLASSES.includes(String(storageClass)))
      context.addIssue({
        code: 'custom',
        path: ['s3_storage_class'],
        message:
          'cannot be read back at once, so the backup could be neither verified nor restored; GLACIER_IR, STANDARD_IA, ONEZONE_IA and INTELLIGENT_TIERING can',
      });
  });

/** ClickHouse's own default is 1,000 attempts: a dead endpoint keeps a backup "running" for hours (ClickHouse#68693). */
export const DEFAULT_SETTINGS: Readonly<Record<string, string | number>> = {
  backup_restore_s3_retry_attempts: 20,
  backup_restore_s3_retry_max_backoff_ms: 5000,
  max_execution_time: 0,
};

const scheduleExpression = z.string().superRefine((text, context) => {
  for (const problem of scheduleProblems(text)) context.addIssue({ code: 'custom', message: problem });
});

const timeZone = z.string().superRefine((text, context) => {
  for (const problem of timeZoneProblems(text)) context.addIssue({ code: 'custom', message: problem });
});

const scheduleSchema = z.strictObject({
  /** An IANA name. Retention's days, weeks and months are counted in it too. */
  timeZone: timeZone.default('UTC'),
  /** EventBridge Scheduler's words: `cron(0 2 ? * SUN *)`, `rate(1 day)`. */
  full: scheduleExpression,
  incremental: scheduleExpression.optional(),
});

const tlsSchema = z.strictObject({
  /** The certificate authority, PEM, when the server's certificate is not signed by a public one. */
  caCertificate: z.string().startsWith('-----BEGIN CERTIFICATE-----', 'must be a PEM certificate'),
});

const networkSchema = z.strictObject({
  vpcId: z.string().startsWith('vpc-'),
  subnetIds: z.array(z.string().startsWith('subnet-')).min(1),
  securityGroupIds: z.array(z.string().startsWith('sg-')).min(1),
});
export type Network = z.infer<typeof networkSchema>;

const beforeSchema = z.strictObject({
  /** One row, one column: the backup waits while it is anything but 0, false, an empty text or NULL. */
  query: z.string().min(1),
  limitMinutes: z
    .number()
    .positive()
    .max(HOUR_LIMIT * 60)
    .default(60),
});

const assertionSchema = z.strictObject({
  /** One row, one column, on the backup itself: 0, false, empty and NULL fail the proof. */
  query: z.string().min(1),
  /** The database that table names without one are looked up in; the target's first by default. */
  database: z.string().min(1).optional(),
});
export type Assertion = z.infer<typeof assertionSchema>;

const proveSchema = z.strictObject({
  /** `bytes` reads every byte of each new backup; `counts` reads rows, parts and definitions; `none` proves nothing. */
  level: z.enum(['none', 'counts', 'bytes']).default('bytes'),
  /** Every retained backup is read again within so many days. */
  againWithinDays: z.number().int().min(1).max(365).default(30),
  /** The newest proven backup may be this old before the alarm; by default as old as the newest good one, plus a day. */
  staleAfterHours: z.number().positive().optional(),
  assertions: z.array(assertionSchema).default([]),
  /** A fall of rows, bytes or tables against the backup before is told when it is more than this share. */
  maxDrop: z.number().gt(0).lte(1).default(0.5),
});

/** How a server is restored to. */
const restoreSchema = z.strictObject({
  /** The user that restores, where it is another one than the one that backs up. */
  user: z.string().min(1).optional(),
  password: secretSchema.optional(),
  /** How this server reaches the backups that it restores, where it is another way than that of its own backups. */
  s3: s3AccessSchema.optional(),
  /** A restore that takes longer is cancelled, and what it had created is dropped. */
  maxHours: z.number().positive().max(HOUR_LIMIT).default(24),
  /** The share of the disk that must be free when the restore is done. */
  keepFree: z.number().min(0).lt(1).default(0.1),
  /** Told when a restore has ended well, with the time that the backup covers; whoever reconciles subscribes to it. */
  notifyTopicArn: arn('sns').optional(),
});

const drillSchema = z.strictObject({
  /** The target whose server takes the scratch databases; it may be the same one. */
  to: z.string().min(1),
  /** EventBridge Scheduler's words, in the time zone of the target's schedule. */
  schedule: scheduleExpression,
});

/** The schedule of a target that is examined when a person asks for it, and at no other time. */
export const NEVER_EXAMINED = 'none';

const doctorSchedule = z.string().superRefine((text, context) => {
  for (const problem of text === NEVER_EXAMINED ? [] : scheduleProblems(text))
    context.addIssue({ code: 'custom', message: `${problem} ("${NEVER_EXAMINED}" leaves it to people)` });
});

const doctorSchema = z.strictObject({
  /** EventBridge Scheduler's words, in the time zone of the target's schedule: an hour at which somebody is at work. */
  schedule: doctorSchedule.default('cron(0 9 * * ? *)'),
});

const databaseName = z.string().min(1);

const NEVER_BACKED_UP =
  'the database belongs to ClickHouse itself and would be in conflict with that of the server it is restored onto, so it is never backed up';

export const SYSTEM_DATABASES = ['system', 'information_schema', 'INFORMATION_SCHEMA'] as const;

function isBareAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return `${username}${password}${search}${hash}` === '';
}

const targetShape = z.strictObject({
  /** The HTTP interface: `https://clickhouse.internal:8443`. */
  url: z
    .url({
      protocol: /^https?$/,
      abort: true,
      error: 'must be the http(s) address of ClickHouse, such as https://host:8443',
    })
    // The settings lie readable in SSM, and the address is named in logs and alerts.
    .refine(
      isBareAddress,
      'must hold no user, password, query or fragment: `user` and `password` go by themselves',
    ),
  user: z.string().min(1).default('default'),
  password: secretSchema.optional(),
  tls: tlsSchema.optional(),
  network: networkSchema.optional(),
  /** The cluster's name in `system.clusters`: BACKUP runs ON CLUSTER and every replica is asked. */
  cluster: z.string().min(1).optional(),
  /** Databases by name, or all but the system databases. */
  databases: z.union([z.literal('all'), z.array(databaseName).min(1)]).default('all'),
  /** Only these tables. */
  tables: z.array(tableNameSchema).min(1).optional(),
  except: z.array(tableNameSchema).min(1).optional(),
  /** Only tables whose engine matches one of these LIKE patterns: `%MergeTree`. */
  engines: z.array(z.string().min(1)).min(1).optional(),
  s3: s3AccessSchema.default({ access: 'server' }),
  schedule: scheduleSchema,
  settings: settingsSchema.default({}).transform((given) => ({ ...DEFAULT_SETTINGS, ...given })),
  /** How many backups are tried for one scheduled time before it is given up. */
  attempts: z.number().int().min(1).max(5).default(2),
  /** A backup that takes longer is cancelled. */
  maxHours: z.number().positive().max(HOUR_LIMIT).default(12),
  before: beforeSchema.optional(),
  retention: retentionSchema.default(() => retentionSchema.parse({ daily: 7, weekly: 4, monthly: 12 })),
  prove: proveSchema.prefault({}),
  restore: restoreSchema.prefault({}),
  /** A real restore of the newest proven backup, compared and dropped again. */
  drill: drillSchema.optional(),
  /** Tries everything that a backup needs, without being asked. */
  doctor: doctorSchema.prefault({}),
  /** The newest good backup may be this old before the alarm; by default the largest gap of the schedule, plus maxHours and two. */
  staleAfterHours: z.number().positive().optional(),
});

const isSystem = (database: string): boolean => (SYSTEM_DATABASES as readonly string[]).includes(database);

export const targetSchema = targetShape.superRefine(({ databases, tables = [] }, context) => {
  const refuse = (path: 'databases' | 'tables', message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  for (const database of databases === 'all' ? [] : databases)
    if (isSystem(database)) refuse('databases', `names ${JSON.stringify(database)}: ${NEVER_BACKED_UP}`);
  for (const { database, table } of tables) {
    const name = JSON.stringify(`${database}.${table}`);
    if (isSystem(database)) refuse('tables', `names ${name}: ${NEVER_BACKED_UP}`);
    else if (databases !== 'all' && !databases.includes(database))
      refuse('tables', `names ${name}, whose database is not among \`databases\`: it would be left out`);
  }
});
export type Target = z.infer<typeof targetSchema>;

const bucketSchema = z.strictObject({
  /** An existing bucket. Without it, the stack creates one. */
  existing: z.string().min(3).max(63).optional(),
  kmsKeyArn: arn('kms').optional(),
  objectLock: z
    .strictObject({ mode: z.enum(['governance', 'compliance']), days: z.number().int().min(1).max(3650) })
    .optional(),
  noncurrentVersionDays: z.number().int().min(1).max(3650).default(7),
  abortMultipartDays: z.number().int().min(1).max(90).default(14),
});

const proverSchema = z.strictObject({
  /** Memory also sets the share of a processor and of the network that Lambda gives. */
  memoryMiB: z.number().int().min(1024).max(10_240).default(3072),
  /** The engine takes 700 MiB of it. */
  storageMiB: z.number().int().min(1024).max(10_240).default(2048),
  /** How many items of one proof are read at the same time. */
  atOnce: z.number().int().min(1).max(1000).default(10),
  /** Bytes that one item reads: at 60 MB/s, 16 GiB take under five of Lambda's fifteen minutes. */
  gibibytesAnItem: z.number().positive().max(64).default(16),
});

const alertsSchema = z.strictObject({
  email: z.array(z.email()).default([]),
  /** An existing topic. Without it, the stack creates one. */
  topicArn: arn('sns').optional(),
  /** The address to post alerts to is itself a secret. */
  webhook: secretSchema.optional(),
  /** When a message is sent with which nothing is wrong, in UTC: whoever misses it knows that no alert would come. */
  trial: scheduleExpression.optional(),
});

const TARGET_NAME = /^[a-z][a-z0-9-]{0,47}$/;

const badNames = (targets: unknown): string[] =>
  typeof targets === 'object' && targets !== null
    ? Object.keys(targets).filter((name) => !TARGET_NAME.test(name))
    : [];

const lostDrills = (targets: Readonly<Record<string, { drill?: { to: string } | undefined }>>): string[] =>
  Object.entries(targets).flatMap(([name, { drill }]) =>
    drill === undefined || Object.hasOwn(targets, drill.to) ? [] : [`${name} drills on "${drill.to}"`],
  );

export const configSchema = z.strictObject({
  targets: z
    .record(z.string(), targetSchema)
    .refine((targets) => Object.keys(targets).length > 0, 'must name at least one target')
    // Said together with whatever is wrong inside the targets, and not only once that is mended.
    .refine((targets) => badNames(targets).length === 0, {
      when: () => true,
      error: ({ input }) =>
        `has the ${badNames(input).length === 1 ? 'name' : 'names'} ${badNames(input)
          .map((name) => JSON.stringify(name))
          .join(', ')}: must be 1 to 48 of a-z, 0-9 and "-", beginning with a letter`,
    })
    .superRefine((targets, context) => {
      for (const lost of lostDrills(targets))
        context.addIssue({
          code: 'custom',
          message: `${lost}, which is no target: name one of ${Object.keys(targets).join(', ')}`,
        });
    }),
  bucket: bucketSchema.prefault({}),
  alerts: alertsSchema.prefault({}),
  /** The functions that prove. */
  prover: proverSchema.prefault({}),
  /** Roles under which ClickHouse runs (the EKS node role, the EC2 role): the writer policy is attached to them. */
  writerRoles: z
    .array(z.string().regex(/^[\w+=,.@-]{1,64}$/, "must be a role's name, not its ARN"))
    .default([]),
});

/** What a user writes. */
export type ConfigInput = z.input<typeof configSchema>;
/** What everything else reads, with every default in place. */
export type Config = z.output<typeof configSchema>;

/** Gives `safehouse.config.ts` its types; it is checked where it is used. */
export const defineConfig = (config: ConfigInput): ConfigInput => config;

/**
 * @throws {SafehouseError} InvalidConfiguration, with every problem on a line of its own: path, value, what is allowed
 */
export function parseConfig(input: unknown, source: string): Config {
  return explainIssues(configSchema, input, source);
}

/** @throws {SafehouseError} InvalidConfiguration */
export function parseTarget(input: unknown, source: string): Target {
  return explainIssues(targetSchema, input, source);
}
