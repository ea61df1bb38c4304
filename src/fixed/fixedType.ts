import type { Int } from './integer.js';
import { add, dyadicOf, floorMod, neg, pow2, shift, sub, toNumber, widthOf } from './integer.js';
import type { Interval } from './interval.js';

/** Quantisation modes of `ap_fixed` (AMD UG1399, "Arbitrary Precision Fixed-Point Data Types"). */
export const ROUNDINGS = ['TRN', 'TRN_ZERO', 'RND', 'RND_ZERO', 'RND_INF', 'RND_MIN_INF', 'RND_CONV'] as const;
export type Rounding = (typeof ROUNDINGS)[number];

/** Overflow modes of `ap_fixed`; WRAP_SM is refused by the parser. */
export const OVERFLOWS = ['WRAP', 'SAT', 'SAT_ZERO', 'SAT_SYM'] as const;
export type Overflow = (typeof OVERFLOWS)[number];

/**
 * A fixed-point type as `ap_fixed` means it: `width` bits in all, `integer` of them (the sign bit included) left of
 * the binary point, so width − integer fraction bits. `integer` may be negative or exceed `width`.
 */
export interface FixedType {
  readonly signed: boolean;
  readonly width: number;
  readonly integer: number;
  readonly rounding: Rounding;
  readonly overflow: Overflow;
}

/** The widest type accepted, in bits: a bound on what a hostile file can ask for. */
export const MAX_WIDTH = 1024;

export function fixedType(
  signed: boolean,
  width: number,
  integer: number,
  rounding: Rounding = 'TRN',
  overflow: Overflow = 'WRAP',
): FixedType {
  return { signed, width, integer, rounding, overflow };
}

export function fractionBits(type: FixedType): number {
  return type.width - type.integer;
}

/** Every value of the type, as an interval on its grid. */
export function rangeOf(type: FixedType): Interval {
  const exp = type.integer - type.width;
  if (!type.signed) return { lo: 0, hi: sub(pow2(type.width), 1), exp };
  const half = pow2(type.width - 1);
  return { lo: neg(half), hi: sub(half, 1), exp };
}

/** The range that saturation clips to. */
function clipRange(type: FixedType): Interval {
  const range = rangeOf(type);
  return type.overflow === 'SAT_SYM' && type.signed ? { ...range, lo: neg(range.hi) } : range;
}

/** round(n · 2^−k) for k > 0, an exact shift for k ≤ 0. */
export function roundShift(n: Int, k: number, rounding: Rounding): Int {
  if (k <= 0) return shift(n, -k);
  const floor = shift(n, -k);
  if (rounding === 'TRN') return floor;
  const rest = sub(n, shift(floor, k));
  if (rest === 0) return floor;
  const half = pow2(k - 1);
  const up = add(floor, 1);
  const isTie = rest === half;
  const nearest = rest < half ? floor : up;
  switch (rounding) {
    case 'TRN_ZERO':
      return n < 0 ? up : floor;
    case 'RND':
      return rest >= half ? up : floor;
    case 'RND_MIN_INF':
      return isTie ? floor : nearest;
    case 'RND_INF':
      return isTie ? (n < 0 ? floor : up) : nearest;
    case 'RND_ZERO':
      return isTie ? (n < 0 ? up : floor) : nearest;
    case 'RND_CONV':
      return isTie ? (floorMod(floor, 2) === 0 ? floor : up) : nearest;
  }
}

/** Brings a rounded integer into the type's range by its overflow mode. */
export function overflowInto(n: Int, type: FixedType): Int {
  const range = clipRange(type);
  if (n >= range.lo && n <= range.hi) return n;
  switch (type.overflow) {
    case 'SAT':
    case 'SAT_SYM':
      return n < range.lo ? range.lo : range.hi;
    case 'SAT_ZERO':
      return 0;
    case 'WRAP': {
      const modulus = pow2(type.width);
      const low = floorMod(n, modulus);
      return low > range.hi ? sub(low, modulus) : low;
    }
  }
}

/** Casts n · 2^exp into the type; the result r stands for r · 2^−fractionBits. */
export function castInteger(n: Int, exp: number, type: FixedType): Int {
  const k = type.integer - type.width - exp;
  return overflowInto(roundShift(n, k, type.rounding), type);
}

/** A C++ float or double into the type: exact, except that infinities take the type's ends. The raw integer. */
export function castFloat(value: number, type: FixedType): Int {
  const range = rangeOf(type);
  if (value === Infinity) return overflowInto(range.hi, type);
  if (value === -Infinity) return overflowInto(range.lo, { ...type, overflow: type.overflow === 'SAT_SYM' ? 'SAT_SYM' : 'SAT' });
  const { n, exp } = dyadicOf(value);
  return castInteger(n, exp, type);
}

/** A value as it is in a type: rounded and overflowed. */
export function castValue(value: number, type: FixedType): number {
  return toNumber(castFloat(value, type), -fractionBits(type));
}

/** What a cast can give: exact for monotone modes, the whole type where it wraps. */
export function castInterval(x: Interval, type: FixedType): Interval {
  const exp = type.integer - type.width;
  const k = exp - x.exp;
  const lo = roundShift(x.lo, k, type.rounding);
  const hi = roundShift(x.hi, k, type.rounding);
  const range = clipRange(type);
  if (lo >= range.lo && hi <= range.hi) return { lo, hi, exp };
  switch (type.overflow) {
    case 'SAT':
    case 'SAT_SYM':
      return { lo: overflowInto(lo, type), hi: overflowInto(hi, type), exp };
    case 'SAT_ZERO': {
      const inLo = lo > range.lo ? lo : range.lo;
      const inHi = hi < range.hi ? hi : range.hi;
      if (inLo > inHi) return { lo: 0, hi: 0, exp };
      return { lo: inLo > 0 ? 0 : inLo, hi: inHi < 0 ? 0 : inHi, exp };
    }
    case 'WRAP': {
      const wrappedLo = overflowInto(lo, type);
      const span = sub(hi, lo);
      if (add(wrappedLo, span) <= range.hi) return { lo: wrappedLo, hi: add(wrappedLo, span), exp };
      return { ...range, exp };
    }
  }
}

/** Whether a cast changes no value of the interval: it neither rounds nor overflows. */
export function castIsIdentity(x: Interval, type: FixedType): boolean {
  const exp = type.integer - type.width;
  return x.exp >= exp && !castOverflows(x, type);
}

/** Whether some value of the interval, once rounded, falls outside the type. */
export function castOverflows(x: Interval, type: FixedType): boolean {
  const k = type.integer - type.width - x.exp;
  const range = clipRange(type);
  return roundShift(x.lo, k, type.rounding) < range.lo || roundShift(x.hi, k, type.rounding) > range.hi;
}

/** The smallest type (TRN, WRAP) that holds every value of the interval. */
export function typeOfInterval(x: Interval): FixedType {
  const width = widthOf(x.lo, x.hi);
  return fixedType(x.lo < 0, width, width + x.exp);
}

const TYPE_PATTERN =
  /^\s*(?:ap_|ac_)?(u)?(fixed|int)\s*<\s*([^<>]*)>\s*$/i;

/**
 * Reads `fixed<16,6>`, `ap_ufixed<8,0,RND_CONV,SAT>`, `int<8>`, `uint<1>`; modes with or without `AP_`.
 * Returns a sentence that says what is wrong instead of a type where the text is none or wider than `maxWidth`.
 */
export function parseFixedType(text: string, maxWidth = MAX_WIDTH): FixedType | string {
  const match = TYPE_PATTERN.exec(text);
  if (match === null) return `'${text}' is no fixed-point type; write for example ap_fixed<16,6> or ap_ufixed<8,0,RND,SAT>`;
  const signed = match[1] === undefined;
  const isInteger = (match[2] ?? '').toLowerCase() === 'int';
  const fields = (match[3] ?? '').split(',').map((field) => field.trim());
  const most = isInteger ? 1 : 5;
  if (fields.length < (isInteger ? 1 : 2) || fields.length > most) {
    return `'${text}' has ${fields.length} fields; ${isInteger ? 'int takes one (width)' : 'fixed takes two to five (width, integer bits, rounding, overflow, 0)'}`;
  }
  const width = wholeNumber(fields[0]);
  const integer = isInteger ? width : wholeNumber(fields[1]);
  if (!Number.isInteger(width) || width < 1 || width > maxWidth) return `'${text}': the width must be a whole number from 1 to ${maxWidth}`;
  if (!Number.isInteger(integer) || Math.abs(integer) > maxWidth) return `'${text}': the integer bits must be a whole number within ±${maxWidth}`;
  const rounding = (fields[2] ?? 'TRN').toUpperCase().replace(/^AP_/, '');
  const overflow = (fields[3] ?? 'WRAP').toUpperCase().replace(/^AP_/, '');
  if (!isRounding(rounding)) return `'${text}': rounding mode ${rounding} is none of ${ROUNDINGS.join(', ')}`;
  if (!isOverflow(overflow)) return `'${text}': overflow mode ${overflow} is none of ${OVERFLOWS.join(', ')}`;
  if (fields[4] !== undefined && fields[4] !== '0') return `'${text}': a number of saturation bits other than 0 is not supported`;
  return fixedType(signed, width, integer, rounding, overflow);
}

/** NaN for anything but plain digits with a sign: `0x10`, `1e1` and nothing at all are no widths. */
function wholeNumber(field: string | undefined): number {
  return field !== undefined && /^[+-]?\d{1,9}$/.test(field) ? Number(field) + 0 : NaN;
}

function isRounding(text: string): text is Rounding {
  return (ROUNDINGS as readonly string[]).includes(text);
}

function isOverflow(text: string): text is Overflow {
  return (OVERFLOWS as readonly string[]).includes(text);
}

/** `ap_fixed<W,I>`, with its modes where they are not TRN, WRAP. */
export function formatFixedType(type: FixedType): string {
  const modes = type.rounding === 'TRN' && type.overflow === 'WRAP' ? '' : `,${type.rounding},${type.overflow}`;
  return `ap_${type.signed ? '' : 'u'}fixed<${type.width},${type.integer}${modes}>`;
}

export function sameType(a: FixedType, b: FixedType): boolean {
  return (
    a.signed === b.signed &&
    a.width === b.width &&
    a.integer === b.integer &&
    a.rounding === b.rounding &&
    a.overflow === b.overflow
  );
}
