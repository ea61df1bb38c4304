import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import { checkProducts, ternaryWeights, weightedSums } from './accumulate.js';
import { typedValues } from './constants.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape } from './indexing.js';
import type { ProductPlan } from './products.js';
import type { TensorRange } from './ranges.js';
import { finestGrid, gridOf, gridOfUsed, productGrid } from './ranges.js';
import { roundBiasField } from './rounding.js';
import { tensorSchema } from './schemas.js';
import { roundWeights, weightedBounds, weightedPrecision } from './weighted.js';

/** y[..., j] = Σ_i x[..., i] · weight[i, j] + bias[j] */
export interface DenseParams {
  /** `[nIn, nOut]` */
  readonly weight: Tensor;
  /** `[nOut]` */
  readonly bias: Tensor | null;
}

function denseShape({ weight, bias }: DenseParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  if (weight.shape.length !== 2) return `the weight must have two axes, found ${formatShape(weight.shape)}`;
  const [nIn, nOut] = weight.shape as readonly [number, number];
  if (input[input.length - 1] !== nIn) return `the weight ${formatShape(weight.shape)} takes ${nIn} inputs, found ${formatShape(input)}`;
  if (bias !== null && bias.data.length !== nOut) return `the bias must have ${nOut} elements, found ${bias.data.length}`;
  return [...input.slice(0, -1), nOut];
}

function evaluateDense({ weight, bias }: DenseParams, [x]: readonly Tensor[]): Tensor {
  const [nIn, nOut] = weight.shape as readonly [number, number];
  const input = x as Tensor;
  const rows = sizeOf(input.shape) / nIn;
  const data = new Float64Array(rows * nOut);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < nOut; j++) {
      let sum = bias?.data[j] ?? 0;
      for (let i = 0; i < nIn; i++) sum += (input.data[r * nIn + i] as number) * (weight.data[i * nOut + j] as number);
      data[r * nOut + j] = sum;
    }
  }
  return tensor([...input.shape.slice(0, -1), nOut], data);
}

function planDense({ weight }: DenseParams, input: readonly number[]): ProductPlan {
  const [factors, filtersPerGroup] = weight.shape as readonly [number, number];
  return {
    positions: sizeOf(input) / factors,
    groups: 1,
    filtersPerGroup,
    factors,
    inputs: (position) => Int32Array.from({ length: factors }, (_, i) => position * factors + i),
    weightIndex: (_group, factor, filter) => factor * filtersPerGroup + filter,
  };
}

function lowerDense({ weight, bias }: DenseParams, [x]: readonly LoweredTensor[], { builder, precision, layer }: LoweringContext): LoweredTensor {
  const [nIn, nOut] = weight.shape as readonly [number, number];
  const input = x as LoweredTensor;
  const source = precision?.source ?? 'auto';
  const matrix = {
    nIn,
    nOut,
    weight: ternaryWeights(typedValues(weight, precision?.weight, source, layer), precision, layer),
    bias: bias === null ? undefined : typedValues(bias, precision?.bias, source, layer),
  };
  checkProducts(input.ops.length * nOut, layer);
  const ops = new Int32Array((input.ops.length / nIn) * nOut);
  for (let row = 0; row * nIn < input.ops.length; row++) {
    builder.setElement(row * nOut);
    ops.set(weightedSums(builder, input.ops.subarray(row * nIn, (row + 1) * nIn), matrix, precision), row * nOut);
  }
  return { shape: [...input.shape.slice(0, -1), nOut], ops, ...(precision?.result && { type: precision.result }) };
}

/** Fully connected: input `[…, nIn]`, output `[…, nOut]`. */
export const denseLayer: LayerDefinition<DenseParams> = {
  kind: 'dense',
  params: z.strictObject({ weight: tensorSchema, bias: tensorSchema.nullable() }),
  hls4mlClass: () => 'Dense',
  shape: denseShape,
  evaluate: evaluateDense,
  lower: lowerDense,
  bounds: (params, [x]) => weightedBounds(evaluateDense, params, x as TensorRange),
  grid: ({ weight, bias }, [x]) => finestGrid(productGrid(x?.exp, gridOf(weight.data)), bias === null ? Infinity : gridOfUsed(bias.data)),
  precision: weightedPrecision(({ weight }) => weight.shape[0] ?? 1),
  resolution: () => 'single',
  weighted: (_, outputRank) => ({ weightAxis: 1, outputAxis: outputRank - 1 }),
  products: planDense,
  roundParameters: (params, { weightBits }) => roundWeights(params, weightBits, 1),
  roundBias: roundBiasField,
};
