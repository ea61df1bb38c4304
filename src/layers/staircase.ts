import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { stridesOf, tensor } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { formatShape } from './indexing.js';
import type { Bounds, TensorRange } from './ranges.js';
import { gridOf } from './ranges.js';
import { axisSchema, tensorSchema } from './schemas.js';
import { lowerStaircase } from './staircaseLowering.js';

/**
 * A step function: `values[n]`, n the number of thresholds that are at most x. The quantisers that are no casts (ternary,
 * powers of two, a function rounded to few levels) and FINN's MultiThreshold.
 */
export interface StaircaseParams {
  /** `[C, T]` or, for all channels, `[1, T]`; each row ascending, repeats allowed. */
  readonly thresholds: Tensor;
  /** `[C, T + 1]` or `[1, T + 1]`, the rows of the thresholds. */
  readonly values: Tensor;
  /** Of the channels. */
  readonly axis: number;
}

/** For each element of a shape, which row of the thresholds is its own. */
export function rowsOf({ thresholds, axis }: StaircaseParams, shape: readonly number[]): (element: number) => number {
  const channels = shape[axis] as number;
  const stride = stridesOf(shape)[axis] as number;
  return thresholds.shape[0] === 1 ? () => 0 : (element) => Math.floor(element / stride) % channels;
}

/** How many thresholds of a row are at most x. */
function stepOf({ thresholds }: StaircaseParams, row: number, x: number): number {
  const steps = thresholds.shape[1] as number;
  let [low, high] = [0, steps];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((thresholds.data[row * steps + middle] as number) <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function shapeOfStaircase({ thresholds, values, axis }: StaircaseParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  const [rows = 0, steps = 0] = thresholds.shape;
  if (thresholds.shape.length !== 2 || steps < 1 || values.shape.length !== 2 || values.shape[0] !== rows || values.shape[1] !== steps + 1) {
    return `thresholds of ${formatShape(thresholds.shape)} need values of [C, T + 1], found ${formatShape(values.shape)}`;
  }
  if (axis < 1 || axis >= input.length) return `the axis must be between 1 and ${input.length - 1}, found ${axis}`;
  if (rows !== 1 && rows !== input[axis]) return `thresholds for ${rows} channels do not fit ${input[axis]} on axis ${axis}`;
  if ([...thresholds.data, ...values.data].some((v) => !Number.isFinite(v))) return 'thresholds and values must be finite';
  const falls = thresholds.data.findIndex((t, i) => i % steps > 0 && t < (thresholds.data[i - 1] as number));
  return falls < 0 ? input : `thresholds must ascend, found ${thresholds.data[falls - 1]} before ${thresholds.data[falls]}`;
}

/** Between the values of all steps that an element can reach. */
function boundsOfStaircase(params: StaircaseParams, [x]: readonly TensorRange[]): Bounds {
  const { shape, low, high } = x as TensorRange;
  const rowOf = rowsOf(params, shape);
  const width = params.values.shape[1] as number;
  const ends = Array.from(low, (from, e) => {
    const row = rowOf(e);
    const reached = params.values.data.slice(row * width + stepOf(params, row, from), row * width + stepOf(params, row, high[e] as number) + 1);
    return [Math.min(...reached), Math.max(...reached)] as const;
  });
  return { low: Float64Array.from(ends, ([least]) => least), high: Float64Array.from(ends, ([, most]) => most) };
}

export const staircaseLayer: LayerDefinition<StaircaseParams> = {
  kind: 'staircase',
  params: z.strictObject({ thresholds: tensorSchema, values: tensorSchema, axis: axisSchema }),
  hls4mlClass: () => 'Staircase',
  shape: shapeOfStaircase,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const rowOf = rowsOf(params, input.shape);
    const width = params.values.shape[1] as number;
    const data = input.data.map((v, e) => params.values.data[rowOf(e) * width + stepOf(params, rowOf(e), v)] as number);
    return tensor(input.shape, data, true);
  },
  lower: lowerStaircase,
  bounds: boundsOfStaircase,
  grid: ({ values }) => gridOf(values.data),
  precision: 'none',
  quantiser: () => undefined,
};
