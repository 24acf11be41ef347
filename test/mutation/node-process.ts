import { spawn } from 'node:child_process';

/**
 * Runs Node to its end, which is also the end of this process: nothing is left behind that works on in a copy.
 *
 * @returns what it said, of both streams, as one text
 */
export async function runNode(
  directory: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(process.execPath, command, {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = (): void => void child.kill();
  process.once('exit', end);
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
  try {
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  } finally {
    process.off('exit', end);
  }
  return Buffer.concat(said).toString();
}
