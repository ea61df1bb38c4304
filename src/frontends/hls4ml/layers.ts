import { sizeOf } from '../../model/tensor.js';
import type { TensorRef } from '../network.js';
import { formatFixedType } from '../../fixed/fixedType.js';
import { activation, binaryTanh, hardSigmoid, hardTanh, normalizeSign, parametric, prelu, reluUpTo, softmax, ternaryTanh, unaryLut } from './activations.js';
import { conv, numbers, PAD_BEGIN, PAD_END, separable, SIZE, STRIDE } from './convolution.js';
import { einsum, einsumDense, permuted } from './einsum.js';
import { layerNormalization } from './normalisation.js';
import type { Handler, LayerCall, LayerFunction } from './project.js';
import { ofTwo, plain, weighted } from './project.js';
import { bidirectional, recurrence } from './recurrent.js';

const dense: Handler = (at) => {
  const { project, call, name } = at;
  const [nIn, nOut] = [project.number(at, 'n_in'), project.number(at, 'n_out')];
  const weight = project.weightsLast(at, call.args[2], [nIn, nOut]);
  const bias = project.weights(call.args[3], [nOut], name);
  const x = at.inputs[0] as TensorRef;
  const size = sizeOf(x.shape);
  const shaped = project.shaped(x, size === nIn ? [nIn] : [size / nIn, nIn], name);
  return project.net.add('dense', { weight, bias }, [shaped], name, project.precision(at, call.types[1]));
};

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
    const { project, call, name } = at;
    const x = project.shaped(at.inputs[0] as TensorRef, [...numbers(at, rank, SIZE), project.number(at, 'n_chan')], name);
    const padded = project.net.add('pad', { pads: [0, ...numbers(at, rank, PAD_BEGIN), 0, 0, ...numbers(at, rank, PAD_END), 0], value: 0 }, [x], name);
    return castBetween(at, padded, call.types[0], call.types[1]);
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
  const { call, name } = at;
  return castBetween(at, permuted(at, at.inputs[0] as TensorRef, call.types[2] ?? '', name), call.types[0], call.types[1]);
};

function cropping(rank: number): Handler {
  return (at) => {
    const { project, call, name } = at;
    const spatial = numbers(at, rank, SIZE);
    const starts = numbers(at, rank, { one: 'crop_left', two: ['crop_top', 'crop_left'] });
    const sizes = numbers(at, rank, { one: 'out_width', two: ['out_height', 'out_width'] });
    const x = project.shaped(at.inputs[0] as TensorRef, [...spatial, project.number(at, 'n_chan')], name);
    const params = { axes: spatial.map((_, i) => i + 1), starts, ends: starts.map((start, i) => start + (sizes[i] as number)), steps: spatial.map(() => 1) };
    return castBetween(at, project.net.add('slice', params, [x], name), call.types[0], call.types[1]);
  };
}

/** Values that only move are cast where the code gives their result another type. */
function castBetween({ project, name }: LayerCall, x: TensorRef, from: string | undefined, to: string | undefined): TensorRef {
  const [before, after] = [project.type(from, name), project.type(to, name)];
  return formatFixedType(before) === formatFixedType(after) ? x : project.cast(x, after, `${name}/cast`);
}

/** Every function of nnet_utils that is read. */
export const FUNCTIONS: Readonly<Record<string, LayerFunction>> = {
  ...mapped(weighted, {
    dense, embedding, unary_lut: unaryLut, einsum_dense: einsumDense,
    conv_1d_cl: conv(1, false, false), conv_2d_cl: conv(2, false, false), pointwise_conv_1d_cl: conv(1, false, true), pointwise_conv_2d_cl: conv(2, false, true),
    separable_conv_1d_cl: separable(1), separable_conv_2d_cl: separable(2), depthwise_conv_1d_cl: conv(1, true, false), depthwise_conv_2d_cl: conv(2, true, false),
    normalize, normalize_binary_tanh: normalizeSign(2), normalize_ternary_tanh: normalizeSign(3), layernormalize: layerNormalization,
  }),
  ...mapped(plain, {
    pooling1d_cl: pool(1), pooling2d_cl: pool(2), global_pooling1d_cl: globalPool(1), global_pooling2d_cl: globalPool(2),
    linear: activation({ function: 'linear' }), relu: activation({ function: 'relu' }),
    sigmoid: activation({ function: 'sigmoid' }, 8), tanh: activation({ function: 'tanh' }, 4), softplus: activation({ function: 'softplus' }, 8), softsign: activation({ function: 'softsign' }, 8),
    selu: activation({ function: 'selu' }), relu1: reluUpTo(1), relu6: reluUpTo(6), relu_max: reluUpTo(undefined),
    leaky_relu: parametric('leakyRelu'), elu: parametric('elu'), thresholded_relu: parametric('thresholdedRelu'),
    hard_sigmoid: hardSigmoid, hard_tanh: hardTanh, prelu, binary_tanh: binaryTanh, ternary_tanh: ternaryTanh, softmax,
    zeropad1d_cl: zeroPad(1), zeropad2d_cl: zeroPad(2), cropping1d_cl: cropping(1), cropping2d_cl: cropping(2), resize_nearest: resizeNearest, transpose,
  }),
  ...mapped(ofTwo, {
    add: merge('add'), subtract: merge('sub'), multiply: merge('mul'), average: merge('average'), maximum: merge('max'), minimum: merge('min'),
    concatenate1d: concatenate(1), concatenate2d: concatenate(2), concatenate3d: concatenate(3), dot1d: dot, einsum,
  }),
  lstm_stack: recurrence('lstm'), gru_stack: recurrence('gru'), bidirectional_stack: bidirectional,
};

function mapped(as: (build: Handler) => LayerFunction, builds: Readonly<Record<string, Handler>>): Readonly<Record<string, LayerFunction>> {
  return Object.fromEntries(Object.entries(builds).map(([name, build]) => [name, as(build)]));
}
