/** The inside of a thread that `function-thread.ts` starts. */
import { parentPort, workerData } from 'node:worker_threads';
import { answering } from './function-handler.ts';
import type { FunctionSettings, Invocation } from './function-runtime.ts';

const port = parentPort;
const answer = answering(workerData as FunctionSettings);
port?.on('message', (invocation: Invocation) => {
  void answer(invocation).then((result) => port.postMessage(result));
});
