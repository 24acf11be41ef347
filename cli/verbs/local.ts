import { loadConfig } from '../../clients/configuration-file.ts';
import { EXIT } from '../exit-codes.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const local: Verb = {
  name: 'local',
  summary: 'keep engine and bucket of this machine running, until Ctrl-C',
  argument: { name: 'up', required: true, allowed: ['up'] },
  flags: {},
  about: [
    'Starts ClickHouse and the bucket of this machine in the foreground and prints their addresses. The other verbs use them with --local for as long as they run.',
    'What they hold lies in .safehouse, or where SAFEHOUSE_HOME says.',
  ],
  examples: ['local up', 'local up --config other.config.ts'],
  run,
};

async function run({ where }: Call): Promise<Answer> {
  const { up } = await import('../../local/up.ts');
  await up({ config: where.config === undefined ? undefined : await loadConfig(where.config) });
  return { exitCode: EXIT.good, json: {}, screen: () => [] };
}
