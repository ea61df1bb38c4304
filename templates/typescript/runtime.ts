type Rounding = 'TRN' | 'TRN_ZERO' | 'RND' | 'RND_ZERO' | 'RND_INF' | 'RND_MIN_INF' | 'RND_CONV';
type Overflow = 'WRAP' | 'SAT' | 'SAT_ZERO' | 'SAT_SYM';

/** value * 2^exp in steps that stay within float64. */
function scale(value: number, exp: number): number {
  let scaled = value;
  let rest = exp;
  for (; rest > 1000; rest -= 1000) scaled *= 2 ** 1000;
  for (; rest < -1000; rest += 1000) scaled *= 2 ** -1000;
  return scaled * 2 ** rest;
}

/** round(n / 2^k) for k > 0. */
function roundBig(n: bigint, k: bigint, rounding: Rounding): bigint {
  const floor = n >> k;
  const rest = n - (floor << k);
  if (rounding === 'TRN' || rest === 0n) return floor;
  const half = 1n << (k - 1n);
  let up = false;
  switch (rounding) {
    case 'TRN_ZERO': up = n < 0n; break;
    case 'RND': up = rest >= half; break;
    case 'RND_MIN_INF': up = rest > half; break;
    case 'RND_INF': up = rest > half || (rest === half && n >= 0n); break;
    case 'RND_ZERO': up = rest > half || (rest === half && n < 0n); break;
    case 'RND_CONV': up = rest > half || (rest === half && (floor & 1n) === 1n); break;
  }
  return up ? floor + 1n : floor;
}

/** Brings a rounded integer into `width` bits. */
function overflowBig(n: bigint, signed: boolean, width: number, overflow: Overflow): bigint {
  const top = 1n << BigInt(signed ? width - 1 : width);
  const hi = top - 1n;
  const lo = !signed ? 0n : overflow === 'SAT_SYM' ? -hi : -top;
  if (n >= lo && n <= hi) return n;
  if (overflow === 'WRAP') return signed ? BigInt.asIntN(width, n) : BigInt.asUintN(width, n);
  return overflow === 'SAT_ZERO' ? 0n : n < lo ? lo : hi;
}

/** One value as the integer of a type, exactly, whatever its magnitude. */
function quantiseBig(value: number, signed: boolean, width: number, fraction: number, rounding: Rounding, overflow: Overflow): bigint {
  if (!Number.isFinite(value)) throw new RangeError(`an input is ${value}: every value must be finite`);
  if (value === 0) return 0n;
  let exp = Math.max(Math.floor(Math.log2(Math.abs(value))) - 53, -1074);
  let mantissa = scale(value, -exp);
  for (; !Number.isInteger(mantissa); exp--) mantissa *= 2;
  const up = exp + fraction;
  const n = BigInt(mantissa);
  // Beyond width + 1 a shift changes no overflow, and what wraps is 0.
  return overflowBig(up >= 0 ? n << BigInt(Math.min(up, width + 1)) : roundBig(n, BigInt(-up), rounding), signed, width, overflow);
}

/** The same for types of at most 53 bits, quickly where the value is of moderate magnitude. */
function quantise(value: number, signed: boolean, width: number, fraction: number, rounding: Rounding, overflow: Overflow): number {
  const y = scale(value, fraction);
  if (!(Math.abs(y) < 2 ** 51) || (value !== 0 && Math.abs(value) < 2 ** -900)) return Number(quantiseBig(value, signed, width, fraction, rounding, overflow));
  const floor = Math.floor(y);
  const rest = y - floor;
  let n = floor;
  switch (rounding) {
    case 'TRN': break;
    case 'TRN_ZERO': n = Math.trunc(y); break;
    case 'RND': if (rest >= 0.5) n++; break;
    case 'RND_MIN_INF': if (rest > 0.5) n++; break;
    case 'RND_INF': if (rest > 0.5 || (rest === 0.5 && y > 0)) n++; break;
    case 'RND_ZERO': if (rest > 0.5 || (rest === 0.5 && y < 0)) n++; break;
    case 'RND_CONV': if (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0)) n++; break;
  }
  const top = 2 ** (signed ? width - 1 : width);
  const lo = !signed ? 0 : overflow === 'SAT_SYM' ? 1 - top : -top;
  if (n >= lo && n < top) return n + 0;
  if (overflow === 'WRAP') return Number(signed ? BigInt.asIntN(width, BigInt(n)) : BigInt.asUintN(width, BigInt(n)));
  return overflow === 'SAT_ZERO' ? 0 : n < lo ? lo : top - 1;
}

/** The low bits of a raw integer as the type has them. */
function wrapRaw(n: number | bigint, signed: boolean, width: number): bigint {
  return signed ? BigInt.asIntN(width, BigInt(n)) : BigInt.asUintN(width, BigInt(n));
}
