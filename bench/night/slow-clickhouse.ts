/**
 * The real engine, seen through a front that calls its backups unfinished until the simulated time is over: what a poll
 * asks and gets is ClickHouse's, only the end comes later.
 */
import type { IncomingMessage } from 'node:http';
import { type Forwarder, startForwarder } from './forwarder.ts';

export interface SlowClickHouse extends Forwarder {
  /** Makes a backup last until then, in milliseconds of the simulated clock. */
  finishAt(id: string, time: number): void;
}

/** @param now the simulated clock */
export async function startSlowClickHouse(engineUrl: string, now: () => number): Promise<SlowClickHouse> {
  const ends = new Map<string, number>();
  const front = await startForwarder({
    to: engineUrl,
    rewrite: (incoming, answer) => {
      const end = ends.get(backupAskedFor(incoming) ?? '');
      return end === undefined || now() >= end ? answer : unfinished(answer);
    },
  });
  return { ...front, finishAt: (id, time) => void ends.set(id, time) };
}

/** The client sends query parameters in the URL. */
const backupAskedFor = ({ url = '' }: IncomingMessage): string | null =>
  new URL(url, 'http://clickhouse').searchParams.get('param_id');

/** The answer to a poll, JSON a line, with a backup that is still at work. */
export const unfinished = (answer: string): string =>
  answer
    .replace(/"status":"BACKUP_CREATED"/g, '"status":"CREATING_BACKUP"')
    .replace(/"alive":0/g, '"alive":1');
