/** STS's AssumeRole on this machine: any role may be assumed, and the credentials mean nothing to the local bucket. */
import { randomBytes } from 'node:crypto';
import { element, leaf } from './bucket/xml.ts';
import { type LoopbackServer, startLoopbackServer } from './loopback-server.ts';
import { queryAnswer, queryRefusal, readForm } from './query-protocol.ts';

export const startTemporaryCredentials = (): Promise<LoopbackServer> =>
  startLoopbackServer(({ body }) => {
    const { Action, RoleArn = '', RoleSessionName = '', DurationSeconds = '3600' } = readForm(body);
    if (Action !== 'AssumeRole')
      return queryRefusal('InvalidAction', `${Action} is not served on one machine`);
    const expiration = new Date(Date.now() + Number(DurationSeconds) * 1000).toISOString();
    return queryAnswer(
      Action,
      element(
        'Credentials',
        leaf('AccessKeyId', `ASIA${randomBytes(8).toString('hex').toUpperCase()}`),
        leaf('SecretAccessKey', randomBytes(20).toString('hex')),
        leaf('SessionToken', randomBytes(60).toString('base64url')),
        leaf('Expiration', expiration),
      ),
      element(
        'AssumedRoleUser',
        leaf(
          'Arn',
          `${RoleArn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${RoleSessionName}`,
        ),
        leaf('AssumedRoleId', `AROALOCAL:${RoleSessionName}`),
      ),
    );
  });
