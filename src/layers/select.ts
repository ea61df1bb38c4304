import { z } from 'zod';
import type { CircuitBuilder } from '../circuit/builder.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import { castTo, roundTo, select } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape } from './indexing.js';
import { indexBits } from './ordering.js';
import type { Bounds, TensorRange } from './ranges.js';
import { axisSchema } from './schemas.js';
import { clampIndex } from './tables.js';

/**
 * Slices of a variable tensor picked by a variable index (TensorFlow's gather with batch_dims): inputs data and indices, which
 * share their first `batchAxes` axes. The output is `[…data in front of axis, …indices behind the shared axes, …data behind
 * axis]`. An index of −1 is the last element, as in Python; one further outside is clamped to the ends.
 */
export interface SelectParams {
  readonly axis: number;
  readonly batchAxes: number;
}

type Shapes = readonly (readonly number[])[];

function shapeOf({ axis, batchAxes }: SelectParams, [data = [], indices = []]: Shapes): readonly number[] | string {
  if (axis < 1 || axis >= data.length) return `axis ${axis} is no axis of one event in ${formatShape(data)}`;
  if (batchAxes > axis || batchAxes > indices.length) return `${batchAxes} shared axes do not fit an index ${formatShape(indices)} along axis ${axis}`;
  if (data.slice(0, batchAxes).some((n, i) => n !== indices[i])) return `the first ${batchAxes} axes of ${formatShape(data)} and of the index ${formatShape(indices)} differ`;
  return [...data.slice(0, axis), ...indices.slice(batchAxes), ...data.slice(axis + 1)];
}

/** For each output element: its index, and the flat position of the element that index 0 picks. */
interface Plan {
  readonly shape: readonly number[];
  readonly indexAt: Int32Array;
  readonly first: Int32Array;
  /** Length of the axis, and the distance of its elements. */
  readonly count: number;
  readonly stride: number;
}

function planOf(params: SelectParams, shapes: Shapes): Plan {
  const [data, indices] = shapes as readonly [readonly number[], readonly number[]];
  const shape = shapeOf(params, shapes) as readonly number[];
  const count = data[params.axis] as number;
  const stride = sizeOf(data.slice(params.axis + 1));
  const shared = sizeOf(data.slice(0, params.batchAxes));
  const middle = sizeOf(data.slice(params.batchAxes, params.axis));
  const picks = sizeOf(indices.slice(params.batchAxes));
  const indexAt = new Int32Array(sizeOf(shape));
  const first = new Int32Array(indexAt.length);
  let e = 0;
  for (let s = 0; s < shared; s++) {
    for (let m = 0; m < middle; m++) {
      for (let p = 0; p < picks; p++) {
        for (let k = 0; k < stride; k++, e++) {
          indexAt[e] = s * picks + p;
          first[e] = (s * middle + m) * count * stride + k;
        }
      }
    }
  }
  return { shape, indexAt, first, count, stride };
}

/** The position that an index stands for. */
function positionOf(index: number, count: number): number {
  const whole = Math.floor(index);
  return Math.min(Math.max(whole < 0 ? whole + count : whole, 0), count - 1);
}

/** One choice among neighbours a bit of the index, lowest bit first: count − 1 choices in ⌈log2 count⌉ levels. */
function choose(builder: CircuitBuilder, options: readonly number[], bits: readonly number[]): number {
  let level = options;
  for (const bit of bits) {
    if (level.length === 1) break;
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => {
      const [even, odd] = [level[2 * i] as number, level[2 * i + 1]];
      return odd === undefined || odd === even ? even : select(builder, bit, odd, even);
    });
  }
  return level[0] as number;
}

/** The index as a distance from the lowest position it can mean, by bits, and that position with the number of those above it. */
function decode(builder: CircuitBuilder, op: number, count: number): { readonly bits: readonly number[]; readonly from: number; readonly reach: number } {
  const whole = roundTo(builder, op, 0, 'TRN');
  const wrapped = select(builder, builder.lt(whole, builder.constant(0)), builder.add(whole, builder.constant(count)), whole);
  const position = clampIndex(builder, wrapped, 0, count - 1);
  const { lo, hi, exp } = builder.intervalOf(position);
  const [from, to] = [Number(lo) * 2 ** exp, Number(hi) * 2 ** exp];
  const offset = from === 0 ? position : builder.sub(position, builder.constant(from));
  const width = indexBits(to - from + 1);
  const bits = Array.from({ length: from === to ? 0 : width }, (_, b) => builder.cast(builder.shift(offset, -b), fixedType(false, 1, 1)));
  return { bits, from, reach: to - from + 1 };
}

function lowerSelect(params: SelectParams, [x, i]: readonly LoweredTensor[], { builder, precision }: LoweringContext): LoweredTensor {
  const [data, indices] = [x as LoweredTensor, i as LoweredTensor];
  const plan = planOf(params, [data.shape, indices.shape]);
  const decoded = Array.from(indices.ops, (op, k) => (builder.setElement(k), decode(builder, op, plan.count)));
  const result = precision?.result;
  const ops = Int32Array.from(plan.indexAt, (at, e) => {
    builder.setElement(e);
    const { bits, from, reach } = decoded[at] as (typeof decoded)[number];
    const options = Array.from({ length: reach }, (_, k) => data.ops[(plan.first[e] as number) + (from + k) * plan.stride] as number);
    const op = choose(builder, options, bits);
    return result === undefined ? op : castTo(builder, op, result);
  });
  const type = result ?? data.type;
  return { shape: plan.shape, ops, ...(type && { type }) };
}

/** Between all elements that an index can reach. */
function boundsOf(params: SelectParams, [x, i]: readonly TensorRange[]): Bounds {
  const [data, indices] = [x as TensorRange, i as TensorRange];
  const { first, indexAt, count, stride } = planOf(params, [data.shape, indices.shape]);
  const low = new Float64Array(first.length).fill(Infinity);
  const high = new Float64Array(first.length).fill(-Infinity);
  for (let e = 0; e < first.length; e++) {
    const [least, most] = [indices.low[indexAt[e] as number] as number, indices.high[indexAt[e] as number] as number];
    const reachesAll = least < 0 && most >= 0;
    const [from, to] = reachesAll ? [0, count - 1] : [positionOf(least, count), positionOf(most, count)];
    for (let k = from; k <= to; k++) {
      const at = (first[e] as number) + k * stride;
      low[e] = Math.min(low[e] as number, data.low[at] as number);
      high[e] = Math.max(high[e] as number, data.high[at] as number);
    }
  }
  return { low, high };
}

/** A choice among the elements of an axis. */
export const selectLayer: LayerDefinition<SelectParams> = {
  kind: 'select',
  params: z.strictObject({ axis: axisSchema, batchAxes: axisSchema }),
  hls4mlClass: () => 'Select',
  shape: shapeOf,
  evaluate: (params, [x, i]) => {
    const [data, indices] = [x as Tensor, i as Tensor];
    const { shape, indexAt, first, count, stride } = planOf(params, [data.shape, indices.shape]);
    const at = (e: number): number => (first[e] as number) + positionOf(indices.data[indexAt[e] as number] as number, count) * stride;
    return tensor(shape, Array.from(first, (_, e) => data.data[at(e)] as number), data.quantised === true);
  },
  lower: lowerSelect,
  bounds: boundsOf,
  grid: (_, [x]) => x?.exp,
  precision: 'none',
};
