import type { CircuitBuilder } from '../circuit/builder.js';
import { invariant } from '../errors.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { add, bitLength, floorDiv, fromNumber, mul, neg, pow2, shift, sub, toNumber, trailingZeros } from '../fixed/integer.js';
import type { LinearOptimizer } from './linear.js';

/**
 * floor(x / divisor) on the grid 2^exp, exactly, by a multiplication with a reciprocal of just enough bits
 * (Granlund and Montgomery 1994): for 0 ≤ n ≤ N, floor(n / d) = floor(n · m / 2^k) with m = ceil(2^k / d) whenever
 * N · (m · d − 2^k) < 2^k. Negative x are shifted up by a multiple of the divisor first.
 */
export function divideFloor(builder: CircuitBuilder, x: number, divisor: number, exp: number, multiplyConstants: LinearOptimizer['multiplyConstants']): number {
  invariant(Number.isSafeInteger(divisor) && divisor > 0, `divisor ${divisor} must be a positive integer`);
  const zeros = trailingZeros(divisor);
  const odd = divisor / 2 ** zeros;
  // x / divisor on 2^exp = (x · 2^−zeros) / odd on 2^exp.
  const scaled = builder.shift(x, -zeros);
  if (odd === 1) return floorTo(builder, scaled, exp);
  const interval = builder.intervalOf(scaled);
  const grid = Math.min(interval.exp, exp);
  const lo = shift(interval.lo, interval.exp - grid);
  const hi = shift(interval.hi, interval.exp - grid);
  // In units of 2^grid: quotient = floor(n / (odd · 2^(exp − grid))) = floor(floor(n / 2^(exp − grid)) / odd).
  const d = fromNumber(odd);
  const from = floorDiv(shift(lo, grid - exp), d);
  const base = mul(from, d);
  const top = sub(shift(hi, grid - exp), base);
  const whole = floorTo(builder, scaled, exp);
  const shifted = from === 0 ? whole : builder.sub(whole, builder.constant(base, exp));
  let k = bitLength(d);
  for (; ; k++) {
    const m = neg(floorDiv(neg(pow2(k)), d));
    const excess = sub(mul(m, d), pow2(k));
    if (mul(top, excess) < pow2(k)) break;
  }
  const m = neg(floorDiv(neg(pow2(k)), d));
  const product = multiplyExactly(builder, shifted, m, -k, multiplyConstants);
  const quotient = floorTo(builder, product, exp);
  return from === 0 ? quotient : builder.add(quotient, builder.constant(from, exp));
}

/** x · m · 2^exp; a factor beyond float64's 53 bits is taken in two parts. */
function multiplyExactly(builder: CircuitBuilder, x: number, m: Int, exp: number, multiplyConstants: LinearOptimizer['multiplyConstants']): number {
  if (bitLength(m) <= 53) return multiplyConstants(builder, x, [toNumber(m, exp)])[0] as number;
  const high = shift(m, -50);
  const low = sub(m, shift(high, 50));
  const lowProduct = multiplyConstants(builder, x, [toNumber(low, exp)])[0] as number;
  return builder.add(lowProduct, multiplyExactly(builder, x, high, exp + 50, multiplyConstants));
}

/** The largest k · 2^exp ≤ x: a cast wide enough never to overflow. */
function floorTo(builder: CircuitBuilder, x: number, exp: number): number {
  const { lo, hi, exp: own } = builder.intervalOf(x);
  if (own >= exp) return x;
  const low = shift(lo, own - exp);
  const high = shift(hi, own - exp);
  const width = 1 + Math.max(1, bitLength(low < 0 ? neg(add(low, 1)) : low), bitLength(high));
  return builder.cast(x, fixedType(true, width, width + exp));
}
