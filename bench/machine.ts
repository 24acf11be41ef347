/** What a figure was measured on, without anything that names the machine. */
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** `linux x64` */
  readonly system: string;
  readonly node: string;
}

export const describeMachine = (): Machine => ({
  processor: cpus()[0]?.model.trim() || 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  system: `${platform()} ${arch()}`,
  node: process.versions.node,
});

/** How many processes wanted a processor, on average of the last minute. */
export const loadNow = (): number => loadavg()[0] ?? Number.NaN;
