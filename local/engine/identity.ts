import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QueryText } from './query-text.ts';

/**
 * Who answers. `serverUUID()` and `uptime()` are how a poll tells a restarted server from another replica from the same
 * one; the embedded engine answers zeros to both, so the process in front of it has to know.
 */
export interface Identity {
  /** Belongs to the data directory and survives restarts, as in a server. */
  readonly uuid: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** The file's name is the one that ClickHouse's own server uses in its data directory. */
export async function readIdentity(dataDirectory: string): Promise<Identity> {
  await mkdir(dataDirectory, { recursive: true });
  const file = join(dataDirectory, 'uuid');
  try {
    await writeFile(file, randomUUID(), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return { uuid: (await readFile(file, 'utf8')).trim(), startedAt: Date.now() };
}

/**
 * Puts the identity in place of the calls `serverUUID()` and `uptime()`. Each keeps its name as an alias, so that a
 * column that was not given one is called what ClickHouse would call it.
 */
export function introduce(query: string, text: QueryText, identity: Identity, now: number): string {
  let introduced = '';
  let position = 0;
  for (const call of text.identityCalls) {
    const value =
      call.name === 'uptime'
        ? `toUInt32(${Math.floor((now - identity.startedAt) / 1000)}) AS \`uptime()\``
        : `toUUID('${identity.uuid}') AS \`serverUUID()\``;
    introduced += `${query.slice(position, call.start)}(${value})`;
    position = call.end;
  }
  return introduced + query.slice(position);
}
