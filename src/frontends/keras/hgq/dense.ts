import type { Tensor } from '../../../model/tensor.js';
import { sizeOf, tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasContext, KerasLayer } from '../layer.js';
import { unary } from '../layer.js';
import type { LayerWeights } from '../weights.js';
import { quantise, quantisedInput, quantisedOutput, quantiserOf } from './datalane.js';
import { quantiseTensor, readQuantiser } from './quantiser.js';
import { activated } from './stock.js';
import { knownWeights } from './weights.js';

const fround = Math.fround;

/** A kernel and a bias through their quantisers. */
function quantisedWeights(layer: KerasLayer, kernel: Tensor, bias: Tensor | undefined, context: KerasContext): LayerWeights {
  const qkernel = quantiseTensor(quantiserOf(layer, 'kq', context), kernel, layer.name, context);
  if (bias === undefined) return knownWeights({ kernel: qkernel });
  return knownWeights({ kernel: qkernel, bias: quantiseTensor(quantiserOf(layer, 'bq', context), bias, layer.name, context) });
}

/** A layer of Keras with kernel and bias, both quantised. */
function weighted(className: string) {
  return unary((layer, x, context) => {
    const names = layer.config.boolean('use_bias', true) ? ['kernel', 'bias'] : ['kernel'];
    const [kernel, bias] = layer.weights.variables(names) as [Tensor, Tensor | undefined];
    const weights = quantisedWeights(layer, kernel, bias, context);
    return quantisedOutput(layer, activated(className, layer, weights, quantisedInput(layer, x, context), context), context);
  });
}

/** QEinsumDense; `iqWeights` are those of another layer whose input quantiser it shares. */
export function einsumDense(layer: KerasLayer, x: TensorRef, context: KerasContext, iqWeights?: LayerWeights): TensorRef {
  const { config, name } = layer;
  const names = config.has('bias_axes') ? ['kernel', 'bias'] : ['kernel'];
  const [kernel, bias] = layer.weights.variables(names) as [Tensor, Tensor | undefined];
  const shared = iqWeights === undefined ? undefined : readQuantiser(config.json('iq_conf'), { layer: name, field: 'iq_conf', weights: iqWeights }, context);
  const input = iqWeights === undefined ? quantisedInput(layer, x, context) : quantise(shared, x, `${name}_iq`, context);
  return quantisedOutput(layer, activated('EinsumDense', layer, quantisedWeights(layer, kernel, bias, context), input, context), context);
}

/** scale / √(variance + ε), in float32; scale 1 where the layer has none. */
function normaliser(scale: Tensor | undefined, variance: Tensor, epsilon: number): Float64Array {
  return variance.data.map((v, c) => fround((scale?.data[c] ?? 1) / fround(Math.sqrt(fround(v + fround(epsilon))))));
}

/**
 * QBatchNormDense normalises its input: the kernel's rows are scaled before they are quantised, and the bias becomes
 * bias − mean · kernel with the kernel as it was.
 */
const batchNormDense = unary((layer, x, context) => {
  const { config } = layer;
  const scaled = config.boolean('scale', true);
  const cost = config.boolean('enable_ebops', true) ? ['beta', 'ebops'] : [];
  const names = ['kernel', 'bias', ...(scaled ? ['bn_gamma'] : []), ...cost, 'moving_mean', 'moving_variance'];
  const values = layer.weights.variables(names);
  const of = (name: string): Tensor => values[names.indexOf(name)] as Tensor;
  const [kernel, bias, mean] = [of('kernel'), of('bias'), of('moving_mean')];
  const [nIn, nOut] = kernel.shape as readonly [number, number];
  const factor = normaliser(scaled ? of('bn_gamma') : undefined, of('moving_variance'), config.number('epsilon', 1e-3));
  if (mean.data.length !== nIn || factor.length !== nIn) context.fail('input', layer.name, 'batch-norm', `has statistics of ${mean.data.length} inputs and a kernel of ${nIn}.`);
  const fused = tensor(kernel.shape, kernel.data.map((w, at) => fround((factor[Math.floor(at / nOut)] as number) * w)));
  const offset = bias.data.map((b, j) => {
    let dot = 0;
    for (let i = 0; i < nIn; i++) dot += (mean.data[i] as number) * (kernel.data[i * nOut + j] as number);
    return fround(b - fround(dot));
  });
  const weights = quantisedWeights(layer, fused, tensor(bias.shape, offset), context);
  return quantisedOutput(layer, activated('Dense', layer, weights, quantisedInput(layer, x, context), context), context);
});

/**
 * QEinsumDenseBatchnorm normalises its output. The library adds its general ε of 1e-7 whatever the layer's own, and a
 * reloaded layer normalises the axes of its bias.
 */
const einsumDenseBatchnorm = unary((layer, x, context) => {
  const { config } = layer;
  const scaled = config.boolean('scale', true);
  const cost = config.boolean('enable_ebops', true) ? ['beta', 'ebops'] : [];
  const names = ['kernel', 'bias', ...(scaled ? ['gamma'] : []), ...cost, 'moving_mean', 'moving_variance'];
  const values = layer.weights.variables(names);
  const of = (name: string): Tensor => values[names.indexOf(name)] as Tensor;
  const [kernel, bias, mean] = [of('kernel'), of('bias'), of('moving_mean')];
  const kernelAxes = config.string('equation').split('->')[0]?.split(',')[1]?.trim() ?? '';
  const normalised = config.string('normalize_axes', config.string('bias_axes'));
  const factor = normaliser(scaled ? of('gamma') : undefined, of('moving_variance'), 1e-7);
  const along = axisIndex(kernelAxes, kernel.shape, normalised);
  if (kernelAxes.length !== kernel.shape.length || along.some((at) => factor[at] === undefined) || factor.length !== bias.data.length) {
    return context.fail('unsupported', layer.name, 'batch-norm', `normalises the axes ${normalised.slice(0, 40)} of ${config.string('equation').slice(0, 60)}, which its statistics of [${mean.shape.join(', ')}] do not fit.`);
  }
  const fused = tensor(kernel.shape, kernel.data.map((w, at) => fround(w * (factor[along[at] as number] as number))));
  const offset = tensor(bias.shape, bias.data.map((b, c) => fround(b + fround(-(mean.data[c] as number) * (factor[c] as number)))));
  const weights = quantisedWeights(layer, fused, offset, context);
  return quantisedOutput(layer, activated('EinsumDense', layer, weights, quantisedInput(layer, x, context), context), context);
});

/** For each element of a tensor with lettered axes its flat index over some of these, in the tensor's order. */
function axisIndex(letters: string, shape: readonly number[], picked: string): Int32Array {
  return Int32Array.from({ length: sizeOf(shape) }, (_, at) => {
    let rest = at;
    let index = 0;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const n = shape[axis] as number;
      if (picked.includes(letters[axis] as string)) {
        index += (rest % n) * stride;
        stride *= n;
      }
      rest = Math.floor(rest / n);
    }
    return index;
  });
}

/** x · scale + offset per channel, both quantised. Without `center` the library's offset begins at 1, not 0. */
const batchNormalization = unary((layer, x, context) => {
  const { config, name } = layer;
  const [scaled, centred] = [config.boolean('scale', true), config.boolean('center', true)];
  const names = [...(scaled ? ['bn_gamma'] : []), ...(centred ? ['bn_beta'] : []), 'moving_mean', 'moving_variance'];
  const values = layer.weights.variables(names);
  const of = (variable: string): Tensor => values[names.indexOf(variable)] as Tensor;
  const mean = of('moving_mean');
  const factor = normaliser(scaled ? of('bn_gamma') : undefined, of('moving_variance'), config.number('epsilon', 1e-3));
  const offset = mean.data.map((m, c) => fround((centred ? (of('bn_beta').data[c] as number) : 1) - fround(m * (factor[c] as number))));
  const scale = quantiseTensor(quantiserOf(layer, 'kq', context), tensor(mean.shape, factor), name, context);
  const bias = quantiseTensor(quantiserOf(layer, 'bq', context), tensor(mean.shape, offset), name, context);
  const [stated] = config.integers('axis') ?? [-1];
  const axis = (stated as number) < 0 ? (stated as number) + x.shape.length : (stated as number);
  const y = context.add('batchNormalization', { scale, bias, axis }, [quantisedInput(layer, x, context)], name);
  return quantisedOutput(layer, y, context);
});

export const denseLayers: HandlerTable = {
  'hgq>QBatchNormDense': batchNormDense,
  'hgq>QBatchNormalization': batchNormalization,
  'hgq>QConv1D': weighted('Conv1D'),
  'hgq>QConv2D': weighted('Conv2D'),
  'hgq>QConv3D': weighted('Conv3D'),
  'hgq>QDense': weighted('Dense'),
  'hgq>QEinsumDense': unary((layer, x, context) => einsumDense(layer, x, context)),
  'hgq>QEinsumDenseBatchnorm': einsumDenseBatchnorm,
};
