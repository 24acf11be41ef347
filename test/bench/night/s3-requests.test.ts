import { describe, expect, it } from 'vitest';
import { billedAs, makerOf, RequestCount } from '../../../bench/night/s3-requests.ts';

const call = (method: string, url: string, userAgent = 'aws-sdk-js/3.1169.0') => ({ method, url, userAgent });

describe('a request to S3', () => {
  it.each([
    ['PUT', '/bucket/ledger/a.json?x-id=PutObject', 'writes'],
    ['POST', '/bucket/?delete', 'writes'],
    ['POST', '/bucket/key?uploads', 'writes'],
    ['GET', '/bucket/?list-type=2&prefix=ledger%2F', 'writes'],
    ['GET', '/bucket/?versions&prefix=backups%2F', 'writes'],
    ['GET', '/bucket/ledger/a.json?x-id=GetObject', 'reads'],
    ['GET', '/bucket/?versioning', 'reads'],
    ['HEAD', '/bucket/backups/x/.backup', 'reads'],
    ['DELETE', '/bucket/pins/a.json?x-id=DeleteObject', 'free'],
  ] as const)('%s %s is billed as one of the %s', (method, url, billed) => {
    expect(billedAs(call(method, url))).toBe(billed);
  });

  it('is told apart by who made it', () => {
    expect(makerOf(call('GET', '/', 'aws-sdk-js/3.1169.0 os/linux'))).toBe('safehouse');
    expect(makerOf(call('GET', '/', 'ClickHouse/26.7.2.1'))).toBe('clickhouse');
    expect(makerOf(call('GET', '/', ''))).toBe('clickhouse');
  });

  it('is counted once, for its maker', () => {
    const count = new RequestCount();
    count.add(call('PUT', '/bucket/a'));
    count.add(call('PUT', '/bucket/b', 'ClickHouse/26.7.2.1'));
    count.add(call('HEAD', '/bucket/b', 'ClickHouse/26.7.2.1'));

    expect(count.take()).toEqual({
      safehouse: { writes: 1, reads: 0, free: 0 },
      clickhouse: { writes: 1, reads: 1, free: 0 },
    });
    expect(count.take().clickhouse).toEqual({ writes: 0, reads: 0, free: 0 });
  });
});
