/** A fresh process that loads one module, as a cold start of Lambda does, and writes what that took to standard output. */
import { pathToFileURL } from 'node:url';

/** Milliseconds. */
export interface ImportCost {
  readonly elapsed: number;
  /** Of the processor, all threads together: less than has elapsed when the process had to wait for one. */
  readonly processor: number;
}

const [file = ''] = process.argv.slice(2);
const url = pathToFileURL(file).href;
const used = process.cpuUsage();
const before = performance.now();
await import(url);
const elapsed = performance.now() - before;
const { user, system } = process.cpuUsage(used);
const cost: ImportCost = { elapsed, processor: (user + system) / 1000 };
process.stdout.write(JSON.stringify(cost));
