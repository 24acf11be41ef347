import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseConfig } from '../../core/config.ts';
import { ENGINE_DIRECTORY, ENGINE_LIBRARY } from '../../core/engine-package.ts';
import { STACK_NAME, synthesise } from '../../local/synthesis.ts';
import { readStack } from '../../local/template.ts';
import { type ColdStart, measureColdStart } from '../cold-start.ts';
import { type Figure, measured, type Result, sampled, type Tools } from '../figure.ts';
import { spreadOf } from '../statistics.ts';

const ROUNDS = 9;
const MOST_SECONDS = 3;

export const coldStart: Figure = {
  number: 8,
  title: 'Cold start of a prover, from its bundle to the first answer',
  async measure({ workspace, say }: Tools): Promise<Result> {
    const file = await bundleOfItem();
    const starts: (ColdStart & { whole: number })[] = [];
    // The first one only warms the disk's cache.
    for (let round = 0; round <= ROUNDS; round += 1) {
      const start = await measureColdStart(file, await workspace.subdirectory(`cold-start-${round}`));
      if (round === 0) continue;
      say(`${round} of ${ROUNDS}: ${start.whole.toFixed(2)} s`);
      starts.push(start);
    }
    const part = (name: string, of: (start: (typeof starts)[number]) => number) =>
      sampled(name, spreadOf(starts.map(of)), 'seconds');
    const packed = statSync(join(dirname(file), ENGINE_DIRECTORY, `${ENGINE_LIBRARY}.zst`)).size;
    return {
      measurements: [
        sampled('process, first query, end of it', spreadOf(starts.map(({ whole }) => whole)), 'seconds', {
          atMost: MOST_SECONDS,
        }),
        part('… the bundle is loaded', ({ imported }) => imported),
        part('… the engine is unpacked', ({ unpacked, imported }) => unpacked - imported),
        part('… the engine is loaded and open', ({ opened, unpacked }) => opened - unpacked),
        part('… the query is answered', ({ answered, opened }) => answered - opened),
        measured('most memory', Math.max(...starts.map(({ peakBytes }) => peakBytes)), 'bytes'),
        measured('the engine in the bundle', packed, 'bytes'),
      ],
      notes: [
        'A fresh process for each, the bundle and its packed engine as they are uploaded, unpacked into an empty directory. Before it, Lambda fetches the bundle, which cannot be measured here.',
        'On the processors of this machine; with the 3,072 MiB of the default, Lambda gives 1.7, and a cold start uses little more than one.',
      ],
      details: { starts },
    };
  },
};

async function bundleOfItem(): Promise<string> {
  const targets = { bench: { url: 'http://127.0.0.1:1', schedule: { full: 'cron(0 2 * * ? *)' } } };
  const { directory } = await synthesise(parseConfig({ targets }, 'The configuration of the bench'));
  const { functions } = readStack(directory, STACK_NAME, { region: 'us-east-1', bucketName: 'safehouse' });
  const found = functions.find(({ description }) => description.startsWith('Safehouse, prove/item:'));
  if (found === undefined) throw new Error('the stack has no function prove/item');
  return found.file;
}
