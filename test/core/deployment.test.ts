import { describe, expect, it } from 'vitest';
import { deploymentSchema, type RecordedDeployment } from '../../core/deployment.ts';

const machines = (name: string) => ({
  backup: `${name}-backup`,
  doctor: `${name}-doctor`,
  restore: `${name}-restore`,
  cancelRestore: `${name}-cancel`,
});

const RECORDED: RecordedDeployment = {
  version: 1,
  bucket: 'b',
  region: 'eu-west-1',
  topicArn: 'topic',
  alarms: { namePrefix: 'Safehouse-', count: 20 },
  retention: 'retention',
  prove: 'prove',
  groups: [
    { targets: ['logs', 'events'], ...machines('inside') },
    { targets: ['far'], ...machines('outside') },
  ],
};

describe('what a stack has recorded', () => {
  it('is read by target, each with the state machines of its network', () => {
    const { groups: _, ...shared } = RECORDED;
    expect(deploymentSchema.parse(RECORDED)).toEqual({
      ...shared,
      targets: { logs: machines('inside'), events: machines('inside'), far: machines('outside') },
    });
  });

  it.each([
    { version: 2 },
    { alarms: { namePrefix: '', count: 20 } },
    { alarms: { namePrefix: 'Safehouse-', count: 0 } },
    { alarms: { namePrefix: 'Safehouse-', count: 1.5 } },
    { groups: [{ targets: ['logs'], backup: 'b' }] },
    { bucket: undefined },
  ])('is not understood with %j', (changed) => {
    expect(deploymentSchema.safeParse({ ...RECORDED, ...changed }).success).toBe(false);
  });
});
