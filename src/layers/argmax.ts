import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { indexOfGreatest } from '../optimize/decision/argmax.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { normalAxis, reductionGroups } from './indexing.js';
import { lowerElements } from './lowering.js';
import { axisProblem } from './ordering.js';
import type { TensorRange } from './ranges.js';
import { constantBounds } from './ranges.js';

/** The index of the largest (or smallest) value along an axis: of several the first, or with `last` the last. */
export interface ArgmaxParams {
  readonly axis: number;
  readonly keepDims: boolean;
  readonly operation: 'max' | 'min';
  readonly last?: boolean;
}

function groupsOf({ axis, keepDims }: ArgmaxParams, shape: readonly number[]) {
  return reductionGroups(shape, [normalAxis(axis, shape.length) as number], keepDims);
}

function lowerArgmax(params: ArgmaxParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder } = context;
  const input = x as LoweredTensor;
  const groups = groupsOf(params, input.shape);
  return lowerElements(context, groups.shape, (g) => {
    const ops = Array.from(groups.members.subarray(g * groups.size, (g + 1) * groups.size), (i) => input.ops[i] as number);
    if (ops.length === 1) return builder.constant(0);
    return indexOfGreatest(builder, ops, { least: params.operation === 'min', last: params.last === true });
  });
}

/** Argmax and argmin. */
export const argmaxLayer: LayerDefinition<ArgmaxParams> = {
  kind: 'argmax',
  params: z.strictObject({ axis: z.int().min(-32).max(32), keepDims: z.boolean(), operation: z.enum(['max', 'min']), last: z.boolean().exactOptional() }),
  hls4mlClass: () => 'ArgMax',
  shape: (params, [input = []]) => axisProblem(input, params.axis) ?? groupsOf(params, input).shape,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const groups = groupsOf(params, input.shape);
    const wins = (v: number, best: number): boolean => (params.operation === 'max' ? v > best : v < best) || (params.last === true && v === best);
    const indexOf = (g: number): number => {
      const values = Array.from(groups.members.subarray(g * groups.size, (g + 1) * groups.size), (i) => input.data[i] as number);
      return values.reduce((best, v, i) => (i > 0 && wins(v, values[best] as number) ? i : best), 0);
    };
    return tensor(groups.shape, Array.from({ length: groups.count }, (_, g) => indexOf(g)));
  },
  lower: lowerArgmax,
  bounds: (params, [x]) => {
    const { shape } = x as TensorRange;
    const groups = groupsOf(params, shape);
    return constantBounds(groups.count, 0, groups.size - 1);
  },
  grid: () => 0,
  precision: 'none',
};
