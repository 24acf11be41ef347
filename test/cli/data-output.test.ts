import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { dataOutput } from '../../cli/data-output.ts';
import type { Output } from '../../cli/progress.ts';

function keeping(isTTY: boolean) {
  const written: Uint8Array[] = [];
  const output: Output = {
    isTTY,
    write: (text, done) => {
      written.push(Buffer.from(text as string));
      done?.();
    },
  };
  return { data: dataOutput(output), all: () => Buffer.concat(written) };
}

it('gives another program every byte as it is', async () => {
  const { data, all } = keeping(false);
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  await data.write(bytes);
  expect([...all()]).toEqual([...bytes]);
});

it('shows a terminal what it would obey, C1 and cut characters too', async () => {
  const { data, all } = keeping(true);
  const bytes = Buffer.from('a\u001b[2J\u0007\r\n\t\u009b31mé日');
  // Cut in the middle of every character that has a middle.
  for (const byte of bytes) await data.write(Uint8Array.of(byte));
  expect(all().toString()).toBe('a\\x1B[2J\\x07\\x0D\n\t\\x9B31mé日');
});

it('knows whether anything was written', async () => {
  const { data } = keeping(false);
  expect(data.begun).toBe(false);
  await data.write(new Uint8Array());
  expect(data.begun).toBe(true);
});

it('goes at the pace of whoever reads, and hears when nobody does', async () => {
  let handOn: ((error?: Error) => void) | undefined;
  const output: Output = {
    write: (_, done) => {
      handOn = done;
    },
  };
  const data = dataOutput(output);
  let handedOn = false;
  const writing = data.write(Uint8Array.of(1)).then(() => {
    handedOn = true;
  });
  await setImmediate();
  expect(handedOn).toBe(false);
  handOn?.();
  await writing;
  expect(handedOn).toBe(true);
  const broken = data.write(Uint8Array.of(2));
  handOn?.(new Error('EPIPE'));
  await expect(broken).rejects.toThrow('EPIPE');
});
