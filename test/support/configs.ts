/** Arbitrary configurations that are good: every key, in every form that a user may write. */
import fc from 'fast-check';
import { type ConfigInput, SYSTEM_DATABASES } from '../../core/config.ts';

type TargetInput = ConfigInput['targets'][string];

const text = (): fc.Arbitrary<string> => fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });

const secret = () =>
  fc.oneof(
    fc.record({ ssm: text() }),
    fc.record({ secretsManager: text() }),
    fc.record({ secretsManager: text(), field: text() }),
  );

const arn = (service: string) => text().map((end) => `arn:aws:${service}::123456789012:${end}`);

const s3Access = (): fc.Arbitrary<NonNullable<TargetInput['s3']>> =>
  fc.oneof(
    fc.constant({ access: 'server' } as const),
    fc.record(
      {
        access: fc.constant('role' as const),
        roleArn: arn('iam'),
        externalId: fc.string({ minLength: 2 }),
      },
      { requiredKeys: ['access', 'roleArn'] },
    ),
    fc.record({ access: fc.constant('namedCollection' as const), name: text() }),
    fc.record({
      access: fc.constant('sts' as const),
      roleArn: arn('iam'),
      namedCollection: text(),
      durationSeconds: fc.integer({ min: 900, max: 3600 }),
    }),
    fc.record({ access: fc.constant('keys' as const), accessKeyId: secret(), secretAccessKey: secret() }),
  );

const databaseName = (): fc.Arbitrary<string> =>
  text().filter((name) => !(SYSTEM_DATABASES as readonly string[]).includes(name));

const tableName = () =>
  fc.oneof(
    fc.record({ database: databaseName(), table: text() }),
    fc.tuple(databaseName(), text()).map(([database, table]) => `${database.replaceAll('.', '_')}.${table}`),
  );

const settings = () =>
  fc.dictionary(
    fc.stringMatching(/^x_[a-z0-9_]{1,12}$/),
    // JSON has no minus zero.
    fc.oneof(
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    ),
    { maxKeys: 4 },
  );

const retention = () =>
  fc
    .record(
      {
        last: fc.integer({ min: 1, max: 100 }),
        withinDays: fc.integer({ min: 1, max: 100 }),
        daily: fc.integer({ min: 1, max: 100 }),
        yearly: fc.integer({ min: 1, max: 100 }),
        minimum: fc.integer({ min: 1, max: 10 }),
        graceDays: fc.integer({ min: 1, max: 30 }),
      },
      { requiredKeys: [] },
    )
    .map((rules) => ({ weekly: 4, ...rules }));

const SCHEDULES = ['cron(0 2 * * ? *)', 'cron(30 3 ? * SUN *)', 'rate(6 hours)'];

const targets = (): fc.Arbitrary<TargetInput> =>
  fc.record(
    {
      url: fc.constantFrom('http://localhost:8123', 'https://clickhouse.example:8443/path'),
      user: text(),
      password: secret(),
      tls: fc.record({ caCertificate: fc.constant('-----BEGIN CERTIFICATE-----\nMIIB\n') }),
      network: fc.record({
        vpcId: fc.constant('vpc-1'),
        subnetIds: fc.constant(['subnet-1', 'subnet-2']),
        securityGroupIds: fc.constant(['sg-1']),
      }),
      cluster: text(),
      // With databases by name, each of the tables would have to be in one of them.
      tables: fc.array(tableName(), { minLength: 1, maxLength: 3 }),
      except: fc.array(tableName(), { minLength: 1, maxLength: 3 }),
      engines: fc.array(text(), { minLength: 1, maxLength: 3 }),
      s3: s3Access(),
      schedule: fc.record(
        {
          full: fc.constantFrom(...SCHEDULES),
          incremental: fc.constantFrom(...SCHEDULES),
          timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
        },
        { requiredKeys: ['full'] },
      ),
      settings: settings(),
      attempts: fc.integer({ min: 1, max: 5 }),
      maxHours: fc.integer({ min: 1, max: 168 }),
      before: fc.record({ query: text() }),
      retention: retention(),
      prove: fc.record(
        {
          level: fc.constantFrom('none' as const, 'counts' as const, 'bytes' as const),
          againWithinDays: fc.integer({ min: 1, max: 365 }),
          staleAfterHours: fc.integer({ min: 1, max: 1000 }),
          assertions: fc.array(fc.record({ query: text(), database: text() }, { requiredKeys: ['query'] })),
        },
        { requiredKeys: [] },
      ),
      staleAfterHours: fc.integer({ min: 1, max: 1000 }),
      doctor: fc.record({ schedule: fc.constantFrom('none', ...SCHEDULES) }),
    },
    { requiredKeys: ['url', 'schedule'] },
  );

const targetName = () => fc.stringMatching(/^[a-z][a-z0-9-]{0,47}$/);

export const configs = (): fc.Arbitrary<ConfigInput> =>
  fc.record(
    {
      targets: fc.dictionary(targetName(), targets(), { minKeys: 1, maxKeys: 3 }),
      bucket: fc.record(
        {
          existing: fc.stringMatching(/^[a-z][a-z0-9-]{2,20}$/),
          kmsKeyArn: arn('kms'),
          objectLock: fc.record({
            mode: fc.constantFrom('governance' as const, 'compliance' as const),
            days: fc.integer({ min: 1, max: 3650 }),
          }),
          noncurrentVersionDays: fc.integer({ min: 1, max: 3650 }),
        },
        { requiredKeys: [] },
      ),
      alerts: fc.record(
        {
          email: fc.constant(['oncall@example.com']),
          topicArn: arn('sns'),
          webhook: secret(),
          trial: fc.constantFrom(...SCHEDULES),
        },
        { requiredKeys: [] },
      ),
      prover: fc.record(
        { memoryMiB: fc.integer({ min: 1024, max: 10_240 }), atOnce: fc.integer({ min: 1, max: 1000 }) },
        { requiredKeys: [] },
      ),
      writerRoles: fc.constant(['node-role', 'Role+=,.@-_1']),
    },
    { requiredKeys: ['targets'] },
  );
