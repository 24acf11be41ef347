/** The processes in which the provers of this test file run. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Kills what proves, as soon as it is at work. Gives up when the work is done. */
export async function killProvers(work: Promise<unknown>): Promise<void> {
  let done = false;
  void work
    .catch(() => {})
    .finally(() => {
      done = true;
    });
  while (!done) {
    for (const pid of provers().filter(isAtWork)) process.kill(pid, 'SIGKILL');
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

/** It has an engine open, which has its data in the temporary directory of the process. */
function isAtWork(pid: number): boolean {
  const [, temporary = ''] = /(?:^|\0)TMPDIR=([^\0]+)/.exec(readProc(pid, 'environ')) ?? [];
  try {
    return readdirSync(temporary).some((name) => name.startsWith('safehouse-prover-'));
  } catch {
    return false;
  }
}

function readProc(pid: number, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
