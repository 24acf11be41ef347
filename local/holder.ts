/**
 * Who holds a home. The engine's data and the bucket belong to one process at a time; `local up` lets others use what it
 * runs, a single command does not.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Home } from './home.ts';
import { isAlive, processSchema, thisProcess } from './process-identity.ts';

const addressesSchema = z.object({
  engine: z.string(),
  s3: z.string(),
  /** False when that is the S3 that `AWS_ENDPOINT_URL_S3` named. */
  s3Embedded: z.boolean(),
  topic: z.string(),
});
/** Where the servers of a home listen. */
export type Addresses = z.infer<typeof addressesSchema>;

const holderSchema = processSchema.extend({
  /** Given once they can be used by others. */
  addresses: addressesSchema.nullable(),
});
type Holder = z.infer<typeof holderSchema>;

/**
 * Takes a home for this process.
 *
 * @returns the addresses to use when `local up` holds it already; undefined when it is now ours
 * @throws {SafehouseError} RefusedForSafety, when another command works in it
 */
export function takeHome(home: Home): Addresses | undefined {
  mkdirSync(dirname(home.holder), { recursive: true });
  for (;;) {
    if (write(home, { ...thisProcess(), addresses: null }, 'wx')) return undefined;
    const holder = readHolder(home);
    if (holder === undefined || !isAlive(holder)) {
      // Its process is gone, however it ended; engine and bucket end with it.
      rmSync(home.holder, { force: true });
      continue;
    }
    if (holder.addresses !== null) return holder.addresses;
    throw new SafehouseError(ERROR_NAMES.unsafe, {
      what: `Another command of Safehouse (process ${holder.pid}) is at work in ${home.directory}.`,
      remedy:
        'Wait until it has ended. To use several commands beside each other, keep `npx safehouse local up` running in a terminal of its own.',
    });
  }
}

/** Lets other processes use the servers. */
export const shareHome = (home: Home, addresses: Addresses): void => {
  write(home, { ...thisProcess(), addresses }, 'w');
};

export function leaveHome(home: Home): void {
  if (readHolder(home)?.pid === process.pid) rmSync(home.holder, { force: true });
}

function write(home: Home, holder: Holder, flag: 'w' | 'wx'): boolean {
  try {
    writeFileSync(home.holder, `${JSON.stringify(holder)}\n`, { flag });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(home: Home): Holder | undefined {
  if (!existsSync(home.holder)) return undefined;
  try {
    return holderSchema.parse(JSON.parse(readFileSync(home.holder, 'utf8')));
  } catch {
    // Cut off by a crash while it was written: nobody holds it by this.
    return undefined;
  }
}
