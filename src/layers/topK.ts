import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import { castTo } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { normalAxis } from './indexing.js';
import { axisProblem, linesOf, orderKeys, sortOps } from './ordering.js';
import type { TensorRange } from './ranges.js';
import { constantBounds } from './ranges.js';

/** The k largest (or smallest) values along an axis, best first, or their indices; of equal values the first comes first. */
export interface TopKParams {
  readonly axis: number;
  readonly k: number;
  readonly largest: boolean;
  readonly output: 'values' | 'indices';
}

function topShape({ axis, k }: TopKParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  const problem = axisProblem(input, axis);
  if (problem !== undefined) return problem;
  const at = normalAxis(axis, input.length) as number;
  const size = input[at] as number;
  return k > size ? `the ${k} best of ${size} values are asked for` : input.map((n, i) => (i === at ? k : n));
}

/** Where the best of each line go: flat output indices, k a line. */
function targetsOf(params: TopKParams, shape: readonly number[]): Int32Array {
  return linesOf(topShape(params, [shape]) as readonly number[], params.axis).members;
}

/** Positions within a line in the order asked for. */
function orderOf(values: readonly number[], largest: boolean): number[] {
  return [...values.keys()].sort((i, j) => (largest ? (values[j] as number) - (values[i] as number) : (values[i] as number) - (values[j] as number)) || i - j);
}

function lowerTopK(params: TopKParams, [x]: readonly LoweredTensor[], { builder, precision }: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const { k, largest, output } = params;
  const shape = topShape(params, [input.shape]) as readonly number[];
  const lines = linesOf(input.shape, params.axis);
  const targets = targetsOf(params, input.shape);
  const ops = new Int32Array(sizeOf(shape));
  const result = output === 'values' ? precision?.result : undefined;
  for (let line = 0; line < lines.count; line++) {
    const members = Array.from(lines.members.subarray(line * lines.size, (line + 1) * lines.size), (i) => input.ops[i] as number);
    builder.setElement(targets[line * k] as number);
    const { keys, indexOf } = orderKeys(builder, members, largest);
    const sorted = sortOps(builder, output === 'values' ? members : keys, largest).slice(0, k);
    const best = output === 'values' ? sorted : sorted.map(indexOf);
    best.forEach((op, i) => (ops[targets[line * k + i] as number] = result === undefined ? op : castTo(builder, op, result)));
  }
  const type = output === 'values' ? (result ?? input.type) : undefined;
  return { shape, ops, ...(type && { type }) };
}

/** The best of each line, by a sorting network. */
export const topKLayer: LayerDefinition<TopKParams> = {
  kind: 'topK',
  params: z.strictObject({ axis: z.int().min(-32).max(32), k: z.int().min(1), largest: z.boolean(), output: z.enum(['values', 'indices']) }),
  hls4mlClass: () => 'TopK',
  shape: topShape,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const lines = linesOf(input.shape, params.axis);
    const targets = targetsOf(params, input.shape);
    const data = new Float64Array(targets.length);
    for (let line = 0; line < lines.count; line++) {
      const values = Array.from(lines.members.subarray(line * lines.size, (line + 1) * lines.size), (i) => input.data[i] as number);
      const best = orderOf(values, params.largest).slice(0, params.k);
      best.forEach((i, rank) => (data[targets[line * params.k + rank] as number] = params.output === 'values' ? (values[i] as number) : i));
    }
    return tensor(topShape(params, [input.shape]) as readonly number[], data);
  },
  lower: lowerTopK,
  bounds: (params, [x]) => {
    const range = x as TensorRange;
    const size = range.shape[normalAxis(params.axis, range.shape.length) as number] as number;
    if (params.output === 'indices') return constantBounds(targetsOf(params, range.shape).length, 0, size - 1);
    const at = (data: Float64Array): Float64Array => topKLayer.evaluate(params, [{ shape: range.shape, data }]).data;
    return { low: at(range.low), high: at(range.high) };
  },
  grid: ({ output }, [x]) => (output === 'indices' ? 0 : x?.exp),
  precision: 'none',
};
