import { PublishCommand } from '@aws-sdk/client-sns';
import { describe, expect, it } from 'vitest';
import { publishAlert } from '../../clients/alerts.ts';
import { awsError, mockSns } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';

const sns = mockSns();
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:alerts';

describe('an alert', () => {
  it('goes to the topic as it is', async () => {
    sns().on(PublishCommand).resolves({});
    await publishAlert(TOPIC, { subject: 'Safehouse: logs', text: 'It failed.' });
    expect(
      sns()
        .commandCalls(PublishCommand)
        .map(({ args }) => args[0].input),
    ).toEqual([{ TopicArn: TOPIC, Subject: 'Safehouse: logs', Message: 'It failed.' }]);
  });

  it('that the topic does not take is an error', async () => {
    sns().on(PublishCommand).rejects(awsError('AuthorizationError', 403));
    const failure = await failureOf('Refused', publishAlert(TOPIC, { subject: 'a', text: 'b' }));
    expect(failure.what).toContain(`publish the alert to ${TOPIC}`);
  });
});
