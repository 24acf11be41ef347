/** Which process did something, so that another one can tell whether it still lives. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';

export const processSchema = z.object({
  pid: z.number().int(),
  /** When that process started, so that another process with its number is not taken for it. */
  processStarted: z.string().nullable(),
});
export type ProcessIdentity = z.infer<typeof processSchema>;

export const thisProcess = (): ProcessIdentity => ({
  pid: process.pid,
  processStarted: startOf(process.pid),
});

export function isAlive({ pid, processStarted }: ProcessIdentity): boolean {
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
