/**
 * Who holds a home. The engine's data and the bucket belong to one process at a time; `local up` lets others use what it
 * runs, a single command does not.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Home } from './home.ts';

const addressesSchema = z.object({
  engine: z.string(),
  s3: z.string(),
  /** False when that is the S3 that `AWS_ENDPOINT_URL_S3` named. */
  s3Embedded: z.boolean(),
  topic: z.string(),
});
/** Where the servers of a home listen. */
export type Addresses = z.infer<typeof addressesSchema>;

const holderSchema = z.object({
  pid: z.number().int(),
  /** When that process started, so that another process with its number is not taken for it. */
  processStarted: z.string().nullable(),
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

const thisProcess = (): Pick<Holder, 'pid' | 'processStarted'> => ({
  pid: process.pid,
  processStarted: startOf(process.pid),
});

function isAlive({ pid, processStarted }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return startOf(pid) === processStarted;
}

/** The start of a process in ticks since the machine's own, from Linux; null where there is no such file. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything; the start is the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
