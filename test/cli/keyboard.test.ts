import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { askOn } from '../../cli/keyboard.ts';

function keyboard() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  return { input, ask: askOn(input, output), shown: () => String(output.read() ?? '') };
}

it('asks, and takes what is typed without the blanks around it', async () => {
  const { input, ask, shown } = keyboard();
  const answer = ask('Type its name: ');
  input.write('  shop \n');
  expect(await answer).toBe('shop');
  expect(shown()).toContain('Type its name: ');
});

it('takes an end of the input for a question that was broken off', async () => {
  const { input, ask } = keyboard();
  const answer = ask('Type its name: ');
  input.end();
  expect(await answer).toBeUndefined();
});

it('asks again after an answer', async () => {
  const { input, ask } = keyboard();
  const first = ask('One: ');
  input.write('1\n');
  expect(await first).toBe('1');
  const second = ask('Two: ');
  input.write('2\n');
  expect(await second).toBe('2');
});
