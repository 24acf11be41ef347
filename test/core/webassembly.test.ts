import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  type Code,
  instantiate,
  Locals,
  lessThan,
  load8,
  load32,
  load64,
  mul,
  type Operand,
  parameter,
  repeatWhile,
  rotateRight,
  sequence,
  set,
  shiftLeft,
  shiftRight,
  store64,
  sub,
  when,
  xor,
} from '../../core/webassembly.ts';

/** A function of two integers, assembled once: each instance reserves gigabytes of addresses for its memory. */
function functionOf(expression: (one: Code, other: Code) => Operand): (one: bigint, other: bigint) => bigint {
  const run = runnerOf(store64(0n, expression(load64(0n, 8), load64(0n, 16))));
  return (one, other) => run(0, new BigUint64Array([0n, one, other]));
}

/** Lays something into the memory, runs the body, and gives back the first 8 bytes. */
function runnerOf(
  body: Code,
  locals = new Locals(1),
): (parameter: number, memory?: ArrayLike<bigint>) => bigint {
  const { memory, run } = instantiate({ parameters: 1, locals, body, pages: 1 });
  const words = new BigUint64Array(memory.buffer);
  return (parameter, before = [0n]) => {
    words.set(before);
    run(parameter);
    return words[0] ?? -1n;
  };
}

const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const wrapped = (value: bigint): bigint => BigInt.asUintN(64, value);

describe('instantiate', () => {
  it('has the constants that it was given, on both sides of where one needs another byte', () => {
    for (const bits of [0n, 5n, 6n, 7n, 8n, 13n, 14n, 31n, 32n, 34n, 35n, 55n, 56n, 62n, 63n])
      for (const constant of [
        2n ** bits - 1n,
        2n ** bits,
        2n ** 64n - 2n ** bits,
        2n ** 64n - 2n ** bits - 1n,
      ])
        expect(runnerOf(store64(0n, constant))(0)).toBe(constant);
  });

  it('reckons modulo 2^64', async () => {
    const [sum, difference, product, exclusive] = [add, sub, mul, xor].map(functionOf);
    await fc.assert(
      fc.property(word, word, (one, other) => {
        expect(sum?.(one, other)).toBe(wrapped(one + other));
        expect(difference?.(one, other)).toBe(wrapped(one - other));
        expect(product?.(one, other)).toBe(wrapped(one * other));
        expect(exclusive?.(one, other)).toBe(one ^ other);
      }),
    );
  });

  it('shifts and rotates', async () => {
    const [left, right, rotated] = [shiftLeft, shiftRight, rotateRight].map(functionOf);
    await fc.assert(
      fc.property(word, fc.bigInt({ min: 0n, max: 63n }), (value, by) => {
        expect(left?.(value, by)).toBe(wrapped(value << by));
        expect(right?.(value, by)).toBe(value >> by);
        expect(rotated?.(value, by)).toBe((value >> by) | wrapped(value << (64n - by)));
      }),
    );
  });

  it('reads 8, 4 and 1 bytes of the memory at any address, the lowest first, without a sign', () => {
    const memory = [0n, 0xf8f7f6f5f4f3f2f1n, 0xf9n];

    expect(runnerOf(store64(0n, load64(8n, 1)))(0, memory)).toBe(0xf9f8f7f6f5f4f3f2n);
    expect(runnerOf(store64(0n, load32(9n)))(0, memory)).toBe(0xf5f4f3f2n);
    expect(runnerOf(store64(0n, load8(9n)))(0, memory)).toBe(0xf2n);
  });

  it('compares without a sign and does one thing or the other', async () => {
    const [one, other] = [load64(0n, 8), load64(0n, 16)];
    const run = runnerOf(when(lessThan(one, other), store64(0n, 1n), store64(0n, 2n)));
    await fc.assert(
      fc.property(word, word, (one, other) => {
        expect(run(0, [0n, one, other])).toBe(one < other ? 1n : 2n);
        expect(run(0, [0n, one, one])).toBe(2n);
      }),
    );
  });

  it('repeats as often as a parameter says, and at least once', () => {
    const locals = new Locals(1);
    const [count, total] = [locals.take(), locals.take()];
    const body = sequence(
      repeatWhile(
        sequence(set(count, add(count, 1n)), set(total, add(total, count))),
        lessThan(count, parameter(0)),
      ),
      store64(0n, total),
    );

    const run = runnerOf(body, locals);

    expect(run(100)).toBe(5050n);
    expect(run(0)).toBe(1n);
  });
});
