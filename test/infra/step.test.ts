import { describe, expect, test } from 'vitest';
import { functionsOf } from './functions.ts';
import { textOf } from './references.ts';
import { maximal, synthesise } from './synthesis.ts';

const { template } = synthesise(maximal);

const MINUTES = 60;
/** Seconds; what is not named has a minute. */
const TIMEOUTS: Readonly<Record<string, number>> = {
  'backup/check-before': 3 * MINUTES,
  'backup/prepare': 3 * MINUTES,
  'backup/submit': 3 * MINUTES,
  'backup/poll': 3 * MINUTES,
  'backup/verify': 15 * MINUTES,
  'backup/record-failure': 2 * MINUTES,
  'prove/plan': 15 * MINUTES,
  'prove/item': 15 * MINUTES,
  'prove/judge': 5 * MINUTES,
  'prove/record-failure': 2 * MINUTES,
  'prove/walk': 5 * MINUTES,
  'retention/plan': 10 * MINUTES,
  'retention/remove': 15 * MINUTES,
  'retention/record-failure': 2 * MINUTES,
  'restore/plan': 15 * MINUTES,
  'restore/preflight': 15 * MINUTES,
  'restore/make-room': 15 * MINUTES,
  'restore/submit': 3 * MINUTES,
  'restore/poll': 3 * MINUTES,
  'restore/compare': 15 * MINUTES,
  'restore/stop': 3 * MINUTES,
  'restore/clean-up': 15 * MINUTES,
  'restore/finish': 2 * MINUTES,
  'restore/record-failure': 2 * MINUTES,
  'restore/sweep': 5 * MINUTES,
  'doctor/examine': 3 * MINUTES,
  'doctor/conclude': 2 * MINUTES,
  'watch/publish-ages': 4 * MINUTES,
};

/** The engine is npm's library for x86, and is unpacked into the temporary storage. */
const PROVER = { Architectures: ['x86_64'], MemorySize: 4096, EphemeralStorage: { Size: 3072 } };
const PROVERS: Readonly<Record<string, object>> = {
  'prove/plan': { ...PROVER, Handler: 'plan.handler' },
  'prove/item': { ...PROVER, Handler: 'item.handler' },
};

describe.each(functionsOf(template))('$step ($logicalId)', ({ step, resource, role }) => {
  const { Properties } = resource;

  test('is as large as it needs, and only a prover is larger than the others', () => {
    const { Architectures, Handler, MemorySize, EphemeralStorage } = Properties;
    expect({ Architectures, Handler, MemorySize, EphemeralStorage }).toEqual(
      PROVERS[step] ?? { Architectures: ['arm64'], Handler: 'index.handler', MemorySize: 512 },
    );
  });

  test('runs on Node 24, traced, and logs JSON', () => {
    expect(Properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Timeout: TIMEOUTS[step] ?? MINUTES,
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: { LogFormat: 'JSON' },
    });
    expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  test('writes to a log group of its own, which forgets', () => {
    const group = textOf((Properties['LoggingConfig'] as { LogGroup: unknown }).LogGroup).slice(1, -1);
    expect(template.Resources[group]).toMatchObject({
      Type: 'AWS::Logs::LogGroup',
      Properties: { RetentionInDays: 90 },
      DeletionPolicy: 'Delete',
    });
    expect(JSON.stringify(role.Properties['Policies'])).toContain(
      JSON.stringify({
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Effect: 'Allow',
        Resource: { 'Fn::GetAtt': [group, 'Arn'] },
      }),
    );
  });

  test('knows where it is, and its topic, workflow, targets, webhook or engine where it needs them', () => {
    const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
    const own = Object.fromEntries(Object.entries(Variables).filter(([name]) => name !== 'NODE_OPTIONS'));
    const everywhere = {
      SAFEHOUSE_STACK: 'Safehouse',
      SAFEHOUSE_BUCKET: { Ref: expect.stringMatching(/^SafehouseBucket/) },
      SAFEHOUSE_SETTINGS: '/safehouse/Safehouse/targets/',
    };
    const topic = { Ref: expect.stringMatching(/^SafehouseAlertsTopic/) };
    const engine = {
      NODE_PATH: '/tmp/safehouse-engine',
      SAFEHOUSE_BYTES_AN_ITEM: String(8 * 1024 ** 3),
    };
    const more: Record<string, Record<string, unknown>> = {
      'backup/record-failure': {
        SAFEHOUSE_TOPIC: topic,
        SAFEHOUSE_WORKFLOW: expect.stringMatching(/^Backup/),
      },
      'prove/plan': engine,
      'prove/item': engine,
      'prove/judge': { SAFEHOUSE_TOPIC: topic },
      'prove/record-failure': { SAFEHOUSE_TOPIC: topic, SAFEHOUSE_WORKFLOW: 'Prove' },
      'prove/walk': {
        SAFEHOUSE_TARGETS: 'events,billing',
        SAFEHOUSE_PROVE_MACHINE: { Ref: expect.stringMatching(/^SafehouseProveMachine/) },
      },
      'retention/record-failure': { SAFEHOUSE_TOPIC: topic, SAFEHOUSE_WORKFLOW: 'Retention' },
      'restore/record-failure': {
        SAFEHOUSE_TOPIC: topic,
        SAFEHOUSE_WORKFLOW: expect.stringMatching(/^(Cancel)?Restore([0-9a-f]{8})?$/),
      },
      'doctor/conclude': { SAFEHOUSE_TOPIC: topic, SAFEHOUSE_BUCKET_KEY: maximal.bucket?.kmsKeyArn },
      'restore/sweep': { SAFEHOUSE_RESTORE_MACHINES: expect.anything() },
      'watch/publish-ages': { SAFEHOUSE_TARGETS: 'events,billing' },
    };
    expect(own).toEqual(
      step === 'alert/webhook'
        ? { SAFEHOUSE_STACK: 'Safehouse', SAFEHOUSE_WEBHOOK: '{"ssm":"/webhook"}' }
        : { ...everywhere, ...more[step] },
    );
    expect(Variables['NODE_OPTIONS']).toBe('--enable-source-maps');
  });
});
