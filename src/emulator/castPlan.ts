import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { rangeOf, roundShift } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { add, bitLength, max, neg, pow2, shift, sub } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';

/** Bits of an integer lane of a SIMD vector. */
export type Lane = 16 | 32 | 64;

/** The smallest lane of at least `bits`, or undefined beyond 64. */
export function laneFor(bits: number, least: Lane): Lane | undefined {
  if (bits <= least) return least;
  return bits <= 32 ? 32 : bits <= 64 ? 64 : undefined;
}

/** Bits of two's complement, the sign included, that hold all of [lo, hi]. */
export function signedBits(lo: Int, hi: Int): number {
  const below = lo < 0 ? bitLength(sub(neg(lo), 1)) : 0;
  const above = hi > 0 ? bitLength(hi) : 0;
  return 1 + Math.max(below, above);
}

/**
 * How a cast is computed in lanes of `lane` bits: x · 2^left, then (x + addend [+ sign or parity]) >> right, then the
 * overflow. Rounding modes that differ only for a sign that cannot occur are already replaced by the plain one.
 */
export interface CastPlan {
  readonly lane: Lane;
  /** Low bits of the operand that must be right. */
  readonly operandBits: number;
  readonly left: number;
  readonly right: number;
  readonly rounding: Rounding;
  readonly overflow: 'none' | 'wrap' | 'clip' | 'zero';
  /** Bits kept by a wrap, and how they are extended. */
  readonly width: number;
  readonly signed: boolean;
  /** Bounds of clip and zero; undefined where nothing can pass them. */
  readonly lo: Int | undefined;
  readonly hi: Int | undefined;
  /** The whole lane is the exact result, not only its low bits. */
  readonly exact: boolean;
}

/** Plans a cast whose result must be right in its low `resultLane` bits; undefined where 64 bits do not suffice. */
export function planCast(x: Interval, type: FixedType, resultLane: Lane): CastPlan | undefined {
  const k = type.integer - type.width - x.exp;
  const range = rangeOf(type);
  const bottom = type.overflow === 'SAT_SYM' && type.signed ? neg(range.hi) : range.lo;
  const isBelow = roundShift(x.lo, k, type.rounding) < bottom;
  const isAbove = roundShift(x.hi, k, type.rounding) > range.hi;
  const wraps = type.overflow === 'WRAP' && (isBelow || isAbove) && type.width < resultLane;
  const isModular = type.overflow === 'WRAP' || !(isBelow || isAbove);
  const rounding = k > 0 ? plainRounding(type.rounding, x) : 'TRN';
  const readsSign = rounding === 'TRN_ZERO' || rounding === 'RND_ZERO' || rounding === 'RND_INF';
  const right = Math.max(0, k);
  const left = Math.max(0, -k);
  const exactBits = k > 0 ? signedBits(x.lo, largestSum(x.hi, k, rounding)) : signedBits(x.lo, x.hi) + left;
  const modularBits = right + (wraps ? type.width : resultLane);
  const bits = isModular && !readsSign ? Math.min(exactBits, modularBits) : exactBits;
  let lane = laneFor(bits, resultLane);
  if (rounding !== 'TRN' && lane !== undefined && right >= lane) lane = laneFor(right + 1, lane);
  if (lane === undefined) return undefined;
  const overflow = isModular ? (wraps ? 'wrap' : 'none') : type.overflow === 'SAT_ZERO' ? 'zero' : 'clip';
  return {
    lane,
    operandBits: Math.max(1, bits - left),
    left,
    right: Math.min(right, lane - 1),
    rounding,
    overflow,
    width: type.width,
    signed: type.signed,
    lo: isBelow ? bottom : undefined,
    hi: isAbove ? range.hi : undefined,
    exact: overflow !== 'none' || (bits === exactBits && !isBelow && !isAbove),
  };
}

/** The same rounding without looking at the sign, where the interval has only one. */
function plainRounding(rounding: Rounding, x: Interval): Rounding {
  const isPositive = x.lo >= 0;
  const isNegative = x.hi < 0;
  if (rounding === 'TRN_ZERO' && isPositive) return 'TRN';
  if (rounding === 'RND_ZERO') return isPositive ? 'RND_MIN_INF' : isNegative ? 'RND' : rounding;
  if (rounding === 'RND_INF') return isPositive ? 'RND' : isNegative ? 'RND_MIN_INF' : rounding;
  return rounding;
}

/** A bound of x + addend, so that the sum does not leave the lane. */
function largestSum(hi: Int, k: number, rounding: Rounding): Int {
  if (rounding === 'TRN') return hi;
  if (rounding === 'TRN_ZERO') return max(hi, pow2(k));
  return max(add(hi, pow2(k - 1)), hi);
}

/** The low `lane` bits of n · 2^left as a bigint in [0, 2^lane). */
export function modularConstant(n: Int, left: number, lane: Lane): bigint {
  return BigInt.asUintN(lane, BigInt(shift(n, left)));
}
