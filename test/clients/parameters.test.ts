import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readParameter, readSecret, readTarget } from '../../clients/parameters.ts';
import { awsError, mockSsm } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';
import { LEAST, targetOf } from '../support/targets.ts';

const ssm = mockSsm();
afterEach(() => {
  vi.useRealTimers();
});

let names = 0;
/** A name that no other test has read: what was read is kept for a minute. */
function fresh(): string {
  names += 1;
  return `/parameter/${names}`;
}

const holds = (name: string, value: string): string => {
  ssm()
    .on(GetParameterCommand, { Name: name, WithDecryption: true })
    .resolves({ Parameter: { Value: value } });
  return name;
};

describe('a parameter', () => {
  it('is asked for decrypted, and once a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    const name = holds(fresh(), 'one');
    expect(await readParameter(name)).toBe('one');
    holds(name, 'two');
    vi.setSystemTime(59_999);
    expect(await readParameter(name)).toBe('one');
    vi.setSystemTime(60_000);
    expect(await readParameter(name)).toBe('two');
    expect(ssm().commandCalls(GetParameterCommand)).toHaveLength(2);
  });

  it('that is not there is named', async () => {
    ssm().on(GetParameterCommand).rejects(awsError('ParameterNotFound', 400));
    const failure = await failureOf('NotFound', readParameter('/nowhere'));
    expect(failure.what).toBe('There is no parameter /nowhere in SSM.');
  });

  it.each([
    ['ThrottlingException', 400, 'TemporarilyUnavailable'],
    ['InternalServerError', 500, 'TemporarilyUnavailable'],
    ['AccessDeniedException', 400, 'Refused'],
    ['InvalidKeyId', 400, 'Refused'],
  ] as const)('that cannot be read for %s is %s', async (name, status, expected) => {
    ssm().on(GetParameterCommand).rejects(awsError(name, status));
    const failure = await failureOf(expected, readParameter(fresh()));
    expect(failure.what).toContain('read the parameter /parameter/');
  });

  it.each([{}, { Parameter: {} }, { Parameter: { Value: '' } }])(
    'that is empty (%j) is no value',
    async (answer) => {
      ssm().on(GetParameterCommand).resolves(answer);
      await failureOf('InvalidConfiguration', readParameter(fresh()));
    },
  );

  it('that could not be read is asked for again', async () => {
    const name = fresh();
    ssm()
      .on(GetParameterCommand)
      .rejectsOnce(awsError('ThrottlingException', 400))
      .resolves({ Parameter: { Value: 'now' } });
    await failureOf('TemporarilyUnavailable', readParameter(name));
    expect(await readParameter(name)).toBe('now');
  });
});

describe("a target's settings", () => {
  it('are read from its parameter and checked', async () => {
    holds('/settings/read', JSON.stringify(targetOf({ attempts: 3 })));
    expect(await readTarget('/settings/', 'read')).toEqual(targetOf({ attempts: 3 }));
  });

  it('that are not there mean that there is no such target', async () => {
    ssm().on(GetParameterCommand).rejects(awsError('ParameterNotFound', 400));
    const failure = await failureOf('InvalidConfiguration', readTarget('/settings/', 'nobody'));
    expect(failure.what).toBe('There is no target "nobody": SSM has no parameter /settings/nobody.');
  });

  it('that do not pass the schema are refused with their path', async () => {
    holds('/settings/bad', JSON.stringify({ ...LEAST, attempts: 9 }));
    const failure = await failureOf('InvalidConfiguration', readTarget('/settings/', 'bad'));
    expect(failure.what).toContain('attempts is 9; must be at most 5');
    expect(failure.what).toContain('/settings/bad');
  });

  it('that are not JSON are not repeated', async () => {
    holds('/settings/garbled', 'hunter2 {');
    const failure = await failureOf('InvalidConfiguration', readTarget('/settings/', 'garbled'));
    expect(failure.what).toBe('/settings/garbled does not hold JSON.');
  });
});

describe('a secret', () => {
  it('of SSM is the value of its parameter', async () => {
    expect(await readSecret({ ssm: holds(fresh(), 'hunter2') })).toBe('hunter2');
  });

  it('of Secrets Manager is read through SSM, whole', async () => {
    holds('/aws/secretsmanager/whole', 'hunter2');
    expect(await readSecret({ secretsManager: 'whole' })).toBe('hunter2');
  });

  it('of Secrets Manager is taken out of its field', async () => {
    holds('/aws/secretsmanager/fields', '{"user":"backup","password":"hunter2"}');
    expect(await readSecret({ secretsManager: 'fields', field: 'password' })).toBe('hunter2');
  });

  it.each([
    ['{"user":"backup","port":9000}', 'It has user, port; name one of them as `field`.'],
    ['{"password":7}', 'It has password; name one of them as `field`.'],
    ['{}', 'It has no fields; name one of them as `field`.'],
    ['null', 'It has no fields; name one of them as `field`.'],
    ['7', 'It has no fields; name one of them as `field`.'],
  ])('without that field (%s) names the fields, not the values', async (text, remedy) => {
    const name = fresh();
    holds(`/aws/secretsmanager/${name}`, text);
    const failure = await failureOf(
      'InvalidConfiguration',
      readSecret({ secretsManager: name, field: 'password' }),
    );
    expect(failure.what).toBe(`The secret ${name} has no text under "password".`);
    expect(failure.remedy).toBe(remedy);
  });

  it('has no field that every object has', async () => {
    holds('/aws/secretsmanager/inherited', '{}');
    await failureOf(
      'InvalidConfiguration',
      readSecret({ secretsManager: 'inherited', field: 'constructor' }),
    );
  });

  it('that is not JSON is not repeated in the error', async () => {
    holds('/aws/secretsmanager/text', 'hunter2');
    const failure = await failureOf(
      'InvalidConfiguration',
      readSecret({ secretsManager: 'text', field: 'password' }),
    );
    expect(JSON.stringify(failure)).not.toContain('hunter2');
  });
});
