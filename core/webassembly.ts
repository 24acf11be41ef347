/**
 * Assembles a WebAssembly function over 64-bit integers. JavaScript has none that are quick: a BigInt lies on the heap,
 * and a product has to be put together from pieces of 16 bits where a processor needs one step.
 *
 * A piece of code is its bytes, and what is put around it is a call: `add(x, load64(at, 8))`.
 */

/** Bytes of code: an expression, which leaves one 64-bit integer, or a statement, which leaves nothing. */
export type Code = readonly number[];

/** A local variable of the function, 64 bits, 0 at first. */
export interface Local {
  readonly index: number;
}

/** What can stand for a value; a constant is a bigint from 0 to 2^64 - 1. */
export type Operand = Code | Local | bigint;

/** What a comparison leaves: 0 or 1, in 32 bits, for `when` and `repeatWhile` alone. */
export interface Condition {
  readonly condition: Code;
}

const OPCODES = {
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  branchIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  load64: 0x29,
  load8: 0x31,
  load32: 0x35,
  store64: 0x37,
  constant: 0x42,
  lessThan: 0x54,
  add: 0x7c,
  sub: 0x7d,
  mul: 0x7e,
  xor: 0x85,
  shiftLeft: 0x86,
  shiftRight: 0x88,
  rotateRight: 0x8a,
  wrap: 0xa7,
  extend: 0xad,
} as const;

const I32 = 0x7f;
const I64 = 0x7e;
const NO_RESULT = 0x40;

/** Little-endian base 128, as all numbers are written in a module. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: bigint): Code {
  const isLast = value >= -0x40n && value < 0x40n;
  const bits = Number(value & 0x7fn);
  return isLast ? [bits] : [bits | 0x80, ...signed(value >> 7n)];
}

function code(operand: Operand): Code {
  if (typeof operand === 'bigint') return [OPCODES.constant, ...signed(BigInt.asIntN(64, operand))];
  return 'index' in operand ? [OPCODES.localGet, ...unsigned(operand.index)] : operand;
}

const binary =
  (opcode: number) =>
  (left: Operand, right: Operand): Code => [...code(left), ...code(right), opcode];

/** Modulo 2^64, like `sub` and `mul`. */
export const add = binary(OPCODES.add);
export const sub = binary(OPCODES.sub);
export const mul = binary(OPCODES.mul);
export const xor = binary(OPCODES.xor);
export const shiftLeft = binary(OPCODES.shiftLeft);
/** Zeros come in from the left. */
export const shiftRight = binary(OPCODES.shiftRight);
export const rotateRight = binary(OPCODES.rotateRight);

/** Of integers without a sign. */
export const lessThan = (left: Operand, right: Operand): Condition => ({
  condition: binary(OPCODES.lessThan)(left, right),
});

/** Aligned to whatever there is (0), little-endian. */
const access = (opcode: number, offset: number): Code => [opcode, 0, ...unsigned(offset)];

const load =
  (opcode: number) =>
  (address: Operand, offset = 0): Code => [...code(address), OPCODES.wrap, ...access(opcode, offset)];

export const load64 = load(OPCODES.load64);
export const load32 = load(OPCODES.load32);
export const load8 = load(OPCODES.load8);

export const store64 = (address: Operand, value: Operand): Code => [
  ...code(address),
  OPCODES.wrap,
  ...code(value),
  ...access(OPCODES.store64, 0),
];

export const set = ({ index }: Local, value: Operand): Code => [
  ...code(value),
  OPCODES.localSet,
  ...unsigned(index),
];

export const sequence = (...statements: readonly Code[]): Code => statements.flat();

export const when = ({ condition }: Condition, then: Code, otherwise: Code): Code => [
  ...condition,
  OPCODES.if,
  NO_RESULT,
  ...then,
  OPCODES.else,
  ...otherwise,
  OPCODES.end,
];

/** Runs the body, and again for as long as the condition holds after it. */
export const repeatWhile = (body: Code, { condition }: Condition): Code => [
  OPCODES.loop,
  NO_RESULT,
  ...body,
  ...condition,
  OPCODES.branchIf,
  0,
  OPCODES.end,
];

/** Hands out the local variables of one function whose parameters come first. */
export class Locals {
  #next: number;

  constructor(parameters: number) {
    this.#next = parameters;
  }

  get count(): number {
    return this.#next;
  }

  take(): Local {
    return { index: this.#next++ };
  }
}

/** A parameter is a whole number of 32 bits without a sign; as an expression it has 64. */
export const parameter = (index: number): Code => [OPCODES.localGet, ...unsigned(index), OPCODES.extend];

export interface Program {
  readonly parameters: number;
  readonly locals: Locals;
  readonly body: Code;
  /** Of its memory, each 64 KiB. */
  readonly pages: number;
}

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes];
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))];
const name = (text: string): Code => sized([...Buffer.from(text)]);

/** A module that exports its `memory` and the one function, `run`, which takes numbers and returns nothing. */
function assemble({ parameters, locals, body, pages }: Program): Uint8Array<ArrayBuffer> {
  const type = [0x60, ...vector(new Array(parameters).fill([I32])), ...vector([])];
  const declared = vector([[...unsigned(locals.count - parameters), I64]]);
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [type]),
    ...section(3, [[0]]),
    ...section(5, [[0, ...unsigned(pages)]]),
    ...section(7, [
      [...name('memory'), 2, 0],
      [...name('run'), 0, 0],
    ]),
    ...section(10, [sized([...declared, ...body, OPCODES.end])]),
  ]);
}

/** The part of JavaScript's own `WebAssembly` that is used here; the library types of ES2024 do not have it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

export interface Instance {
  readonly memory: { readonly buffer: ArrayBuffer };
  run(...parameters: number[]): void;
}

export function instantiate(program: Program): Instance {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(program)));
  return exports as Instance;
}
