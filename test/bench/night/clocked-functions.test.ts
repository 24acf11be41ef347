import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Clock } from '../../../bench/night/clock.ts';
import { ClockedFunctions } from '../../../bench/night/clocked-functions.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:Poll';
const HANDLER = `
  let calls = 0;
  export const handler = async (event, context) => {
    calls += 1;
    return {
      event, calls, now: Date.now(), date: new Date().getTime(), named: new Date('2026-04-02T02:00:00Z').getTime(),
      isDate: new Date() instanceof Date, left: context.getRemainingTimeInMillis(),
    };
  };`;

let directory: string;
let clock: Clock;
let functions: ClockedFunctions;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'safehouse-clocked-'));
  const file = join(directory, 'bundle.mjs');
  writeFileSync(file, HANDLER);
  clock = new Clock();
  functions = new ClockedFunctions({
    functions: [
      {
        name: 'Poll',
        arn: ARN,
        description: 'Safehouse, backup/poll: asks ClickHouse how the backup stands',
        file,
        handler: 'handler',
        environment: {},
        memoryMegabytes: 512,
        timeoutSeconds: 60,
      },
    ],
    environment: {},
    clock,
    directory,
  });
});
afterEach(async () => {
  await functions.stop();
  rmSync(directory, { recursive: true });
});

it('runs a function at the simulated time, with the real time that an invocation has left', async () => {
  clock.wait(12 * 3600);
  const before = clock.now();
  const answer = (await functions.invoke(ARN, { id: 1 })) as Record<string, number>;
  const after = clock.now();

  expect(answer).toMatchObject({ event: { id: 1 }, named: Date.UTC(2026, 3, 2, 2), isDate: true });
  for (const time of [answer['now'], answer['date']]) {
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(after);
  }
  expect(answer['left']).toBeGreaterThan(50_000);
  expect(answer['left']).toBeLessThanOrEqual(60_000);
});

it('keeps a function warm for five simulated minutes, and loads it anew after that', async () => {
  await functions.invoke(ARN, {});
  clock.wait(299);
  expect(await functions.invoke(ARN, {})).toMatchObject({ calls: 2 });
  clock.wait(301);
  expect(await functions.invoke(ARN, {})).toMatchObject({ calls: 1 });

  const invocations = functions.take();
  expect(invocations.map(({ name, cold, architecture }) => [name, cold, architecture])).toEqual([
    ['backup/poll', true, 'arm64'],
    ['backup/poll', false, 'arm64'],
    ['backup/poll', true, 'arm64'],
  ]);
  for (const { milliseconds } of invocations) expect(milliseconds).toBeGreaterThan(0);
  expect(functions.take()).toEqual([]);
});
