import { expect, it } from 'vitest';
import type { Installation } from '../../../core/installation.ts';
import { writerPolicy } from '../../../core/writer-policy.ts';
import { call } from '../call.ts';

const open = (region: string) => async (): Promise<Installation> => ({
  title: 'the test',
  bucketName: 'company-backups',
  region,
  endpoint: undefined,
  targets: async () => ['shop'],
  target: () => Promise.reject(new Error('the settings are not needed')),
  start: () => Promise.reject(new Error('nothing is to be started')),
  stop: () => Promise.reject(new Error('nothing is to be stopped')),
  close: async () => {},
});

it('prints the policy as JSON, with and without --json', async () => {
  const expected = writerPolicy('arn:aws:s3:::company-backups', 'shop');
  for (const typed of [
    ['policy', 'shop'],
    ['policy', 'shop', '--json'],
  ])
    expect((await call(typed, { open: open('eu-central-1') })).json).toEqual(expected);
});

it.each([
  ['cn-north-1', 'arn:aws-cn:s3:::company-backups'],
  ['us-gov-west-1', 'arn:aws-us-gov:s3:::company-backups'],
])('names the bucket in the partition of %s', async (region, arn) => {
  const { json } = await call(['policy', 'shop'], { open: open(region) });
  expect(json).toEqual(writerPolicy(arn, 'shop'));
});

it('adds the key that the bucket is encrypted with', async () => {
  const key = 'arn:aws:kms:eu-central-1:123456789012:key/1';
  const { json } = await call(['policy', 'shop', '--kms-key', key], { open: open('eu-central-1') });
  expect(json).toEqual(writerPolicy('arn:aws:s3:::company-backups', 'shop', key));
});

it('ends with 3 for a target that there is not', async () => {
  expect((await call(['policy', 'shoo'], { open: open('eu-central-1') })).exitCode).toBe(3);
});

it('prints with --reader what a server needs that only restores', async () => {
  const { exitCode, json } = await call(['policy', 'shop', '--reader', '--json'], {
    open: open('eu-central-1'),
  });
  expect(exitCode).toBe(0);
  const { Statement } = json as { Statement: { Action: string[] }[] };
  expect(Statement.flatMap(({ Action }) => Action)).toEqual(['s3:GetObject', 's3:ListBucket']);
});
