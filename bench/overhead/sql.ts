/** SQL for the engine, one statement at a time, for as long as it takes. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export type Sql = (statement: string, parameters?: Readonly<Record<string, string>>) => Promise<string>;

/** Not `fetch`, which gives a statement up that takes longer than five minutes. */
export const sqlAt =
  (url: string): Sql =>
  (statement, parameters = {}) =>
    new Promise((resolve, reject) => {
      const address = new URL(url);
      for (const [name, value] of Object.entries(parameters))
        address.searchParams.set(`param_${name}`, value);
      const call = request(address, { method: 'POST' }, (answer) => {
        text(answer).then((body) => {
          if (answer.statusCode === 200) resolve(body.trim());
          else reject(new Error(`${statement}\n${body}`));
        }, reject);
      });
      call.once('error', reject).end(statement);
    });
