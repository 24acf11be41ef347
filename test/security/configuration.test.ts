/** Configurations and settings with anything in them: refused with the place and what is allowed, or taken as they are. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConfig, parseTarget } from '../../core/config.ts';
import { deploymentSchema } from '../../core/deployment.ts';
import { SafehouseError } from '../../core/errors.ts';
import { PLANTED_SECRET } from '../core/hostile-text.ts';
import { configs } from '../support/configs.ts';
import { LEAST } from '../support/targets.ts';
import { BadInputs } from './bad-inputs.ts';
import { type Json, spoilt } from './hostile-json.ts';

const TIME = { timeout: 120_000 };

test('a good configuration with any of its places spoilt is taken or refused', TIME, ({ task }) => {
  const inputs = new BadInputs();
  const good = fc.sample(configs(), { numRuns: 40, seed: 5 }).map((config) => config as Json);
  let refused = 0;
  fc.assert(
    fc.property(spoilt(...good), (config) => {
      const answer = inputs.answer(() => parseConfig(config, 'A test'));
      if (!(answer instanceof SafehouseError)) return;
      refused += 1;
      expect(answer.name).toBe('InvalidConfiguration');
      expect(answer.failure.what.length).toBeLessThan(40_000);
      expect(answer.failure.remedy).not.toBe('');
    }),
    { numRuns: 2_000 },
  );
  expect(refused).toBeGreaterThan(1_000);
  inputs.report(task);
});

test('what a stack left in SSM, spoilt, is taken or refused', TIME, ({ task }) => {
  const inputs = new BadInputs();
  const target: Json = JSON.parse(JSON.stringify(parseTarget(LEAST, 'A test')));
  const machine = 'arn:aws:states:eu-central-1:123456789012:stateMachine:x';
  const deployment: Json = {
    bucket: 'b',
    region: 'r',
    retention: machine,
    prove: machine,
    targets: { shop: {} },
  };
  fc.assert(
    fc.property(spoilt(target, deployment), (settings) => {
      inputs.answer(() => parseTarget(settings, 'A test'));
      inputs.answer(() => deploymentSchema.safeParse(settings));
    }),
    { numRuns: 1_000 },
  );
  inputs.report(task);
});

test('a secret in the place of its name is not repeated', TIME, ({ task }) => {
  const inputs = new BadInputs();
  const place = fc.constantFrom<(secret: string) => Json>(
    (secret) => ({ ...LEAST, password: secret }),
    (secret) => ({ ...LEAST, password: { ssm: 1, value: secret } }),
    (secret) => ({ ...LEAST, s3: { access: 'keys', accessKeyId: secret, secretAccessKey: secret } }),
    (secret) => ({ ...LEAST, restore: { password: secret } }),
    (secret) => ({ ...LEAST, tls: { caCertificate: secret } }),
    (secret) => ({ ...LEAST, url: `https://me:${encodeURIComponent(secret)}@host:8443` }),
    (secret) => ({ ...LEAST, url: `https://host:8443/?password=${encodeURIComponent(secret)}` }),
  );
  fc.assert(
    fc.property(place, PLANTED_SECRET, (settings, { secret }) => {
      const answer = inputs.answer(() => parseTarget(settings(secret), 'A test'));
      expect(answer).toBeInstanceOf(SafehouseError);
      const { message } = answer as SafehouseError;
      expect(message).not.toContain(secret);
      expect(message).not.toContain(encodeURIComponent(secret));
    }),
    { numRuns: 700 },
  );
  inputs.report(task);
});
