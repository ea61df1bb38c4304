import type { LayerPrecision } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import { sizeOf } from '../../model/tensor.js';
import type { TensorRef } from '../network.js';
import type { Handler, LayerCall } from './project.js';

/** The spatial fields of a config struct, one or two axes. */
function axesOf(rank: number, stem: { readonly one: string; readonly two: readonly string[] }): readonly (readonly string[])[] {
  return rank === 1 ? [[stem.one]] : stem.two.map((field) => [field]);
}

export const SIZE = { one: 'in_width', two: ['in_height', 'in_width'] };
const KERNEL = { one: 'filt_width', two: ['filt_height', 'filt_width'] };
export const STRIDE = { one: 'stride_width', two: ['stride_height', 'stride_width'] };
export const PAD_BEGIN = { one: 'pad_left', two: ['pad_top', 'pad_left'] };
export const PAD_END = { one: 'pad_right', two: ['pad_bottom', 'pad_right'] };

/** A field for each spatial axis. */
export function numbers(at: LayerCall, rank: number, stem: { readonly one: string; readonly two: readonly string[] }): number[] {
  return axesOf(rank, stem).map((fields) => at.project.number(at, ...fields));
}

/** Weights `[…k, c, f]` as ours, `[f, c, …k]`. */
function channelsFirst({ shape, data, ...rest }: Tensor): Tensor {
  const [c, f] = shape.slice(-2) as [number, number];
  const taps = sizeOf(shape.slice(0, -2));
  const moved = new Float64Array(data.length);
  for (let tap = 0; tap < taps; tap++) for (let i = 0; i < c; i++) for (let j = 0; j < f; j++) moved[(j * c + i) * taps + tap] = data[(tap * c + i) * f + j] as number;
  return { ...rest, shape: [f, c, ...shape.slice(0, -2)], data: moved };
}

export function conv(rank: number, depthwise: boolean, pointwise: boolean): Handler {
  return (at) => {
    const { project, call, name, config } = at;
    const channels = project.number(at, 'n_chan');
    const filters = depthwise ? (project.optionalNumber(at, 'n_filt') ?? channels) : project.number(at, 'n_filt');
    const kernel = pointwise ? Array.from({ length: rank }, () => 1) : numbers(at, rank, KERNEL);
    const weight = depthwise
      ? project.weights(call.args[2], [...kernel, channels, filters / channels], name)
      : project.weightsLast(at, call.args[2], [...kernel, channels, filters]);
    const bias = project.weights(call.args[3], [filters], name);
    const spatial = numbers(at, rank, SIZE);
    const dilation = project.optionalNumber(at, 'dilation', 'dilation_width') ?? 1;
    const x = project.toFirst(project.shaped(at.inputs[0] as TensorRef, [...spatial, channels], name), name);
    const params = {
      weight: depthwise ? depthwiseKernel(weight) : channelsFirst(weight), bias, groups: depthwise ? channels : 1, strides: numbers(at, rank, STRIDE),
      dilations: Array.from({ length: rank }, () => dilation), pads: pointwise ? Array.from({ length: 2 * rank }, () => 0) : [...numbers(at, rank, PAD_BEGIN), ...numbers(at, rank, PAD_END)],
    };
    const inner = config.types.get('mult_config');
    const precision = inner === undefined ? project.precision(at, call.types[1]) : { ...innerPrecision(at, inner), ...project.precision(at, call.types[1]) };
    return project.toLast(project.net.add('conv', params, [x], name, precision), name);
  };
}

/** Types of the matrix inside a convolution, in versions that keep them there. */
function innerPrecision(at: LayerCall, name: string): LayerPrecision {
  const config = at.project.definitions.config(name);
  return config === undefined ? { source: 'config' } : at.project.precision({ ...at, config }, undefined);
}

/** `[…k, c, multiplier]` as `[c · multiplier, 1, …k]`. */
function depthwiseKernel({ shape, data, ...rest }: Tensor): Tensor {
  const [c, m] = shape.slice(-2) as [number, number];
  const taps = sizeOf(shape.slice(0, -2));
  const moved = new Float64Array(data.length);
  for (let tap = 0; tap < taps; tap++) for (let i = 0; i < c * m; i++) moved[i * taps + tap] = data[tap * c * m + i] as number;
  return { ...rest, shape: [c * m, 1, ...shape.slice(0, -2)], data: moved };
}


/**
 * `separable_conv_…<data, depthwise result, res, config>(data, res, depthwise, pointwise, zero, bias)`: a depthwise
 * convolution and a pointwise one, with structs of their own.
 */
export function separable(rank: number): Handler {
  return (at) => {
    const { project, call, name } = at;
    const [data, between, result] = call.types;
    const [input, output, depthwise, pointwise, zero, bias] = call.args as [string, string, string, string, string, string];
    const part = (field: 'depthwise_config' | 'pointwise_config', types: readonly string[], args: readonly string[], x: TensorRef, own: string): LayerCall => {
      return { project, name: own, inputs: [x], config: project.innerConfig(at, field), call: { ...call, types, args } };
    };
    const narrow = conv(rank, true, false)(part('depthwise_config', [data as string, between as string], [input, output, depthwise, zero], at.inputs[0] as TensorRef, `${name}/depthwise`));
    return conv(rank, false, true)(part('pointwise_config', [between as string, result as string], [input, output, pointwise, bias], narrow, name));
  };
}
