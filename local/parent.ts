/** The server's half of a server process: what it owes to the process that started it. */

export interface RunningServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** A reason not to start that its text explains completely: a port that is taken, a directory that is in use. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}

/**
 * Waits for the settings, starts the server, tells the parent where it listens, and stops when the parent says so.
 * SIGKILLs itself when the parent is gone: whatever it serves has to survive that anyway, and an orderly shutdown would
 * first wait for a running BACKUP, with nobody left to stop it.
 */
export function serveParent(start: (settings: unknown) => Promise<RunningServer>): void {
  process.once('message', (settings) => void begin(start, settings));
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Ctrl-C reaches the whole process group; the parent decides what follows.
  process.on('SIGINT', () => {});
}

async function begin(start: (settings: unknown) => Promise<RunningServer>, settings: unknown): Promise<void> {
  try {
    const server = await start(settings);
    const stop = (): void => void server.stop().then(() => process.exit(0));
    process.once('message', stop);
    process.once('SIGTERM', stop);
    process.send?.({ port: server.port });
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    process.send?.({ failure, unexpected: !(error instanceof StartRefused) }, () => process.exit(1));
  }
}
