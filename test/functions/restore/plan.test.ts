import { expect, it } from 'vitest';
import { handler as plan } from '../../../functions/restore/plan.ts';
import { RestoreGround } from './restore-ground.ts';

const ground = new RestoreGround();
const EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:Restore:planned';

it('decides once: a repeat adopts it, though a newer backup has come meanwhile', {
  timeout: 60_000,
}, async () => {
  const target = ground.addTarget({ databases: ['planned'] });
  const tables = Array.from(
    { length: 40 },
    (_, index) => `planned.a_table_with_a_name_of_some_length_${index}`,
  );
  await ground.tell('CREATE DATABASE planned');
  for (const table of tables) await ground.tell(`CREATE TABLE ${table} (id UInt64) ENGINE = Memory`);
  const first = await ground.backUp(target);
  const input = {
    execution: EXECUTION,
    startedAt: new Date().toISOString(),
    input: { target, backup: 'latest', tables },
  };
  const planned = await ground.step(plan, input);
  const second = await ground.backUp(target);

  expect(await ground.step(plan, input)).toEqual(planned);
  expect(planned).toMatchObject({ backup: first.id });
  expect(await ground.step(plan, { ...input, execution: `${EXECUTION}-2` })).toMatchObject({
    backup: second.id,
  });
  // However many tables: Step Functions carries 256 KiB, and only names travel.
  expect(JSON.stringify(planned).length).toBeLessThan(500);
});
