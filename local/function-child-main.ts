/** The inside of a process that `function-child.ts` starts. */
import { findEngineInNodePath } from './engine-lookup.ts';
import { answering } from './function-handler.ts';
import type { FunctionSettings, Invocation } from './function-runtime.ts';

findEngineInNodePath();
process.once('message', (settings) => {
  const answer = answering(settings as FunctionSettings);
  process.on('message', (invocation) => {
    void answer(invocation as Invocation).then((result) => process.send?.(result));
  });
});
// Nobody waits for the answer any more, and the engine has nothing to lose.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C reaches the whole process group; the parent decides what follows.
process.on('SIGINT', () => {});
