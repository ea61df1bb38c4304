import type { FixedType, Overflow, Rounding } from '../../src/fixed/fixedType.js';

/*
 * Casts as the definition says them, on exact fractions of bigints, and nothing from src/ but the names: rounding picks
 * among the two neighbouring integers by distance, overflow looks for the answer among the values of the type.
 */

/** numerator / denominator, denominator > 0. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export function fraction(n: bigint, exp: number): Fraction {
  return exp >= 0 ? { numerator: n * 2n ** BigInt(exp), denominator: 1n } : { numerator: n, denominator: 2n ** BigInt(-exp) };
}

/** The integer that z rounds to. */
export function roundReference(z: Fraction, rounding: Rounding): bigint {
  let below = z.numerator / z.denominator;
  while (below * z.denominator > z.numerator) below -= 1n;
  while ((below + 1n) * z.denominator <= z.numerator) below += 1n;
  const toBelow = z.numerator - below * z.denominator;
  if (toBelow === 0n) return below;
  const above = below + 1n;
  const toAbove = above * z.denominator - z.numerator;
  const positive = z.numerator > 0n;
  if (rounding === 'TRN') return below;
  if (rounding === 'TRN_ZERO') return positive ? below : above;
  if (toBelow !== toAbove) return toBelow < toAbove ? below : above;
  const tie: Readonly<Record<Exclude<Rounding, 'TRN' | 'TRN_ZERO'>, bigint>> = {
    RND: above,
    RND_MIN_INF: below,
    RND_ZERO: positive ? below : above,
    RND_INF: positive ? above : below,
    RND_CONV: below % 2n === 0n ? below : above,
  };
  return tie[rounding];
}

/** The raw integers that the type has, lowest first. */
export function bounds(signed: boolean, width: number): readonly [bigint, bigint] {
  return signed ? [-(2n ** BigInt(width - 1)), 2n ** BigInt(width - 1) - 1n] : [0n, 2n ** BigInt(width) - 1n];
}

export function overflowReference(n: bigint, signed: boolean, width: number, overflow: Overflow): bigint {
  const [low, high] = bounds(signed, width);
  const floor = overflow === 'SAT_SYM' && signed ? -high : low;
  if (n >= floor && n <= high) return n;
  if (overflow === 'SAT_ZERO') return 0n;
  if (overflow !== 'WRAP') return n > high ? high : floor;
  return signed ? BigInt.asIntN(width, n) : BigInt.asUintN(width, n);
}

/** The raw integer of n · 2^exp in the type. */
export function castReference(n: bigint, exp: number, type: FixedType): bigint {
  const z = fraction(n, exp + type.width - type.integer);
  return overflowReference(roundReference(z, type.rounding), type.signed, type.width, type.overflow);
}
