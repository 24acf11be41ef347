import { describe, expect, it } from 'vitest';
import { SafehouseError } from '../../core/errors.ts';
import { AWS, readSourceAddress, sourceKey, sourceText } from '../../core/source-address.ts';

const aws = { bucket: 'old', prefix: 'clickhouse-backup/2026-04-02', region: null, endpoint: AWS };

describe('an address as people have it', () => {
  it.each([
    ['s3://old/clickhouse-backup/2026-04-02', { ...aws, endpoint: null }],
    ['s3://old/clickhouse-backup/2026-04-02/', { ...aws, endpoint: null }],
    ['s3://old/clickhouse-backup/2026-04-02/.backup', { ...aws, endpoint: null }],
    ['https://old.s3.amazonaws.com/clickhouse-backup/2026-04-02', aws],
    [
      'https://old.s3.eu-central-1.amazonaws.com/clickhouse-backup/2026-04-02',
      { ...aws, region: 'eu-central-1' },
    ],
    ['https://old.s3-eu-west-1.amazonaws.com/clickhouse-backup/2026-04-02', { ...aws, region: 'eu-west-1' }],
    [
      'https://s3.us-gov-west-1.amazonaws.com/old/clickhouse-backup/2026-04-02/',
      { ...aws, region: 'us-gov-west-1' },
    ],
    [
      'https://old.s3.dualstack.eu-central-1.amazonaws.com/clickhouse-backup/2026-04-02',
      { ...aws, region: 'eu-central-1' },
    ],
    [
      'https://old.s3.cn-north-1.amazonaws.com.cn/clickhouse-backup/2026-04-02',
      { ...aws, region: 'cn-north-1' },
    ],
    [
      'https://a.b.s3.eu-central-1.amazonaws.com/x',
      { bucket: 'a.b', prefix: 'x', region: 'eu-central-1', endpoint: AWS },
    ],
    ['http://127.0.0.1:9000/old/clickhouse-backup/2026-04-02', { ...aws, endpoint: 'http://127.0.0.1:9000' }],
    ['s3://old', { ...aws, prefix: '', endpoint: null }],
    ['s3://old/.backup', { ...aws, prefix: '', endpoint: null }],
    ['https://old.s3.amazonaws.com/two%20words/50%', { ...aws, prefix: 'two words/50%' }],
    ['s3://old/my%2Dshop', { ...aws, prefix: 'my%2Dshop', endpoint: null }],
    ['s3://old/not.backup', { ...aws, prefix: 'not.backup', endpoint: null }],
  ])('%s', (text, address) => {
    expect(readSourceAddress(text)).toEqual(address);
  });
});

describe('what is none', () => {
  it.each([
    ['', 'it is no address'],
    ['old/2026-04-02', 'it is no address'],
    ['ftp://old/2026-04-02', 'it is no address'],
    ["S3('https://old.s3.amazonaws.com/x')", 'it is no address'],
    ['s3:///x', 'is no name of a bucket'],
    ['https://s3.amazonaws.com/', 'is no name of a bucket'],
    ['https://old.s3.amazonaws.com/x?versionId=1', 'it has more than a host and a path'],
    ['s3://old/full.zip', 'is an archive (.zip)'],
    ['https://old.s3.amazonaws.com/backups/full.tar.gz', 'is an archive (.tar.gz)'],
    ['s3://old/full.TGZ', 'is an archive (.TGZ)'],
  ])('%s', (text, sentence) => {
    expect(() => readSourceAddress(text)).toThrow(sentence);
  });

  it('does not repeat the password of an address', () => {
    expect(() => readSourceAddress('https://AKIAX:hunter2@old.s3.amazonaws.com/x')).toThrow(
      expect.objectContaining({
        failure: expect.objectContaining({ what: expect.not.stringContaining('hunter2') }),
      }),
    );
  });

  it('is told as a mistake of whoever typed it', () => {
    expect(() => readSourceAddress('x')).toThrow(SafehouseError);
    expect(() => readSourceAddress('x')).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });
});

it('names objects at the root of a bucket without a slash before them', () => {
  expect(sourceKey({ prefix: '' }, '.backup')).toBe('.backup');
  expect(sourceKey({ prefix: 'a/b' }, '.backup')).toBe('a/b/.backup');
});

it('is named in one form, however it was written', () => {
  const names = [
    's3://old/a/',
    'https://old.s3.eu-central-1.amazonaws.com/a',
    'https://s3.amazonaws.com/old/a/.backup',
  ];
  expect(new Set(names.map((name) => sourceText(readSourceAddress(name))))).toEqual(new Set(['s3://old/a']));
});
