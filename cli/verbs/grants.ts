import { usageError } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { requireTarget } from '../find-target.ts';
import { grantStatements } from '../grant-statements.ts';
import { restoreGrantStatements } from '../restore-grant-statements.ts';
import { EMPTY_LINE, line } from '../screen.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const grants: Verb = {
  name: 'grants',
  summary: 'the SQL for the least-privileged ClickHouse user',
  argument: { name: 'TARGET', required: true },
  flags: {
    restore: { about: 'for the user that restores to the target, who needs more' },
    clickhouse: {
      value: 'VERSION',
      about: 'the version of the server; else what depends on it is a comment',
    },
  },
  about: [
    'Prints what the user of a target must be granted to back up, or with --restore to restore, and no more. It is run by an administrator of ClickHouse; Safehouse itself never grants anything.',
  ],
  examples: [
    'grants demo --local',
    'grants shop --restore --clickhouse 26.7',
    'grants shop --clickhouse 26.8 | clickhouse-client --multiquery',
  ],
  run,
};

async function run({ argument, flags, open }: Call): Promise<Answer> {
  const installation = await open();
  const name = await requireTarget(installation, argument);
  const target = await installation.target(name);
  const version = versionOf(flags.get('clickhouse'));
  const { bucketName: bucket, region, endpoint } = installation;
  const statementsFor = flags.has('restore') ? restoreGrantStatements : grantStatements;
  const statements = statementsFor(
    name,
    target,
    { bucket, region, ...(endpoint !== undefined && { endpoint }) },
    version,
  );
  return {
    exitCode: EXIT.good,
    json: {
      target: name,
      user: flags.has('restore') ? (target.restore.user ?? target.user) : target.user,
      statements: statements.map(({ sql, why, only }) => ({ sql, why, only: only ?? null })),
    },
    screen: () =>
      statements.flatMap(({ sql, why, only }, index) => [
        ...(index === 0 ? [] : [EMPTY_LINE]),
        line(`-- ${why}`),
        ...(only === undefined ? [] : [line(`-- ${only}`)]),
        ...`${sql};`.split('\n').map((text) => line(only === undefined ? text : `-- ${text}`)),
      ]),
  };
}

function versionOf(value: string | true | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && /^\d+\.\d+/.test(value))) return value;
  throw usageError(
    [`--clickhouse is ${JSON.stringify(value)}; must be a version, such as 26.8 or 25.8.3.66.`],
    'SELECT version() on the server tells it.',
  );
}
