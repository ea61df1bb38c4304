import type { CircuitBuilder } from '../circuit/builder.js';
import { fixedType } from '../fixed/fixedType.js';
import { intervalWidth, mulIntervals } from '../fixed/interval.js';
import type { Term } from './linear.js';

type Sum = (builder: CircuitBuilder, terms: readonly Term[]) => number;

/**
 * x · y as one partial product a bit of the narrower operand: exact, and every row is an op of its own so that the
 * array can be pipelined. A square uses each cross product once (half the array).
 */
export function multiplyVariables(builder: CircuitBuilder, x: number, y: number, sum: Sum): number {
  const product = x === y ? square(builder, x, sum) : arrayProduct(builder, x, y, sum);
  // The rows forget that they belong together: say what the product can be.
  builder.claim(product, mulIntervals(builder.intervalOf(x), builder.intervalOf(y), x === y));
  return product;
}

function arrayProduct(builder: CircuitBuilder, x: number, y: number, sum: Sum): number {
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
  return sum(builder, terms);
}

/** Bit `bit` of the two's complement of op, as 0 or 1. */
function bitOf(builder: CircuitBuilder, op: number, exp: number, bit: number): number {
  return builder.shift(builder.cast(op, fixedType(false, 1, exp + bit + 1)), -(exp + bit));
}

/** x² = Σ_i b_i 2^2i + Σ_{j<i} b_i b_j 2^(i+j+1), the sign bit with weight −2^(w−1). */
function square(builder: CircuitBuilder, x: number, sum: Sum): number {
  const { lo, exp } = builder.intervalOf(x);
  const width = intervalWidth(builder.intervalOf(x));
  const zero = builder.constant(0);
  const terms: Term[] = [];
  for (let bit = 0; bit < width; bit++) {
    const isSign = lo < 0 && bit === width - 1;
    const own = builder.constant(1, 2 * (exp + bit));
    let row = own;
    if (bit > 0) {
      // 2^2i ± 2^(i+1) · (x mod 2^i); the low part never reaches the own bit, except below a sign bit.
      const low = builder.cast(x, fixedType(false, bit, exp + bit));
      row = isSign ? builder.sub(own, low, exp + bit + 1) : builder.add(own, low, exp + bit + 1);
    }
    terms.push({ op: builder.mux(bitOf(builder, x, exp, bit), row, zero), shift: 0, negative: false });
  }
  return sum(builder, terms);
}
