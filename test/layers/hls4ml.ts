import type { FixedType } from '../../src/fixed/fixedType.js';

/**
 * hls4ml's arithmetic, written from its description alone: exact rationals over bigint, every cast where the firmware has
 * one, in the firmware's order. Shares no arithmetic with src/.
 */

/** num / den, den > 0. */
export interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

export function rational(num: bigint | number, den: bigint | number = 1n): Rational {
  const d = BigInt(den);
  return d < 0n ? { num: -BigInt(num), den: -d } : { num: BigInt(num), den: d };
}

/** n · 2^exp */
export function dyadic(n: bigint, exp: number): Rational {
  return exp >= 0 ? rational(n * 2n ** BigInt(exp)) : rational(n, 2n ** BigInt(-exp));
}

/** The exact value of a finite float64. */
export function ofFloat(value: number): Rational {
  let den = 1n;
  let rest = value;
  while (!Number.isInteger(rest)) {
    rest *= 2;
    den *= 2n;
  }
  return rational(BigInt(rest), den);
}

export const plus = (a: Rational, b: Rational): Rational => rational(a.num * b.den + b.num * a.den, a.den * b.den);
export const minus = (a: Rational, b: Rational): Rational => plus(a, rational(-b.num, b.den));
export const times = (a: Rational, b: Rational): Rational => rational(a.num * b.num, a.den * b.den);
export const divided = (a: Rational, b: Rational): Rational => rational(a.num * b.den, a.den * b.num);
export const isLess = (a: Rational, b: Rational): boolean => a.num * b.den < b.num * a.den;
export const same = (a: Rational, b: Rational): boolean => a.num * b.den === b.num * a.den;
export const ZERO = rational(0);

const F = (type: FixedType): number => type.width - type.integer;
const abs = (n: bigint): bigint => (n < 0n ? -n : n);

function floor({ num, den }: Rational): bigint {
  const q = num / den;
  return num % den !== 0n && num < 0n ? q - 1n : q;
}

/** Toward zero. */
export function truncate({ num, den }: Rational): bigint {
  return num / den;
}

function round(z: Rational, mode: FixedType['rounding']): bigint {
  const down = floor(z);
  const rest = minus(z, rational(down));
  const twice = compareHalf(rest);
  const nearest = twice > 0 ? down + 1n : down;
  switch (mode) {
    case 'TRN':
      return down;
    case 'TRN_ZERO':
      return truncate(z);
    case 'RND':
      return floor(plus(z, rational(1, 2)));
    case 'RND_CONV':
      return twice === 0 ? (down % 2n === 0n ? down : down + 1n) : nearest;
    case 'RND_ZERO':
      return twice === 0 ? (abs(down) < abs(down + 1n) ? down : down + 1n) : nearest;
    case 'RND_INF':
      return twice === 0 ? (abs(down) > abs(down + 1n) ? down : down + 1n) : nearest;
    case 'RND_MIN_INF':
      return nearest;
  }
}

function compareHalf(rest: Rational): number {
  const d = 2n * rest.num - rest.den;
  return d > 0n ? 1 : d < 0n ? -1 : 0;
}

/** The value after a cast. */
export function cast(v: Rational, type: FixedType): Rational {
  const n = round(times(v, dyadic(1n, F(type))), type.rounding);
  const lo = type.signed ? -(2n ** BigInt(type.width - 1)) : 0n;
  const hi = type.signed ? 2n ** BigInt(type.width - 1) - 1n : 2n ** BigInt(type.width) - 1n;
  const least = type.overflow === 'SAT_SYM' && type.signed ? -hi : lo;
  let into = n;
  if (n < least || n > hi) {
    if (type.overflow === 'SAT' || type.overflow === 'SAT_SYM') into = n < least ? least : hi;
    else if (type.overflow === 'SAT_ZERO') into = 0n;
    else into = BigInt(type.signed ? BigInt.asIntN(type.width, n) : BigInt.asUintN(type.width, n));
  }
  return dyadic(into, -F(type));
}

/** A C++ float into a type; 1 / 0 gives the largest value. */
export function castFloat(value: number, type: FixedType): Rational {
  if (value === Infinity) return dyadic(2n ** BigInt(type.signed ? type.width - 1 : type.width) - 1n, -F(type));
  return cast(ofFloat(value), type);
}

/** Dense and convolution: one output from its inputs and weights in order. */
export function denseOutput(x: readonly Rational[], w: readonly Rational[], bias: Rational, accum: FixedType, result: FixedType, reuse = 1): Rational {
  let acc = cast(bias, accum);
  for (let first = 0; first < reuse; first++) {
    for (let i = first; i < x.length; i += reuse) acc = cast(plus(acc, cast(times(x[i] as Rational, w[i] as Rational), accum)), accum);
  }
  return cast(acc, result);
}

/** Average pooling. */
export function averageOutput(x: readonly Rational[], n: number, accum: FixedType, result: FixedType): Rational {
  let acc = ZERO;
  for (const v of x) acc = cast(plus(acc, v), accum);
  const q = truncate(times(divided(acc, rational(n)), dyadic(1n, F(accum))));
  return cast(dyadic(q, -F(accum)), result);
}

/** Entry of a table as the C++ makes it. */
const entry = (value: number, type: FixedType): Rational => castFloat(Math.fround(value), type);

const clampTo = (k: bigint, low: number, high: number): number => Number(k < BigInt(low) ? BigInt(low) : k > BigInt(high) ? BigInt(high) : k);

/** sigmoid, tanh, softplus, softsign. */
export function tableOutput(x: Rational, f: (v: number) => number, size: number, range: number, table: FixedType, result: FixedType): Rational {
  const k = clampTo(truncate(times(x, rational(size, 2 * range))) + BigInt(size / 2), 0, size - 1);
  return cast(entry(f(Math.fround((2 * range * (k - size / 2)) / size)), table), result);
}

/** ELU's and SELU's negative half. */
export function exponentialOutput(x: Rational, scale: number, size: number, table: FixedType): Rational {
  const k = clampTo(truncate(times(rational(abs(x.num), x.den), rational(size, 8))), 0, size - 1);
  return entry(scale * (Math.exp((-8 * k) / size) - 1), table);
}

/** The nb most significant raw bits of a value of a type, read as unsigned. */
function top(x: Rational, type: FixedType, nb: number): number {
  const raw = BigInt.asUintN(type.width, truncate(times(x, dyadic(1n, F(type)))));
  return Number(raw >> BigInt(type.width - nb));
}

/** The value of a type whose top nb bits are i and the rest 0. */
function val(type: FixedType, i: number, nb: number): number {
  const raw = BigInt(i) << BigInt(type.width - nb);
  return Number(type.signed ? BigInt.asIntN(type.width, raw) : raw) * 2 ** -F(type);
}

export interface SoftmaxTypes {
  readonly input: FixedType;
  readonly exp: FixedType;
  readonly inv: FixedType;
  readonly invInput: FixedType;
  readonly accum: FixedType;
  readonly result: FixedType;
  readonly size: number;
}

function tree(terms: readonly Rational[], accum: FixedType): Rational {
  const n = terms.length;
  if (n === 1) return terms[0] as Rational;
  if (n === 2) return cast(plus(terms[0] as Rational, terms[1] as Rational), accum);
  const half = 2 ** Math.floor(Math.log2(n - 1));
  return cast(plus(tree(terms.slice(0, half), accum), tree(terms.slice(half), accum)), accum);
}

function normalised(exps: readonly Rational[], t: SoftmaxTypes, nb: number): Rational[] {
  const e = exps.map((v) => cast(v, t.accum));
  const s = cast(tree(e, t.accum), t.invInput);
  const r = entry(1 / val(t.invInput, top(s, t.invInput, nb), nb), t.inv);
  return e.map((v) => cast(times(v, r), t.result));
}

const indexBits = (t: SoftmaxTypes): number => Math.min(Math.log2(t.size), t.input.width, t.inv.width);

export function softmaxLatency(x: readonly Rational[], t: SoftmaxTypes): Rational[] {
  const nb = indexBits(t);
  return normalised(x.map((v) => entry(Math.exp(val(t.input, top(v, t.input, nb), nb)), t.exp)), t, nb);
}

export function softmaxStable(x: readonly Rational[], t: SoftmaxTypes): Rational[] {
  const nb = indexBits(t);
  const m = x.reduce((a, b) => (isLess(a, b) ? b : a));
  const { width, integer, signed } = t.input;
  const distance: FixedType = { signed: false, width: signed ? width - 1 : width, integer: signed ? integer - 1 : integer, rounding: 'TRN', overflow: 'WRAP' };
  const bits = Math.min(nb, distance.width);
  return normalised(
    x.map((v) => {
      const d = cast(minus(m, v), distance);
      return entry(Math.exp(-val(distance, top(d, distance, bits), bits)), t.exp);
    }),
    t,
    nb,
  );
}

export function softmaxLegacy(x: readonly Rational[], size: number, table: FixedType, result: FixedType): Rational[] {
  return x.map((xi, i) => {
    let t = ZERO;
    x.forEach((xj, j) => {
      const k = clampTo(truncate(times(minus(xj, xi), rational(size, 16))) + BigInt(size / 2), 0, size - 1);
      const term = i === j ? cast(rational(1), table) : entry(Math.exp(Math.fround((16 * (k - size / 2)) / size)), table);
      t = cast(plus(t, term), table);
    });
    const k = clampTo(truncate(times(t, rational(size, 64))), 0, size - 1);
    return cast(entry(k === 0 ? 0 : 1 / Math.fround((64 * k) / size), table), result);
  });
}
