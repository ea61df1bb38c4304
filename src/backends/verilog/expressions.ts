import type { Circuit, Table } from '../../circuit/circuit.js';
import { expOf, intervalOf, kindOf, loOf, Op } from '../../circuit/circuit.js';
import { invariant } from '../../errors.js';
import type { FixedType, Rounding } from '../../fixed/fixedType.js';
import { castOverflows, rangeOf, roundShift } from '../../fixed/fixedType.js';
import type { Int } from '../../fixed/integer.js';
import { add, neg, pow2, widthOf } from '../../fixed/integer.js';
import { intervalWidth } from '../../fixed/interval.js';
import type { BitSource, Segment } from './bits.js';
import { bitsOf } from './bits.js';

/** Turns bits into text; the emitter notes which bits are read on the first pass and prints names on the second. */
export interface Reader extends BitSource {
  /** Bits [from, to) of op's wire as seen in the stage being emitted. */
  readonly signal: (op: number, from: number, to: number) => string;
}

/** A line of the module body: declares and drives one vector. */
export interface Line {
  readonly suffix: string;
  readonly width: number;
  readonly value: string;
  /** Bits of an auxiliary vector that are read; undefined for the op's own wire. */
  readonly readBits?: readonly (readonly [number, number])[];
}

/** `{a, b}` of the segments, or the one there is. */
export function concatenate(reader: Reader, segments: readonly Segment[]): string {
  const parts: string[] = [];
  for (const segment of segments) {
    switch (segment.kind) {
      case 'literal':
        parts.push(literal(segment.value, segment.width));
        break;
      case 'signal':
        parts.push(reader.signal(segment.op, segment.from, segment.to));
        break;
      case 'repeat': {
        const bit = reader.signal(segment.op, segment.bit, segment.bit + 1);
        parts.push(segment.width === 1 ? bit : `{${segment.width}{${bit}}}`);
        break;
      }
    }
  }
  invariant(parts.length > 0, 'an expression of no bits');
  return parts.length === 1 ? (parts[0] as string) : `{${parts.join(', ')}}`;
}

export function literal(value: bigint, width: number): string {
  return width <= 32 ? `${width}'d${value}` : `${width}'h${value.toString(16)}`;
}

function bits(reader: Reader, op: number, lo: number, hi: number): string {
  return concatenate(reader, bitsOf(reader, op, lo, hi));
}

/**
 * The lines that compute an op: `width` low bits of its value on its own grid. The last line is the op's own wire,
 * those before it are helpers (`<wire>_<suffix>`).
 */
export function linesOf(reader: Reader, op: number, width: number, own: string): Line[] {
  const { circuit } = reader;
  const a = circuit.a[op] as number;
  const b = circuit.b[op] as number;
  const exp = expOf(circuit, op);
  const kind = kindOf(circuit, op);
  switch (kind) {
    case Op.add:
    case Op.sub:
      return [line(width, sumText(reader, op, width))];
    case Op.mul: {
      const [x, y] = [expOf(circuit, a), expOf(circuit, b)];
      return [line(width, `${bits(reader, a, x, x + width)} * ${bits(reader, b, y, y + width)}`)];
    }
    case Op.lt:
      return [line(1, comparisonText(reader, a, b))];
    case Op.eq: {
      const [lo, hi] = commonRange(circuit, a, b);
      return [line(1, `${bits(reader, a, lo, hi)} == ${bits(reader, b, lo, hi)}`)];
    }
    case Op.mux: {
      const c = circuit.c[op] as number;
      const decided = intervalOf(circuit, a);
      if (decided.lo === decided.hi) return [line(width, bits(reader, decided.lo !== 0 ? b : c, exp, exp + width))];
      const condition = bits(reader, a, 0, 1);
      return [line(width, `${condition} ? ${bits(reader, b, exp, exp + width)} : ${bits(reader, c, exp, exp + width)}`)];
    }
    case Op.lookup: {
      const table = circuit.tables[circuit.param[op] as number];
      invariant(table !== undefined, 'lookup without a table');
      const call = `table_${circuit.param[op]}(${bits(reader, a, table.indexExp, table.indexExp + addressWidth(table))})`;
      const full = tableWidth(circuit, circuit.param[op] as number);
      if (full === width) return [line(width, call)];
      return [{ suffix: 'entry', width: full, value: call, readBits: [[0, width]] }, line(width, `${own}_entry[${width - 1}:0]`)];
    }
    case Op.and:
    case Op.or:
    case Op.xor: {
      const symbol = kind === Op.and ? '&' : kind === Op.or ? '|' : '^';
      return [line(width, `${bits(reader, a, exp, exp + width)} ${symbol} ${bits(reader, b, exp, exp + width)}`)];
    }
    case Op.cast:
      return castLines(reader, op, width, own);
    default:
      return invariant(false, `op kind ${kind} has no expression`) as never;
  }
}

function line(width: number, value: string): Line {
  return { suffix: '', width, value };
}

/** Address bits of a table: the two's complement of every index it has an entry for. */
export function addressWidth(table: Table): number {
  return widthOf(table.base, add(table.base, table.values.length - 1));
}

/** Bits of a table's entries. */
export function tableWidth(circuit: Circuit, table: number): number {
  let lo: Int = Infinity;
  let hi: Int = -Infinity;
  for (const value of circuit.tables[table]?.values ?? []) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  return widthOf(lo, hi);
}

/** Low bits where only one operand has any pass through; the rest is one adder. */
function sumText(reader: Reader, op: number, width: number): string {
  const { circuit } = reader;
  const a = circuit.a[op] as number;
  const b = circuit.b[op] as number;
  const s = circuit.param[op] as number;
  const exp = expOf(circuit, op);
  const top = exp + width;
  const isSub = kindOf(circuit, op) === Op.sub;
  const startOfA = expOf(circuit, a);
  const startOfB = expOf(circuit, b) + s;
  if (kindOf(circuit, a) === Op.const && loOf(circuit, a) === 0 && isSub) return `-${bits(reader, b, exp - s, top - s)}`;
  const start = Math.min(top, isSub ? Math.max(exp, startOfB) : Math.max(startOfA, startOfB));
  const lowerIsA = startOfA <= startOfB;
  const low = lowerIsA ? bitsOf(reader, a, exp, start) : bitsOf(reader, b, exp - s, start - s);
  if (start === top) return concatenate(reader, low);
  const lower = intervalOf(circuit, lowerIsA ? a : b);
  const lowerTop = (lowerIsA ? startOfA : startOfB) + intervalWidth(lower);
  if (!isSub && lower.lo >= 0 && lowerTop <= start) {
    const high = lowerIsA ? bitsOf(reader, b, start - s, top - s) : bitsOf(reader, a, start, top);
    return concatenate(reader, [...high, ...low]);
  }
  const sum = `${bits(reader, a, start, top)} ${isSub ? '-' : '+'} ${bits(reader, b, start - s, top - s)}`;
  return low.length === 0 ? sum : `{${sum}, ${concatenate(reader, low)}}`;
}

/** Positions [lo, hi) that hold both operands, sign bits included where one is negative. */
function commonRange(circuit: Circuit, a: number, b: number): readonly [number, number] {
  const x = intervalOf(circuit, a);
  const y = intervalOf(circuit, b);
  const anySigned = x.lo < 0 || y.lo < 0;
  const top = (i: typeof x): number => i.exp + intervalWidth(i) + (anySigned && i.lo >= 0 ? 1 : 0);
  return [Math.min(x.exp, y.exp), Math.max(top(x), top(y))];
}

function comparisonText(reader: Reader, a: number, b: number): string {
  const { circuit } = reader;
  const x = intervalOf(circuit, a);
  const y = intervalOf(circuit, b);
  const [lo, hi] = commonRange(circuit, a, b);
  if (kindOf(circuit, b) === Op.const && y.lo === 0) return x.lo < 0 ? bits(reader, a, hi - 1, hi) : "1'd0";
  // Unsigned operands get a sign bit: a simulator that can tell that one side is always 0 would warn of the comparison.
  const top = x.lo < 0 || y.lo < 0 ? hi : hi + 1;
  const side = (op: number): string => `$signed(${bits(reader, op, lo, top)})`;
  return `${side(a)} < ${side(b)}`;
}

function castLines(reader: Reader, op: number, width: number, own: string): Line[] {
  const { circuit } = reader;
  const a = circuit.a[op] as number;
  const type = circuit.types[circuit.param[op] as number] as FixedType;
  const from = intervalOf(circuit, a);
  const exp = expOf(circuit, op);
  const saturates = type.overflow !== 'WRAP' && castOverflows(from, type);
  const increment = incrementText(reader, a, exp, type.rounding);
  const rounded = (n: number): string => {
    const floor = bits(reader, a, exp, exp + n);
    return increment === undefined ? floor : `${floor} + ${n > 1 ? `{${literal(0n, n - 1)}, ${increment}}` : increment}`;
  };
  if (!saturates) return [line(width, rounded(width))];
  const k = exp - from.exp;
  if (increment !== undefined && type.overflow !== 'SAT_ZERO') return roundAndClip(reader, op, width, own, increment);
  const lo = roundShift(from.lo, k, type.rounding);
  const hi = roundShift(from.hi, k, type.rounding);
  const full = Math.max(widthOf(lo, hi), type.width);
  const clip = clipText(`${own}_full`, lo, hi, full, width, type);
  return [
    { suffix: 'full', width: full, value: rounded(full), readBits: clip.readBits },
    line(width, clip.value),
  ];
}

/**
 * Rounding and saturation side by side: the tests look at the truncated value while the increment ripples. Rounding adds
 * at most one step, so a floor below the least value clips to it whether or not it is rounded up, and what the floor
 * does not show of an overflow is a carry out of the largest value.
 */
function roundAndClip(reader: Reader, op: number, width: number, own: string, increment: string): Line[] {
  const { circuit } = reader;
  const a = circuit.a[op] as number;
  const type = circuit.types[circuit.param[op] as number] as FixedType;
  const from = intervalOf(circuit, a);
  const exp = expOf(circuit, op);
  const range = rangeOf(type);
  const least = type.signed && type.overflow === 'SAT_SYM' ? neg(range.hi) : range.lo;
  const m = type.signed ? type.width - 1 : type.width;
  const lo = roundShift(from.lo, exp - from.exp, 'TRN');
  const hi = roundShift(from.hi, exp - from.exp, 'TRN');
  const top = Math.max(exp + widthOf(lo, hi), exp + m + 1);
  const signed = lo < 0;
  const above = signed ? top - 1 : top;
  const sign = (): string => bits(reader, a, top - 1, top);
  const test = (reduce: '|' | '&', low: number, high: number): string => `(${reduce}${group(bits(reader, a, low, high))})`;
  const constant = (value: Int): string => literal(BigInt.asUintN(width, BigInt(value)), width);
  // One bit more than the magnitude: for a signed type its sign, for an unsigned one the carry.
  const sum = `${own}_rounded`;
  const truncated = type.signed ? bits(reader, a, exp, exp + m + 1) : `{1'd0, ${bits(reader, a, exp, exp + m)}}`;
  const lines: Line[] = [];
  const carried = roundShift(from.hi, exp - from.exp, type.rounding) >= pow2(m);
  const readBits: (readonly [number, number])[] = [[0, Math.min(width, m + 1)]];
  let value = select(sum, m + 1, 0, width);
  if (carried) {
    readBits.push([m, m + 1]);
    const passes = select(sum, m + 1, m, m + 1);
    const carry = !type.signed ? passes : signed ? `(${passes} & ~${sign()})` : passes;
    const over = hi >= pow2(m) ? `${signed ? `(~${sign()} & ${test('|', exp + m, above)})` : test('|', exp + m, top)} | ${carry}` : carry;
    value = `(${over}) ? ${constant(range.hi)} : ${value}`;
  }
  if (lo < least) {
    let under = sign();
    if (type.signed) {
      const inner = above > exp + m ? test('&', exp + m, above) : undefined;
      const lowest = type.overflow === 'SAT_SYM' ? (m > 0 ? test('|', exp, exp + m) : "1'd0") : undefined;
      const inside = [inner, lowest].filter((term) => term !== undefined).join(' & ');
      under = inside === '' ? sign() : `${sign()} & ~(${inside})`;
    }
    value = `(${under}) ? ${constant(least)} : ${value}`;
  }
  const zeros = m > 0 ? `{${literal(0n, m)}, ${increment}}` : increment;
  lines.push({ suffix: 'rounded', width: m + 1, value: `${truncated} + ${zeros}`, readBits }, line(width, value));
  return lines;
}

/** The bit that rounding adds to the truncated value; undefined where nothing is rounded. */
function incrementText(reader: Reader, a: number, exp: number, rounding: Rounding): string | undefined {
  const { circuit } = reader;
  const from = intervalOf(circuit, a);
  if (rounding === 'TRN' || from.exp >= exp) return undefined;
  const top = Math.max(from.exp + intervalWidth(from), exp);
  const half = (): string => bits(reader, a, exp - 1, exp);
  const odd = (): string => bits(reader, a, exp, exp + 1);
  const negative = (): string | undefined => (from.lo < 0 ? bits(reader, a, top - 1, top) : undefined);
  const positive = (): string => `~${bits(reader, a, top - 1, top)}`;
  const sticky = (): string | undefined => (exp - 1 > from.exp ? `(|${group(bits(reader, a, from.exp, exp - 1))})` : undefined);
  switch (rounding) {
    case 'RND':
      return half();
    case 'RND_CONV':
      return bothOf(half, anyOf(odd(), sticky()));
    case 'RND_MIN_INF':
      return bothOf(half, sticky());
    case 'RND_ZERO':
      return bothOf(half, anyOf(negative(), sticky()));
    case 'RND_INF':
      return from.lo < 0 ? bothOf(half, anyOf(positive(), sticky())) : half();
    case 'TRN_ZERO':
      return from.lo < 0 ? bothOf(() => negative() as string, anyOf(half(), sticky())) : undefined;
  }
}

function anyOf(...terms: readonly (string | undefined)[]): string | undefined {
  const given = terms.filter((term) => term !== undefined);
  return given.length <= 1 ? given[0] : `(${given.join(' | ')})`;
}

/** `x` is only read where it matters. */
function bothOf(x: () => string, y: string | undefined): string {
  return y === undefined ? "1'd0" : `(${x()} & ${y})`;
}

/** Bits [from, to) of a vector of `width` bits; a single bit is declared as a scalar. */
export function select(name: string, width: number, from: number, to: number): string {
  if (from === 0 && to === width) return name;
  return to - from === 1 ? `${name}[${from}]` : `${name}[${to - 1}:${from}]`;
}

function group(text: string): string {
  return /^[\w[\]:{}, ']+$/.test(text) ? text : `(${text})`;
}

/** Saturation of a `full`-bit vector: tests of the bits above the type's range and a choice of constants. */
function clipText(name: string, lo: Int, hi: Int, full: number, width: number, type: FixedType): { readonly value: string; readonly readBits: readonly (readonly [number, number])[] } {
  const range = rangeOf(type);
  const least = type.signed && type.overflow === 'SAT_SYM' ? neg(range.hi) : range.lo;
  const m = type.signed ? type.width - 1 : type.width;
  const signed = lo < 0;
  const above = signed ? full - 1 : full;
  const part = (from: number, to: number): string => select(name, full, from, to);
  const sign = part(full - 1, full);
  const constant = (value: Int): string => literal(BigInt.asUintN(width, BigInt(value)), width);
  const readBits: (readonly [number, number])[] = [[0, Math.min(width, full)]];
  let value = part(0, width);
  if (lo < least) {
    readBits.push([full - 1, full]);
    let under = sign;
    if (type.signed) {
      const inner = above > m ? `&${part(m, above)}` : undefined;
      if (inner !== undefined) readBits.push([m, above]);
      const symmetric = type.overflow === 'SAT_SYM';
      if (symmetric && m > 0) readBits.push([0, m]);
      const lowest = symmetric ? (m > 0 ? `(|${part(0, m)})` : "1'd0") : undefined;
      const inside = [inner === undefined ? undefined : `(${inner})`, lowest].filter((term) => term !== undefined).join(' & ');
      under = inside === '' ? sign : `${sign} & ~(${inside})`;
    }
    value = `(${under}) ? ${constant(type.overflow === 'SAT_ZERO' ? 0 : least)} : ${value}`;
  }
  if (hi >= pow2(m)) {
    readBits.push([m, full]);
    const over = signed ? `~${sign} & (|${part(m, above)})` : `|${part(m, above)}`;
    value = `(${over}) ? ${constant(type.overflow === 'SAT_ZERO' ? 0 : range.hi)} : ${value}`;
  }
  return { value, readBits };
}
