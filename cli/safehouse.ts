#!/usr/bin/env node
import { EXIT } from './exit-codes.ts';
import { askOn } from './keyboard.ts';
import { main } from './main.ts';
import { openInstallation } from './open-installation.ts';

function interruptible(): AbortSignal {
  const interruption = new AbortController();
  process.on('SIGINT', () => {
    // The first says what goes on without us; whoever does not want to hear it presses twice.
    if (interruption.signal.aborted) endAtOnce();
    interruption.abort();
  });
  return interruption.signal;
}

/** As Ctrl-C ends any other program: `process.exit` would wait for the embedded engine, which cannot be called back. */
function endAtOnce(): void {
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}

/** How long something may still be under way after Ctrl-C, in milliseconds, once everything has been said. */
const LINGER = 500;

for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `safehouse list | head` closes the pipe when it has seen enough.
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? EXIT.good);
  });

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  open: openInstallation,
  now: Date.now,
  interruptible,
  // On stderr, so that stdout holds nothing but the answer.
  ask: process.stdin.isTTY && process.stderr.isTTY ? askOn(process.stdin, process.stderr) : undefined,
});
if (process.exitCode === EXIT.interrupted) setTimeout(endAtOnce, LINGER).unref();
