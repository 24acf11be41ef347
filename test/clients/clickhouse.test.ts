import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import {
  ask,
  askText,
  type ClickHouse,
  openClickHouse,
  type Question,
  tell,
} from '../../clients/clickhouse.ts';
import { mockSsm } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';
import { fakeClickHouse } from '../support/fake-clickhouse.ts';
import { targetOf } from '../support/targets.ts';

const clickhouse = fakeClickHouse();
const ssm = mockSsm();

/** Opens the target's server for one call. */
async function withServer<Result>(
  call: (server: ClickHouse) => Promise<Result>,
  overrides = {},
): Promise<Result> {
  const server = await openClickHouse(targetOf({ url: clickhouse.url, ...overrides }));
  try {
    return await call(server);
  } finally {
    await server.client.close();
  }
}

const asks = (question: Question) => withServer((server) => ask(server, question));

describe('asking ClickHouse', () => {
  it('gives the rows, with 64-bit numbers as numbers', async () => {
    clickhouse.on(/^SELECT/, [{ a: 1 }, { a: 2 }]);
    expect(await asks({ query: 'SELECT a', parameters: { id: 'x' }, settings: { readonly: 2 } })).toEqual([
      { a: 1 },
      { a: 2 },
    ]);
    expect(clickhouse.asked).toMatchObject([
      {
        query: 'SELECT a \nFORMAT JSONEachRow',
        parameters: { id: 'x' },
        settings: { readonly: '2', output_format_json_quote_64bit_integers: '0' },
        user: 'default',
        password: '',
      },
    ]);
  });

  it("goes as the target's user with the secret that is named", async () => {
    ssm()
      .on(GetParameterCommand, { Name: '/clickhouse/password' })
      .resolves({ Parameter: { Value: 'hunter2' } });
    clickhouse.on(/^SELECT/, []);
    await withServer((server) => ask(server, { query: 'SELECT 1' }), {
      user: 'backup',
      password: { ssm: '/clickhouse/password' },
    });
    expect(clickhouse.asked).toMatchObject([{ user: 'backup', password: 'hunter2' }]);
  });

  it('puts secret parameters into the body, where no log on the way sees them', async () => {
    clickhouse.on(/^BACKUP/, []);
    await asks({ query: 'BACKUP', parameters: { key: 'hunter2' }, secret: true });
    expect(clickhouse.asked).toMatchObject([
      { query: expect.stringMatching(/^BACKUP/), parameters: { key: 'hunter2' } },
    ]);
    expect(clickhouse.asked[0]?.address).not.toContain('hunter2');
  });

  it('puts a list that is too long for an address into the body', async () => {
    clickhouse.on(/^SELECT/, []);
    const ids = Array.from({ length: 2000 }, (_, index) => `20260402T020000Z-full-${index}`);
    await asks({ query: 'SELECT {ids:Array(String)}', parameters: { ids } });
    expect(clickhouse.asked[0]?.address.length).toBeLessThan(4096);
    expect(clickhouse.asked[0]?.parameters['ids']).toContain('-full-1999');
  });

  it.each<[string, (server: ClickHouse) => Promise<unknown>]>([
    ['for rows', (server) => ask(server, { query: 'SELECT 1' })],
    ['for a text', (server) => askText(server, 'SELECT 1')],
    ['for nothing', (server) => tell(server, { query: 'SELECT 1' })],
  ])('%s is refused as ClickHouse refuses, without its stack trace', async (_, call) => {
    const text = "Table shop.nowhere doesn't exist";
    clickhouse.on(/^SELECT/, { code: 60, name: 'UNKNOWN_TABLE', text });
    const failure = await failureOf('Refused', withServer(call));
    expect(failure).toMatchObject({ class: 'fix and stop', error: 'UNKNOWN_TABLE' });
    expect(failure.remedy).not.toBe('');
  });

  it('that does not answer may be asked again', async () => {
    clickhouse.on(/^SELECT/, 'connection reset');
    const failure = await failureOf('TemporarilyUnavailable', asks({ query: 'SELECT 1' }));
    expect(failure.what).toMatch(/^127\.0\.0\.1:\d+: /);
    const nobody = targetOf({ url: 'http://127.0.0.1:1' });
    const server = await openClickHouse(nobody);
    await failureOf('TemporarilyUnavailable', ask(server, { query: 'SELECT 1' }));
    await server.client.close();
  });

  it.each([502, 503, 504])('through a load balancer that says %i may be asked again', async (status) => {
    clickhouse.on(/^SELECT/, { status, body: '<html>Bad gateway</html>' });
    await failureOf('TemporarilyUnavailable', asks({ query: 'SELECT 1' }));
  });

  it('gives the text of a statement that takes no FORMAT', async () => {
    clickhouse.on(/^CHECK GRANT/, { status: 200, body: '1\n' });
    expect(await withServer((server) => askText(server, 'CHECK GRANT BACKUP ON *.*'))).toBe('1');
  });
});
