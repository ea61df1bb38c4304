import type { Tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { ConfigReader } from '../json.js';
import type { HandlerTable, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { cut, fromFirst, isChannelsFirst, permuted, reshape, reshaped, toFirst } from './support.js';

/** How a window moves, one entry a spatial axis. */
export interface WindowOptions {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: string;
  readonly channelsFirst: boolean;
}

export function windowOptions(config: ConfigReader, rank: number): WindowOptions {
  const positive = (field: string): readonly number[] => {
    const list = config.ints(field, rank, new Array<number>(rank).fill(1));
    return list.some((n) => n < 1 || n > 65536) ? config.bad(field, 'sizes of at least 1') : list;
  };
  const padding = config.string('padding', 'valid').toLowerCase();
  if (!['valid', 'same', 'causal'].includes(padding) || (padding === 'causal' && rank !== 1)) config.bad('padding', "'valid', 'same' or, in one dimension, 'causal'");
  return { strides: positive('strides'), dilations: positive('dilation_rate'), padding, channelsFirst: isChannelsFirst(config) };
}

/** Pads in front of every axis, then behind: TensorFlow's rule, which puts the odd one behind. */
export function padsOf(sizes: readonly number[], kernel: readonly number[], { strides, dilations, padding }: WindowOptions): readonly number[] {
  const totals = sizes.map((size, i) => {
    const reach = ((kernel[i] as number) - 1) * (dilations[i] as number) + 1;
    const stride = strides[i] as number;
    if (padding === 'valid') return 0;
    return padding === 'causal' ? reach - 1 : Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
  });
  const begin = totals.map((total) => (padding === 'causal' ? total : Math.floor(total / 2)));
  return [...begin, ...totals.map((total, i) => total - (begin[i] as number))];
}

/** A convolution of Keras: kernel `[…k, cIn / groups, cOut]`. */
export function convOf(context: KerasContext, x: TensorRef, kernel: Tensor, bias: Tensor | null, window: WindowOptions, groups: number, name: string): TensorRef {
  const rank = kernel.shape.length - 2;
  if (x.shape.length !== rank + 2) context.fail('input', name, 'bad-rank', `has a kernel of ${rank} spatial axes for an input [${x.shape.join(', ')}].`);
  const input = toFirst(context, x, window.channelsFirst, name);
  const weight = permuted(kernel, [rank + 1, rank, ...Array.from({ length: rank }, (_, i) => i)]);
  const pads = padsOf(input.shape.slice(2), weight.shape.slice(2), window);
  const y = context.add('conv', { weight, bias, strides: window.strides, dilations: window.dilations, pads, groups }, [input], name);
  return fromFirst(context, y, window.channelsFirst, name);
}

/** One filter bank a channel: kernel `[…k, C, multiplier]`. */
export function depthwiseOf(context: KerasContext, x: TensorRef, kernel: Tensor, bias: Tensor | null, window: WindowOptions, name: string): TensorRef {
  const spatial = kernel.shape.slice(0, -2);
  const [channels, multiplier] = kernel.shape.slice(-2) as [number, number];
  return convOf(context, x, reshaped(kernel, [...spatial, 1, channels * multiplier]), bias, window, channels, name);
}

function variables({ config, weights }: KerasLayer, ...kernels: readonly string[]): readonly Tensor[] {
  return weights.variables(config.boolean('use_bias', true) ? [...kernels, 'bias'] : kernels);
}

function conv(rank: number): LayerHandler {
  return unary((layer, x, context) => {
    const [kernel, bias] = variables(layer, 'kernel') as [Tensor, Tensor?];
    checkRank(context, layer, kernel, rank + 2);
    const y = convOf(context, x, kernel, bias ?? null, windowOptions(layer.config, rank), layer.config.int('groups', 1), layer.name);
    return context.activation(layer.config.json('activation'), y, layer.name);
  });
}

function depthwise(rank: number): LayerHandler {
  return unary((layer, x, context) => {
    const [kernel, bias] = variables(layer, 'depthwise_kernel') as [Tensor, Tensor?];
    checkRank(context, layer, kernel, rank + 2);
    const y = depthwiseOf(context, x, kernel, bias ?? null, windowOptions(layer.config, rank), layer.name);
    return context.activation(layer.config.json('activation'), y, layer.name);
  });
}

function separable(rank: number): LayerHandler {
  return unary((layer, x, context) => {
    const [deep, point, bias] = variables(layer, 'depthwise_kernel', 'pointwise_kernel') as [Tensor, Tensor, Tensor?];
    checkRank(context, layer, deep, rank + 2);
    checkRank(context, layer, point, rank + 2);
    const window = windowOptions(layer.config, rank);
    const inner = depthwiseOf(context, x, deep, null, window, `${layer.name}/depthwise`);
    const ones = new Array<number>(rank).fill(1);
    const y = convOf(context, inner, point, bias ?? null, { ...window, strides: ones, dilations: ones, padding: 'valid' }, 1, layer.name);
    return context.activation(layer.config.json('activation'), y, layer.name);
  });
}

function checkRank(context: KerasContext, layer: KerasLayer, kernel: Tensor, rank: number): void {
  if (kernel.shape.length !== rank) context.fail('input', layer.name, 'bad-weights', `has a kernel [${kernel.shape.join(', ')}]; ${rank} axes are needed.`);
}

/**
 * A transposed convolution as a convolution: zeros between the inputs, the kernel `[…k, cOut, cIn]` turned round. As many
 * are cut in front as the forward convolution of this padding would have padded.
 */
function convTranspose(rank: number): LayerHandler {
  return unary((layer, x, context) => {
    const [kernel, bias] = variables(layer, 'kernel') as [Tensor, Tensor?];
    checkRank(context, layer, kernel, rank + 2);
    const window = windowOptions(layer.config, rank);
    if (window.padding === 'causal') layer.config.bad('padding', "'valid' or 'same'");
    const extra = layer.config.has('output_padding') ? layer.config.ints('output_padding', rank) : undefined;
    const { name } = layer;
    let input = toFirst(context, x, window.channelsFirst, name);
    const plans = input.shape.slice(2).map((size, i) => transposedAxis(size, kernel.shape[i] as number, window, i, extra?.[i]));
    input = spread(context, input, window.strides, name);
    plans.forEach((plan, i) => (input = cut(context, input, i + 2, 0, (input.shape[i + 2] as number) + Math.min(0, plan.after), `${name}/cut${i}`)));
    const weight = turned(permuted(kernel, [rank, rank + 1, ...Array.from({ length: rank }, (_, i) => i)]));
    const pads = [...plans.map((plan) => plan.before), ...plans.map((plan) => Math.max(0, plan.after))];
    const ones = new Array<number>(rank).fill(1);
    const y = context.add('conv', { weight, bias: bias ?? null, strides: ones, dilations: window.dilations, pads, groups: 1 }, [input], name);
    return context.activation(layer.config.json('activation'), fromFirst(context, y, window.channelsFirst, name), name);
  });
}

/** Pads around the spread input, `after` negative where some of it is cut. */
function transposedAxis(size: number, taps: number, { strides, dilations, padding }: WindowOptions, axis: number, extra: number | undefined): { readonly before: number; readonly after: number } {
  const stride = strides[axis] as number;
  const reach = (taps - 1) * (dilations[axis] as number) + 1;
  const full = (size - 1) * stride + reach;
  const usual = padding === 'same' ? size * stride : size * stride + Math.max(reach - stride, 0);
  const length = extra === undefined ? usual : full - (padding === 'same' ? 2 * Math.floor(reach / 2) : 0) + extra;
  const front = padding === 'same' ? Math.floor(Math.max(0, full - length) / 2) : 0;
  const before = reach - 1 - front;
  return { before, after: length - size * stride - before + reach - 1 };
}

/** `stride − 1` zeros behind every element of each spatial axis. */
function spread(context: KerasContext, x: TensorRef, strides: readonly number[], name: string): TensorRef {
  const [batch, channels, ...sizes] = x.shape as readonly [number, number, ...number[]];
  if (strides.every((stride) => stride === 1)) return x;
  const apart = reshape(context, x, [batch, channels, ...sizes.flatMap((size) => [size, 1])], `${name}/apart`);
  const pads = [0, 0, ...strides.flatMap((stride) => [0, stride - 1])];
  const padded = context.add('pad', { pads: [...pads.map(() => 0), ...pads], value: 0 }, [apart], `${name}/zeros`);
  return reshape(context, padded, [batch, channels, ...sizes.map((size, i) => size * (strides[i] as number))], `${name}/spread`);
}

/** Every spatial axis of `[F, C, …k]` from the end to the front. */
function turned(weight: Tensor): Tensor {
  const area = weight.shape.slice(2).reduce((product, n) => product * n, 1);
  const data = weight.data.map((_, i) => weight.data[Math.floor(i / area) * area + (area - 1 - (i % area))] as number);
  return { ...weight, data };
}

export const convolutionLayers: HandlerTable = {
  Conv1D: conv(1),
  Conv1DTranspose: convTranspose(1),
  Conv2D: conv(2),
  Conv2DTranspose: convTranspose(2),
  Conv3D: conv(3),
  Conv3DTranspose: convTranspose(3),
  Convolution1D: conv(1),
  Convolution2D: conv(2),
  Convolution3D: conv(3),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),
};
