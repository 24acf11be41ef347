import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { featureFlags } from '../../infra/application.ts';
import { scratch } from './scratch.ts';

const directory = scratch('app');

/** Runs the command of cdk.json as the CDK does: context and output directory come in the environment. */
function synth(context: Readonly<Record<string, string>>) {
  const { app } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { app: string };
  const [command, ...parameters] = app.split(' ');
  expect(command).toBe('node');
  const outdir = scratch('cdk.out');
  const ended = spawnSync(process.execPath, parameters, {
    encoding: 'utf8',
    env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify(context), CDK_OUTDIR: outdir },
  });
  return { ...ended, outdir };
}

function configuration(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

test('cdk.json sets every feature flag as CDK recommends it', () => {
  const flags = JSON.parse(
    readFileSync('node_modules/aws-cdk-lib/recommended-feature-flags.json', 'utf8'),
  ) as object;
  expect(featureFlags()).toEqual(flags);
  expect(featureFlags()).toMatchObject({
    // Without it CDK drops what a distributed map writes, silently.
    '@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2': true,
  });
});

describe('a configuration with problems', () => {
  test('ends with exit code 2, every problem and no stack trace', () => {
    const config = configuration(
      'wrong.config.ts',
      `export default { targets: { events: { url: 'tcp://host', schedul: {}, schedule: { full: 'daily' } } } };`,
    );
    const { status, stderr, stdout } = synth({ config });
    expect(status).toBe(2);
    expect(stdout).toBe('');
    for (const word of [config, 'targets.events.url', 'schedul', 'targets.events.schedule.full'])
      expect(stderr).toContain(word);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('that only the stack can see is told in the same way', () => {
    const config = configuration(
      'late.config.ts',
      `export default {
        targets: { events: { url: 'https://host:8443', schedule: { full: 'rate(1 day)' }, maxHours: 48 } },
        bucket: { abortMultipartDays: 1 },
      };`,
    );
    const { status, stderr } = synth({ config });
    expect(status).toBe(2);
    expect(stderr).toContain('bucket.abortMultipartDays is 1');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('that does not exist is named', () => {
    const { status, stderr } = synth({ config: join(directory, 'absent.ts') });
    expect(status).toBe(2);
    expect(stderr).toContain('absent.ts');
  });
});

describe('the example', () => {
  const { status, stderr, outdir } = synth({ stack: 'Nightly' });
  const template = readFileSync(join(outdir, 'Nightly.template.json'), 'utf8');

  test('becomes a stack under the name that is asked for', () => {
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(template).toContain('/safehouse/Nightly/targets/events');
  });

  test('becomes the same stack again', () => {
    const again = synth({ stack: 'Nightly' }).outdir;
    expect(readFileSync(join(again, 'Nightly.template.json'), 'utf8')).toBe(template);
    expect(readFileSync(join(again, 'Nightly.assets.json'), 'utf8')).toBe(
      readFileSync(join(outdir, 'Nightly.assets.json'), 'utf8'),
    );
  });
});
