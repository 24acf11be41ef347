/** Buckets as earlier releases left them: never made again, only added to, and readable for ever. */
import '../support/function-environment.ts';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { readEvidence } from '../../clients/ledger.ts';
import { handler as planRetention } from '../../functions/retention/plan.ts';
import { carried, invoke } from '../support/surroundings.ts';
import { FaultGround } from './fault-ground.ts';

const ground = new FaultGround();
const TARGET = 'golden';

const goldenSchema = z.object({
  clickhouse: z.string(),
  full: z.string(),
  incremental: z.string(),
  /** Base64 by key. */
  objects: z.record(z.string(), z.string()),
});

/** One file for each release that changed what is written. */
const releases = globSync('*.json', { cwd: join(import.meta.dirname, 'golden') });

describe.each(releases)('%s', { timeout: 60_000 }, (file) => {
  const golden = goldenSchema.parse(
    JSON.parse(readFileSync(join(import.meta.dirname, 'golden', file), 'utf8')),
  );

  test('fault 50: the bucket of that release is listed, proven and restored, and retention understands it', async () => {
    for (const [key, body] of Object.entries(golden.objects))
      await ground.put(key, Buffer.from(body, 'base64'));
    ground.setTarget(TARGET, { databases: ['golden'] });
    expect(await ground.good(TARGET)).toEqual([golden.full, golden.incremental]);
    expect(await readEvidence(ground.around.bucket, TARGET, golden.incremental, 'started')).toMatchObject({
      base: golden.full,
      clickhouse: { version: golden.clickhouse },
    });
    const execution = 'arn:aws:states:eu-central-1:123456789012:execution:Retention:one';
    const plan = await carried(invoke(planRetention, { execution, input: { target: TARGET } }));
    expect(plan).toMatchObject({ kept: 2, remove: [] });
    // The incremental names the address that its base had on that day, where nobody answers the prover now.
    expect(await ground.prove({ target: TARGET, id: golden.full }, { occasion: 'again' })).toMatchObject({
      verdict: 'proven',
    });
    const rows = { [golden.full]: 100, [golden.incremental]: 150 };
    for (const [id, count] of Object.entries(rows)) {
      const restored = await ground.restore({ target: TARGET, backup: id, as: { golden: `from ${id}` } });
      expect(restored).toMatchObject({ status: 'succeeded' });
      expect(await ground.ask(`SELECT count() AS rows FROM \`from ${id}\`.orders`)).toEqual([
        { rows: count },
      ]);
    }
  });
});
