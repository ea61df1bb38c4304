import type { CircuitBuilder } from '../circuit/builder.js';
import { CompileError } from '../errors.js';
import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { castIsIdentity, fractionBits, roundShift } from '../fixed/fixedType.js';
import { dyadicOf, toNumber } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { addIntervals, mulIntervals } from '../fixed/interval.js';
import type { LayerPrecision } from '../model/graph.js';
import { linear } from '../optimize/cmvm.js';
import { castTo, roundTo, sum } from './arithmetic.js';

/** Roundings that commute with adding a value already on the grid: round(a + x) = a + round(x). */
export const TRANSLATES: ReadonlySet<Rounding> = new Set(['TRN', 'RND', 'RND_MIN_INF']);

/**
 * Sums of products as hls4ml's firmware makes them: every product cast to the accumulator before it is added, every sum
 * cast again. What is proven equal is done in fewer steps:
 * with WRAP only the products' rounding matters and one wrap at the end gives the same bits;
 * with saturation the same holds up to the first product or partial sum that can leave the type.
 */
export function accumulate(builder: CircuitBuilder, products: readonly number[], accum: FixedType | undefined): number {
  if (accum === undefined) return sum(builder, products);
  const rounded = products.map((op) => roundTo(builder, op, fractionBits(accum), accum.rounding));
  if (accum.overflow === 'WRAP') return castTo(builder, sum(builder, rounded), accum);
  const safe = safeSteps(rounded.map((op) => builder.intervalOf(op)), accum, true);
  return addEach(builder, sum(builder, rounded.slice(0, safe)), rounded.slice(safe).map((op) => castTo(builder, op, accum)), accum);
}

/** Sums of products of two variables, typed as `accumulate`; exact ones become a single adder tree. */
export function accumulateProducts(builder: CircuitBuilder, pairs: readonly (readonly [number, number])[], accum: FixedType | undefined): number {
  const isExact = (type: FixedType): boolean =>
    type.overflow === 'WRAP' && pairs.every(([x, y]) => builder.intervalOf(x).exp + builder.intervalOf(y).exp >= -fractionBits(type));
  if (accum === undefined) return linear.sumProducts(builder, pairs);
  if (isExact(accum)) return castTo(builder, linear.sumProducts(builder, pairs), accum);
  return accumulate(builder, pairs.map(([x, y]) => linear.multiplyVariables(builder, x, y)), accum);
}

/** Sums of values as hls4ml's pooling makes them: every sum cast to the accumulator, the values themselves not. */
export function accumulateValues(builder: CircuitBuilder, values: readonly number[], accum: FixedType | undefined): number {
  if (accum === undefined) return sum(builder, values);
  const drops = values.some((op) => builder.intervalOf(op).exp < -fractionBits(accum));
  if (drops && !TRANSLATES.has(accum.rounding)) return addEach(builder, builder.constant(0), values, accum);
  const rounded = values.map((op) => roundTo(builder, op, fractionBits(accum), accum.rounding));
  if (accum.overflow === 'WRAP') return castTo(builder, sum(builder, rounded), accum);
  const safe = safeSteps(rounded.map((op) => builder.intervalOf(op)), accum, false);
  return addEach(builder, sum(builder, rounded.slice(0, safe)), rounded.slice(safe), accum);
}

/** One after another, every sum cast. */
function addEach(builder: CircuitBuilder, start: number, terms: readonly number[], accum: FixedType): number {
  return terms.reduce((acc, op) => castTo(builder, builder.add(acc, op), accum), start);
}

/** How many terms, from the first, can be added before a partial sum (or a term itself) can leave the type. */
function safeSteps(terms: readonly Interval[], accum: FixedType, termsToo: boolean): number {
  let partial: Interval = { lo: 0, hi: 0, exp: accum.integer - accum.width };
  for (let i = 0; i < terms.length; i++) {
    const term = terms[i] as Interval;
    partial = addIntervals(partial, term, 0);
    if ((termsToo && !castIsIdentity(term, accum)) || !castIsIdentity(partial, accum)) return i;
  }
  return terms.length;
}

/** A matrix of typed weights with its bias, applied once (dense) or at many positions (convolution). */
export interface WeightMatrix {
  /** `[nIn, nOut]`, exact values. */
  readonly weight: Float64Array;
  readonly nIn: number;
  readonly nOut: number;
  /** `[nOut]` */
  readonly bias: Float64Array | undefined;
}

/** Where hls4ml's Resource strategy puts term i: 0, R, 2R, …, 1, R + 1, … */
export function accumulationOrder(nIn: number, precision: LayerPrecision | undefined): Int32Array {
  const reuse = precision?.strategy === 'resource' ? Math.max(1, Math.min(precision.reuseFactor ?? 1, nIn)) : 1;
  const order = new Int32Array(nIn);
  let k = 0;
  for (let first = 0; first < reuse; first++) for (let i = first; i < nIn; i += reuse) order[k++] = i;
  return order;
}

/** y[j] = Σ_i inputs[i] · weight[i, j] + bias[j] under the layer's precision, cast to the result; input −1 is padding. */
export function weightedSums(builder: CircuitBuilder, inputs: Int32Array, matrix: WeightMatrix, precision: LayerPrecision | undefined): Int32Array {
  const accum = precision?.strategy === 'distributed_arithmetic' ? undefined : precision?.accum;
  const intervals = Array.from(inputs, (op) => (op < 0 ? undefined : builder.intervalOf(op)));
  const order = accumulationOrder(matrix.nIn, precision);
  const stepwise: number[] = [];
  const whole: number[] = [];
  for (let j = 0; j < matrix.nOut; j++) (accum !== undefined && needsSteps(intervals, matrix, j, accum, order) ? stepwise : whole).push(j);
  const sums = new Int32Array(matrix.nOut);
  wholeColumns(builder, inputs, matrix, whole, accum).forEach((op, k) => (sums[whole[k] as number] = op));
  if (accum !== undefined) stepwiseColumns(builder, inputs, matrix, stepwise, accum, order).forEach((op, k) => (sums[stepwise[k] as number] = op));
  const result = precision?.result;
  return result === undefined ? sums : sums.map((op) => castTo(builder, op, result));
}

/** Whether column j is more than an exact sum and one cast: a product drops bits, or a saturating sum can leave the type. */
function needsSteps(intervals: readonly (Interval | undefined)[], matrix: WeightMatrix, j: number, accum: FixedType, order: Int32Array): boolean {
  const exp = -fractionBits(accum);
  const saturates = accum.overflow !== 'WRAP';
  const terms: Interval[] = saturates ? [biasInterval(matrix, j, accum)] : [];
  for (const i of order) {
    const x = intervals[i];
    const weight = matrix.weight[i * matrix.nOut + j] as number;
    if (x === undefined || weight === 0) continue;
    const w = dyadicOf(weight);
    if (x.exp + w.exp < exp && !(x.lo === 0 && x.hi === 0)) return true;
    if (saturates) terms.push(mulIntervals(x, { lo: w.n, hi: w.n, exp: w.exp }));
  }
  return saturates && safeSteps(terms, accum, true) < terms.length;
}

/** The bias rounded to the accumulator's grid, not yet overflowed. */
function roundedBias(matrix: WeightMatrix, j: number, accum: FixedType): number {
  const { n, exp } = dyadicOf(matrix.bias?.[j] ?? 0);
  const fraction = fractionBits(accum);
  return exp >= -fraction ? toNumber(n, exp) : toNumber(roundShift(n, -fraction - exp, accum.rounding), -fraction);
}

function biasInterval(matrix: WeightMatrix, j: number, accum: FixedType): Interval {
  const { n, exp } = dyadicOf(roundedBias(matrix, j, accum));
  return { lo: n, hi: n, exp };
}

/** Columns that are exact sums, with one cast to the accumulator. */
function wholeColumns(builder: CircuitBuilder, inputs: Int32Array, matrix: WeightMatrix, columns: readonly number[], accum: FixedType | undefined): Int32Array {
  if (columns.length === 0) return new Int32Array(0);
  const kept = [...inputs.keys()].filter((i) => (inputs[i] as number) >= 0);
  const weight = new Float64Array(kept.length * columns.length);
  kept.forEach((i, row) => columns.forEach((j, k) => (weight[row * columns.length + k] = matrix.weight[i * matrix.nOut + j] as number)));
  const bias = columns.map((j) => (accum === undefined ? (matrix.bias?.[j] ?? 0) : roundedBias(matrix, j, accum)));
  const sums = linear.multiplyMatrix(builder, kept.map((i) => inputs[i] as number), weight, columns.length, bias);
  return accum === undefined ? sums : sums.map((op) => castTo(builder, op, accum));
}

/** Columns whose products are cast one by one; the products of one input share their adders. */
function stepwiseColumns(builder: CircuitBuilder, inputs: Int32Array, matrix: WeightMatrix, columns: readonly number[], accum: FixedType, order: Int32Array): number[] {
  const products: number[][] = columns.map((j) => {
    const bias = roundedBias(matrix, j, accum);
    return bias === 0 ? [] : [builder.constantOf(bias)];
  });
  for (const i of order) {
    const x = inputs[i] as number;
    if (x < 0) continue;
    const row = columns.map((j) => matrix.weight[i * matrix.nOut + j] as number);
    const used = row.flatMap((weight, k) => (weight === 0 ? [] : [k]));
    linear.multiplyConstants(builder, x, used.map((k) => row[k] as number)).forEach((op, at) => (products[used[at] as number] as number[]).push(op));
  }
  return products.map((terms) => accumulate(builder, terms, accum));
}

/** Products of one layer that can be unrolled in minutes and a few GiB. */
const MAX_PRODUCTS = 100_000_000;

/** Refuses a layer too large to unroll before it is begun. */
export function checkProducts(products: number, layer: string): void {
  if (products <= MAX_PRODUCTS) return;
  throw new CompileError('unsupported', {
    code: 'too-many-products',
    where: [layer],
    what: `${products} products of this layer would be unrolled; at most ${MAX_PRODUCTS} are supported.`,
    mend: 'Make the layer smaller.',
  });
}

/** hls4ml's product for weights of type int<2>: 0, −x, and x for anything else (−2 too). */
export function ternaryWeights(weight: Float64Array, precision: LayerPrecision | undefined, layer: string): Float64Array {
  const type = precision?.source === 'config' ? precision.weight : undefined;
  if (type === undefined || type.width !== type.integer) return weight;
  if (type.width === 1) {
    throw new CompileError('unsupported', {
      code: 'binary-weights',
      where: [layer, 'weight'],
      what: 'one-bit integer weights stand for −1 and +1 in hls4ml, which is not supported.',
      mend: 'Give the weights a type of two bits, int<2>.',
    });
  }
  return type.signed && type.width === 2 ? weight.map((w) => (w === 0 || w === -1 ? w : 1)) : weight;
}
