/**
 * Exact integers in canonical form: a `number` while |n| ≤ 2^53 − 1, a `bigint` beyond.
 * Both forms give the same results; the wide one is slow, never wrong.
 * Invariant: a value is a bigint if and only if it is not a safe integer; zero is never −0.
 */
export type Int = number | bigint;

const SAFE = Number.MAX_SAFE_INTEGER;
const BIG_SAFE = BigInt(SAFE);

/** Brings a bigint to canonical form. */
export function fromBigInt(n: bigint): Int {
  return n <= BIG_SAFE && n >= -BIG_SAFE ? Number(n) : n;
}

/** The integer that a whole float64 holds, exactly. Throws RangeError if it is not whole. */
export function fromNumber(n: number): Int {
  if (Number.isSafeInteger(n)) return n + 0;
  return fromBigInt(BigInt(n));
}

export function add(a: Int, b: Int): Int {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (sum <= SAFE && sum >= -SAFE) return sum;
  }
  return fromBigInt(BigInt(a) + BigInt(b));
}

export function sub(a: Int, b: Int): Int {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (difference <= SAFE && difference >= -SAFE) return difference;
  }
  return fromBigInt(BigInt(a) - BigInt(b));
}

export function neg(a: Int): Int {
  return typeof a === 'number' ? 0 - a : fromBigInt(-a);
}

export function mul(a: Int, b: Int): Int {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (product <= SAFE && product >= -SAFE) return product + 0;
  }
  return fromBigInt(BigInt(a) * BigInt(b));
}

/** Negative, zero or positive as a < b, a = b, a > b. */
export function compare(a: Int, b: Int): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function min(a: Int, b: Int): Int {
  return a <= b ? a : b;
}

export function max(a: Int, b: Int): Int {
  return a >= b ? a : b;
}

/** n · 2^k for k ≥ 0, floor(n / 2^−k) for k < 0. */
export function shift(n: Int, k: number): Int {
  if (k === 0) return n;
  if (typeof n === 'number') {
    if (n === 0) return 0;
    if (k < 0) return k < -60 ? (n < 0 ? -1 : 0) : Math.floor(n * 2 ** k);
    if (k < 54) {
      const shifted = n * 2 ** k;
      if (shifted <= SAFE && shifted >= -SAFE) return shifted;
    }
  }
  return fromBigInt(k >= 0 ? BigInt(n) << BigInt(k) : BigInt(n) >> BigInt(-k));
}

/** floor(a / b) for b > 0. */
export function floorDiv(a: Int, b: Int): Int {
  if (typeof a === 'number' && typeof b === 'number') {
    // a − remainder is a multiple of b no larger than a, so the division is exact.
    const remainder = a % b;
    const quotient = (a - remainder) / b;
    return (remainder < 0 ? quotient - 1 : quotient) + 0;
  }
  const n = BigInt(a);
  const d = BigInt(b);
  const quotient = n / d;
  return fromBigInt(n % d < 0n ? quotient - 1n : quotient);
}

/** a − b·floor(a / b) for b > 0: in [0, b). */
export function floorMod(a: Int, b: Int): Int {
  return sub(a, mul(b, floorDiv(a, b)));
}

/** Number of trailing zero bits; 0 for 0. */
export function trailingZeros(n: Int): number {
  if (n === 0) return 0;
  if (typeof n === 'number') {
    let count = 0;
    let rest = n;
    while (rest % 4294967296 === 0) {
      rest /= 4294967296;
      count += 32;
    }
    const low = rest % 4294967296 | 0;
    return count + (31 - Math.clz32(low & -low));
  }
  let count = 0;
  let rest = n;
  while ((rest & 0xffffffffn) === 0n) {
    rest >>= 32n;
    count += 32;
  }
  const low = Number(rest & 0xffffffffn) | 0;
  return count + (31 - Math.clz32(low & -low));
}

/** Bits of |n|: 0 for 0, 1 for 1, 8 for 255. */
export function bitLength(n: Int): number {
  if (typeof n === 'number') {
    const magnitude = Math.abs(n);
    if (magnitude < 4294967296) return 32 - Math.clz32(magnitude);
    return 64 - Math.clz32(Math.floor(magnitude / 4294967296));
  }
  const hex = (n < 0n ? -n : n).toString(16);
  return 4 * hex.length - (Math.clz32(Number.parseInt(hex.charAt(0), 16)) - 28);
}

/** Bits of two's complement that hold every integer in [lo, hi]: unsigned if lo ≥ 0, else signed. At least 1. */
export function widthOf(lo: Int, hi: Int): number {
  if (lo >= 0) return Math.max(1, bitLength(hi));
  const negative = bitLength(sub(neg(lo), 1));
  return 1 + Math.max(negative, hi > 0 ? bitLength(hi) : 0);
}

/** 2^k for k ≥ 0. */
export function pow2(k: number): Int {
  return shift(1, k);
}

/** The float64 nearest to n · 2^exp (exact whenever |n| ≤ 2^53 and the result is not subnormal). */
export function toNumber(n: Int, exp: number): number {
  if (typeof n === 'number') return scaleByPow2(n, exp);
  const excess = bitLength(n) - 64;
  if (excess <= 0) return scaleByPow2(Number(n), exp);
  // Keep a sticky bit so that Number() rounds to nearest-even correctly.
  const magnitude = n < 0n ? -n : n;
  const shifted = magnitude >> BigInt(excess);
  const sticky = (shifted << BigInt(excess)) === magnitude ? 0n : 1n;
  const rounded = scaleByPow2(Number(shifted | sticky), exp + excess);
  return n < 0n ? -rounded : rounded;
}

function scaleByPow2(value: number, exp: number): number {
  if (value === 0) return 0;
  if (exp > 1000) return value * 2 ** 1000 * 2 ** (exp - 1000);
  if (exp < -1000) return value * 2 ** -1000 * 2 ** (exp + 1000);
  return value * 2 ** exp;
}

/** The dyadic rational that a finite float64 is: n · 2^exp with n odd, or 0 · 2^0. */
export function dyadicOf(value: number): { readonly n: Int; readonly exp: number } {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is not a finite number`);
  if (value === 0) return { n: 0, exp: 0 };
  let exp = 0;
  let n = value;
  if (!Number.isSafeInteger(n)) {
    // Scale to a whole number: 2^1074 covers the smallest subnormal; two steps keep the factor finite.
    const magnitude = Math.abs(value);
    const top = Math.floor(Math.log2(magnitude));
    exp = Math.max(top - 53, -1074);
    n = scaleByPow2(value, -exp);
    while (!Number.isInteger(n) || Math.abs(n) > 2 ** 54) {
      exp -= 1;
      n = scaleByPow2(value, -exp);
    }
  }
  const whole = fromNumber(n);
  const zeros = trailingZeros(whole);
  return { n: shift(whole, -zeros), exp: exp + zeros };
}
