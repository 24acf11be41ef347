import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** For Stryker, which runs it in a copy of the tree; `stryker.ts` names the test files, parted by commas. */
const tests = (process.env['SAFEHOUSE_MUTATION_TESTS'] ?? '').split(',');
const hasProperties = tests.some((path) => readFileSync(path, 'utf8').includes("'fast-check'"));

export default defineConfig({
  test: {
    include: tests,
    setupFiles: hasProperties ? ['test/mutation/fewer-runs.ts'] : [],
    testTimeout: 60_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
