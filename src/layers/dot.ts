import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { accumulateProducts } from './accumulate.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { inferProduct } from './hls4mlInference.js';
import { formatShape, normalAxis, reductionGroups } from './indexing.js';
import { lowerElements } from './lowering.js';
import type { InferenceRule } from './precisionRules.js';
import type { TensorRange } from './ranges.js';
import { productGrid, products, tensorOf } from './ranges.js';
import { axisSchema } from './schemas.js';

/** Σ over `axis` of a · b (equal shapes): hls4ml's Dot; the frontend makes it of Mul + ReduceSum. */
export interface DotParams {
  readonly axis: number;
  readonly keepDims: boolean;
}

function evaluateDot({ axis, keepDims }: DotParams, [a, b]: readonly Tensor[]): Tensor {
  const [x, y] = [a as Tensor, b as Tensor];
  const groups = reductionGroups(x.shape, [normalAxis(axis, x.shape.length) as number], keepDims);
  const data = Float64Array.from({ length: groups.count }, (_, g) => {
    let sum = 0;
    for (const i of groups.members.subarray(g * groups.size, (g + 1) * groups.size)) sum += (x.data[i] as number) * (y.data[i] as number);
    return sum;
  });
  return tensor(groups.shape, data);
}

function lowerDot({ axis, keepDims }: DotParams, [a, b]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const [x, y] = [a as LoweredTensor, b as LoweredTensor];
  const groups = reductionGroups(x.shape, [normalAxis(axis, x.shape.length) as number], keepDims);
  return lowerElements(context, groups.shape, (g) => {
    const members = groups.members.subarray(g * groups.size, (g + 1) * groups.size);
    const pairs = Array.from(members, (i): [number, number] => [x.ops[i] as number, y.ops[i] as number]);
    return accumulateProducts(context.builder, pairs, context.precision?.accum);
  });
}

const inferDot: InferenceRule<DotParams> = ({ axis }, { operands: [a, b], inputShape }) =>
  a === undefined || b === undefined ? undefined : inferProduct(a, b, inputShape.at(axis) ?? 1);

/** Scalar products along one axis. */
export const dotLayer: LayerDefinition<DotParams> = {
  kind: 'dot',
  params: z.strictObject({ axis: axisSchema, keepDims: z.boolean() }),
  hls4mlClass: () => 'Dot',
  shape: ({ axis, keepDims }, [a = [], b = []]) => {
    const at = normalAxis(axis, a.length);
    if (at === undefined || at === 0) return `axis ${axis} is no axis of one event in ${formatShape(a)}`;
    if (a.length !== b.length || a.some((n, i) => n !== b[i])) return `dot needs equal shapes, found ${formatShape(a)} and ${formatShape(b)}`;
    return reductionGroups(a, [at], keepDims).shape;
  },
  evaluate: evaluateDot,
  lower: lowerDot,
  bounds: (params, [a, b]) => {
    const x = a as TensorRange;
    const { low, high } = products(x, b as TensorRange);
    const ones = tensorOf(x, new Float64Array(x.low.length).fill(1));
    const sums = (ends: Float64Array): Float64Array => evaluateDot(params, [tensorOf(x, ends), ones]).data;
    return { low: sums(low), high: sums(high) };
  },
  grid: (_, [a, b]) => productGrid(a?.exp, b?.exp),
  precision: {
    looked: () => ['accum', 'result'],
    infer: { accum: inferDot, result: inferDot },
  },
};
