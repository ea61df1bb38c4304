import type { Int } from './integer.js';
import { add, bitLength, max, min, mul, neg, shift, sub, widthOf } from './integer.js';

/** A set of exact values: every n · 2^exp with integer n in [lo, hi]. */
export interface Interval {
  readonly lo: Int;
  readonly hi: Int;
  readonly exp: number;
}

/** The same set on a finer grid: exp may only go down. */
export function onGrid(x: Interval, exp: number): Interval {
  if (x.exp === exp) return x;
  return { lo: shift(x.lo, x.exp - exp), hi: shift(x.hi, x.exp - exp), exp };
}

/** a + b · 2^s, exactly. */
export function addIntervals(a: Interval, b: Interval, s: number): Interval {
  const exp = Math.min(a.exp, b.exp + s);
  const da = a.exp - exp;
  const db = b.exp + s - exp;
  return { lo: add(shift(a.lo, da), shift(b.lo, db)), hi: add(shift(a.hi, da), shift(b.hi, db)), exp };
}

/** a − b · 2^s, exactly. */
export function subIntervals(a: Interval, b: Interval, s: number): Interval {
  return addIntervals(a, { lo: neg(b.hi), hi: neg(b.lo), exp: b.exp }, s);
}

/** a · b, exactly; `square` when both are the same value. */
export function mulIntervals(a: Interval, b: Interval, square = false): Interval {
  const exp = a.exp + b.exp;
  if (square) {
    const lo2 = mul(a.lo, a.lo);
    const hi2 = mul(a.hi, a.hi);
    const crossesZero = a.lo <= 0 && a.hi >= 0;
    return { lo: crossesZero ? 0 : min(lo2, hi2), hi: max(lo2, hi2), exp };
  }
  const corners = [mul(a.lo, b.lo), mul(a.lo, b.hi), mul(a.hi, b.lo), mul(a.hi, b.hi)] as const;
  return {
    lo: corners.reduce<Int>((x, y) => min(x, y), corners[0]),
    hi: corners.reduce<Int>((x, y) => max(x, y), corners[0]),
    exp,
  };
}

/** The smallest interval that holds both. */
export function hull(a: Interval, b: Interval): Interval {
  const exp = Math.min(a.exp, b.exp);
  const x = onGrid(a, exp);
  const y = onGrid(b, exp);
  return { lo: min(x.lo, y.lo), hi: max(x.hi, y.hi), exp };
}

/** What both hold, on the coarser grid; empty where lo > hi. */
export function intersect(a: Interval, b: Interval): Interval {
  const exp = Math.max(a.exp, b.exp);
  const lo = max(neg(shift(neg(a.lo), a.exp - exp)), neg(shift(neg(b.lo), b.exp - exp)));
  return { lo, hi: min(shift(a.hi, a.exp - exp), shift(b.hi, b.exp - exp)), exp };
}

/** Whether every value of `inner` is one of `outer`. */
export function isWithin(inner: Interval, outer: Interval): boolean {
  if (inner.exp < outer.exp && !isSingle(inner)) return false;
  const x = inner.exp < outer.exp ? { lo: shift(inner.lo, inner.exp - outer.exp), exp: outer.exp } : undefined;
  if (x !== undefined) return shift(x.lo, outer.exp - inner.exp) === inner.lo && x.lo >= outer.lo && x.lo <= outer.hi;
  const fine = onGrid(inner, outer.exp);
  return fine.lo >= outer.lo && fine.hi <= outer.hi;
}

export function isSingle(x: Interval): boolean {
  return x.lo === x.hi;
}

/** Bits of the two's complement (unsigned if nothing is negative) that hold n. */
export function intervalWidth(x: Interval): number {
  return widthOf(x.lo, x.hi);
}

/** What `and`, `or`, `xor` of two's complement values can give. */
export function bitwiseInterval(operation: 'and' | 'or' | 'xor', a: Interval, b: Interval): Interval {
  const exp = Math.min(a.exp, b.exp);
  const x = onGrid(a, exp);
  const y = onGrid(b, exp);
  if (x.lo >= 0 && y.lo >= 0) {
    if (operation === 'and') return { lo: 0, hi: min(x.hi, y.hi), exp };
    const bits = Math.max(bitLength(x.hi), bitLength(y.hi));
    return { lo: operation === 'or' ? max(x.lo, y.lo) : 0, hi: sub(shift(1, bits), 1), exp };
  }
  if (operation === 'and' && x.lo >= 0) return { lo: 0, hi: x.hi, exp };
  if (operation === 'and' && y.lo >= 0) return { lo: 0, hi: y.hi, exp };
  const bits = Math.max(widthOf(min(x.lo, -1), x.hi), widthOf(min(y.lo, -1), y.hi)) - 1;
  return { lo: neg(shift(1, bits)), hi: sub(shift(1, bits), 1), exp };
}
