import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { accumulateProducts, checkProducts } from './accumulate.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { inferProduct } from './hls4mlInference.js';
import { matmulProducts, matmulShape } from './indexing.js';
import { lowerElements } from './lowering.js';
import type { InferenceRule } from './precisionRules.js';
import { magnitudes, productGrid, tensorOf } from './ranges.js';
import { nothingSchema } from './schemas.js';

/** Product of two variable tensors, numpy's matmul with batch broadcasting. */
export interface MatmulParams {
  readonly [key: string]: never;
}

function evaluateMatmul(_: MatmulParams, [a, b]: readonly Tensor[]): Tensor {
  const [x, y] = [a as Tensor, b as Tensor];
  const plan = matmulProducts(x.shape, y.shape);
  const data = new Float64Array(plan.count);
  for (let e = 0; e < plan.count; e++) {
    let sum = 0;
    for (let k = e * plan.size; k < (e + 1) * plan.size; k++) {
      sum += (x.data[plan.left[k] as number] as number) * (y.data[plan.right[k] as number] as number);
    }
    data[e] = sum;
  }
  return tensor(plan.shape, data);
}

function lowerMatmul(_: MatmulParams, [a, b]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const [x, y] = [a as LoweredTensor, b as LoweredTensor];
  const { builder, precision } = context;
  const plan = matmulProducts(x.shape, y.shape);
  checkProducts(plan.left.length, context.layer);
  return lowerElements(context, plan.shape, (e) => {
    const pairs: [number, number][] = [];
    for (let k = e * plan.size; k < (e + 1) * plan.size; k++) pairs.push([x.ops[plan.left[k] as number] as number, y.ops[plan.right[k] as number] as number]);
    return accumulateProducts(builder, pairs, precision?.accum);
  });
}

const inferMatmul: InferenceRule<MatmulParams> = (_, { operands: [a, b], inputShape }) =>
  a === undefined || b === undefined ? undefined : inferProduct(a, b, inputShape.at(-1) ?? 1);

/** Matrix product of two variables. */
export const matmulLayer: LayerDefinition<MatmulParams> = {
  kind: 'matmul',
  params: nothingSchema,
  hls4mlClass: () => 'MatMul',
  shape: (_, [a = [], b = []]) => matmulShape(a, b),
  evaluate: evaluateMatmul,
  lower: lowerMatmul,
  bounds: (params, inputs) => {
    const high = evaluateMatmul(params, inputs.map((x) => tensorOf(x, magnitudes(x)))).data;
    return { low: high.map((v) => -v), high };
  },
  grid: (_, [a, b]) => productGrid(a?.exp, b?.exp),
  precision: { looked: () => ['accum', 'result'], infer: { accum: inferMatmul, result: inferMatmul } },
};
