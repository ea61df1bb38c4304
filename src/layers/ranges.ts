import { dyadicOf } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, broadcastShapes, sizeOf } from '../model/tensor.js';

/**
 * What is proven of a tensor: bounds of every element, and a grid 2^exp that all values lie on (undefined: none known).
 * One object stands for one tensor: a layer that reads a tensor twice is given the same object twice.
 */
export interface TensorRange {
  readonly shape: readonly number[];
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly exp: number | undefined;
}

/** Bounds of every element of an output. */
export interface Bounds {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** The finest power of two that the values need; 0 if all are 0. */
export function gridOf(values: ArrayLike<number>): number {
  const exp = gridOfUsed(values);
  return exp === Infinity ? 0 : exp;
}

/** Grid of the values that are not 0; no demand (Infinity) if all are. */
export function gridOfUsed(values: ArrayLike<number>): number {
  let exp = Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value !== 0) exp = Math.min(exp, dyadicOf(value).exp);
  }
  return exp;
}

/** log2 of a power of two; undefined, which is no grid, for any other number. */
export function powerOfTwo(value: number): number | undefined {
  const exp = Math.log2(value);
  return Number.isInteger(exp) ? exp : undefined;
}

/** The sum of exponents, the grid of a product; no grid if one has none. */
export function productGrid(...exps: readonly (number | undefined)[]): number | undefined {
  return exps.reduce<number | undefined>((sum, exp) => (sum === undefined || exp === undefined ? undefined : sum + exp), 0);
}

/** The finest of several grids; no grid if one has none. */
export function finestGrid(...exps: readonly (number | undefined)[]): number | undefined {
  return exps.reduce<number | undefined>((least, exp) => (least === undefined || exp === undefined ? undefined : Math.min(least, exp)), Infinity);
}

/** The bounds between two evaluations, each element for itself: for functions that are monotone either way. */
export function between(...ends: readonly Float64Array[]): Bounds {
  const [first = new Float64Array(0), ...rest] = ends;
  return {
    low: first.map((v, i) => rest.reduce((m, end) => Math.min(m, end[i] as number), v)),
    high: first.map((v, i) => rest.reduce((m, end) => Math.max(m, end[i] as number), v)),
  };
}

/** The same bounds for every element. */
export function constantBounds(count: number, low: number, high: number): Bounds {
  return { low: new Float64Array(count).fill(low), high: new Float64Array(count).fill(high) };
}

/** The greatest magnitude of each element. */
export function magnitudes({ low, high }: Bounds): Float64Array {
  return low.map((v, i) => Math.max(Math.abs(v), Math.abs(high[i] as number)));
}

/** The bounds of f over the four corners of each pair of elements, f monotone in each operand. */
export function corners(a: TensorRange, b: TensorRange, f: (x: number, y: number) => number): Bounds {
  return ofPairs(a, b, (al, ah, bl, bh) => [f(al, bl), f(al, bh), f(ah, bl), f(ah, bh)]);
}

/** The bounds of products of elements; squares, where both operands are one tensor. */
export function products(a: TensorRange, b: TensorRange): Bounds {
  if (a !== b) return corners(a, b, (x, y) => x * y);
  return ofPairs(a, b, (low, high) => [low * low, high * high, ...(low < 0 && high > 0 ? [0] : [])]);
}

function ofPairs(a: TensorRange, b: TensorRange, valuesOf: (al: number, ah: number, bl: number, bh: number) => readonly number[]): Bounds {
  const shape = broadcastShapes(a.shape, b.shape) as number[];
  const left = broadcastIndices(a.shape, shape);
  const right = broadcastIndices(b.shape, shape);
  const low = new Float64Array(sizeOf(shape));
  const high = new Float64Array(low.length);
  for (let e = 0; e < low.length; e++) {
    const [i, j] = [left[e] as number, right[e] as number];
    const values = valuesOf(a.low[i] as number, a.high[i] as number, b.low[j] as number, b.high[j] as number);
    low[e] = Math.min(...values);
    high[e] = Math.max(...values);
  }
  return { low, high };
}

/** A tensor of one end of a range, for a layer's float meaning. */
export function tensorOf({ shape }: TensorRange, data: Float64Array): Tensor {
  return { shape, data };
}
