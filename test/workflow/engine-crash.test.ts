/** ClickHouse dies while it writes a backup, and comes back without a memory of it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEvidence } from '../../clients/ledger.ts';
import type { Poll } from '../../core/workflow.ts';
import { type OpenedHouse, openTestHouse, way } from './opened-house.ts';

let opened: OpenedHouse;

beforeAll(async () => {
  opened = await openTestHouse();
  await opened.sql('CREATE DATABASE bulk');
  await opened.sql('CREATE TABLE bulk.noise (a String) ENGINE = MergeTree ORDER BY tuple()');
  await opened.sql('INSERT INTO bulk.noise SELECT randomString(1000) FROM numbers(8000)');
});

afterAll(() => opened.close());

test('a backup whose server is killed is lost, and the next attempt is verified', async () => {
  const { house, interposed, ledger, complete, bucket } = opened;
  let killed = false;
  interposed.around = async ({ name }, invoke) => {
    const result = await invoke();
    if (killed) return result;
    if (name.includes('SubmitFunction')) return anHourAgo(result);
    if (!name.includes('PollFunction')) return result;
    expect(result).toMatchObject({ outcome: 'running' });
    killed = true;
    await house.servers.killEngine();
    await house.startEngine();
    return result;
  };
  const history = await opened.run('backup', {
    target: 'slow',
    kind: 'full',
    scheduledTime: '2026-04-02T02:00:00Z',
  });

  expect(killed).toBe(true);
  expect(history.status).toBe('succeeded');
  expect(way(history).filter((state) => state === 'Submit')).toHaveLength(2);
  const [lost, verified, ...others] = await ledger('slow');
  expect(others).toEqual([]);
  expect(await readEvidence(bucket, 'slow', lost?.id ?? '', 'failed')).toMatchObject({
    error: 'BackupLost',
    step: 'poll',
    class: 'new attempt',
    final: false,
  });
  expect(verified?.states.verified).toBeDefined();
  expect(await complete('slow')).toEqual([verified?.id]);
  expect(house.messages()).toEqual([]);
});

test('polls go on while the server is away, and take the backup up that it finished before', async () => {
  const { house, interposed, ledger } = opened;
  let polls = 0;
  interposed.around = async ({ name }, invoke) => {
    if (name.includes('SubmitFunction')) return anHourAgo(await invoke());
    if (!name.includes('PollFunction')) return invoke();
    polls += 1;
    // The first question is asked when all is written, and nobody is there to answer it.
    if (polls === 1) {
      await finished();
      await house.servers.killEngine();
    }
    const result = await invoke();
    if (polls === 2) await house.startEngine();
    return result;
  };
  const history = await opened.run('backup', { target: 'slow' });

  expect(history.status).toBe('succeeded');
  const last = (await ledger('slow')).at(-1);
  expect(await readEvidence(opened.bucket, 'slow', last?.id ?? '', 'written')).toMatchObject({
    seenIn: 'bucket',
  });
  expect(last?.states.verified).toBeDefined();
});

/** The server was up for longer than the backup: seconds apart, the two cannot be told from clocks that differ. */
const anHourAgo = (poll: unknown) => ({
  ...(poll as Poll),
  submittedAt: new Date(Date.now() - 3_600_000).toISOString(),
});

/** ClickHouse waits for its backups before it answers a question for a synchronous one; asking for the row is enough. */
async function finished(): Promise<void> {
  for (;;) {
    const running = await opened.sql("SELECT count() FROM system.backups WHERE status = 'CREATING_BACKUP'");
    if (running === '0') return;
  }
}
