import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import { CompileError } from '../../../errors.js';
import { recordStage } from '../float32Stage.js';
import type { KerasLayer, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import type { LayerWeights } from '../weights.js';
import { ownSpecification, quantiserField, withFields } from './activations.js';
import { f32 } from './float32.js';
import type { QuantisedVariables } from './quantisedLayers.js';
import { quantisedVariable } from './quantisedLayers.js';
import { quantiseWeights, trainableForm } from './weights.js';

/** What a batch normalisation has learned, absent where it was told not to. */
interface Statistics {
  readonly gamma: Tensor | undefined;
  readonly beta: Tensor | undefined;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

function readStatistics(config: KerasLayer['config'], weights: LayerWeights): Statistics {
  const scale = config.boolean('scale', true);
  const center = config.boolean('center', true);
  const names = [...(scale ? ['gamma'] : []), ...(center ? ['beta'] : []), 'moving_mean', 'moving_variance'];
  const byName = new Map(weights.variables(names).map((value, i) => [names[i] as string, value]));
  return { gamma: byName.get('gamma'), beta: byName.get('beta'), mean: byName.get('moving_mean') as Tensor, variance: byName.get('moving_variance') as Tensor };
}

/** gamma / √(variance + ε) in float32, as `rsqrt(variance + epsilon) * gamma`. */
function inverse({ gamma, variance }: Statistics, epsilon: number): Tensor {
  const data = variance.data.map((v, c) => {
    const root = f32(1 / Math.sqrt(f32(f32(v) + f32(epsilon))));
    return gamma === undefined ? root : f32(root * (gamma.data[c] as number));
  });
  return tensor(variance.shape, data, true);
}

/** The axis, which files write as a number or a list of one. */
function axisOf(layer: KerasLayer, rank: number): number {
  const axes = layer.config.integers('axis') ?? [-1];
  const [axis = -1] = axes;
  const own = axis < 0 ? axis + rank : axis;
  if (axes.length !== 1 || own < 1 || own >= rank) {
    throw new CompileError('unsupported', { code: 'axis', where: layer.config.where, what: `normalises over axis ${JSON.stringify(axes)} of ${rank}; one axis behind the batch is supported.` });
  }
  return own;
}

/**
 * QBatchNormalization at inference: `x * inv + (beta − mean * inv)`, everything quantised first, each operation in float32.
 * The affine layer is exact; a quantiser behind it takes the float32 function itself (`recordStage`).
 */
export const qBatchNormalization: LayerHandler = unary((layer, x, context) => {
  const { config } = layer;
  const read = readStatistics(config, layer.weights);
  const quantise = (field: string, value: Tensor, kernel = false): Tensor => {
    const quantiser = quantiserField(config, field);
    return quantiseWeights(kernel ? trainableForm(quantiser) : quantiser, value, [...config.where, field]);
  };
  const statistics: Statistics = {
    gamma: read.gamma && quantise('gamma_quantizer', read.gamma, true),
    beta: read.beta && quantise('beta_quantizer', read.beta),
    mean: quantise('mean_quantizer', read.mean),
    variance: quantise('variance_quantizer', read.variance, true),
  };
  const inv = quantise('inverse_quantizer', inverse(statistics, config.number('epsilon', 1e-3)));
  const bias = tensor(inv.shape, inv.data.map((i, c) => f32((statistics.beta?.data[c] ?? 0) - f32((statistics.mean.data[c] as number) * i))), true);
  const axis = axisOf(layer, x.shape.length);
  const output = context.add('batchNormalization', { scale: inv, bias, axis }, [x], layer.name);
  const channels = Array.from(inv.data, (i, c) => (v: number): number => f32(f32(v * i) + (bias.data[c] as number)));
  recordStage(output, { input: x, axis, channels });
  return context.activation(ownSpecification(config.json('activation')), output, layer.name);
});

/**
 * A layer that folds its batch normalisation into its kernel and bias, in float32, and quantises the folded ones
 * (QDenseBatchnorm, QConv2DBatchnorm, QDepthwiseConv2DBatchnorm at inference, in either folding mode).
 */
export function foldedLayer(stock: LayerHandler, kernelName: string, variables: QuantisedVariables): LayerHandler {
  return (layer, call, context) => {
    const { config } = layer;
    const weights = foldedWeights(layer, kernelName, variables);
    const outputs = stock({ ...layer, config: withFields(config, { activation: null, use_bias: true }), weights }, call, context);
    return outputs.map((output) => context.activation(ownSpecification(config.json('activation')), output, layer.name));
  };
}

/** The folded and quantised kernel and bias, as the stock layer will ask for them. */
function foldedWeights(layer: KerasLayer, kernelName: string, variables: QuantisedVariables): LayerWeights {
  const { config, weights } = layer;
  const useBias = config.boolean('use_bias', true);
  const [kernel, bias] = weights.variables(useBias ? [kernelName, 'bias'] : [kernelName]) as [Tensor, Tensor | undefined];
  const statistics = readStatistics(config, weights.part('batchnorm', 'batch_normalization', 'batch_normalization_'));
  const inv = inverse(statistics, config.number('epsilon', 1e-3));
  const channels = inv.data.length;
  const foldedKernel = tensor(kernel.shape, kernel.data.map((w, e) => f32((inv.data[e % channels] as number) * f32(w))));
  const foldedBias = tensor(inv.shape, inv.data.map((i, c) => f32(f32(i * f32((bias?.data[c] ?? 0) - (statistics.mean.data[c] as number))) + (statistics.beta?.data[c] ?? 0))));
  const folded = new Map([[kernelName, foldedKernel], ['bias', foldedBias]]);
  return {
    variables: (names) => names.map((name) => quantisedVariable(layer, variables, name, folded.get(name) as Tensor)),
    count: folded.size,
    part: () => weights,
    partNames: [],
    layers: () => [],
  };
}
