import '../../support/function-environment.ts';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ENVIRONMENT } from '../../../core/environment.ts';
import { handler } from '../../../functions/alert/webhook.ts';
import { mockSsm } from '../../support/aws.ts';
import { failureOf } from '../../support/failures.ts';
import { invoke } from '../../support/surroundings.ts';

const ssm = mockSsm();
const SECRET = 'T0000-very-secret-path';

let server: Server;
let received: { body: string; headers: Record<string, unknown>; url: string | undefined }[] = [];
let status = 200;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    received.push({ body: Buffer.concat(chunks).toString(), headers: request.headers, url: request.url });
    response.writeHead(status, { location: `/elsewhere/${SECRET}` }).end('no');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

let parameters = 0;
beforeEach(() => {
  received = [];
  status = 200;
});

const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${SECRET}`;

function post(to: string, ...records: object[]) {
  parameters += 1;
  const name = `/webhook/${parameters}`;
  ssm()
    .on(GetParameterCommand, { Name: name })
    .resolves({ Parameter: { Value: to } });
  vi.stubEnv(ENVIRONMENT.webhook, JSON.stringify({ ssm: name }));
  return invoke(handler, { Records: records });
}

const record = (overrides = {}) => ({
  Sns: { Subject: 'Safehouse: logs', Message: 'It failed.\nMend it.', MessageId: 'message-1', ...overrides },
});

describe('the webhook', () => {
  it('is posted what the topic says', async () => {
    await post(address(), record());
    expect(received).toMatchObject([
      { url: `/${SECRET}`, headers: { 'content-type': 'application/json', 'x-message-id': 'message-1' } },
    ]);
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      text: '*Safehouse: logs*\nIt failed.\nMend it.',
      subject: 'Safehouse: logs',
      message: 'It failed.\nMend it.',
    });
  });

  it('is posted each of several messages, and one without a subject, as alarms may be', async () => {
    await post(address(), record(), record({ Subject: null, MessageId: 'message-2' }));
    expect(received.map(({ headers }) => headers['x-message-id'])).toEqual(['message-1', 'message-2']);
    expect(JSON.parse(received[1]?.body ?? '')).toMatchObject({ subject: 'Safehouse' });
  });

  it.each([400, 403, 404, 429, 500, 503])('that answers %i has not taken the alert', async (answer) => {
    status = answer;
    const failure = await failureOf('TemporarilyUnavailable', post(address(), record()));
    expect(failure).toMatchObject({ error: 'WebhookRefused' });
    expect(failure.what).toMatch(
      /^The webhook at 127\.0\.0\.1:\d+ did not take the alert: it answered \d+\.$/,
    );
    expect(JSON.stringify(failure)).not.toContain(SECRET);
  });

  it.each([301, 302, 303])('that sends elsewhere with %i has not taken the alert', async (answer) => {
    status = answer;
    await failureOf('TemporarilyUnavailable', post(address(), record()));
    expect(received).toHaveLength(1);
  });

  it.each([
    `http://127.0.0.1:1/${SECRET}`,
    `http://nowhere.invalid/${SECRET}`,
    `not an address ${SECRET}`,
    `ftp://127.0.0.1/${SECRET}`,
  ])('at an address that takes nothing is an error that does not name it', async (nowhere) => {
    const failure = await failureOf('TemporarilyUnavailable', post(nowhere, record()));
    expect(failure.error).toBe('WebhookRefused');
    expect(JSON.stringify(failure)).not.toContain(SECRET);
  });

  it('is not posted what the topic did not send', async () => {
    const failure = await failureOf('InvalidInput', invoke(handler, { Records: [{ Sns: {} }] }));
    expect(failure.what).toContain('Records[0].Sns.Message is missing');
  });

  it('without a secret that can be read is an error', async () => {
    vi.stubEnv(ENVIRONMENT.webhook, JSON.stringify({ ssm: '/nowhere' }));
    ssm().on(GetParameterCommand).resolves({});
    await failureOf('InvalidConfiguration', invoke(handler, { Records: [record()] }));
    expect(received).toEqual([]);
  });
});
