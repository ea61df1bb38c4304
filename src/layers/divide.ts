import type { CircuitBuilder } from '../circuit/builder.js';
import { Op } from '../circuit/circuit.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { bitLength, floorDiv, max, neg, shift } from '../fixed/integer.js';
import { isNegative, negate, select } from './arithmetic.js';
import { negated } from './compare.js';

/**
 * a / b of two variables, such that a cast to a type of `fraction` bits rounds as the infinitely precise quotient would:
 * restoring division of the magnitudes to one more bit, and below it one that says whether anything is left. b = 0 counts
 * as one step of its grid.
 */
export function divideVariables(builder: CircuitBuilder, a: number, b: number, fraction: number): number {
  const dividend = magnitude(builder, a);
  const divisor = awayFromZero(builder, magnitude(builder, b));
  const bits = quotientBits(builder, dividend, divisor, fraction + 1);
  const { exp: divisorExp, hi: most } = builder.intervalOf(divisor);
  let rest = dividend;
  let quotient = builder.constant(0);
  for (let i = bits - 1; i >= 0; i--) {
    const s = i - fraction - 1;
    const part = builder.shift(divisor, s);
    const isLess = builder.lt(rest, part);
    const left = select(builder, isLess, rest, builder.sub(rest, part));
    // Less than the part: as many bits as that has.
    const exp = Math.min(builder.intervalOf(rest).exp, divisorExp + s);
    rest = builder.cast(left, fixedType(false, Math.max(1, bitLength(most) + divisorExp + s - exp), bitLength(most) + divisorExp + s));
    quotient = builder.add(quotient, negated(builder, isLess), s);
  }
  const withRest = builder.add(quotient, negated(builder, builder.eq(rest, builder.constant(0))), -fraction - 2);
  const isOpposite = builder.bitwise(Op.xor, isNegative(builder, a), isNegative(builder, b));
  return select(builder, isOpposite, negate(builder, withRest), withRest);
}

function magnitude(builder: CircuitBuilder, x: number): number {
  const { lo, hi } = builder.intervalOf(x);
  if (lo >= 0) return x;
  const absolute = select(builder, isNegative(builder, x), negate(builder, x), x);
  const most = max(neg(lo), hi);
  const { exp } = builder.intervalOf(absolute);
  // Known not to be negative, which says it to the ranges.
  return builder.cast(absolute, fixedType(false, bitLength(most), bitLength(most) + exp));
}

function awayFromZero(builder: CircuitBuilder, x: number): number {
  const { lo, exp } = builder.intervalOf(x);
  return lo > 0 ? x : select(builder, builder.eq(x, builder.constant(0)), builder.constant(1, exp), x);
}

/** Bits of the greatest quotient on the grid 2^−fraction. */
function quotientBits(builder: CircuitBuilder, dividend: number, divisor: number, fraction: number): number {
  const [a, b] = [builder.intervalOf(dividend), builder.intervalOf(divisor)];
  const least: Int = b.lo > 0 ? b.lo : 1;
  const k = a.exp - b.exp + fraction;
  const greatest = floorDiv(k >= 0 ? shift(a.hi, k) : a.hi, k >= 0 ? least : shift(least, -k));
  return Math.max(1, bitLength(greatest));
}
