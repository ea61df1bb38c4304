import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import type { LayerMeaning } from './definition.js';
import { formatShape, normalAxis } from './indexing.js';

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

/** Scale and bias per channel. */
export const batchNormalizationLayer: LayerMeaning<BatchNormalizationParams> = {
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
};
