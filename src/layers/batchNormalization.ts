import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import { plusConstant, timesConstant } from './arithmetic.js';
import { typedValues } from './constants.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { inferSumOfProducts, NO_BIAS } from './hls4mlInference.js';
import { formatShape, normalAxis } from './indexing.js';
import { lowerElements } from './lowering.js';
import { between, finestGrid, gridOf, gridOfUsed, productGrid, tensorOf } from './ranges.js';
import type { TensorRange } from './ranges.js';
import { keeps, roundBiasField, roundGroups } from './rounding.js';
import { axisSchema, tensorSchema } from './schemas.js';

/** y = x · scale[c] + bias[c] along `axis`; the frontend folds gamma, beta, mean, variance and epsilon in float64. */
export interface BatchNormalizationParams {
  readonly scale: Tensor;
  readonly bias: Tensor;
  readonly axis: number;
}

/** The channel of each element. */
export function channelOf(shape: readonly number[], axis: number): (element: number) => number {
  const at = normalAxis(axis, shape.length) as number;
  const inner = sizeOf(shape.slice(at + 1));
  const channels = shape[at] as number;
  return (element) => Math.floor(element / inner) % channels;
}

function evaluateBatchNormalization({ scale, bias, axis }: BatchNormalizationParams, [x]: readonly Tensor[]): Tensor {
  const input = x as Tensor;
  const channel = channelOf(input.shape, axis);
  return tensor(
    input.shape,
    input.data.map((v, e) => v * (scale.data[channel(e)] as number) + (bias.data[channel(e)] as number)),
  );
}

function lowerBatchNormalization(params: BatchNormalizationParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder, precision, layer } = context;
  const input = x as LoweredTensor;
  const source = precision?.source ?? 'auto';
  const scale = typedValues(params.scale, precision?.scale, source, layer);
  const bias = typedValues(params.bias, precision?.bias, source, layer);
  const channel = channelOf(input.shape, params.axis);
  return lowerElements(context, input.shape, (e) => {
    const scaled = timesConstant(builder, input.ops[e] as number, scale[channel(e)] as number);
    return plusConstant(builder, scaled, bias[channel(e)] as number);
  });
}

/** Scale and bias per channel. */
export const batchNormalizationLayer: LayerDefinition<BatchNormalizationParams> = {
  kind: 'batchNormalization',
  params: z.strictObject({ scale: tensorSchema, bias: tensorSchema, axis: axisSchema }),
  hls4mlClass: () => 'BatchNormalization',
  shape: ({ scale, bias, axis }, [input = []]) => {
    const at = normalAxis(axis, input.length);
    if (at === undefined) return `axis ${axis} is outside ${formatShape(input)}`;
    const channels = input[at] as number;
    if (scale.data.length !== channels || bias.data.length !== channels) {
      return `scale and bias need ${channels} elements, found ${scale.data.length} and ${bias.data.length}`;
    }
    return input;
  },
  evaluate: evaluateBatchNormalization,
  lower: lowerBatchNormalization,
  bounds: (params, [x]) => {
    const range = x as TensorRange;
    return between(...[range.low, range.high].map((end) => evaluateBatchNormalization(params, [tensorOf(range, end)]).data));
  },
  grid: ({ scale, bias }, [x]) => finestGrid(productGrid(x?.exp, gridOf(scale.data)), gridOfUsed(bias.data)),
  precision: {
    looked: () => ['scale', 'bias', 'result'],
    parameters: ({ scale, bias }) => ({ scale, bias }),
    infer: {
      result: (_, { operands: [x], parameter }) => {
        const scale = parameter('scale');
        return x === undefined || scale === undefined ? undefined : inferSumOfProducts(x, scale, 1, parameter('bias') ?? NO_BIAS);
      },
    },
  },
  resolution: () => 'single',
  roundParameters: (params, { weightBits }) => {
    const plain = params.scale.quantised !== true || params.bias.quantised !== true;
    if (keeps(params.scale)) return { params, statements: [], plain };
    const { tensor: scale, statement } = roundGroups(params.scale, weightBits, params.scale.data.length, (i) => i);
    return { params: { ...params, scale }, statements: [`scales to ${statement}`], plain };
  },
  roundBias: roundBiasField,
};
