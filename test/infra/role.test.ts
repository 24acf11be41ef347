/**
 * What each role may do, as a security reviewer reads it. Every line is literal: a permission that is added, widened or lost
 * shows up here and nowhere else first.
 */
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Stack } from 'aws-cdk-lib/core';
import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../core/config.ts';
import type { FunctionName } from '../../infra/function-names.ts';
import { roleWith } from '../../infra/role.ts';
import { functionsOf, roleOf } from './functions.ts';
import { textsOf } from './references.ts';
import { machinesOf, statesOf } from './state-machines.ts';
import {
  application,
  maximal,
  minimal,
  type Resource,
  resourcesOf,
  synthesise,
  type Template,
  target,
} from './synthesis.ts';

const { template } = synthesise(maximal);

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const ARN_OF_ACCOUNT = /arn:aws:([\w-]+):<AWS::Region>:<AWS::AccountId>:/;

/** `s3:GetObject bucket/ledger/*`, one line for each action and resource. */
function linesOf({ Effect, Action, Resource, Condition }: Statement): string[] {
  const suffix = Condition === undefined ? '' : ` if ${JSON.stringify(Condition)}`;
  return textsOf(Action).flatMap((action) =>
    textsOf(Resource).map(
      (resource) => `${Effect === 'Allow' ? '' : 'DENY '}${action} ${shorten(resource)}${suffix}`,
    ),
  );
}

const shorten = (resource: string): string =>
  resource
    .replace(/<SafehouseBucket\w{8}\.Arn>/, 'bucket')
    .replace(/<Safehouse\w+Log\w{8}\.Arn>/, 'own log')
    .replace(/<SafehouseAlertsTopic\w{8}>/, 'topic')
    .replace(/<(Safehouse\w+)\w{8}(\.Arn)?>/, '$1')
    .replace(/^arn:aws:kms:.*/, 'key')
    .replace(ARN_OF_ACCOUNT, '');

const policiesOf = (role: Resource): Statement[] =>
  ((role.Properties['Policies'] ?? []) as { PolicyDocument: { Statement: Statement[] } }[]).flatMap(
    ({ PolicyDocument }) => PolicyDocument.Statement,
  );

const permissionsOf = (role: Resource): string[] => policiesOf(role).flatMap(linesOf).sort();

const EVERY_FUNCTION = [
  'logs:CreateLogStream own log',
  'logs:PutLogEvents own log',
  'xray:PutTelemetryRecords *',
  'xray:PutTraceSegments *',
];
const SETTINGS = 'ssm:GetParameter parameter/safehouse/Safehouse/targets/*';

const list = (...prefixes: readonly string[]): string =>
  `s3:ListBucket bucket if {"StringLikeIfExists":{"s3:prefix":${JSON.stringify(prefixes)}}}`;

const OWN_FUNCTIONS =
  '{"ArnLike":{"lambda:SourceFunctionArn":{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":lambda:",{"Ref":"AWS::Region"},":",{"Ref":"AWS::AccountId"},":function:*"]]}}}';
const IN_VPC = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
].flatMap((action) => [`${action} *`, `DENY ${action} * if ${OWN_FUNCTIONS}`]);

/** The target `events`: password in SSM, temporary credentials from STS, no VPC. */
const EVENTS_PASSWORD = ['ssm:GetParameter parameter/clickhouse/events'];
const EVENTS_S3 = ['sts:AssumeRole arn:aws:iam::111122223333:role/writer'];
/** The target `billing`: password in Secrets Manager, keys, in a VPC. */
const BILLING_PASSWORD = [
  'secretsmanager:GetSecretValue secret:clickhouse/billing-??????',
  'ssm:GetParameter parameter/aws/secretsmanager/clickhouse/billing',
];
const BILLING_S3 = [
  'ssm:GetParameter parameter/s3-key-id',
  'secretsmanager:GetSecretValue secret:s3-secret-??????',
  'ssm:GetParameter parameter/aws/secretsmanager/s3-secret',
];

const READS = 'kms:Decrypt key';
const WRITES = 'kms:GenerateDataKey key';

/** What the ids of the constructs end with that stand in the VPC. */
const [IN_NETWORK = ''] = machinesOf(template).flatMap(
  ({ logicalId }) => /^SafehouseRestore([0-9a-f]{8})Machine/.exec(logicalId)?.[1] ?? [],
);

/** The functions with the engine: they read everything, and write nothing that a backup or the ledger is made of. */
const PROVER = [
  list('backups/*', 'ledger/*'),
  's3:GetObject bucket/backups/*',
  's3:GetObject bucket/ledger/*',
  's3:GetObject bucket/proofs/*',
  's3:PutObject bucket/proofs/*',
  READS,
  WRITES,
];

/** What most steps of a restore need of the bucket: its papers, and the ledger to read. */
const PAPERS = [
  list('restores/*'),
  's3:GetObject bucket/restores/*',
  's3:GetObject bucket/ledger/*',
  's3:PutObject bucket/restores/*',
  READS,
  WRITES,
];

/** What the last step of a restore needs, however it ended. */
const CLOSES = [
  list('ledger/*', 'restores/*', 'pins/*'),
  's3:GetObject bucket/restores/*',
  's3:GetObject bucket/ledger/*',
  's3:PutObject bucket/ledger/*/*/restore@*.json',
  's3:PutObject bucket/restores/*',
  's3:DeleteObject bucket/pins/*',
  READS,
  WRITES,
];

const EXPECTED = {
  'backup/begin': [
    SETTINGS,
    list('claims/*', 'ledger/*'),
    's3:GetObject bucket/claims/*',
    's3:GetObject bucket/ledger/*',
    's3:PutObject bucket/claims/*',
    READS,
    WRITES,
  ],
  'backup/check-before': [SETTINGS],
  'backup/prepare': [
    SETTINGS,
    list('ledger/*', 'claims/*', 'backups/*', 'pins/*'),
    's3:GetObject bucket/ledger/*',
    's3:GetObject bucket/claims/*',
    's3:GetObject bucket/backups/*.backup',
    's3:PutObject bucket/claims/*',
    's3:PutObject bucket/ledger/*/*/started.json',
    's3:PutObject bucket/pins/*',
    READS,
    WRITES,
  ],
  'backup/submit': [
    SETTINGS,
    list('backups/*', 'ledger/*'),
    's3:GetObject bucket/ledger/*',
    's3:GetObject bucket/claims/*',
    READS,
  ],
  'backup/poll': [
    SETTINGS,
    list('backups/*', 'ledger/*'),
    's3:GetObject bucket/ledger/*',
    's3:PutObject bucket/ledger/*/*/written.json',
    READS,
    WRITES,
  ],
  'backup/verify': [
    SETTINGS,
    list('backups/*', 'ledger/*'),
    's3:GetObject bucket/backups/*.backup',
    's3:GetObject bucket/ledger/*',
    's3:PutObject bucket/ledger/*/*/verified.json',
    READS,
    WRITES,
  ],
  'backup/record-failure': [
    SETTINGS,
    list('ledger/*', 'claims/*'),
    's3:GetObject bucket/ledger/*',
    's3:GetObject bucket/claims/*',
    's3:PutObject bucket/ledger/*/*/failed.json',
    's3:PutObject bucket/claims/*',
    'sns:Publish topic',
    READS,
    WRITES,
  ],
  'prove/plan': [SETTINGS, ...PROVER],
  'prove/item': PROVER,
  'prove/judge': [
    list('ledger/*'),
    's3:GetObject bucket/proofs/*',
    's3:GetObject bucket/ledger/*',
    's3:PutObject bucket/ledger/*/*/proven.json',
    's3:PutObject bucket/ledger/*/*/proven@*.json',
    's3:PutObject bucket/ledger/*/*/failed.json',
    'sns:Publish topic',
    READS,
    WRITES,
  ],
  'prove/record-failure': [list('ledger/*'), 'sns:Publish topic'],
  'prove/walk': [
    SETTINGS,
    list('ledger/*'),
    's3:GetObject bucket/ledger/*',
    'states:StartExecution SafehouseProveMachineStateMachine',
    READS,
  ],
  'retention/plan': [
    SETTINGS,
    list('ledger/*', 'pins/*'),
    's3:GetObject bucket/ledger/*',
    's3:GetObject bucket/pins/*',
    's3:PutObject bucket/ledger/*/*/expiring.json',
    's3:PutObject bucket/ledger/*/*/failed.json',
    's3:DeleteObject bucket/ledger/*/*/expiring.json',
    READS,
    WRITES,
  ],
  'retention/remove': [
    list('backups/*', 'ledger/*', 'pins/*'),
    's3:GetObject bucket/ledger/*',
    's3:GetObject bucket/pins/*',
    's3:PutObject bucket/ledger/*/*/removing.json',
    's3:PutObject bucket/ledger/*/*/removed.json',
    's3:DeleteObject bucket/backups/*',
    's3:DeleteObjectVersion bucket/backups/*',
    's3:ListBucketVersions bucket',
    's3:GetBucketVersioning bucket',
    READS,
    WRITES,
  ],
  'retention/record-failure': [list('ledger/*'), 'sns:Publish topic'],
  'restore/plan': [
    SETTINGS,
    list('ledger/*', 'restores/*'),
    's3:GetObject bucket/ledger/*',
    's3:GetObject bucket/restores/*',
    's3:GetObject bucket/backups/*',
    's3:PutObject bucket/restores/*',
    READS,
    WRITES,
  ],
  'restore/pin': [
    SETTINGS,
    list('ledger/*', 'restores/*'),
    's3:GetObject bucket/ledger/*',
    's3:GetObject bucket/restores/*',
    's3:PutObject bucket/pins/*',
    's3:PutObject bucket/restores/*',
    READS,
    WRITES,
  ],
  'restore/preflight': [
    SETTINGS,
    list('restores/*'),
    's3:GetObject bucket/backups/*.backup',
    's3:GetObject bucket/ledger/*',
    's3:GetObject bucket/restores/*',
    's3:PutObject bucket/restores/*',
    READS,
    WRITES,
  ],
  'restore/make-room': [SETTINGS, ...PAPERS],
  'restore/submit': [SETTINGS, ...PAPERS],
  'restore/poll': [SETTINGS, ...PAPERS],
  'restore/compare': [SETTINGS, ...PAPERS],
  'restore/stop': [SETTINGS, ...PAPERS],
  'restore/clean-up': [SETTINGS, ...PAPERS],
  'restore/finish': [SETTINGS, ...CLOSES],
  'restore/record-failure': [SETTINGS, ...CLOSES, 'sns:Publish topic'],
  'restore/reopen': [SETTINGS, list('restores/*'), 's3:GetObject bucket/restores/*', READS],
  'restore/sweep': [
    list('restores/*', 'ledger/*'),
    's3:GetObject bucket/restores/*',
    's3:GetObject bucket/ledger/*',
    READS,
    'states:DescribeExecution execution:SafehouseRestoreMachineStateMachine[6]:*',
    `states:DescribeExecution execution:SafehouseRestore${IN_NETWORK}MachineStateMachine[6]:*`,
    'states:StartExecution SafehouseCancelRestoreMachineStateMachine',
    `states:StartExecution SafehouseCancelRestore${IN_NETWORK}MachineStateMachine`,
  ],
  'doctor/examine': [SETTINGS],
  'doctor/conclude': [list('ledger/*'), 'kms:DescribeKey key', 'sns:Publish topic'],
  'watch/publish-ages': [
    SETTINGS,
    list('claims/*', 'ledger/*'),
    's3:GetObject bucket/ledger/*',
    's3:ListBucketMultipartUploads bucket',
    's3:ListMultipartUploadParts bucket/backups/*',
    READS,
  ],
  'alert/webhook': [
    'ssm:GetParameter parameter/webhook',
    'sqs:SendMessage SafehouseAlertsWebhookDeadLetters',
  ],
} satisfies Record<FunctionName, readonly string[]>;

const AT_CLICKHOUSE: readonly FunctionName[] = [
  'backup/check-before',
  'backup/prepare',
  'backup/submit',
  'backup/poll',
  'doctor/examine',
  'restore/preflight',
  'restore/make-room',
  'restore/submit',
  'restore/poll',
  'restore/compare',
  'restore/stop',
  'restore/clean-up',
];
const GIVES_CREDENTIALS: readonly FunctionName[] = ['backup/submit', 'doctor/examine', 'restore/submit'];

function expectedFor(step: FunctionName, inVpc: boolean): string[] {
  const secrets = AT_CLICKHOUSE.includes(step) ? (inVpc ? BILLING_PASSWORD : EVENTS_PASSWORD) : [];
  const s3 = GIVES_CREDENTIALS.includes(step) ? (inVpc ? BILLING_S3 : EVENTS_S3) : [];
  const network = inVpc && AT_CLICKHOUSE.includes(step) ? IN_VPC : [];
  return [...EVERY_FUNCTION, ...EXPECTED[step], ...secrets, ...s3, ...network].sort();
}

const functions = functionsOf(template).map((deployed) => ({
  ...deployed,
  inVpc: /(Backup|Doctor|Restore)[0-9a-f]{8}[A-Z]/.test(deployed.logicalId),
}));

test('there are 54 functions, each with a role of its own', () => {
  // Thirteen in each network for restoring and cancelling, and one that sweeps.
  expect(functions).toHaveLength(27 + 2 * 13 + 1);
  expect(new Set(functions.map(({ role }) => role)).size).toBe(54);
});

describe.each(functions)('$step ($logicalId)', ({ step, inVpc, role, resource }) => {
  test('may do exactly what its step needs', () => {
    expect(permissionsOf(role)).toEqual(expectedFor(step, inVpc));
  });

  test('stands in the VPC only to reach ClickHouse', () => {
    expect(resource.Properties['VpcConfig'] !== undefined).toBe(inVpc && AT_CLICKHOUSE.includes(step));
  });
});

const roles = resourcesOf(template, 'AWS::IAM::Role');

test('nothing is granted beside the inline policies that are read here, but for maps', () => {
  // Of the functions, of the state machines, and of the schedules.
  expect(roles).toHaveLength(54 + 10 + 1);
  for (const [, { Properties }] of roles) expect(Properties['ManagedPolicyArns']).toBeUndefined();
  const policies = resourcesOf(template, 'AWS::IAM::Policy').map(([id]) =>
    id.replace(/[0-9a-f]{8}(?=Machine)/, '-').replace(/[0-9A-F]{8}$/, ''),
  );
  expect(policies.sort()).toEqual(
    ['Backup', 'Backup-', 'Prove']
      .map((name) => `Safehouse${name}MachineStateMachineDistributedMapPolicy`)
      .sort(),
  );
});

test('a state machine with a map may start, follow and stop executions of itself, and of no other', () => {
  for (const [, { Properties }] of resourcesOf(template, 'AWS::IAM::Policy')) {
    const [role, ...others] = textsOf(Properties['Roles']);
    expect(others).toEqual([]);
    const [own = ''] = /^<Safehouse\w+Machine(?=Role)/.exec(role ?? '') ?? [];
    const machine = `${own.slice(1)}StateMachine`;
    const { Statement } = Properties['PolicyDocument'] as { Statement: Statement[] };
    expect(Statement.flatMap(linesOf)).toEqual([
      `states:StartExecution ${machine}`,
      `states:DescribeExecution execution:${machine}[6]:*`,
      `states:StopExecution execution:${machine}[6]:*`,
      `states:RedriveExecution execution:${machine}[6]/ProveItems:*`,
    ]);
  }
});

test('the prover can neither remove anything nor reach ClickHouse', () => {
  const provers = functions.filter(({ step }) => step === 'prove/plan' || step === 'prove/item');
  expect(provers).toHaveLength(2);
  for (const { role, resource } of provers) {
    expect(permissionsOf(role).filter((line) => /Delete|sns:|sts:|ec2:|secretsmanager:/.test(line))).toEqual(
      [],
    );
    expect(permissionsOf(role).filter((line) => line.startsWith('s3:Put'))).toEqual([
      's3:PutObject bucket/proofs/*',
    ]);
    expect(resource.Properties).not.toHaveProperty('VpcConfig');
  }
});

test('one role alone can delete a backup, and none can bypass Object Lock', () => {
  const deleting = roles.filter(([, role]) =>
    permissionsOf(role).some((line) => /^s3:Delete\w* bucket\/backups/.test(line)),
  );
  expect(deleting.map(([id]) => id)).toEqual([expect.stringMatching(/^SafehouseRetentionRemoveRole/)]);
  expect(JSON.stringify(template)).not.toMatch(/BypassGovernanceRetention|"s3:\*"(?=[^}]*"Allow")/);
});

test('no role may do everything of a service', () => {
  const lines = roles.flatMap(([, role]) => permissionsOf(role));
  expect(lines.length).toBeGreaterThan(200);
  expect(lines.filter((line) => /^[\w-]+:\S*\*/.test(line))).toEqual([]);
});

describe.each(machinesOf(template))('$logicalId', ({ logicalId, resource, definition }) => {
  const [own = ''] = logicalId.split('Machine');

  test('may call its own functions, start retention where it does, and write its log', () => {
    const role = roleOf(template, resource.Properties['RoleArn']);
    const called = statesOf(definition).flatMap(([, { Resource = '' }]) =>
      Resource.startsWith('<') ? [`lambda:InvokeFunction ${shorten(Resource)}`] : [],
    );
    const started = own.startsWith('SafehouseBackup')
      ? ['states:StartExecution SafehouseRetentionMachineStateMachine']
      : [];
    const logs = ['CreateLogDelivery', 'DeleteLogDelivery', 'DescribeLogGroups', 'DescribeResourcePolicies']
      .concat(['GetLogDelivery', 'ListLogDeliveries', 'PutResourcePolicy', 'UpdateLogDelivery'])
      .map((action) => `logs:${action} *`);
    const traces = ['GetSamplingRules', 'GetSamplingTargets', 'PutTelemetryRecords', 'PutTraceSegments'].map(
      (action) => `xray:${action} *`,
    );
    expect(permissionsOf(role)).toEqual([...new Set(called), ...started, ...logs, ...traces].sort());
  });

  test('can be used by Step Functions of this account only', () => {
    const role = roleOf(template, resource.Properties['RoleArn']);
    expect(role.Properties['AssumeRolePolicyDocument']).toMatchObject({
      Statement: [
        {
          Principal: { Service: 'states.amazonaws.com' },
          Condition: {
            StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
            ArnLike: expect.anything(),
          },
        },
      ],
    });
  });
});

const schedulerRole = (of: Template): Resource => {
  const [[, role] = []] = resourcesOf(of, 'AWS::IAM::Role').filter(([id]) =>
    id.startsWith('SafehouseSchedulesRole'),
  );
  if (role === undefined) throw new Error('no role of the schedules');
  return role;
};

test('the schedules may start backups, examinations, the daily proofs, the watch and the sweep, and nothing else', () => {
  expect(permissionsOf(schedulerRole(synthesise(minimal).template))).toEqual([
    'lambda:InvokeFunction SafehouseProveWalkFunction',
    'lambda:InvokeFunction SafehouseSweepFunction',
    'lambda:InvokeFunction SafehouseWatchPublishAgesFunction',
    'sqs:SendMessage SafehouseSchedulesDeadLetters',
    'states:StartExecution SafehouseBackupMachineStateMachine',
    'states:StartExecution SafehouseDoctorMachineStateMachine',
  ]);
});

test('where there are drills, the schedules may start restores to the target that takes them', () => {
  const drilled = {
    ...maximal.targets['events'],
    ...target,
    drill: { to: 'billing', schedule: 'rate(7 days)' },
  };
  const { template: drilling } = synthesise({
    ...maximal,
    targets: { ...maximal.targets, events: drilled },
  });
  expect(permissionsOf(schedulerRole(drilling)).filter((line) => line.includes('Restore'))).toEqual([
    `states:StartExecution SafehouseRestore${IN_NETWORK}MachineStateMachine`,
  ]);
});

describe('a target with a way of its own for restores', () => {
  const restoring = (restore: NonNullable<ConfigInput['targets'][string]['restore']>) => {
    const events = { ...target, password: { ssm: '/backup' }, restore };
    const functionsOfTarget = functionsOf(synthesise({ ...minimal, targets: { events } }).template);
    return (step: FunctionName) => {
      const role = functionsOfTarget.find((deployed) => deployed.step === step)?.role;
      return (role === undefined ? [] : permissionsOf(role)).filter((line) =>
        /parameter\/(?!safehouse)|secret:|sts:|sns:/.test(line),
      );
    };
  };

  test('reads the password of the user that restores, and of no other', () => {
    const linesFor = restoring({ user: 'restorer', password: { ssm: '/restore' } });
    for (const step of AT_CLICKHOUSE)
      expect(linesFor(step), step).toEqual([
        `ssm:GetParameter parameter/${step.startsWith('restore/') ? 'restore' : 'backup'}`,
      ]);
    expect(restoring({ user: 'restorer' })('restore/poll')).toEqual([]);
    expect(restoring({})('restore/poll')).toEqual(['ssm:GetParameter parameter/backup']);
  });

  test('hands out the credentials for that way', () => {
    const keys = { accessKeyId: { ssm: '/id' }, secretAccessKey: { ssm: '/key' } };
    const linesFor = restoring({ s3: { access: 'keys', ...keys } });
    expect(linesFor('restore/submit')).toEqual([
      'ssm:GetParameter parameter/backup',
      'ssm:GetParameter parameter/id',
      'ssm:GetParameter parameter/key',
    ]);
    expect(linesFor('restore/stop')).toEqual(['ssm:GetParameter parameter/backup']);
    expect(linesFor('backup/submit')).toEqual(['ssm:GetParameter parameter/backup']);
  });

  test('tells the topic that it names, from where a restore ends well', () => {
    const notifyTopicArn = 'arn:aws:sns:eu-central-1:111122223333:reconcile';
    const linesFor = restoring({ notifyTopicArn });
    expect(linesFor('restore/finish')).toEqual([`sns:Publish ${notifyTopicArn}`]);
    expect(linesFor('restore/record-failure')).toEqual(['sns:Publish topic']);
  });
});

test('no step of a restore can touch what a backup or the ledger is made of', () => {
  const restoring = functions.filter(({ step }) => step.startsWith('restore/'));
  expect(restoring).toHaveLength(27);
  const writes = restoring.flatMap(({ role }) =>
    permissionsOf(role).filter((line) => /^s3:(Put|Delete)/.test(line)),
  );
  expect([...new Set(writes)].sort()).toEqual([
    's3:DeleteObject bucket/pins/*',
    's3:PutObject bucket/ledger/*/*/restore@*.json',
    's3:PutObject bucket/pins/*',
    's3:PutObject bucket/restores/*',
  ]);
});

test('without a key of the user no role has a permission on keys', () => {
  const lines = resourcesOf(synthesise(minimal).template, 'AWS::IAM::Role').flatMap(([, role]) =>
    permissionsOf(role),
  );
  expect(lines.filter((line) => line.startsWith('kms:'))).toEqual([]);
});

test('an existing bucket is named in the policies', () => {
  const { template: existing } = synthesise({ ...minimal, bucket: { existing: 'my-backups' } });
  const begin = functionsOf(existing).find(({ step }) => step === 'backup/begin');
  expect(begin && permissionsOf(begin.role)).toContain('s3:GetObject arn:aws:s3:::my-backups/ledger/*');
});

describe('a role', () => {
  test('is refused when its policies outgrow what IAM allows', () => {
    const targets = Object.fromEntries(
      Array.from({ length: 120 }, (_, index) => [
        `target-${index}`,
        { ...target, password: { ssm: `/clickhouse/a-rather-long-name-of-a-team/target-${index}/password` } },
      ]),
    );
    expect(() => synthesise({ ...minimal, targets })).toThrow(
      /needs policies of about 1\d{4} characters, and IAM allows 10240/,
    );
  });

  test('with a wildcard without a reason stops the synthesis', () => {
    const app = application();
    roleWith(new Stack(app, 'Stack'), 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: 'too much',
      policies: {
        Good: [
          { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::bucket/*'], wildcard: 'It is needed.' },
        ],
        Bad: [{ actions: ['s3:GetObject'], resources: ['*'] }],
      },
    });
    expect(() => app.synth()).toThrow('AwsSolutions-IAM5[Resource::*]');
    expect(() => app.synth()).not.toThrow('AwsSolutions-IAM5[Resource::arn:aws:s3:::bucket/*]');
  });
});
