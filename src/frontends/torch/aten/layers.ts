import { sizeOf } from '../../../model/tensor.js';
import type { ConstantValue, PlainAttribute, Value } from '../../onnx/values.js';
import { constant, shapeOf } from '../../onnx/values.js';
import type { AtenTable, Call } from '../call.js';
import { integers, scalar } from '../operators.js';
import { emitRecurrentModule } from '../recurrent.js';

/** x · weightᵀ + bias over the last axis. */
function linear(call: Call, x: Value, weight: Value, bias: Value | undefined): Value {
  if (shapeOf(x).length === 2 && shapeOf(weight).length === 2) return call.op('Gemm', [x, weight, bias], { transB: 1 });
  const turned = call.op('Transpose', [weight], { perm: [1, 0] }, 'weight');
  const product = call.op('MatMul', [x, turned]);
  return bias === undefined ? product : call.op('Add', [product, bias], {}, 'bias');
}

/** beta · input + alpha · a · b */
function addProduct(call: Call, a: string, b: string): Value {
  const attributes = { alpha: call.number('alpha', 1), beta: call.number('beta', 1) };
  if (call.rank(a) === 2) return call.op('Gemm', [call.tensor(a), call.tensor(b), call.tensor('self')], attributes);
  const product = scaled(call, call.op('MatMul', [call.tensor(a), call.tensor(b)], {}, 'product'), attributes.alpha, 'alpha');
  return call.op('Add', [product, scaled(call, call.tensor('self'), attributes.beta, 'beta')]);
}

/** x · factor; x itself where the factor is 1. */
export function scaled(call: Call, x: Value, factor: number, part?: string): Value {
  return factor === 1 ? x : call.op('Mul', [x, scalar(factor)], {}, part);
}

/** Begin and end alike, as torch pads. */
function symmetric(pads: readonly number[]): readonly number[] {
  return [...pads, ...pads];
}

/** A convolution; `rank` is how many spatial axes it has. */
interface ConvArguments {
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly dilation: readonly number[];
  readonly groups: number;
}

function convolution(call: Call, x: Value, weight: Value, bias: Value | undefined, { stride, padding, dilation, groups }: ConvArguments): Value {
  const attributes: Record<string, PlainAttribute> = { strides: stride, dilations: dilation, group: groups };
  if (typeof padding !== 'string') attributes.pads = symmetric(padding);
  else if (padding === 'same') attributes.pads = samePads(shapeOf(weight).slice(2), dilation);
  return call.op('Conv', [x, weight, bias], attributes);
}

/** torch puts the odd one at the end. */
function samePads(kernel: readonly number[], dilation: readonly number[]): readonly number[] {
  const total = kernel.map((k, i) => (k - 1) * (dilation[i] as number));
  return [...total.map((n) => Math.floor(n / 2)), ...total.map((n) => Math.ceil(n / 2))];
}

function conv(call: Call): Value {
  const weight = call.tensor('weight');
  const rank = shapeOf(weight).length - 2;
  const padding = call.target.endsWith('.padding') ? call.text('padding', 'valid') : call.each('padding', rank, 0);
  if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid') return call.fail('unsupported', 'padding', `padding '${padding.slice(0, 20)}'; 'same' and 'valid' are supported.`);
  return convolution(call, call.tensor('input'), weight, call.optional('bias'), { stride: call.each('stride', rank, 1), padding, dilation: call.each('dilation', rank, 1), groups: call.integer('groups', 1) });
}

function convTranspose(call: Call): Value {
  const weight = call.tensor('weight');
  const rank = shapeOf(weight).length - 2;
  return call.op('ConvTranspose', [call.tensor('input'), weight, call.optional('bias')], {
    strides: call.each('stride', rank, 1),
    pads: symmetric(call.each('padding', rank, 0)),
    output_padding: call.each('output_padding', rank, 0),
    dilations: call.each('dilation', rank, 1),
    group: call.integer('groups', 1),
  });
}

/** max_pool…; without the indices. */
function maxPool(call: Call): Value {
  const rank = Number(/(\d)d/.exec(call.target)?.[1]);
  const kernel = call.each('kernel_size', rank, 1);
  const stride = call.list('stride') ?? [];
  return call.op('MaxPool', [call.tensor('self')], {
    kernel_shape: kernel,
    strides: stride.length === 0 ? kernel : call.each('stride', rank, 1),
    pads: symmetric(call.each('padding', rank, 0)),
    dilations: call.each('dilation', rank, 1),
    ceil_mode: call.flag('ceil_mode', false) ? 1 : 0,
  });
}

function averagePool(call: Call): Value {
  const rank = Number(/(\d)d/.exec(call.target)?.[1]);
  const kernel = call.each('kernel_size', rank, 1);
  const stride = call.list('stride') ?? [];
  const pooled = call.op('AveragePool', [call.tensor('self')], {
    kernel_shape: kernel,
    strides: stride.length === 0 ? kernel : call.each('stride', rank, 1),
    pads: symmetric(call.each('padding', rank, 0)),
    ceil_mode: call.flag('ceil_mode', false) ? 1 : 0,
    count_include_pad: call.flag('count_include_pad', true) ? 1 : 0,
  });
  if (!call.has('divisor_override')) return pooled;
  return scaled(call, pooled, sizeOf(kernel) / call.number('divisor_override'), 'divisor');
}

/** Windows of equal size where the output's size divides the input's; else each axis by itself, window by window. */
function adaptivePool(call: Call, op: 'MaxPool' | 'AveragePool'): Value {
  const x = call.tensor('self');
  const rank = Number(/(\d)d/.exec(call.target)?.[1]);
  const spatial = shapeOf(x).slice(-rank);
  const wanted = (call.list('output_size') ?? []).map((n, i) => (n > 0 ? n : (spatial[i] as number)));
  if (wanted.length !== rank) return call.fail('input', 'argument', `pools [${spatial.join(', ')}] to [${wanted.join(', ')}].`);
  if (wanted.every((n, i) => (spatial[i] as number) % n === 0)) {
    const kernel = wanted.map((n, i) => (spatial[i] as number) / n);
    return call.op(op, [x], { kernel_shape: kernel, strides: kernel });
  }
  const first = shapeOf(x).length - rank;
  return wanted.reduce((y, count, i) => adaptiveAxis(call, op === 'MaxPool' ? 'ReduceMax' : 'ReduceMean', y, first + i, count), x);
}

/** Window i of n goes from ⌊i · size / n⌋ to ⌈(i + 1) · size / n⌉. */
function adaptiveAxis(call: Call, op: 'ReduceMax' | 'ReduceMean', x: Value, axis: number, count: number): Value {
  const size = shapeOf(x)[axis] as number;
  if (count === size) return x;
  const windows = Array.from({ length: count }, (_, i) => {
    const [from, to] = [Math.floor((i * size) / count), Math.ceil(((i + 1) * size) / count)];
    const window = call.op('Slice', [x, integers([from]), integers([to]), integers([axis])], {}, `axis${axis}/window${i}`);
    return call.op(op, [window, integers([axis])], { keepdims: 1 }, `axis${axis}/pooled${i}`);
  });
  return call.op('Concat', windows, { axis }, `axis${axis}`);
}

function batchNorm(call: Call): Value {
  const x = call.tensor('input');
  const channels = shapeOf(x)[1] ?? 1;
  const filled = (name: string, value: number): Value => call.optional(name) ?? constant('', [channels], new Float64Array(channels).fill(value));
  if (call.target.startsWith('batch_norm') && call.flag('training', false)) call.fail('unsupported', 'training-mode', 'is in training mode.', 'Call model.eval() before torch.export.');
  return call.op('BatchNormalization', [x, filled('weight', 1), filled('bias', 0), call.tensor('running_mean'), call.tensor('running_var')], { epsilon: call.number('eps', call.number('momentum', 1e-5) === 0 ? 0 : 1e-5) });
}

function layerNorm(call: Call): Value {
  const x = call.tensor('input');
  const shape = call.list('normalized_shape') ?? [];
  const weight = call.optional('weight') ?? constant('', shape, new Float64Array(sizeOf(shape)).fill(1));
  return call.op('LayerNormalization', [x, weight, call.optional('bias')], { axis: -shape.length, epsilon: call.number('eps', 1e-5) });
}

function groupNorm(call: Call): Value {
  const x = call.tensor('input');
  const channels = shapeOf(x)[1] ?? 1;
  const filled = (name: string, value: number): Value => call.optional(name) ?? constant('', [channels], new Float64Array(channels).fill(value));
  return call.op('GroupNormalization', [x, filled('weight', 1), filled('bias', 0)], { num_groups: call.integer('num_groups', call.integer('group', 1)), epsilon: call.number('eps', 1e-5), per_channel: 1 });
}

function instanceNorm(call: Call): Value {
  const x = call.tensor('input');
  const channels = shapeOf(x)[1] ?? 1;
  const filled = (name: string, value: number): Value => call.optional(name) ?? constant('', [channels], new Float64Array(channels).fill(value));
  if (!call.flag('use_input_stats', true)) return call.op('BatchNormalization', [x, filled('weight', 1), filled('bias', 0), call.tensor('running_mean'), call.tensor('running_var')], { epsilon: call.number('eps', 1e-5) });
  return call.op('InstanceNormalization', [x, filled('weight', 1), filled('bias', 0)], { epsilon: call.number('eps', 1e-5) });
}

/** softmax(q · kᵀ · scale + mask) · v */
function attention(call: Call): Value {
  const [query, given, values] = ['query', 'key', 'value'].map((name) => call.tensor(name)) as [Value, Value, Value];
  const shared = call.flag('enable_gqa', false);
  const [key, value] = shared ? [given, values].map((x, i) => repeatedHeads(call, query, x, i === 0 ? 'keys' : 'values')) as [Value, Value] : [given, values];
  const rank = shapeOf(key).length;
  const length = shapeOf(query)[shapeOf(query).length - 1] as number;
  if (call.number('dropout_p', 0) !== 0) call.fail('unsupported', 'dropout', 'has dropout.', 'Call model.eval() before torch.export.');
  const perm = Array.from({ length: rank }, (_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
  const turned = call.op('Transpose', [key], { perm }, 'key');
  const scale = call.has('scale') ? call.number('scale') : 1 / Math.sqrt(length);
  let scores = scaled(call, call.op('MatMul', [query, turned], {}, 'scores'), scale, 'scaled');
  const mask = call.flag('is_causal', false) ? causalMask(shapeOf(scores)) : call.optional('attn_mask');
  if (mask !== undefined) scores = masked(call, scores, mask);
  return call.op('MatMul', [call.op('Softmax', [scores], { axis: -1 }, 'weights'), value]);
}

/** Each head of keys or values as often as there are queries for it. */
function repeatedHeads(call: Call, query: Value, x: Value, part: string): Value {
  const axis = shapeOf(x).length - 3;
  const [heads, own] = [shapeOf(query)[axis] as number, shapeOf(x)[axis] as number];
  if (heads % own !== 0) return call.fail('input', 'shape-mismatch', `shares ${own} heads of keys among ${heads} of queries.`);
  return call.op('Gather', [x, integers(Array.from({ length: heads }, (_, i) => Math.floor((i * own) / heads)))], { axis }, part);
}

/** Low enough that exp of it is 0 beside anything that is not. */
export const EXCLUDED = -1e4;

/** A constant of 0 where attention may look, and of a number that softmax makes 0 elsewhere. */
function causalMask(scores: readonly number[]): ConstantValue {
  const [rows, columns] = scores.slice(-2) as [number, number];
  return constant('', [rows, columns], Float64Array.from({ length: rows * columns }, (_, i) => (i % columns <= Math.floor(i / columns) ? 0 : EXCLUDED)), { quantised: true });
}

function masked(call: Call, scores: Value, mask: Value): Value {
  if (mask.kind !== 'constant') return call.op('Add', [scores, mask], {}, 'masked');
  // Booleans say where to look; −∞ stands for where not.
  const data = mask.data.map((n) => (mask.integer ? (n === 0 ? EXCLUDED : 0) : Math.max(n, EXCLUDED)));
  return call.op('Add', [scores, { ...mask, data, integer: false, quantised: true }], {}, 'masked');
}

function embedding(call: Call): Value {
  return call.op('Gather', [call.tensor('weight'), call.tensor('indices')], { axis: 0 });
}

function upsample(mode: 'nearest' | 'linear'): (call: Call) => Value {
  return (call) => {
    const x = call.tensor(call.has('self') ? 'self' : 'input');
    const shape = shapeOf(x);
    const rank = shape.length - 2;
    const factors = call.list('scale_factors') ?? ['scales', 'scales_d', 'scales_h', 'scales_w'].flatMap((name) => (call.has(name) ? [call.number(name)] : []));
    const size = call.list('output_size') ?? shape.slice(2).map((n, i) => Math.floor(n * (factors[i] ?? 1)));
    const aligned = mode === 'linear' && call.flag('align_corners', false);
    const given = factors.length === rank && !aligned;
    const attributes = { mode, nearest_mode: 'floor', coordinate_transformation_mode: aligned ? 'align_corners' : mode === 'nearest' ? 'asymmetric' : 'pytorch_half_pixel' };
    if (given) return call.op('Resize', [x, undefined, constant('', [rank + 2], [1, 1, ...factors])], attributes);
    return call.op('Resize', [x, undefined, undefined, integers([...shape.slice(0, 2), ...size])], attributes);
  };
}

/** x / √(mean x² + eps) · weight over the last axes. */
function rmsNorm(call: Call): Value {
  const x = call.tensor('input');
  const shape = call.list('normalized_shape') ?? [];
  const weight = call.optional('weight') ?? constant('', shape, new Float64Array(sizeOf(shape)).fill(1));
  return call.op('RMSNormalization', [x, weight], { axis: -shape.length, epsilon: call.has('eps') ? call.number('eps') : 2 ** -23 });
}

/** input1 · weight[k] · input2 + bias[k] for each output k: one linear map, then a product of variables. */
function bilinear(call: Call): Value {
  const [a, b] = [call.tensor('input1'), call.tensor('input2')];
  const weight = call.constant('weight');
  if (weight === undefined) return call.fail('input', 'missing-input', 'its weight is missing.');
  const half = call.op('Einsum', [b, weight], { equation: '...j,kij->...ki' }, 'weighted');
  const product = call.op('Einsum', [half, a], { equation: '...ki,...i->...k' }, 'product');
  const bias = call.optional('bias');
  return bias === undefined ? product : call.op('Add', [product, bias], {}, 'bias');
}

/** Σ i1 · i2 · i3 over some axes, each given axes of length 1 first: what a bilinear layer decomposes to. */
function trilinear(call: Call): Value {
  const given = [1, 2, 3].map((k) => call.op('Unsqueeze', [call.tensor(`i${k}`), integers(call.list(`expand${k}`) ?? [])], {}, `operand${k}`));
  const product = given.reduce((a, b) => call.op('Mul', [a, b], {}, 'product'));
  return call.op('ReduceSum', [product, integers(call.list('sumdim') ?? [])], { keepdims: 0 });
}

/** Linear maps, convolutions, pooling, normalisation, attention, recurrences. */
export const layerOperators: AtenTable = {
  linear: (call) => linear(call, call.tensor('input'), call.tensor('weight'), call.optional('bias')),
  addmm: (call) => addProduct(call, 'mat1', 'mat2'),
  baddbmm: (call) => addProduct(call, 'batch1', 'batch2'),
  mm: (call) => call.op('MatMul', [call.tensor('self'), call.tensor('mat2')]),
  bmm: (call) => call.op('MatMul', [call.tensor('self'), call.tensor('mat2')]),
  matmul: (call) => call.op('MatMul', [call.tensor('self'), call.tensor('other')]),
  mv: (call) => call.op('MatMul', [call.tensor('self'), call.tensor('vec')]),
  einsum: (call) => call.op('Einsum', call.tensors('tensors'), { equation: call.text('equation', '') }),
  conv1d: conv,
  conv2d: conv,
  conv3d: conv,
  convolution: (call) => (call.flag('transposed', false) ? convTranspose(call) : conv(call)),
  conv_transpose1d: convTranspose,
  conv_transpose2d: convTranspose,
  conv_transpose3d: convTranspose,
  max_pool1d: maxPool,
  max_pool2d: maxPool,
  max_pool3d: maxPool,
  max_pool2d_with_indices: maxPool,
  max_pool3d_with_indices: maxPool,
  avg_pool1d: averagePool,
  avg_pool2d: averagePool,
  avg_pool3d: averagePool,
  adaptive_avg_pool1d: (call) => adaptivePool(call, 'AveragePool'),
  adaptive_avg_pool2d: (call) => adaptivePool(call, 'AveragePool'),
  _adaptive_avg_pool2d: (call) => adaptivePool(call, 'AveragePool'),
  _adaptive_avg_pool3d: (call) => adaptivePool(call, 'AveragePool'),
  adaptive_avg_pool3d: (call) => adaptivePool(call, 'AveragePool'),
  adaptive_max_pool1d: (call) => adaptivePool(call, 'MaxPool'),
  adaptive_max_pool2d: (call) => adaptivePool(call, 'MaxPool'),
  batch_norm: batchNorm,
  _native_batch_norm_legit_no_training: batchNorm,
  layer_norm: layerNorm,
  native_layer_norm: layerNorm,
  group_norm: groupNorm,
  native_group_norm: groupNorm,
  rms_norm: rmsNorm,
  _fused_rms_norm: rmsNorm,
  bilinear,
  _trilinear: trilinear,
  instance_norm: instanceNorm,
  scaled_dot_product_attention: attention,
  embedding,
  upsample_nearest1d: upsample('nearest'),
  upsample_nearest2d: upsample('nearest'),
  upsample_nearest3d: upsample('nearest'),
  upsample_linear1d: upsample('linear'),
  upsample_bilinear2d: upsample('linear'),
  upsample_trilinear3d: upsample('linear'),
  lstm: (call) => emitRecurrentModule(call, 'LSTM'),
  gru: (call) => emitRecurrentModule(call, 'GRU'),
  rnn_tanh: (call) => emitRecurrentModule(call, 'RNN', 'Tanh'),
  rnn_relu: (call) => emitRecurrentModule(call, 'RNN', 'Relu'),
};
