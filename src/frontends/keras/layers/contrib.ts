import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { ConfigReader } from '../json.js';
import type { HandlerTable, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { convOf, windowOptions } from './convolution.js';
import { kernelAndBias } from './core.js';
import { reshape, transpose, withConstant, withNumber } from './support.js';

/** ±H: `H·(2·round(clip((w/H + 1)/2)) − 1)`, ties to even, so that 0 is −H (BinaryNet's Keras layers). */
function binaryKernel(kernel: Tensor, height: number): Tensor {
  return { ...kernel, quantised: true, data: kernel.data.map((w) => (w > 0 ? height : -height)) };
}

/** −H, 0 or +H: w/H rounded, halves away from 0 (TernaryNet's Keras layers). */
function ternaryKernel(kernel: Tensor, height: number): Tensor {
  return { ...kernel, quantised: true, data: kernel.data.map((w) => (w / height >= 0.5 ? height : w / height <= -0.5 ? -height : 0)) };
}

/** A number, or `Glorot`: √(1.5 / (inputs + outputs)). */
function heightOf(config: ConfigReader, kernel: Tensor): number {
  const value = config.json('H') ?? 1;
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
  if (value !== 'Glorot') return config.bad('H', "a positive number or 'Glorot'");
  const [nIn, nOut] = kernel.shape.slice(-2) as [number, number];
  const area = kernel.data.length / (nIn * nOut);
  return Math.sqrt(1.5 / (area * (nIn + nOut)));
}

function quantisedDense(quantise: (kernel: Tensor, height: number) => Tensor): LayerHandler {
  return unary((layer, x, context) => {
    const { kernel, bias } = kernelAndBias(layer);
    const y = context.add('dense', { weight: quantise(kernel, heightOf(layer.config, kernel)), bias }, [x], layer.name);
    return context.activation(layer.config.json('activation'), y, layer.name);
  });
}

function quantisedConv(quantise: (kernel: Tensor, height: number) => Tensor): LayerHandler {
  return unary((layer, x, context) => {
    const { kernel, bias } = kernelAndBias(layer);
    const y = convOf(context, x, quantise(kernel, heightOf(layer.config, kernel)), bias, windowOptions(layer.config, 2), 1, layer.name);
    return context.activation(layer.config.json('activation'), y, layer.name);
  });
}

/** The dense layers inside a GarNet, as hls4ml's contribution names their variables: `FLR_kernel`, `FLR_bias`. */
function transform({ weights, name }: KerasLayer, label: string, x: TensorRef, context: KerasContext): TensorRef {
  const names = ['FLR', 'S', 'Fout'].flatMap((part) => [`${part}_kernel`, `${part}_bias`]);
  const all = weights.variables(names);
  const at = names.indexOf(`${label}_kernel`);
  return context.add('dense', { weight: all[at] as Tensor, bias: all[at + 1] as Tensor }, [x], `${name}/${label}`);
}

/** 1 for vertices below the number of vertices, else 0: `[1, V, 1]`. */
function vertexMask(layer: KerasLayer, data: TensorRef, count: TensorRef, context: KerasContext): TensorRef {
  const vertices = data.shape[1] as number;
  const whole = context.add('toInteger', {}, [reshape(context, count, [1, 1, 1], `${layer.name}/count`)], `${layer.name}/vertices`);
  const indices = tensor([1, vertices, 1], Float64Array.from({ length: vertices }, (_, v) => v), true);
  return context.add('clip', { min: 0, max: 1 }, [withConstant(context, 'sub', whole, indices, `${layer.name}/left`)], `${layer.name}/mask`);
}

/** A GarNet layer (Qasim, Kieseler, Iiyama, Pierini 2019; hls4ml's contrib/garnet.py), unquantised, over `[V, F]` vertices. */
const garNet: LayerHandler = (layer, call, context) => {
  const { config, name } = layer;
  const [data, count] = call.inputs;
  checkGarNet(layer, context);
  if (data === undefined || count === undefined || data.shape.length !== 3) return context.fail('input', name, 'inputs', 'needs vertices [V, F] and their number.');
  const mask = vertexMask(layer, data, count, context);
  const simplified = config.boolean('simplified', false);
  const mul = (a: TensorRef, b: TensorRef, label: string): TensorRef => context.add('elementwise', { operation: 'mul' }, [a, b], `${name}/${label}`);
  const distance = transform(layer, 'S', data, context);
  const square = mul(distance, distance, 'square');
  const edges = mul(mask, context.add('activation', { function: 'exp' }, [withNumber(context, 'mul', square, -1, `${name}/minus`)], `${name}/gauss`), 'edges');
  const own = transform(layer, 'FLR', data, context);
  const features = simplified ? own : context.add('concat', { axis: 2 }, [mul(mask, own, 'features'), edges], `${name}/joined`);
  const [vertices, aggregators, width] = [data.shape[1] as number, edges.shape[2] as number, features.shape[2] as number];
  // Vertices to aggregators: the mean over all vertices, [1, S, F].
  const towards = transpose(context, edges, [0, 2, 1], `${name}/towards`);
  const mean = withNumber(context, 'div', context.add('matmul', {}, [towards, features], `${name}/gathered`), vertices, `${name}/mean`);
  const largest = (): TensorRef => {
    const each = mul(reshape(context, towards, [1, aggregators, vertices, 1], `${name}/each`), reshape(context, features, [1, 1, vertices, width], `${name}/all`), 'weighted');
    return context.add('reduce', { operation: 'max', axes: [2], keepDims: false }, [each], `${name}/max`);
  };
  const gathered = simplified ? mean : context.add('concat', { axis: 2 }, [largest(), mean], `${name}/aggregated`);
  // And back: every vertex sees each aggregator by its edge.
  const size = gathered.shape[2] as number;
  const back = mul(reshape(context, edges, [1, vertices, aggregators, 1], `${name}/back`), reshape(context, gathered, [1, 1, aggregators, size], `${name}/sent`), 'returned');
  const updated = reshape(context, back, [1, vertices, aggregators * size], `${name}/updated`);
  const seen = simplified ? updated : context.add('concat', { axis: 2 }, [data, updated, edges], `${name}/seen`);
  const activation = config.json('output_activation');
  // The activation is applied twice there, by the dense layer and behind it.
  let output = transform(layer, 'Fout', seen, context);
  for (let i = 0; i < 2; i++) output = context.activation(activation, output, `${name}/output${i}`);
  return [collapsed(layer, mul(mask, output, 'masked'), context)];
};

function checkGarNet({ config, name }: KerasLayer, context: KerasContext): void {
  const format = config.string('input_format', 'xn');
  if (format !== 'xn') context.fail('unsupported', name, 'garnet', `has the input format '${format.slice(0, 20)}'; xn is supported.`);
  if (config.boolean('quantize_transforms', false)) context.fail('unsupported', name, 'garnet', 'quantises its transforms, which is not supported.');
  if (config.boolean('mean_by_nvert', false)) context.fail('unsupported', name, 'garnet', 'divides by the number of vertices, a variable.', 'Train it with mean_by_nvert=False.');
}

function collapsed({ config, name }: KerasLayer, x: TensorRef, context: KerasContext): TensorRef {
  const mode = config.json('collapse');
  if (mode === null) return x;
  if (mode !== 'mean' && mode !== 'sum' && mode !== 'max') return config.bad('collapse', "'mean', 'sum', 'max' or null");
  return context.add('reduce', { operation: mode, axes: [1], keepDims: false }, [x], name);
}

/** Layers that no library ships but physics uses. */
export const contribLayers: HandlerTable = {
  BinaryConv2D: quantisedConv(binaryKernel),
  BinaryDense: quantisedDense(binaryKernel),
  GarNet: garNet,
  TernaryConv2D: quantisedConv(ternaryKernel),
  TernaryDense: quantisedDense(ternaryKernel),
};
