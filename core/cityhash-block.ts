/**
 * CityHash128 with a seed, version 1.0.2 of 2011: later versions give other values, and ClickHouse stayed with this one.
 * It is products and rotations of 64-bit integers, and so it is WebAssembly.
 */
import {
  add,
  type Code,
  type Local,
  Locals,
  lessThan,
  load8,
  load32,
  load64,
  mul,
  type Operand,
  type Program,
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
} from './webassembly.ts';

/** Where in the module's memory the seed lies, 16 bytes, the lower half first; the hash takes its place. */
export const STATE = 0;
/** Where there is room for what is to be hashed, and how many bytes of it. */
export const DATA = 64;
export const ROOM = 65_536;

const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;
const K3 = 0xc949d7c7509e6557n;
const K_COMBINE = 0x9ddfea08eb382d69n;

interface Pair {
  readonly first: Local;
  readonly second: Local;
}

const locals = new Locals(2);
const local = (): Local => locals.take();
const pair = (): Pair => ({ first: local(), second: local() });

/** The bytes to be hashed: where they begin, how many they are, where they end. */
const [at, length, end] = [local(), local(), local()];
const [low, high] = [local(), local()];

const fold = (value: Local): Code => set(value, xor(value, shiftRight(value, 47n)));

/** Makes one integer of two; `to` is not the second. */
const combine = (to: Local, one: Operand, other: Operand): Code =>
  sequence(
    set(to, mul(xor(one, other), K_COMBINE)),
    fold(to),
    set(to, mul(xor(other, to), K_COMBINE)),
    fold(to),
    set(to, mul(to, K_COMBINE)),
  );

/** From 128 bytes on: 56 bytes of state go over the whole in steps of 128, and back over the rest in steps of 32. */
function hashLong(): Code {
  const [x, y, z, v, w] = [local(), local(), local(), pair(), pair()];
  const [a, b, before, back, left] = [local(), local(), local(), local(), local()];

  /** Takes 32 bytes and two seeds into a pair; the seeds may be made of the pair. */
  const absorb = (to: Pair, from: Local, offset: number, seeds: readonly [Operand, Operand]): Code =>
    sequence(
      set(b, seeds[1]),
      set(a, add(seeds[0], load64(from, offset))),
      set(b, rotateRight(add(add(b, a), load64(from, offset + 24)), 21n)),
      set(before, a),
      set(a, add(add(a, load64(from, offset + 8)), load64(from, offset + 16))),
      set(b, add(b, rotateRight(a, 44n))),
      set(to.first, add(a, load64(from, offset + 24))),
      set(to.second, add(b, before)),
    );

  /** Takes 64 bytes. After it, x and z change places. */
  const round = (offset: number, x: Local, z: Local): Code =>
    sequence(
      set(x, mul(rotateRight(add(add(add(x, y), v.first), load64(at, offset + 16)), 37n), K1)),
      set(y, mul(rotateRight(add(add(y, v.second), load64(at, offset + 48)), 42n), K1)),
      set(x, xor(x, w.second)),
      set(y, xor(y, v.first)),
      set(z, rotateRight(xor(z, w.first), 33n)),
      absorb(v, at, offset, [mul(v.second, K1), add(x, w.first)]),
      absorb(w, at, offset + 32, [add(z, w.second), y]),
    );

  /** The bytes that are left, from the end on; the last step may reach back into what was taken before. */
  const stepBack = sequence(
    set(back, sub(back, 32n)),
    set(y, add(mul(rotateRight(sub(y, x), 42n), K0), v.second)),
    set(w.first, add(w.first, load64(back, 16))),
    set(x, add(mul(rotateRight(x, 49n), K0), w.first)),
    set(w.first, add(w.first, v.first)),
    absorb(v, back, 0, [v.first, v.second]),
  );

  return sequence(
    set(x, low),
    set(y, high),
    set(z, mul(length, K1)),
    set(v.first, add(mul(rotateRight(xor(y, K1), 49n), K1), load64(at))),
    set(v.second, add(mul(rotateRight(v.first, 42n), K1), load64(at, 8))),
    set(w.first, add(mul(rotateRight(add(y, z), 35n), K1), x)),
    set(w.second, mul(rotateRight(add(x, load64(at, 88)), 53n), K1)),
    set(left, length),
    repeatWhile(
      sequence(round(0, x, z), round(64, z, x), set(at, add(at, 128n)), set(left, sub(left, 128n))),
      lessThan(127n, left),
    ),
    set(y, add(y, add(mul(rotateRight(w.first, 37n), K0), z))),
    set(x, add(x, mul(rotateRight(add(v.first, z), 49n), K0))),
    set(back, end),
    when(lessThan(0n, left), repeatWhile(stepBack, lessThan(at, back)), []),
    combine(a, x, v.first),
    combine(b, y, w.first),
    combine(low, add(a, v.second), w.second),
    set(low, add(low, b)),
    combine(high, add(a, w.second), add(b, v.second)),
  );
}

/** Less than 128 bytes: four integers, which take 16 bytes at a time. */
function hashShort(): Code {
  const [a, b, c, d, word] = [local(), local(), local(), local(), local()];

  /** Takes 8 bytes into an integer. */
  const absorb = (to: Local, offset: number): Code =>
    sequence(set(word, mul(load64(at, offset), K1)), fold(word), set(to, mul(xor(to, mul(word, K1)), K1)));

  const upTo16 = sequence(
    set(a, mul(a, K1)),
    fold(a),
    set(a, mul(a, K1)),
    hashTiny(word),
    set(c, add(mul(b, K1), word)),
    when(lessThan(length, 8n), set(d, add(a, c)), set(d, add(a, load64(at)))),
    fold(d),
  );

  const more = sequence(
    combine(c, add(load64(sub(end, 8n)), K1), a),
    combine(d, add(b, length), add(c, load64(sub(end, 16n)))),
    set(a, add(a, d)),
    repeatWhile(
      sequence(absorb(a, 0), set(b, xor(b, a)), absorb(c, 8), set(d, xor(d, c)), set(at, add(at, 16n))),
      lessThan(at, sub(end, 16n)),
    ),
  );

  return sequence(
    set(a, low),
    set(b, high),
    when(lessThan(length, 17n), upTo16, more),
    combine(word, a, c),
    combine(a, d, b),
    set(low, xor(word, a)),
    combine(high, a, word),
  );
}

/** 1 to 16 bytes: CityHash64 of them. */
function hashTiny(to: Local): Code {
  const [first, last] = [local(), local()];

  const from9 = sequence(
    set(last, load64(sub(end, 8n))),
    set(first, rotateRight(add(last, length), length)),
    combine(to, load64(at), first),
    set(to, xor(to, last)),
  );
  const from4 = combine(to, add(length, shiftLeft(load32(at), 3n)), load32(sub(end, 4n)));
  const from1 = sequence(
    set(first, add(load8(at), shiftLeft(load8(add(at, shiftRight(length, 1n))), 8n))),
    set(last, add(length, shiftLeft(load8(sub(end, 1n)), 2n))),
    set(to, xor(mul(first, K2), mul(last, K3))),
    fold(to),
    set(to, mul(to, K2)),
  );
  return when(lessThan(8n, length), from9, when(lessThan(3n, length), from4, from1));
}

const body = sequence(
  set(at, parameter(0)),
  set(length, parameter(1)),
  set(end, add(at, length)),
  set(low, load64(BigInt(STATE))),
  set(high, load64(BigInt(STATE), 8)),
  when(lessThan(length, 128n), hashShort(), hashLong()),
  store64(BigInt(STATE), low),
  store64(BigInt(STATE + 8), high),
);

/** `run(at, length)` hashes 1 byte or more of the memory. */
export const PROGRAM: Program = { parameters: 2, locals, body, pages: 2 };
