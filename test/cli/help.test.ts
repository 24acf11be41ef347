import { expect, it } from 'vitest';
import { VERBS } from '../../cli/verbs.ts';
import { call } from './call.ts';

it('names every verb, flag and exit code on one page', async () => {
  const { exitCode, stdout, stderr } = await call(['--help'], { columns: 80 });
  expect(exitCode).toBe(0);
  expect(stderr).toBe('');
  for (const { name, summary } of VERBS)
    expect(stdout).toMatch(new RegExp(`^  ${name}\\b.*${summary.slice(0, 20)}`, 'm'));
  for (const flag of ['--stack NAME', '--local', '--config FILE', '--json', '--help'])
    expect(stdout).toContain(flag);
  for (const code of [0, 1, 2, 3, 4, 5, 6, 130]) expect(stdout).toMatch(new RegExp(`^ +${code} `, 'm'));
});

it.each(VERBS.map((verb) => [verb.name, verb] as const))(
  'helps with `%s`, by example, within 80 columns',
  async (name, verb) => {
    const { exitCode, stdout } = await call([name, '--help'], { columns: 80 });
    expect(exitCode).toBe(0);
    for (const flag of Object.keys(verb.flags)) expect(stdout).toMatch(new RegExp(`^  --${flag}\\b`, 'm'));
    for (const example of verb.examples) expect(stdout).toContain(`npx safehouse ${example}\n`);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  },
);

it('opens nothing for help', async () => {
  // Opening anything would be refused by the caller.
  for (const typed of [['help'], ['-h'], ['backup', 'shop', '--help'], ['help', 'show']])
    expect((await call(typed)).exitCode).toBe(0);
});
