import type { ActivationParams } from '../../layers/activation.js';
import type { LayerPrecision } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import { sizeOf } from '../../model/tensor.js';
import type { TensorRef } from '../network.js';
import type { LayerCall } from './project.js';

/** A layer of hls4ml as ours. */
type Handler = (at: LayerCall) => TensorRef;

/** What hls4ml stores transposed for its resource strategy. */
function isTransposed({ project, ...at }: LayerCall): boolean {
  return project.word({ project, ...at }, 'strategy')?.startsWith('resource') === true;
}

/** The weights as stored, `[…, nOut]` or, for the resource strategy, `[nOut, …]`, brought to `[…, nOut]`. */
function weightsLast(at: LayerCall, name: string | undefined, shape: readonly number[]): Tensor {
  const stored = at.project.weights(name, shape, at.name);
  if (!isTransposed(at)) return stored;
  const nOut = shape.at(-1) as number;
  const rows = stored.data.length / nOut;
  return { ...stored, data: stored.data.map((_, k) => stored.data[(k % nOut) * rows + Math.floor(k / nOut)] as number) };
}

const dense: Handler = (at) => {
  const { project, call, name } = at;
  const [nIn, nOut] = [project.number(at, 'n_in'), project.number(at, 'n_out')];
  const weight = weightsLast(at, call.args[2], [nIn, nOut]);
  const bias = project.weights(call.args[3], [nOut], name);
  const x = at.inputs[0] as TensorRef;
  const size = sizeOf(x.shape);
  const shaped = project.shaped(x, size === nIn ? [nIn] : [size / nIn, nIn], name);
  return project.net.add('dense', { weight, bias }, [shaped], name, project.precision(at, call.types[1]));
};

/** The spatial fields of a config struct, one or two axes. */
function axesOf(rank: number, stem: { readonly one: string; readonly two: readonly string[] }): readonly (readonly string[])[] {
  return rank === 1 ? [[stem.one]] : stem.two.map((field) => [field]);
}

const SIZE = { one: 'in_width', two: ['in_height', 'in_width'] };
const KERNEL = { one: 'filt_width', two: ['filt_height', 'filt_width'] };
const STRIDE = { one: 'stride_width', two: ['stride_height', 'stride_width'] };
const PAD_BEGIN = { one: 'pad_left', two: ['pad_top', 'pad_left'] };
const PAD_END = { one: 'pad_right', two: ['pad_bottom', 'pad_right'] };

function numbers(at: LayerCall, rank: number, stem: { readonly one: string; readonly two: readonly string[] }): number[] {
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

function conv(rank: number, depthwise: boolean, pointwise: boolean): Handler {
  return (at) => {
    const { project, call, name, config } = at;
    const channels = project.number(at, 'n_chan');
    const filters = depthwise ? (project.optionalNumber(at, 'n_filt') ?? channels) : project.number(at, 'n_filt');
    const kernel = pointwise ? Array.from({ length: rank }, () => 1) : numbers(at, rank, KERNEL);
    const weight = depthwise
      ? project.weights(call.args[2], [...kernel, channels, filters / channels], name)
      : weightsLast(at, call.args[2], [...kernel, channels, filters]);
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

function pool(rank: number): Handler {
  return (at) => {
    const { project, call, name } = at;
    const channels = project.number(at, 'n_filt');
    const spatial = rank === 1 ? [project.number(at, 'n_in')] : numbers(at, rank, SIZE);
    const kernel = rank === 1 ? [project.number(at, 'pool_width')] : [project.number(at, 'pool_height'), project.number(at, 'pool_width')];
    const x = project.toFirst(project.shaped(at.inputs[0] as TensorRef, [...spatial, channels], name), name);
    const params = {
      mode: poolMode(at), kernel, strides: numbers(at, rank, STRIDE), dilations: kernel.map(() => 1), pads: [...numbers(at, rank, PAD_BEGIN), ...numbers(at, rank, PAD_END)],
      countIncludePad: at.config.fields.get('count_pad') === 'true', ceilMode: false,
    };
    return project.toLast(project.net.add('pool', params, [x], name, project.precision(at, call.types[1])), name);
  };
}

function poolMode(at: LayerCall): 'max' | 'average' {
  const mode = at.project.word(at, 'pool_op');
  return mode === 'max' || mode === 'average' ? mode : at.project.fail('unsupported', at.name, 'pool-mode', `its pool_op is ${mode ?? 'not there'}; Max and Average are supported.`);
}

function globalPool(rank: number): Handler {
  return (at) => {
    const { project, call, name } = at;
    const spatial = rank === 1 ? [project.number(at, 'n_in')] : numbers(at, rank, SIZE);
    const x = project.shaped(at.inputs[0] as TensorRef, [...spatial, project.number(at, 'n_filt')], name);
    const params = { operation: poolMode(at) === 'max' ? ('max' as const) : ('mean' as const), axes: spatial.map((_, i) => i + 1), keepDims: false };
    return project.net.add('reduce', params, [x], name, project.precision(at, call.types[1]));
  };
}

const normalize: Handler = (at) => {
  const { project, call, name } = at;
  const nIn = project.number(at, 'n_in');
  const filters = project.optionalNumber(at, 'n_filt') ?? -1;
  const channels = filters <= 0 ? nIn : filters;
  const [scale, bias] = [project.weights(call.args[2], [channels], name), project.weights(call.args[3], [channels], name)];
  const x = project.shaped(at.inputs[0] as TensorRef, channels === nIn ? [nIn] : [nIn / channels, channels], name);
  const scaleType = project.configType(at, 'scale_t');
  return project.net.add('batchNormalization', { scale, bias, axis: x.shape.length - 1 }, [x], name, project.precision(at, call.types[1], scaleType === undefined ? {} : { scale: scaleType }));
};

/** Functions of one value: `f<data, res, config>(data, res)`. */
function activation(params: ActivationParams, range?: number): Handler {
  return (at) => {
    const { project, call, name } = at;
    const table = project.configType(at, 'table_t');
    const tableSize = project.optionalNumber(at, 'table_size');
    const precision = project.precision(at, call.types[1], { ...(table !== undefined && { table }), ...(tableSize !== undefined && { tableSize }), ...(range !== undefined && { tableRange: range }) });
    return project.net.add('activation', params, [at.inputs[0] as TensorRef], name, precision);
  };
}

/** `f<data, param, res, config>(data, number, res)`, before version 1.0 without the parameter's type. */
function parametric(fn: 'leakyRelu' | 'elu' | 'thresholdedRelu'): Handler {
  return (at) => {
    const { project, call, name } = at;
    const alpha = Number(call.args[1]);
    if (!Number.isFinite(alpha)) return project.fail('input', name, 'bad-field', `its parameter '${call.args[1] ?? ''}' is no number.`);
    const [param, result] = call.types.length > 3 ? [call.types[1], call.types[2]] : [undefined, call.types[1]];
    const table = project.configType(at, 'table_t');
    const tableSize = project.optionalNumber(at, 'table_size');
    const extra = { ...(param !== undefined && { param: project.type(param, name) }), ...(table !== undefined && { table }), ...(tableSize !== undefined && { tableSize }) };
    return project.net.add('activation', { function: fn, alpha }, [at.inputs[0] as TensorRef], name, project.precision(at, result, extra));
  };
}

/** `relu_max<data, res, MAX, config>`: also relu1 and relu6 of older versions. */
function reluUpTo(fixed: number | undefined): Handler {
  return (at) => {
    const { project, call, name } = at;
    const max = fixed ?? project.definitions.number(call.types[2] ?? '') ?? project.fail('input', name, 'bad-field', `its limit '${call.types[2] ?? ''}' is no number.`);
    return project.net.add('clip', { min: 0, max }, [at.inputs[0] as TensorRef], name, project.precision(at, call.types[1]));
  };
}

const softmax: Handler = (at) => {
  const { project, call, name } = at;
  const extra: { -readonly [K in keyof LayerPrecision]?: LayerPrecision[K] } = {};
  const [expTable, invTable, invInput, table] = [project.configType(at, 'exp_table_t'), project.configType(at, 'inv_table_t'), project.configType(at, 'inv_inp_t'), project.configType(at, 'table_t')];
  if (expTable !== undefined) extra.expTable = expTable;
  if (invTable !== undefined) extra.invTable = invTable;
  if (invInput !== undefined) extra.invInput = invInput;
  if (table !== undefined) extra.table = table;
  extra.tableSize = project.optionalNumber(at, 'inv_table_size', 'exp_table_size', 'table_size') ?? 1024;
  const implementation = project.word(at, 'implementation');
  if (implementation !== undefined && implementation !== 'latency' && implementation !== 'stable' && implementation !== 'legacy' && implementation !== 'argmax') {
    return project.fail('unsupported', name, 'softmax', `its implementation is ${implementation}.`);
  }
  extra.softmax = implementation ?? 'legacy';
  const x = at.inputs[0] as TensorRef;
  const slice = project.optionalNumber(at, 'n_slice') ?? sizeOf(x.shape);
  const inner = project.optionalNumber(at, 'n_inner') ?? 1;
  const outer = sizeOf(x.shape) / slice / inner;
  const shaped = outer === 1 && inner === 1 ? x : project.shaped(x, [outer, slice, inner], name);
  return project.net.add('softmax', { axis: shaped === x ? x.shape.length - 1 : 2 }, [shaped], name, project.precision(at, call.types[1], extra));
};

/** `f<input1, input2, res, config>(a, b, res)` on flat arrays; the smaller one repeats along leading axes. */
function merge(operation: 'add' | 'sub' | 'mul' | 'average' | 'max' | 'min'): Handler {
  return (at) => {
    const { project, call, name } = at;
    const [a, b] = at.inputs as [TensorRef, TensorRef];
    const [m, n] = [sizeOf(a.shape), sizeOf(b.shape)];
    if (Math.max(m, n) % Math.min(m, n) !== 0) return project.fail('unsupported', name, 'broadcast', `its operands have ${m} and ${n} elements, and neither repeats in the other.`);
    const least = Math.min(m, n);
    const shape = (size: number): readonly number[] => (m === n ? [size] : [size / least, least]);
    const precision = project.precision(at, call.types[2]);
    const same = m === n && a.shape.length === b.shape.length && a.shape.every((d, i) => d === b.shape[i]);
    const inputs = same ? [a, b] : [project.shaped(a, shape(m), name), project.shaped(b, shape(n), name)];
    return project.net.add('elementwise', { operation }, inputs, name, precision);
  };
}

/** `n_elem1_0`, … are the shapes; the axis counts without a batch, from 1, or from the end. */
function concatenate(rank: number): Handler {
  return (at) => {
    const { project, call, name } = at;
    const shapeOf = (k: number): number[] => Array.from({ length: rank }, (_, i) => project.number(at, `n_elem${k}_${i}`));
    const axis = project.optionalNumber(at, 'axis') ?? -1;
    const at0 = rank === 1 ? 1 : axis < 0 ? axis + rank + 1 : axis;
    const inputs = at.inputs.map((x, k) => project.shaped(x, shapeOf(k + 1), name));
    return project.net.add('concat', { axis: at0 }, inputs, name, project.precision(at, call.types[2]));
  };
}

const dot: Handler = (at) => {
  const { project, call, name } = at;
  const n = project.number(at, 'n_in');
  const inputs = at.inputs.map((x) => project.shaped(x, [n], name));
  return project.net.add('dot', { axis: 1, keepDims: true }, inputs, name, project.precision(at, call.types[2]));
};

const embedding: Handler = (at) => {
  const { project, call, name } = at;
  const table = project.weights(call.args[2], [project.number(at, 'vocab_size'), project.number(at, 'n_out')], name);
  const type = project.configType(at, 'embeddings_t');
  const x = project.shaped(at.inputs[0] as TensorRef, [project.number(at, 'n_in')], name);
  return project.net.add('embedding', { table }, [x], name, project.precision(at, call.types[1], type === undefined ? {} : { embeddings: type }));
};

function zeroPad(rank: number): Handler {
  return (at) => {
    const { project, name } = at;
    const x = project.shaped(at.inputs[0] as TensorRef, [...numbers(at, rank, SIZE), project.number(at, 'n_chan')], name);
    return project.net.add('pad', { pads: [0, ...numbers(at, rank, PAD_BEGIN), 0, 0, ...numbers(at, rank, PAD_END), 0], value: 0 }, [x], name);
  };
}

/** `new = floor(i · old / new)`-th row and column. */
const resizeNearest: Handler = (at) => {
  const { project, name } = at;
  const [h, w, newH, newW] = ['height', 'width', 'new_height', 'new_width'].map((field) => project.number(at, field)) as [number, number, number, number];
  let x = project.shaped(at.inputs[0] as TensorRef, [h, w, project.number(at, 'n_chan')], name);
  for (const [axis, old, size] of [[1, h, newH], [2, w, newW]] as const) {
    const data = Float64Array.from({ length: size }, (_, i) => Math.floor((i * old) / size));
    x = project.net.add('gather', { axis, indices: { shape: [size], data, quantised: true } }, [x], `${name}/axis${axis}`);
  }
  return x;
};

const transpose: Handler = (at) => {
  const { project, call, name } = at;
  const config = call.types[2] ?? '';
  const [from, perm] = ['from_shape', 'perm'].map((field) => project.definitions.array(`${config}_${field}`));
  if (from === undefined || perm === undefined) return project.fail('unsupported', name, 'transpose', 'its shapes are not where hls4ml 1.1 and later write them.', 'Write the project again with a newer hls4ml.');
  const x = project.shaped(at.inputs[0] as TensorRef, from, name);
  return project.net.add('transpose', { perm: [0, ...perm.map((axis) => axis + 1)] }, [x], name);
};

/** Every function of nnet_utils that is read. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  dense,
  conv_1d_cl: conv(1, false, false), conv_2d_cl: conv(2, false, false),
  pointwise_conv_1d_cl: conv(1, false, true), pointwise_conv_2d_cl: conv(2, false, true),
  depthwise_conv_1d_cl: conv(1, true, false), depthwise_conv_2d_cl: conv(2, true, false),
  pooling1d_cl: pool(1), pooling2d_cl: pool(2), global_pooling1d_cl: globalPool(1), global_pooling2d_cl: globalPool(2),
  normalize,
  linear: activation({ function: 'linear' }), relu: activation({ function: 'relu' }),
  sigmoid: activation({ function: 'sigmoid' }, 8), tanh: activation({ function: 'tanh' }, 4), softplus: activation({ function: 'softplus' }, 8), softsign: activation({ function: 'softsign' }, 8),
  selu: activation({ function: 'selu' }), relu1: reluUpTo(1), relu6: reluUpTo(6), relu_max: reluUpTo(undefined),
  leaky_relu: parametric('leakyRelu'), elu: parametric('elu'), thresholded_relu: parametric('thresholdedRelu'),
  softmax,
  add: merge('add'), subtract: merge('sub'), multiply: merge('mul'), average: merge('average'), maximum: merge('max'), minimum: merge('min'),
  concatenate1d: concatenate(1), concatenate2d: concatenate(2), concatenate3d: concatenate(3),
  dot1d: dot, embedding, zeropad1d_cl: zeroPad(1), zeropad2d_cl: zeroPad(2), resize_nearest: resizeNearest, transpose,
};
