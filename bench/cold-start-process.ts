/**
 * A process as Lambda starts it for the first invocation of a prover: loads the bundle, unpacks the engine beside it, opens it
 * and asks a query. Writes when each of these was done to standard output as JSON. Argument: the file of the bundle.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { unpackEngine } from '../clients/engine-package.ts';
import { openProver } from '../clients/prover.ts';
import { findEngineInNodePath } from '../local/engine-lookup.ts';
import type { ColdStart } from './cold-start.ts';
import { peakBytes } from './peak-memory.ts';

const [file = ''] = process.argv.slice(2);
const began = performance.now();
const since = (): number => (performance.now() - began) / 1000;

const parentURL = pathToFileURL(file).href;
findEngineInNodePath();
// The engine's JavaScript is that of the bundle, too.
registerHooks({
  resolve: (specifier, context, nextResolve) =>
    nextResolve(specifier, specifier === 'chdb' ? { ...context, parentURL } : context),
});
await import(parentURL);
const imported = since();
await unpackEngine();
const unpacked = since();
const engine = await openProver();
const opened = since();
const [row] = await engine.ask<{ answer: number }>('SELECT sum(number) AS answer FROM numbers(1000)');
const answered = since();
if (row?.answer !== 499_500) throw new Error(`the engine answered ${JSON.stringify(row)}`);
engine.close();
const cost: ColdStart = { imported, unpacked, opened, answered, peakBytes: peakBytes() };
process.stdout.write(JSON.stringify(cost));
