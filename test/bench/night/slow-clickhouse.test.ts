import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SlowClickHouse, startSlowClickHouse } from '../../../bench/night/slow-clickhouse.ts';
import { listenOnLoopback } from '../../../local/listen.ts';

const FINISHED = '{"server":"a","status":"BACKUP_CREATED","alive":0,"files":7}\n';
const engine = createServer((request, response) => {
  request.resume().once('end', () => response.end(FINISHED));
});
let time = 0;
let clickhouse: SlowClickHouse;

beforeAll(async () => {
  const port = await listenOnLoopback(engine, 0);
  clickhouse = await startSlowClickHouse(`http://127.0.0.1:${port}`, () => time);
});
afterAll(async () => {
  await clickhouse.stop();
  engine.closeAllConnections();
  await new Promise((resolve) => engine.close(resolve));
});

const poll = async (id: string): Promise<unknown> =>
  (await fetch(`${clickhouse.url}/?param_id=${id}`, { method: 'POST', body: 'SELECT' })).json();

it('calls a backup unfinished until its simulated end, and no other one', async () => {
  clickhouse.finishAt('slow', 1000);
  time = 999;

  expect(await poll('slow')).toMatchObject({ status: 'CREATING_BACKUP', alive: 1, files: 7 });
  expect(await poll('other')).toMatchObject({ status: 'BACKUP_CREATED', alive: 0 });

  time = 1000;
  expect(await poll('slow')).toMatchObject({ status: 'BACKUP_CREATED', alive: 0 });
});
