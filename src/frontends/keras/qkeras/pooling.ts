import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { depthwiseOf } from '../layers/convolution.js';
import { poolingLayers } from '../layers/pooling.js';
import { isChannelsFirst } from '../layers/support.js';
import { ownSpecification, quantiserField, withFields } from './activations.js';
import { f32 } from './float32.js';
import type { Quantiser } from './quantiser.js';
import { quantiseWeights } from './weights.js';

/** 1 / area through the layer's quantiser. */
function factorOf({ config }: KerasLayer, quantiser: Quantiser, area: number): number {
  return quantiseWeights(quantiser, tensor([], [f32(1 / area)]), [...config.where, 'average_quantizer']).data[0] as number;
}

function timesNumber(context: KerasContext, x: TensorRef, factor: number, name: string): TensorRef {
  return context.add('elementwise', { operation: 'mul' }, [x, context.constant(`${name}/factor`, tensor([], [factor], true))], name);
}

/** The sum over a window times the quantised 1 / area: a filter of equal weights. */
const average = (layer: KerasLayer, quantiser: Quantiser, x: TensorRef, context: KerasContext): TensorRef => {
  const { config, name } = layer;
  const kernel = config.ints('pool_size', 2, [2, 2]);
  const strides = config.ints('strides', 2, kernel);
  const area = kernel.reduce((product, n) => product * n, 1);
  const factor = factorOf(layer, quantiser, area);
  if (config.string('padding', 'valid').toLowerCase() === 'same') {
    // Keras divides by the elements that are there, and then by the whole window's quantised area.
    const plain = unquantised('AveragePooling2D', layer, x, context);
    return timesNumber(context, plain, area * factor, `${name}/average`);
  }
  const channels = x.shape[isChannelsFirst(config) ? 1 : 3] ?? 0;
  const weight: Tensor = tensor([...kernel, channels, 1], new Array<number>(area * channels).fill(factor), true);
  return depthwiseOf(context, x, weight, null, { strides, dilations: [1, 1], padding: 'valid', channelsFirst: isChannelsFirst(config) }, name);
};

const globalAverage = ({ ...layer }: KerasLayer, quantiser: Quantiser, x: TensorRef, context: KerasContext): TensorRef => {
  const axes = isChannelsFirst(layer.config) ? [2, 3] : [1, 2];
  const sum = context.add('reduce', { operation: 'sum', axes, keepDims: layer.config.boolean('keepdims', false) }, [x], `${layer.name}/sum`);
  return timesNumber(context, sum, factorOf(layer, quantiser, axes.reduce((product, axis) => product * (x.shape[axis] as number), 1)), layer.name);
};

/** The stock layer, without the activation that QKeras adds. */
function unquantised(name: string, layer: KerasLayer, x: TensorRef, context: KerasContext): TensorRef {
  const [output] = (poolingLayers[name] as LayerHandler)({ ...layer, config: withFields(layer.config, { activation: null }) }, { inputs: [x], args: [{ kind: 'tensor', tensor: x }], kwargs: {} }, context);
  return output as TensorRef;
}

function averaging(name: string, quantised: typeof average): LayerHandler {
  return unary((layer, x, context) => {
    if (x.shape.length !== 4) context.fail('input', layer.name, 'bad-rank', `pools two axes of an input [${x.shape.join(', ')}].`);
    const quantiser = quantiserField(layer.config, 'average_quantizer');
    const output = quantiser === undefined ? unquantised(name, layer, x, context) : quantised(layer, quantiser, x, context);
    return context.activation(ownSpecification(layer.config.json('activation')), output, layer.name);
  });
}

export const qAveragePooling2D: LayerHandler = averaging('AveragePooling2D', average);
export const qGlobalAveragePooling2D: LayerHandler = averaging('GlobalAveragePooling2D', globalAverage);
