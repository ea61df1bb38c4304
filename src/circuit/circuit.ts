import type { FixedType } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';

/**
 * The scalar SSA form that every layer lowers to and every backend reads.
 *
 * A value is an exact dyadic number n · 2^exp; `exp` is fixed per op, n lies in the op's interval. All ops are exact
 * on values (not on their representation); only `cast` rounds or overflows.
 *
 * | op     | operands, parameter      | value |
 * |--------|--------------------------|-------|
 * | input  | a = port, b = element    | the element, of its port's type |
 * | const  | value in lo = hi         | n · 2^exp |
 * | add    | a, b, param = s          | a + b · 2^s |
 * | sub    | a, b, param = s          | a − b · 2^s |
 * | mul    | a, b                     | a · b |
 * | shift  | a, param = s             | a · 2^s (free: wires) |
 * | lt     | a, b                     | 1 if a < b, else 0 |
 * | eq     | a, b                     | 1 if a = b, else 0 |
 * | mux    | a = condition, b, c      | b if a ≠ 0, else c; a is 0 or 1 |
 * | lookup | a, param = table         | tables[param].values[a · 2^−indexExp − base] |
 * | and, or, xor | a, b               | bitwise on the two's complement expansions of the values (any exp) |
 * | cast   | a, param = type          | a rounded and overflowed into types[param] |
 *
 * Stored as arrays over ops so that a million ops are comfortable. Operands are earlier ops only: acyclic by form.
 * Intervals are a function of the op and its operands' intervals (`inferInterval`); the verifier recomputes them.
 */
export const Op = {
  input: 0,
  const: 1,
  add: 2,
  sub: 3,
  mul: 4,
  shift: 5,
  lt: 6,
  eq: 7,
  mux: 8,
  lookup: 9,
  and: 10,
  or: 11,
  xor: 12,
  cast: 13,
} as const;
export type OpKind = (typeof Op)[keyof typeof Op];

export const OP_NAMES = [
  'input', 'const', 'add', 'sub', 'mul', 'shift', 'lt', 'eq', 'mux', 'lookup', 'and', 'or', 'xor', 'cast',
] as const satisfies readonly (keyof typeof Op)[];

/** How many of a, b, c are ops. */
export const OPERAND_COUNT: readonly number[] = [0, 0, 2, 2, 2, 1, 2, 2, 3, 1, 2, 2, 2, 1];

/** Where an op comes from: a layer of the model; the element is kept per op. */
export interface Origin {
  readonly layer: string;
  readonly kind: string;
}

/** A table of exact values values[i] · 2^exp, read at i = index · 2^−indexExp − base; the index is proven to be inside. */
export interface Table {
  readonly exp: number;
  readonly indexExp: number;
  readonly base: Int;
  readonly values: readonly Int[];
}

/** A tensor at the edge of the circuit: elements in C order, shape without the batch axis. */
export interface Port {
  readonly name: string;
  readonly shape: readonly number[];
  /** One type for all elements, or one an element. */
  readonly types: readonly FixedType[];
}

export interface OutputPort extends Port {
  /** The op of each element; every value of its interval is representable in the element's type. */
  readonly ops: Int32Array;
}

export interface Circuit {
  readonly name: string;
  readonly size: number;
  readonly kind: Uint8Array;
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly c: Int32Array;
  readonly param: Int32Array;
  readonly exp: Int32Array;
  /** Interval bounds; NaN where the bound is in `wide`. */
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  /** Bounds beyond ±(2^53 − 1), by op. */
  readonly wide: ReadonlyMap<number, { readonly lo: Int; readonly hi: Int }>;
  /** Index into `origins`, −1 for none. */
  readonly origin: Int32Array;
  /** Element of the origin's output that the op belongs to, −1 for none. */
  readonly element: Int32Array;
  readonly origins: readonly Origin[];
  readonly types: readonly FixedType[];
  readonly tables: readonly Table[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly OutputPort[];
}

export function kindOf(circuit: Circuit, op: number): OpKind {
  return circuit.kind[op] as OpKind;
}

export function loOf(circuit: Circuit, op: number): Int {
  const lo = circuit.lo[op] as number;
  return Number.isNaN(lo) ? (circuit.wide.get(op) as { lo: Int }).lo : lo;
}

export function hiOf(circuit: Circuit, op: number): Int {
  const hi = circuit.hi[op] as number;
  return Number.isNaN(hi) ? (circuit.wide.get(op) as { hi: Int }).hi : hi;
}

export function expOf(circuit: Circuit, op: number): number {
  return circuit.exp[op] as number;
}

export function intervalOf(circuit: Circuit, op: number): Interval {
  return { lo: loOf(circuit, op), hi: hiOf(circuit, op), exp: expOf(circuit, op) };
}

export function typeOfElement(port: Port, element: number): FixedType {
  return (port.types.length === 1 ? port.types[0] : port.types[element]) as FixedType;
}

export function elementCount(port: Port): number {
  return port.shape.reduce((product, n) => product * n, 1);
}

/** `add`, `cast`, … */
export function opName(kind: OpKind): string {
  return OP_NAMES[kind];
}
