import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import { plusConstant, timesConstant } from './arithmetic.js';
import { typedValues } from './constants.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape, normalAxis } from './indexing.js';
import { lowerElements } from './lowering.js';

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
  evaluate: ({ scale, bias, axis }, [x]) => {
    const input = x as Tensor;
    const channel = channelOf(input.shape, axis);
    return tensor(
      input.shape,
      input.data.map((v, e) => v * (scale.data[channel(e)] as number) + (bias.data[channel(e)] as number)),
    );
  },
  lower: lowerBatchNormalization,
};
