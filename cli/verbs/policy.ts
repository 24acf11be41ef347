import { readerPolicy } from '../../core/reader-policy.ts';
import { writerPolicy } from '../../core/writer-policy.ts';
import { EXIT } from '../exit-codes.ts';
import { requireTarget } from '../find-target.ts';
import { line } from '../screen.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const policy: Verb = {
  name: 'policy',
  summary: "the IAM policy for ClickHouse's own role, as JSON",
  argument: { name: 'TARGET', required: true },
  flags: {
    reader: { about: 'for a server that restores the backups of this target and writes none' },
    'kms-key': { value: 'ARN', about: 'the key of your own that the bucket is encrypted with' },
  },
  about: [
    "Prints what ClickHouse's credentials may do in the bucket: write and read the backups of this target, and delete nothing but its own lock; with --reader, read them and nothing else.",
  ],
  examples: [
    'policy demo --local',
    'policy shop > writer-policy.json',
    'policy shop --reader > reader-policy.json',
  ],
  run,
};

async function run({ argument, flags, open }: Call): Promise<Answer> {
  const installation = await open();
  const target = await requireTarget(installation, argument);
  const key = flags.get('kms-key');
  const policyFor = flags.has('reader') ? readerPolicy : writerPolicy;
  const document = policyFor(
    `arn:${partitionOf(installation.region)}:s3:::${installation.bucketName}`,
    target,
    typeof key === 'string' ? key : undefined,
  );
  return {
    exitCode: EXIT.good,
    json: { ...document },
    screen: () =>
      JSON.stringify(document, null, 2)
        .split('\n')
        .map((text) => line(text)),
  };
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
