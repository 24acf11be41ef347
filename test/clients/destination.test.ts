import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { carriesSecrets, s3Locations, s3Locator } from '../../clients/destination.ts';
import { awsError, mockSsm, mockSts } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';
import { targetOf } from '../support/targets.ts';

const ssm = mockSsm();
const sts = mockSts();

const ADDRESS = { bucket: 'backups-of-ours', region: 'eu-central-1' };
const ID = '20260402T020000Z-full-k3f9';
const URL = `https://backups-of-ours.s3.eu-central-1.amazonaws.com/backups/logs/${ID}`;
const ROLE = 'arn:aws:iam::123456789012:role/writer';

const locate = async (s3: object) => (await s3Locations(ADDRESS, 'logs', targetOf({ s3 }).s3))(ID);

describe('how ClickHouse is told to reach a backup', () => {
  it.each([
    [{ access: 'server' }, { access: 'server', url: URL }],
    [
      { access: 'role', roleArn: ROLE },
      { access: 'role', url: URL, roleArn: ROLE },
    ],
    [
      { access: 'role', roleArn: ROLE, externalId: 'ours' },
      { access: 'role', url: URL, roleArn: ROLE, externalId: 'ours' },
    ],
    [
      { access: 'namedCollection', name: 'backups' },
      { access: 'namedCollection', name: 'backups', path: `backups/logs/${ID}` },
    ],
  ])('with %j asks AWS for nothing', async (s3, location) => {
    expect(await locate(s3)).toEqual(location);
    expect(carriesSecrets(targetOf({ s3 }).s3)).toBe(false);
  });

  it('with keys reads them once for all of its backups', async () => {
    ssm()
      .on(GetParameterCommand, { Name: '/key/id' })
      .resolves({ Parameter: { Value: 'AKIA' } });
    ssm()
      .on(GetParameterCommand, { Name: '/aws/secretsmanager/key' })
      .resolves({ Parameter: { Value: 'hunter2' } });
    const { s3 } = targetOf({
      s3: { access: 'keys', accessKeyId: { ssm: '/key/id' }, secretAccessKey: { secretsManager: 'key' } },
    });
    const located = await s3Locator(ADDRESS, 'logs', s3);
    expect([located('a'), located('b')]).toEqual(
      ['a', 'b'].map((path) => ({
        access: 'keys',
        url: `https://backups-of-ours.s3.eu-central-1.amazonaws.com/${path}`,
        accessKeyId: 'AKIA',
        secretAccessKey: 'hunter2',
      })),
    );
    expect(ssm().commandCalls(GetParameterCommand)).toHaveLength(2);
    expect(carriesSecrets(s3)).toBe(true);
  });

  describe('with temporary credentials', () => {
    const s3 = { access: 'sts', roleArn: ROLE, namedCollection: 'backups', durationSeconds: 1800 };
    const Credentials = {
      AccessKeyId: 'ASIA',
      SecretAccessKey: 'hunter2',
      SessionToken: 'token',
      Expiration: new Date(),
    };

    it('takes some that can only write this target, for the time that is set', async () => {
      sts().on(AssumeRoleCommand).resolves({ Credentials });
      expect(await locate(s3)).toEqual({
        access: 'sts',
        name: 'backups',
        path: `backups/logs/${ID}`,
        accessKeyId: 'ASIA',
        secretAccessKey: 'hunter2',
        sessionToken: 'token',
      });
      const { Policy, ...asked } = sts().commandCalls(AssumeRoleCommand)[0]?.args[0].input ?? {};
      expect(asked).toEqual({ RoleArn: ROLE, RoleSessionName: 'safehouse-logs', DurationSeconds: 1800 });
      const policy: { Statement: { Sid: string; Resource: string }[] } = JSON.parse(Policy ?? '');
      expect(policy.Statement.map(({ Sid, Resource }) => [Sid, Resource])).toEqual([
        ['WriteAndReadBackups', 'arn:aws:s3:::backups-of-ours/backups/logs/*'],
        ['RemoveLocks', 'arn:aws:s3:::backups-of-ours/backups/logs/*.lock'],
        ['TellAbsentFromForbidden', 'arn:aws:s3:::backups-of-ours'],
        // A session policy takes away what it does not name: without this, a bucket with a key of the user's is shut.
        ['UseTheKey', '*'],
      ]);
      expect(Policy?.length).toBeLessThanOrEqual(2048);
    });

    it('names the bucket in the partition of the role', async () => {
      sts().on(AssumeRoleCommand).resolves({ Credentials });
      await locate({ ...s3, roleArn: 'arn:aws-cn:iam::123456789012:role/writer' });
      expect(sts().commandCalls(AssumeRoleCommand)[0]?.args[0].input.Policy).toContain(
        '"arn:aws-cn:s3:::backups-of-ours/',
      );
    });

    it.each([
      ['AccessDenied', 403, 'Refused'],
      ['Throttling', 400, 'TemporarilyUnavailable'],
      ['ServiceUnavailable', 503, 'TemporarilyUnavailable'],
    ] as const)('that are not given for %s is %s', async (name, status, expected) => {
      sts().on(AssumeRoleCommand).rejects(awsError(name, status));
      const failure = await failureOf(expected, locate(s3));
      expect(failure.what).toContain(`assume ${ROLE} for backups/logs/`);
    });

    it.each([{}, { Credentials: { ...Credentials, SessionToken: undefined } }])(
      'that are not there in the answer %j is refused',
      async (answer) => {
        sts().on(AssumeRoleCommand).resolves(answer);
        await failureOf('Refused', locate(s3));
      },
    );
  });
});
