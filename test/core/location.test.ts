import { describe, expect, it } from 'vitest';
import { objectUrl } from '../../core/location.ts';

describe('the address that ClickHouse is given', () => {
  it.each([
    [
      { bucket: 'backups', region: 'eu-central-1' },
      'https://backups.s3.eu-central-1.amazonaws.com/backups/logs/a',
    ],
    [
      { bucket: 'backups', region: 'cn-north-1' },
      'https://backups.s3.cn-north-1.amazonaws.com.cn/backups/logs/a',
    ],
    [
      { bucket: 'my.backups', region: 'us-east-1' },
      'https://s3.us-east-1.amazonaws.com/my.backups/backups/logs/a',
    ],
    [
      { bucket: 'backups', region: 'us-east-1', endpoint: 'http://127.0.0.1:9000' },
      'http://127.0.0.1:9000/backups/backups/logs/a',
    ],
    [
      { bucket: 'backups', region: 'us-east-1', endpoint: 'https://s3.example/' },
      'https://s3.example/backups/backups/logs/a',
    ],
  ])('of %j', (address, url) => {
    expect(objectUrl(address, 'backups/logs/a')).toBe(url);
  });
});
