import '../../support/function-environment.ts';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeBackupId } from '../../../core/backup-id.ts';
import { ENVIRONMENT } from '../../../core/environment.ts';
import { handler } from '../../../functions/prove/walk.ts';
import { awsError } from '../../support/aws.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:Prove';
const DAY = 86_400_000;

let sfn = mockClient(SFNClient);
beforeEach(() => {
  sfn = mockClient(SFNClient);
  sfn.onAnyCommand().rejects(new Error('unexpected command'));
  sfn.on(StartExecutionCommand).resolves({});
});
afterEach(() => sfn.restore());

function walk(...targets: string[]) {
  vi.stubEnv(ENVIRONMENT.targets, targets.join(','));
  vi.stubEnv(ENVIRONMENT.proveMachine, MACHINE);
  return carried(invoke(handler, {}));
}

const started = () =>
  sfn.commandCalls(StartExecutionCommand).map(({ args }) => {
    const { stateMachineArn, name, input } = args[0].input;
    return { stateMachineArn, name, input: JSON.parse(input ?? '') };
  });

const idOf = (daysAgo: number): string => makeBackupId(Date.now() - daysAgo * DAY, 'full', 'aaaa');

const today = (): string => new Date().toISOString().slice(0, 10).replaceAll('-', '');

/** A target with a backup that was never proven. */
async function addTarget(overrides = {}, daysAgo = 3): Promise<{ target: string; id: string }> {
  const target = around.addTarget(overrides);
  const id = idOf(daysAgo);
  await write(around.bucket, target, id, 'verified');
  return { target, id };
}

describe('the daily walk', () => {
  it('starts the proofs of what is due, as of backups that were there before', async () => {
    const { target, id } = await addTarget();
    expect(await walk(target)).toEqual({ started: [id] });
    expect(started()).toEqual([
      {
        stateMachineArn: MACHINE,
        name: `${today()}-${id}-${target}`,
        input: { target, backup: id, occasion: 'again' },
      },
    ]);
  });

  it('starts a proof once a day, however often it is called', async () => {
    const { target } = await addTarget();
    sfn
      .on(StartExecutionCommand)
      .rejects(new ExecutionAlreadyExists({ message: 'it exists', $metadata: {} }));
    expect(await walk(target)).toEqual({ started: [] });
  });

  it('gives each day and each backup a name of its own, also to the longest target', async () => {
    const { id } = await addTarget();
    const long = 'a'.repeat(48);
    const later = '20260402T020000Z-full-k3f9aaaabbbb';
    vi.stubEnv(ENVIRONMENT.settings, '/safehouse/test/targets/');
    around.setParameter(
      `/safehouse/test/targets/${long}`,
      JSON.stringify({ url: 'https://clickhouse.example:8443', schedule: { full: 'cron(0 2 * * ? *)' } }),
    );
    await write(around.bucket, long, id, 'verified');
    await write(around.bucket, long, later, 'verified');
    await walk(long);
    const names = started().map(({ name }) => name ?? '');
    expect(new Set(names).size).toBe(2);
    for (const name of names) {
      expect(name.length).toBeLessThanOrEqual(80);
      expect(name).toMatch(new RegExp(`^${today()}-.*-aaa`));
    }
  });

  it('leaves out targets that want no proof', async () => {
    const { target } = await addTarget({ prove: { level: 'none' } });
    expect(await walk(target)).toEqual({ started: [] });
    expect(started()).toEqual([]);
  });

  it('walks the other targets when one cannot be read, and then says so', async () => {
    const { target, id } = await addTarget();
    const failure = await failureOf('Refused', walk('unknown', target));
    expect(failure).toMatchObject({
      error: 'NotWalked',
      what: 'The daily proofs of unknown were not started.',
    });
    expect(started()).toMatchObject([{ input: { backup: id } }]);
  });

  it('fails when Step Functions starts nothing', async () => {
    const { target } = await addTarget();
    sfn.on(StartExecutionCommand).rejects(awsError('AccessDeniedException', 400));
    expect(await failureOf('Refused', walk(target))).toMatchObject({ error: 'NotWalked' });
  });
});
