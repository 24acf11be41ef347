import { loadConfig } from '../../clients/configuration-file.ts';
import { usageError } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const local: Verb = {
  name: 'local',
  summary: 'keep engine and bucket of this machine running, until Ctrl-C',
  argument: { name: 'up', required: true, allowed: ['up'] },
  flags: { schedules: { about: 'start backups when the configuration says so; else only by hand' } },
  about: [
    'Starts ClickHouse and the bucket of this machine in the foreground and prints their addresses. The other verbs use them with --local for as long as they run.',
    'What they hold lies in .safehouse, or where SAFEHOUSE_HOME says.',
  ],
  examples: ['local up', 'local up --config other.config.ts'],
  run,
};

async function run({ where, flags }: Call): Promise<Answer> {
  if (flags.has('json'))
    throw usageError(
      ['`local up` shows addresses to a person, and has no --json.'],
      'Start it without; what it serves is asked for with --local --json.',
    );
  const { up } = await import('../../local/up.ts');
  await up({
    config: where.config === undefined ? undefined : await loadConfig(where.config),
    schedules: flags.has('schedules'),
  });
  return { exitCode: EXIT.good, json: {}, screen: () => [] };
}
