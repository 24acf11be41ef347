/** The stack as it would be deployed for one small target, with its functions bundled. */
import { parseConfig } from '../../core/config.ts';
import { STACK_NAME, synthesise } from '../../local/synthesis.ts';
import { type DeployedFunction, readStack } from '../../local/template.ts';
import type { OpenPlace } from './places.ts';

export const TARGET = 'bench';

const CONFIG = {
  targets: { [TARGET]: { url: 'http://127.0.0.1:1', schedule: { full: 'cron(0 2 * * ? *)' } } },
};

export async function removeFunction({ s3 }: OpenPlace): Promise<DeployedFunction> {
  const { directory } = await synthesise(parseConfig(CONFIG, 'The configuration of the bench'));
  const { functions } = readStack(directory, STACK_NAME, s3);
  const found = functions.find(({ description }) => description.startsWith('Safehouse, retention/remove:'));
  if (found === undefined) throw new Error('the stack has no function retention/remove');
  return found;
}
