/** Questions to the person at the keyboard. */
import { createInterface } from 'node:readline';
import type { Ask } from './verb.ts';

/** Ctrl-C and Ctrl-D break a question off. */
export const askOn =
  (input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Ask =>
  (question) =>
    new Promise((resolve) => {
      const keyboard = createInterface({ input, output });
      const end = (answer: string | undefined): void => {
        keyboard.removeAllListeners('close');
        keyboard.close();
        resolve(answer);
      };
      keyboard.on('close', () => {
        output.write('\n');
        end(undefined);
      });
      keyboard.question(question, (typed) => end(typed.trim()));
    });
