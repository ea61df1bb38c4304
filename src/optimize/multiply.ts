import type { CircuitBuilder } from '../circuit/builder.js';
import { fixedType } from '../fixed/fixedType.js';
import { addIntervals, intervalWidth, mulIntervals } from '../fixed/interval.js';
import type { Term } from './linear.js';

type Sum = (builder: CircuitBuilder, terms: readonly Term[]) => number;

/** x · y, exactly, with every partial product an op of its own so that the array can be pipelined. */
export function multiplyVariables(builder: CircuitBuilder, x: number, y: number, sum: Sum): number {
  return sumProducts(builder, [[x, y]], sum);
}

/** Σ x · y over pairs, exactly: all partial products of all pairs in one adder tree. */
export function sumProducts(builder: CircuitBuilder, pairs: readonly (readonly [number, number])[], sum: Sum): number {
  const total = sum(builder, pairs.flatMap(([x, y]) => (x === y ? squareRows(builder, x) : productRows(builder, x, y))));
  // The rows forget that they belong together: say what the sum can be.
  const ranges = pairs.map(([x, y]) => mulIntervals(builder.intervalOf(x), builder.intervalOf(y), x === y));
  const [first, ...rest] = ranges;
  if (first !== undefined) builder.claim(total, rest.reduce((a, b) => addIntervals(a, b, 0), first));
  return total;
}

/** One row a bit of the narrower operand; the sign bit's row is subtracted. */
function productRows(builder: CircuitBuilder, x: number, y: number): Term[] {
  const wx = intervalWidth(builder.intervalOf(x));
  const wy = intervalWidth(builder.intervalOf(y));
  const [wide, narrow, width] = wx >= wy ? [x, y, wy] : [y, x, wx];
  const { lo, exp } = builder.intervalOf(narrow);
  const zero = builder.constant(0);
  const terms: Term[] = [];
  for (let bit = 0; bit < width; bit++) {
    const row = builder.mux(bitOf(builder, narrow, exp, bit), wide, zero);
    terms.push({ op: row, shift: exp + bit, negative: lo < 0 && bit === width - 1 });
  }
  return terms;
}

/** Bit `bit` of the two's complement of op, as 0 or 1. */
function bitOf(builder: CircuitBuilder, op: number, exp: number, bit: number): number {
  return builder.shift(builder.cast(op, fixedType(false, 1, exp + bit + 1)), -(exp + bit));
}

/**
 * x² = Σ_i b_i 2^2i + Σ_{j<i} b_i b_j 2^(i+j+1), the sign bit's cross products negative. The squares of all bits are one
 * row, since they do not overlap; the cross products of bit i with the bits below it are another each.
 */
function squareRows(builder: CircuitBuilder, x: number): Term[] {
  const { lo, exp } = builder.intervalOf(x);
  const width = intervalWidth(builder.intervalOf(x));
  const zero = builder.constant(0);
  let squares = builder.shift(bitOf(builder, x, exp, 0), 2 * exp);
  const terms: Term[] = [];
  for (let bit = 1; bit < width; bit++) {
    const set = bitOf(builder, x, exp, bit);
    squares = builder.add(squares, set, 2 * (exp + bit));
    const below = builder.cast(x, fixedType(false, bit, exp + bit));
    terms.push({ op: builder.mux(set, below, zero), shift: exp + bit + 1, negative: lo < 0 && bit === width - 1 });
  }
  return [{ op: squares, shift: 0, negative: false }, ...terms];
}
