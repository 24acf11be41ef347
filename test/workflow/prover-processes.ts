/** The processes in which the provers of this test file run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Kills every prover that is at work, once one has opened its engine. */
export async function killProvers(): Promise<void> {
  for (;;) {
    const working = provers().filter(isWorking);
    for (const pid of working) process.kill(pid, 'SIGKILL');
    if (working.length > 0) return;
    await wait(5);
  }
}

const provers = (): number[] =>
  childrenOf(process.pid).filter((pid) => readProc(pid, 'cmdline').includes('function-child-main'));

/** Every thread has children of its own. */
const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );

/** It has a damaged copy of its control backup on the disk: its self-test runs, with which each item begins. */
function isWorking(pid: number): boolean {
  const [, temporary] = /(?:^|\0)TMPDIR=([^\0]+)/.exec(readProc(pid, 'environ')) ?? [];
  if (temporary === undefined || !existsSync(temporary)) return false;
  return readdirSync(temporary, { recursive: true }).some((path) => /\/control-\d+$/.test(String(path)));
}

function readProc(pid: number, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
