import { expect, it } from 'vitest';
import { readCommandLine } from '../../cli/command-line.ts';
import { VERBS } from '../../cli/verbs.ts';
import { SafehouseError } from '../../core/errors.ts';

const read = (...typed: string[]) => readCommandLine(typed, VERBS);

function refusal(...typed: string[]): string {
  try {
    read(...typed);
  } catch (error) {
    if (error instanceof SafehouseError && error.name === 'InvalidInput')
      return `${error.failure.what}\n${error.failure.remedy}`;
    throw error;
  }
  throw new Error(`${typed.join(' ')} was accepted`);
}

it('takes flags before and after the verb, with and without an equals sign', () => {
  const { verb, argument, flags } = read('--stack=Prod', 'backup', '--kind', 'incremental', 'shop', '--json');
  expect(verb?.name).toBe('backup');
  expect(argument).toBe('shop');
  expect([...flags]).toEqual([
    ['stack', 'Prod'],
    ['kind', 'incremental'],
    ['json', true],
  ]);
});

it.each([
  [['lst'], 'no verb "lst" (did you mean "list"?)'],
  [['backpu', 'shop'], 'did you mean "backup"?'],
  [['xyzzy'], 'The verbs are status, list'],
  [[], 'There is no verb.'],
  [['list', '--jsno'], 'no flag "--jsno" (did you mean "--json"?)'],
  [['list', '-j'], 'no flag "-j"'],
  [['list', '--kind', 'full'], '--kind goes with `backup`, not with `list`'],
  [['backup', 'shop', '--kind', 'fll'], 'must be full or incremental (did you mean "full"?)'],
  [['backup', 'shop', '--kind'], '--kind needs a value'],
  [['backup', 'shop', '--kind', '--json'], '--kind needs a value'],
  [['list', '--stack', ''], '--stack needs a value'],
  [['list', '--json=yes'], '--json takes no value, got "yes"'],
  [['backup'], '`backup` needs the name of a target'],
  [['show'], '`show` needs a backup'],
  [['keep', 'a', 'b'], '`keep` takes one BACKUP, got 2'],
  [['status', 'shop'], '`status` takes no argument, got "shop"'],
  [['local', 'upp'], 'followed by up, got "upp" (did you mean "up"?)'],
  [['list', '--__proto__', 'x'], 'no flag "--__proto__"'],
  [['constructor'], 'no verb "constructor"'],
])('refuses %j', (typed, sentence) => {
  expect(refusal(...typed)).toContain(sentence);
});

it('keeps every value of a flag that may be repeated, in their order', () => {
  const { values } = read('restore', 'shop', '--table', 'shop.b', '--table=shop.a', '--mode', 'asIs');
  expect([...values]).toEqual([
    ['table', ['shop.b', 'shop.a']],
    ['mode', ['asIs']],
  ]);
});

it('refuses a second value where only one would count', () => {
  expect(refusal('backup', 'shop', '--kind', 'full', '--kind=incremental')).toContain(
    '--kind is given 2 times; it takes one value.',
  );
});

it('names every mistake at once', () => {
  const told = refusal('backup', '--kind', 'none', '--jsno');
  expect(told).toContain('must be full or incremental');
  expect(told).toContain('"--jsno"');
  expect(told).toContain('needs the name of a target');
});

it.each([
  [['--help'], undefined],
  [['-h'], undefined],
  [['help'], undefined],
  [['backup', '--help'], 'backup'],
  [['help', 'backup'], 'backup'],
])('takes %j for a call for help', (typed, verb) => {
  const command = read(...typed);
  expect(command.flags.has('help')).toBe(true);
  expect(command.verb?.name).toBe(verb);
});

it('has for each verb examples that it takes itself', () => {
  for (const verb of VERBS) {
    expect(verb.examples.length).toBeGreaterThan(0);
    for (const example of verb.examples) {
      const words = example.replace(/ [|>] .*$/, '').match(/"[^"]*"|\S+/g) ?? [];
      expect(readCommandLine(words, VERBS).verb).toBe(verb);
    }
  }
});
