#!/usr/bin/env node
/** `npm run test:faults` runs the suite and the walks, and writes what it has shown into docs/reliability.md. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PAGE, withFaults } from './page.ts';
import { readReport } from './results.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = fileURLToPath(new URL('results.json', import.meta.url));

const directory = mkdtempSync(join(tmpdir(), 'safehouse-faults-'));
try {
  const report = join(directory, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(
    process.execPath,
    [vitest, 'run', 'test/faults', 'test/walk/walk.test.ts', ...reporters],
    {
      cwd: ROOT,
      stdio: 'inherit',
    },
  );
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  const results = readReport(readFileSync(report, 'utf8'));
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  const page = join(ROOT, PAGE);
  writeFileSync(page, withFaults(readFileSync(page, 'utf8'), results));
} finally {
  rmSync(directory, { recursive: true });
}
