import { readFileSync } from 'node:fs';

/**
 * The most memory that this process ever held, in bytes. Linux counts the parent's pages into `maxRSS` when a process is
 * forked off a large one, so the figure of the process's own memory map comes first.
 */
export function peakBytes(): number {
  const own = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return (own === null ? process.resourceUsage().maxRSS : Number(own[1])) * 1024;
}
