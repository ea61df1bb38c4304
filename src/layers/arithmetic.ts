import type { CircuitBuilder } from '../circuit/builder.js';
import { Op } from '../circuit/circuit.js';
import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { castIsIdentity, fixedType, roundShift } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { dyadicOf, neg, shift, sub, widthOf } from '../fixed/integer.js';
import { linear } from '../optimize/cmvm.js';

/** Casts, unless the cast could change nothing. */
export function castTo(builder: CircuitBuilder, x: number, type: FixedType): number {
  return castIsIdentity(builder.intervalOf(x), type) ? x : builder.cast(x, type);
}

/** Rounds to the grid 2^−fraction and never overflows: a cast to a type wide enough for all that x can be. */
export function roundTo(builder: CircuitBuilder, x: number, fraction: number, rounding: Rounding): number {
  const { lo, hi, exp } = builder.intervalOf(x);
  if (exp >= -fraction) return x;
  const low = roundShift(lo, -fraction - exp, rounding);
  const high = roundShift(hi, -fraction - exp, rounding);
  const width = widthOf(low, high);
  return builder.cast(x, fixedType(low < 0, width, width - fraction, rounding));
}

/** −x */
export function negate(builder: CircuitBuilder, x: number): number {
  return builder.sub(builder.constant(0), x);
}

/** The larger of two; no logic where ranges decide. */
export function maximum(builder: CircuitBuilder, a: number, b: number): number {
  return select(builder, builder.lt(a, b), b, a);
}

/** The smaller of two; no logic where ranges decide. */
export function minimum(builder: CircuitBuilder, a: number, b: number): number {
  return select(builder, builder.lt(b, a), b, a);
}

/** A mux whose condition may be known. */
export function select(builder: CircuitBuilder, condition: number, whenTrue: number, whenFalse: number): number {
  const { lo, hi } = builder.intervalOf(condition);
  if (lo === 1) return whenTrue;
  if (hi === 0) return whenFalse;
  return builder.mux(condition, whenTrue, whenFalse);
}

/** 1 where x < 0. */
export function isNegative(builder: CircuitBuilder, x: number): number {
  return builder.lt(x, builder.constant(0));
}

/** 1 where x > c, compared on x's own grid however fine c is. */
export function isAbove(builder: CircuitBuilder, x: number, c: number): number {
  return builder.lt(builder.constant(...gridFloor(builder, x, c)), x);
}

/** 1 where x < c, compared on x's own grid. */
export function isBelow(builder: CircuitBuilder, x: number, c: number): number {
  const [n, exp] = gridFloor(builder, x, -c);
  return builder.lt(x, builder.constant(neg(n), exp));
}

/** floor(c) on x's grid. */
function gridFloor(builder: CircuitBuilder, x: number, c: number): readonly [Int, number] {
  const { exp } = builder.intervalOf(x);
  const { n, exp: own } = dyadicOf(c);
  return [shift(n, own - exp), exp];
}

/** max(x, 0) */
export function positivePart(builder: CircuitBuilder, x: number): number {
  const zero = builder.constant(0);
  return select(builder, builder.lt(x, zero), zero, x);
}

/** Brings x into [low, high], which are ops (constants); an absent side stays open. */
export function clamp(builder: CircuitBuilder, x: number, low: number | undefined, high: number | undefined): number {
  let y = x;
  if (low !== undefined) y = select(builder, builder.lt(y, low), low, y);
  if (high !== undefined) y = select(builder, builder.lt(high, y), high, y);
  return y;
}

/** Pairwise fold: depth log2 n. */
export function balanced(ops: readonly number[], combine: (a: number, b: number) => number): number {
  let level = [...ops];
  while (level.length > 1) {
    const next: number[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) next.push(combine(level[i] as number, level[i + 1] as number));
    if (level.length % 2 === 1) next.push(level[level.length - 1] as number);
    level = next;
  }
  return level[0] as number;
}

/** x · c, exactly; constants multiply as constants. */
export function timesConstant(builder: CircuitBuilder, x: number, c: number): number {
  if (c === 1) return x;
  return linear.multiplyConstants(builder, x, [c])[0] as number;
}

/** x + c, exactly. */
export function plusConstant(builder: CircuitBuilder, x: number, c: number): number {
  return c === 0 ? x : builder.add(x, builder.constantOf(c));
}

/** Exact sum. */
export function sum(builder: CircuitBuilder, ops: readonly number[]): number {
  return linear.sumTerms(builder, ops.map((op) => ({ op, shift: 0, negative: false })));
}

/**
 * x / divisor rounded to the grid 2^−fraction, exactly as if the quotient were known to infinite precision; never
 * overflows. Nearest modes add half a divisor and take the floor; a tie leaves no remainder and is then put right.
 */
export function divideRounded(builder: CircuitBuilder, x: number, divisor: number, fraction: number, rounding: Rounding): number {
  if (Math.log2(divisor) % 1 === 0) return roundTo(builder, builder.shift(x, -Math.log2(divisor)), fraction, rounding);
  const grid = Math.min(builder.intervalOf(x).exp, -fraction);
  if (rounding === 'TRN') return linear.divideFloor(builder, x, divisor, -fraction);
  if (rounding === 'TRN_ZERO') {
    // ceil(x / d) = floor((x + d − 1) / d), in units of x's grid, where x is negative.
    const step = builder.constant(sub(shift(divisor, -fraction - grid), 1), grid);
    const lifted = select(builder, isNegative(builder, x), builder.add(x, step), x);
    return linear.divideFloor(builder, lifted, divisor, -fraction);
  }
  const half = builder.add(x, builder.constant(divisor, -fraction - 1));
  const nearest = linear.divideFloor(builder, half, divisor, -fraction);
  // x = (q + 1/2) · divisor · 2^−fraction needs a grid at least as fine as 2^(−fraction − 1), the divisor being odd up to a power of two.
  if (rounding === 'RND' || builder.intervalOf(half).exp < builder.intervalOf(x).exp) return nearest;
  const tie = builder.eq(half, timesConstant(builder, nearest, divisor));
  return builder.sub(nearest, roundedDown(builder, x, nearest, tie, fraction, rounding), -fraction);
}

/** 1 where a tie, which went up, should have gone down. */
function roundedDown(builder: CircuitBuilder, x: number, nearest: number, tie: number, fraction: number, rounding: Rounding): number {
  const zero = builder.constant(0);
  switch (rounding) {
    case 'RND_MIN_INF':
      return tie;
    case 'RND_INF':
      return builder.bitwise(Op.and, tie, isNegative(builder, x));
    case 'RND_ZERO':
      return builder.bitwise(Op.and, tie, builder.lt(zero, x));
    case 'RND_CONV': {
      const odd = builder.bitwise(Op.and, builder.shift(nearest, fraction), builder.constant(1));
      return builder.bitwise(Op.and, tie, odd);
    }
    default:
      return zero;
  }
}
