#!/usr/bin/env node
/** `node test/security/run.ts` runs the fuzzers and writes down how many bad inputs they have tried, in `figures.json`. */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FIGURES = fileURLToPath(new URL('figures.json', import.meta.url));

const countSchema = z.object({ file: z.string(), test: z.string(), badInputs: z.number() });

const fuzzers = globSync('test/security/*.test.ts', { cwd: ROOT }).filter((file) =>
  readFileSync(join(ROOT, file), 'utf8').includes('new BadInputs()'),
);
const directory = mkdtempSync(join(tmpdir(), 'safehouse-fuzzers-'));
try {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', ...fuzzers], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, SAFEHOUSE_FIGURES: directory },
  });
  const code = await new Promise<number>((resolve) => child.once('exit', (exit) => resolve(exit ?? 1)));
  process.exitCode = code;
  if (code === 0) {
    const counts = readdirSync(directory).map((name) =>
      countSchema.parse(JSON.parse(readFileSync(join(directory, name), 'utf8'))),
    );
    const badInputs = counts.reduce((sum, count) => sum + count.badInputs, 0);
    // A crash fails its test, and then nothing is written.
    writeFileSync(FIGURES, `${JSON.stringify({ badInputs, crashes: 0, fuzzers: counts.length }, null, 2)}\n`);
  }
} finally {
  rmSync(directory, { recursive: true });
}
