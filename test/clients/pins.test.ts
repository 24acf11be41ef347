import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { readPins } from '../../clients/pins.ts';
import { awsError, bodyOf, mockS3 } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';

const s3 = mockS3();
const bucket = { name: 'backups', client: new S3Client({}) };

const lists = (prefix: string, ...keys: string[]) =>
  s3()
    .on(ListObjectsV2Command, { Bucket: 'backups', Prefix: prefix })
    .resolves({ Contents: keys.map((Key) => ({ Key, Size: 1, LastModified: new Date(0) })) });

const holds = (Key: string, text: string) =>
  s3()
    .on(GetObjectCommand, { Bucket: 'backups', Key })
    .resolves({ Body: bodyOf(text) });

const pin = (lapsesAt: string): string =>
  JSON.stringify({ version: 1, holder: 'restore', reason: 'reading', lapsesAt });

describe('the pins of a target', () => {
  it('are read with the time at which they lapse, lapsed ones too', async () => {
    lists('pins/logs/', 'pins/logs/a/one.json', 'pins/logs/b/two.json');
    holds('pins/logs/a/one.json', pin('2026-04-02T02:00:00.000Z'));
    holds('pins/logs/b/two.json', pin('1999-01-01T00:00:00.000Z'));
    expect(await readPins(bucket, 'logs')).toEqual([
      { id: 'a', holder: 'one', lapsesAt: Date.UTC(2026, 3, 2, 2) },
      { id: 'b', holder: 'two', lapsesAt: Date.UTC(1999, 0, 1) },
    ]);
  });

  it('of one backup are read alone', async () => {
    lists('pins/logs/a/', 'pins/logs/a/one.json');
    holds('pins/logs/a/one.json', pin('2026-04-02T02:00:00.000Z'));
    expect(await readPins(bucket, 'logs', 'a')).toHaveLength(1);
  });

  it.each(['', 'garbled', '{"version":2}', pin('one day')])(
    'hold for ever when they say %j, which nobody understands',
    async (text) => {
      lists('pins/logs/', 'pins/logs/a/one.json');
      holds('pins/logs/a/one.json', text);
      expect(await readPins(bucket, 'logs')).toEqual([
        { id: 'a', holder: 'one', lapsesAt: Number.POSITIVE_INFINITY },
      ]);
    },
  );

  it('hold for now when they vanish while they are read', async () => {
    lists('pins/logs/', 'pins/logs/a/one.json');
    s3().on(GetObjectCommand).rejects(awsError('NoSuchKey', 404));
    expect(await readPins(bucket, 'logs')).toMatchObject([{ id: 'a', lapsesAt: Number.POSITIVE_INFINITY }]);
  });

  it('are not what else lies there', async () => {
    lists('pins/logs/', 'pins/logs/notes.txt', 'pins/logs/a/b/c.json');
    expect(await readPins(bucket, 'logs')).toEqual([]);
  });

  it('that cannot be read are an error, not an absence', async () => {
    lists('pins/logs/', 'pins/logs/a/one.json');
    s3().on(GetObjectCommand).rejects(awsError('AccessDenied', 403));
    await failureOf('Refused', readPins(bucket, 'logs'));
    s3().on(ListObjectsV2Command).rejects(awsError('SlowDown', 503));
    await failureOf('TemporarilyUnavailable', readPins(bucket, 'logs'));
  });
});
