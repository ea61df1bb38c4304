import { assertNever } from '../errors.js';
import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { bitLength, neg, sub, trailingZeros, widthOf } from '../fixed/integer.js';
import type { Circuit } from './circuit.js';
import { hiOf, kindOf, loOf, Op, OPERAND_COUNT } from './circuit.js';

/*
 * Which bits of each op anybody reads. Bit 0 of an op is worth 2^exp; w is the width of its interval (`widthOf`).
 *
 * An op may be held as its bits bottom ≤ i < top only:
 * - top = w: the value itself, sign-extended if its interval has negative values, else zero-extended;
 * - top < w: only the value modulo 2^top; whoever reads it may extend it as it likes (the sign-dependent roundings
 *   below, allowed only where no value is negative, take it as non-negative);
 * - bits below bottom may be read as 0.
 *
 * With t, m = top and bottom of the consumer, e its exponent, x an operand and d = e − exp(x) (for the second operand
 * of add and sub less its shift), the consumer reads of x:
 *
 * | consumer                       | bits below (top)            | bits from (bottom) |
 * |--------------------------------|-----------------------------|--------------------|
 * | add, sub                       | t + d                       | 0, or m + d for bits of x below all bits of the other operand (not of a subtrahend: it borrows) |
 * | mul (d = e − exp(a) − exp(b))  | t + d                       | 0 |
 * | shift                          | t + d                       | m + d |
 * | mux, either branch             | t + d                       | m + d |
 * | and, or, xor                   | t + d                       | m + d |
 * | … variable and constant k      | at most bitLength(k), k ≥ 0 | at least the trailing zeros of k |
 * | … variable or constant k       | at most bitLength(−1 − k), k < 0 | |
 * | lt, eq, lookup, mux condition  | w                           | 0 |
 * | … lt: x < y, y on a coarser grid | w                         | exp(y) − exp(x): the floor decides |
 * | cast, WRAP                     | t + d, but w where the rounding looks at a sign that is not known | by rounding |
 * | cast, SAT, SAT_SYM, SAT_ZERO   | w                           | by rounding |
 * | cast, d > 0, TRN               |                             | d, and m + d under WRAP |
 * | cast, d > 0, RND               |                             | d − 1 |
 * | cast, d > 0, other roundings   |                             | 0 |
 * | cast, d ≤ 0                    |                             | 0, and m + d under WRAP |
 * | output port                    | w                           | 0 |
 *
 * An op gets the largest top and the smallest bottom of its consumers, within 0 … w (the sign bit w − 1 of a value that
 * needs all its bits stays, as it stands for every bit above it); nobody reads an op with top 0.
 * That t ≤ w suffices everywhere is because the low w bits of a value in the interval say all of it.
 */

/** Bits of each op's interval: what it takes to hold any value of the op. */
export function opWidths(circuit: Circuit): Int32Array {
  const widths = new Int32Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) widths[op] = widthOf(loOf(circuit, op), hiOf(circuit, op));
  return widths;
}

/**
 * For each op, how many low bits (above 2^exp) anybody reads: the op may be computed modulo 2^top. Never more than the
 * op's width; equal to it where the value itself is needed; 0 for a dead op.
 */
export function demandedTop(circuit: Circuit): Int32Array {
  const widths = opWidths(circuit);
  const top = new Int32Array(circuit.size);
  const need = (op: number, bits: number): void => {
    const capped = Math.min(bits, widths[op] as number);
    if (capped > (top[op] as number)) top[op] = capped;
  };
  for (const port of circuit.outputs) for (const op of port.ops) need(op, Infinity);
  for (let op = circuit.size - 1; op >= 0; op--) {
    const t = top[op] as number;
    if (t === 0) continue;
    topOfOperands(circuit, op, t, need);
  }
  return top;
}

type Need = (op: number, bits: number) => void;

function topOfOperands(circuit: Circuit, op: number, t: number, need: Need): void {
  const kind = kindOf(circuit, op);
  const [a, b, c, param] = fieldsOf(circuit, op);
  const bits = t + (circuit.exp[op] as number);
  const expOfA = circuit.exp[a] as number;
  switch (kind) {
    case Op.input:
    case Op.const:
      return;
    case Op.add:
    case Op.sub:
      need(a, bits - expOfA);
      need(b, bits - (circuit.exp[b] as number) - param);
      return;
    case Op.mul: {
      const rest = bits - expOfA - (circuit.exp[b] as number);
      need(a, rest);
      need(b, rest);
      return;
    }
    case Op.shift:
      need(a, bits - expOfA - param);
      return;
    case Op.lt:
    case Op.eq:
      need(a, Infinity);
      need(b, Infinity);
      return;
    case Op.mux:
      need(a, Infinity);
      need(b, bits - (circuit.exp[b] as number));
      need(c, bits - (circuit.exp[c] as number));
      return;
    case Op.lookup:
      need(a, Infinity);
      return;
    case Op.and:
    case Op.or:
    case Op.xor:
      need(a, Math.min(bits, maskTop(circuit, kind, a, b)) - expOfA);
      need(b, Math.min(bits, maskTop(circuit, kind, b, a)) - (circuit.exp[b] as number));
      return;
    case Op.cast: {
      const type = circuit.types[param] as FixedType;
      need(a, type.overflow !== 'WRAP' || readsSign(circuit, a, type) ? Infinity : bits - expOfA);
      return;
    }
    default:
      assertNever(kind);
  }
}

/**
 * The weight (as a power of two) from which on the constant `mask` decides the result, whatever the variable `x` is.
 * Two constants could each rely on the other, and then neither would be read.
 */
function maskTop(circuit: Circuit, kind: number, x: number, mask: number): number {
  if (circuit.kind[mask] !== Op.const || circuit.kind[x] === Op.const) return Infinity;
  const n = loOf(circuit, mask);
  const exp = circuit.exp[mask] as number;
  if (kind === Op.and && n >= 0) return exp + bitLength(n);
  // Below its own grid a negative constant has zeros, so its ones reach down to exp at most.
  if (kind === Op.or && n < 0) return exp + bitLength(sub(neg(n), 1));
  return Infinity;
}

/** The rounding of an operand with no negative value, where its sign decides. */
function roundingFor(circuit: Circuit, operand: number, rounding: Rounding): Rounding {
  if (loOf(circuit, operand) < 0) return rounding;
  if (rounding === 'TRN_ZERO') return 'TRN';
  if (rounding === 'RND_INF') return 'RND';
  return rounding === 'RND_ZERO' ? 'RND_MIN_INF' : rounding;
}

function readsSign(circuit: Circuit, operand: number, type: FixedType): boolean {
  if (type.integer - type.width <= (circuit.exp[operand] as number)) return false;
  const rounding = roundingFor(circuit, operand, type.rounding);
  return rounding === 'TRN_ZERO' || rounding === 'RND_INF' || rounding === 'RND_ZERO';
}

/**
 * For each op, how many of its low bits nobody reads: a register need not hold them (the adder before it may still
 * need its carries). Never more than `demandedTop`.
 */
export function demandedBottom(circuit: Circuit, top: Int32Array = demandedTop(circuit)): Int32Array {
  // Until a consumer says otherwise nothing is read; at the end that is capped by the top.
  const bottom = Int32Array.from(top);
  const widths = opWidths(circuit);
  const read = (op: number, from: number): void => {
    // Whoever reads beyond a value with a sign reads the sign, its highest bit.
    const hasSign = loOf(circuit, op) < 0 && top[op] === widths[op];
    const capped = Math.max(0, Math.min(from, (widths[op] as number) - (hasSign ? 1 : 0)));
    if (capped < (bottom[op] as number)) bottom[op] = capped;
  };
  for (const port of circuit.outputs) for (const op of port.ops) read(op, 0);
  for (let op = circuit.size - 1; op >= 0; op--) {
    if ((top[op] as number) > 0) bottomOfOperands(circuit, op, bottom[op] as number, read);
  }
  return bottom;
}

function bottomOfOperands(circuit: Circuit, op: number, m: number, read: Need): void {
  const kind = kindOf(circuit, op);
  const [a, b, c, param] = fieldsOf(circuit, op);
  const from = m + (circuit.exp[op] as number);
  const expOfA = circuit.exp[a] as number;
  const expOfB = OPERAND_COUNT[kind] === 1 ? 0 : (circuit.exp[b] as number);
  switch (kind) {
    case Op.input:
    case Op.const:
      return;
    case Op.add:
    case Op.sub: {
      const gridOfB = expOfB + param;
      read(a, Math.min(from, gridOfB) - expOfA);
      read(b, kind === Op.sub ? 0 : Math.min(from, expOfA) - gridOfB);
      return;
    }
    case Op.mul:
    case Op.eq:
      read(a, 0);
      read(b, 0);
      return;
    case Op.shift:
      read(a, from - expOfA - param);
      return;
    case Op.lt:
      read(a, expOfB - expOfA);
      read(b, 0);
      return;
    case Op.mux:
      read(a, 0);
      read(b, from - expOfB);
      read(c, from - (circuit.exp[c] as number));
      return;
    case Op.lookup:
      read(a, 0);
      return;
    case Op.and:
    case Op.or:
    case Op.xor:
      read(a, Math.max(from, maskBottom(circuit, kind, a, b)) - expOfA);
      read(b, Math.max(from, maskBottom(circuit, kind, b, a)) - expOfB);
      return;
    case Op.cast:
      read(a, bottomOfCast(circuit, a, circuit.types[param] as FixedType, from) - expOfA);
      return;
    default:
      assertNever(kind);
  }
}

/** The weight below which the constant `mask` makes the result 0, whatever the variable `x` is. */
function maskBottom(circuit: Circuit, kind: number, x: number, mask: number): number {
  if (kind !== Op.and || circuit.kind[mask] !== Op.const || circuit.kind[x] === Op.const) return -Infinity;
  const n = loOf(circuit, mask);
  return n === 0 ? Infinity : (circuit.exp[mask] as number) + trailingZeros(n);
}

/** The weight from which on a cast reads its operand. */
function bottomOfCast(circuit: Circuit, operand: number, type: FixedType, from: number): number {
  const grid = type.integer - type.width;
  const wraps = type.overflow === 'WRAP';
  if (grid <= (circuit.exp[operand] as number)) return wraps ? from : -Infinity;
  const rounding = roundingFor(circuit, operand, type.rounding);
  if (rounding === 'TRN') return wraps ? Math.max(from, grid) : grid;
  return rounding === 'RND' ? grid - 1 : -Infinity;
}

function fieldsOf(circuit: Circuit, op: number): readonly [a: number, b: number, c: number, param: number] {
  return [circuit.a[op] as number, circuit.b[op] as number, circuit.c[op] as number, circuit.param[op] as number];
}
