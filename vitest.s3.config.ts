/** What only a real S3 server can show: permissions, versions, Object Lock, sessions. `npm test` takes no `.s3.ts`. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/s3/**/*.s3.ts'],
    globalSetup: ['test/s3/gateway.ts'],
    // One gateway serves them all, with one disk in memory; the engines beside it take the other core.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    restoreMocks: true,
  },
});
