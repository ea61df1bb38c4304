import type { Tensor } from '../../../model/tensor.js';
import { sizeOf, tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import { ConfigReader } from '../json.js';
import type { HandlerTable, KerasContext, KerasLayer } from '../layer.js';
import { unary } from '../layer.js';
import { quantisedOutput, quantiserOf } from './datalane.js';
import type { Float32Function } from './float32.js';
import { float32Function } from './float32.js';
import type { Quantiser } from './quantiser.js';
import { behindCast, castLayer, checkBroadcast, quantiseNumber, widthsOf } from './quantiser.js';
import { ownActivation } from './stock.js';
import { elementTables } from './tables.js';

const fround = Math.fround;

/** A small network of one input and one output for each connection: weights by connection, then by unit. */
interface SubNetworks {
  /** Which connection each element before the sum belongs to. */
  readonly connectionOf: (e: number) => number;
  /** The function of a connection. */
  readonly functionOf: (connection: number) => Float32Function;
}

interface Dense1 {
  /** `[connections, nIn, nOut]` flat. */
  readonly kernel: Float64Array;
  readonly bias: Float64Array | undefined;
  readonly nIn: number;
  readonly nOut: number;
}

/** The EinsumDense layers of the sub-networks in order. */
function subNetworkLayers(layer: KerasLayer, hasBias: boolean, context: KerasContext): readonly Dense1[] {
  const { config, name, weights } = layer;
  const [hidden, width] = [config.int('n_hl', 1), config.int('d_hl', 8)];
  const ids = Array.from({ length: hidden + 1 }, () => ({ name: '', className: 'EinsumDense' }));
  return weights.part('module').layers(ids).map((own, n): Dense1 => {
    const [kernel, bias] = own.variables(hasBias ? ['kernel', 'bias'] : ['kernel']) as [Tensor, Tensor | undefined];
    const nIn = n === 0 ? 1 : width;
    const nOut = n === hidden ? 1 : width;
    if (kernel.data.length % (nIn * nOut) !== 0) context.fail('input', name, 'table-weights', `has sub-network weights of [${kernel.shape.join(', ')}], which are not ${nIn} by ${nOut} each.`);
    return { kernel: kernel.data, bias: bias?.data, nIn, nOut };
  });
}

/** The network of one connection, each sum in float32. */
function networkOf(layers: readonly Dense1[], activation: Float32Function, connection: number): Float32Function {
  return (x) => {
    let values: number[] = [x];
    layers.forEach(({ kernel, bias, nIn, nOut }, depth) => {
      const next: number[] = [];
      for (let j = 0; j < nOut; j++) {
        let sum = 0;
        for (let i = 0; i < nIn; i++) sum += (values[i] as number) * (kernel[(connection * nIn + i) * nOut + j] as number);
        const biased = bias === undefined ? fround(sum) : fround(fround(sum) + (bias[connection * nOut + j] as number));
        next.push(depth === layers.length - 1 ? biased : activation(biased));
      }
      values = next;
    });
    return values[0] as number;
  };
}

/** The activation of the sub-networks. */
function innerActivation(layer: KerasLayer, context: KerasContext): Float32Function {
  const specification = layer.config.json('subnn_activation');
  const found = float32Function(specification, (fields) => new ConfigReader(fields, [...layer.config.where, 'subnn_activation']));
  return found ?? context.fail('unsupported', layer.name, 'unknown-function', `has the inner activation ${JSON.stringify(specification)?.slice(0, 120)}, which is no function of one value that is known.`);
}

/** Each element before the sum through its table; `x` has the shape of these. */
function tabulated(layer: KerasLayer, x: TensorRef, { connectionOf, functionOf }: SubNetworks, context: KerasContext): TensorRef {
  const { name } = layer;
  const input = layer.config.boolean('enable_iq', true) ? quantiserOf(layer, 'iq', context) : undefined;
  if (input === undefined) return context.fail('unsupported', name, 'function-input', 'has tables of values that no quantiser limits.', 'Enable its input quantiser (enable_iq).');
  const output = quantiserOf(layer, 'toq', context);
  const cast = castLayer(input, x, `${name}_iq`, context);
  if (output !== undefined) checkBroadcast(output, x.shape, name, context);
  const widths = output === undefined ? undefined : widthsOf(output, x.shape);
  const functions = new Map<number, Float32Function>();
  const tables = elementTables(input, cast, (e) => {
    const connection = connectionOf(e);
    const f = functions.get(connection) ?? functionOf(connection);
    functions.set(connection, f);
    const own = widths?.[e];
    const whole: Float32Function = (v) => f(behindCast(input, v));
    if (own === undefined) return { key: String(connection), value: whole };
    return { key: `${connection}|${own.k}:${own.i}:${own.f}`, value: (v) => quantiseNumber(output as Quantiser, own, whole(v)) };
  }, `${name}_tables`, context);
  return tables ?? context.fail('unsupported', name, 'wide-table', 'has tables of more than 16 bits, or of more than 8 million entries.', 'Give its input quantiser fewer bits.');
}

/** Batch normalisation of table outputs, then / √n: in float32, divided by multiplying with the reciprocal. */
function normalised(f: Float32Function, scale: number, offset: number, count: number): Float32Function {
  const share = fround(1 / fround(Math.sqrt(count)));
  return (v) => fround(fround(fround(f(v) * scale) + offset) * share);
}

/** x[…, i] → Σ_i table_io(x[…, i]) */
function denseOf(layer: KerasLayer, x: TensorRef, context: KerasContext): TensorRef {
  const { config, name, weights } = layer;
  const nIn = x.shape.at(-1) as number;
  const nOut = config.has('n_out') ? config.int('n_out') : config.int('filters');
  const layers = subNetworkLayers(layer, config.boolean('use_bias', true), context);
  if (layers[0]?.kernel.length !== nIn * nOut * (layers[0]?.nOut ?? 1)) context.fail('input', name, 'table-weights', `has sub-networks for other than ${nIn} by ${nOut} connections.`);
  const activation = innerActivation(layer, context);
  const norm = config.boolean('batch_norm', false) ? normOf(layer, weights.part('bn_module').variables(normNames(layer, 'gamma', 'beta')), context) : undefined;
  const functionOf = (connection: number): Float32Function => {
    const plain = networkOf(layers, activation, connection);
    return norm === undefined ? plain : normalised(plain, norm.scale[connection % nOut] as number, norm.offset[connection % nOut] as number, nIn);
  };
  const repeated = tensor([nIn, nOut], Array.from({ length: nIn * nOut }, (_, at) => Math.floor(at / nOut)), true);
  const spread = context.add('gather', { axis: x.shape.length - 1, indices: repeated }, [x], `${name}_spread`);
  const values = tabulated(layer, spread, { connectionOf: (e) => e % (nIn * nOut), functionOf }, context);
  const sum = context.add('reduce', { operation: 'sum', axes: [spread.shape.length - 2], keepDims: false }, [values], name);
  return quantisedOutput(layer, ownActivation(layer, sum, context), context);
}

function normNames({ config }: KerasLayer, gamma: string, beta: string): readonly string[] {
  return [...(config.boolean('bn_scale', true) ? [gamma] : []), ...(config.boolean('bn_center', true) ? [beta] : []), 'moving_mean', 'moving_variance'];
}

/** gamma / √(variance + ε) and beta − mean · that, per channel, in float32. */
function normOf({ config, name }: KerasLayer, values: readonly Tensor[], context: KerasContext): { readonly scale: Float64Array; readonly offset: Float64Array } {
  const queue = [...values];
  const gamma = config.boolean('bn_scale', true) ? queue.shift()?.data : undefined;
  const beta = config.boolean('bn_center', true) ? queue.shift()?.data : undefined;
  const [mean, variance] = queue as [Tensor, Tensor];
  if (mean.data.length !== variance.data.length) context.fail('input', name, 'batch-norm', 'has means and variances of different lengths.');
  const epsilon = fround(config.number('bn_epsilon', 1e-3));
  const scale = variance.data.map((v, c) => fround((gamma?.[c] ?? 1) / fround(Math.sqrt(fround(v + epsilon)))));
  return { scale, offset: mean.data.map((m, c) => fround((beta?.[c] ?? 0) - fround(m * (scale[c] as number)))) };
}

/** Shapes and letters of QEinsumDenseT: elements before the sum are `[input axes …, axes only the kernel has …]`. */
interface EinsumPlan {
  readonly presum: readonly number[];
  readonly presumLetters: string;
  readonly kernelLetters: string;
  readonly inputLetters: string;
  readonly outputLetters: string;
}

function planEinsum(layer: KerasLayer, x: TensorRef, context: KerasContext): EinsumPlan {
  const { config, name } = layer;
  const equation = config.string('equation').replace(/\s/g, '');
  const [left = '', output = ''] = equation.split('->');
  const [input = '', kernel = ''] = left.split(',');
  const elided = 'ZYXWVUTSRQ'.slice(0, Math.max(0, x.shape.length - input.replace('...', '').length));
  const [inputLetters, outputLetters] = [input, output].map((term) => term.replace('...', elided)) as [string, string];
  const stated = config.integers('output_shape') ?? config.bad('output_shape', 'whole numbers');
  const sizes = new Map([...inputLetters].map((letter, axis) => [letter, x.shape[axis] as number]));
  const outputs = [...outputLetters].slice(outputLetters.length - stated.length);
  outputs.forEach((letter, n) => sizes.set(letter, stated[n] as number));
  const extra = [...kernel].filter((letter) => !inputLetters.includes(letter));
  if (inputLetters.length !== x.shape.length || extra.some((letter) => !outputLetters.includes(letter)) || [...outputLetters].some((letter) => !sizes.has(letter))) {
    return context.fail('unsupported', name, 'equation', `has the equation ${equation.slice(0, 80)}, which does not fit an input of [${x.shape.join(', ')}].`);
  }
  const presumLetters = inputLetters + extra.join('');
  return { presum: [...presumLetters].map((letter) => sizes.get(letter) as number), presumLetters, kernelLetters: kernel, inputLetters, outputLetters };
}

/** Σ over contracted axes of a table for each element and connection. */
export function tableEinsumOf(layer: KerasLayer, x: TensorRef, context: KerasContext): TensorRef {
  const { config, name, weights } = layer;
  const plan = planEinsum(layer, x, context);
  const { presum, presumLetters, kernelLetters, inputLetters, outputLetters } = plan;
  const norms = config.boolean('batch_norm', false);
  const layers = subNetworkLayers(layer, config.has('bias_axes') && !norms, context);
  const activation = innerActivation(layer, context);
  const connectionOf = indexAlong(presumLetters, presum, kernelLetters);
  const kernelSize = [...kernelLetters].reduce((n, letter) => n * (presum[presumLetters.indexOf(letter)] as number), 1);
  if (layers[0]?.kernel.length !== kernelSize * (layers[0]?.nOut ?? 1)) context.fail('input', name, 'table-weights', `has sub-networks for other than ${kernelSize} connections.`);
  const contracted = [...inputLetters].flatMap((letter, axis) => (outputLetters.includes(letter) ? [] : [axis]));
  const nIn = contracted.reduce((n, axis) => n * (presum[axis] as number), 1);
  const normAxes = config.string('normalize_axes', config.has('bias_axes') ? config.string('bias_axes') : [...kernelLetters].filter((letter) => outputLetters.includes(letter)).join(''));
  const norm = norms ? normOf(layer, weights.variables(normNames(layer, 'bn_gamma', 'bn_beta')), context) : undefined;
  const kernelShape = [...kernelLetters].map((letter) => presum[presumLetters.indexOf(letter)] as number);
  const channelOf = indexAlong(kernelLetters, kernelShape, normAxes);
  if ([...normAxes].some((letter) => !kernelLetters.includes(letter)) && norm !== undefined) context.fail('unsupported', name, 'batch-norm', `normalises the axes ${normAxes.slice(0, 40)}, which its tables do not all have.`);
  const functionOf = (connection: number): Float32Function => {
    const plain = networkOf(layers, activation, connection);
    const channel = channelOf[connection] as number;
    return norm === undefined ? plain : normalised(plain, norm.scale[channel] as number, norm.offset[channel] as number, nIn);
  };
  const source = Int32Array.from({ length: sizeOf(presum) }, (_, e) => Math.floor(e / (sizeOf(presum) / sizeOf(x.shape))));
  const flat = context.add('reshape', { shape: [1, sizeOf(x.shape)] }, [x], `${name}_flat`);
  const spread = context.add('gather', { axis: 1, indices: tensor(presum.slice(1), source, true) }, [flat], `${name}_spread`);
  const values = tabulated(layer, spread, { connectionOf: (e) => connectionOf[e] as number, functionOf }, context);
  const sum = contracted.length === 0 ? values : context.add('reduce', { operation: 'sum', axes: contracted, keepDims: false }, [values], `${name}_sum`);
  const left = [...presumLetters].filter((letter) => outputLetters.includes(letter));
  const perm = [...outputLetters].map((letter) => left.indexOf(letter));
  const y = context.add('transpose', { perm }, [sum], name);
  return quantisedOutput(layer, ownActivation(layer, y, context), context);
}

/** For each element of a tensor with lettered axes the flat index over some of these, in the order they are picked. */
function indexAlong(letters: string, shape: readonly number[], picked: string): Int32Array {
  const sizes = [...picked].map((letter) => shape[letters.indexOf(letter)] ?? 1);
  return Int32Array.from({ length: sizeOf(shape) }, (_, at) => {
    let index = 0;
    [...picked].forEach((letter, n) => {
      const axis = letters.indexOf(letter);
      const inner = sizeOf(shape.slice(axis + 1));
      index = index * (sizes[n] as number) + (Math.floor(at / inner) % (shape[axis] as number));
    });
    return index;
  });
}

/** Patches of an image as the last axis, then tables: positions first, then rows, columns and channels of a patch. */
function convolution(rank: 1 | 2) {
  return unary((layer, x, context) => {
    const { config, name } = layer;
    if (config.string('data_format', 'channels_last') !== 'channels_last') context.fail('unsupported', name, 'data-format', 'has its channels first, which is not supported.', 'Build it with channels_last.');
    const sizes = { kernel: config.ints('kernel_size', rank), strides: config.ints('strides', rank, new Array(rank).fill(1)), dilations: config.ints('dilation_rate', rank, new Array(rank).fill(1)) };
    const same = config.string('padding', 'valid').toLowerCase() === 'same';
    const channels = x.shape.at(-1) as number;
    const axes = sizes.kernel.map((kernel, n) => axisWindows(x.shape[n + 1] as number, kernel, sizes.strides[n] as number, sizes.dilations[n] as number, same));
    if (axes.some((axis) => axis.length === 0)) return context.fail('input', name, 'kernel-size', `has a kernel of [${sizes.kernel.join(', ')}] on an input of [${x.shape.slice(1).join(', ')}].`);
    const indices: number[] = [];
    const spatial = x.shape.slice(1, -1);
    for (const position of product(axes)) {
      for (const cell of product(position)) {
        const inside = cell.every((at, n) => at >= 0 && at < (spatial[n] as number));
        const base = cell.reduce((index, at, n) => index * (spatial[n] as number) + at, 0) * channels;
        for (let c = 0; c < channels; c++) indices.push(inside ? base + c : sizeOf(spatial) * channels);
      }
    }
    const shape = [...axes.map((axis) => axis.length), sizeOf(sizes.kernel) * channels];
    const flat = context.add('reshape', { shape: [1, sizeOf(x.shape)] }, [x], `${name}_flat`);
    const padded = context.add('pad', { pads: [0, 0, 0, 1], value: 0 }, [flat], `${name}_padded`);
    const patches = context.add('gather', { axis: 1, indices: tensor(shape, indices, true) }, [padded], `${name}_patches`);
    return denseOf(layer, patches, context);
  });
}

/** For each output position the input positions of its window; negative or too large ones are padding. */
function axisWindows(length: number, kernel: number, stride: number, dilation: number, same: boolean): number[][] {
  const span = (kernel - 1) * dilation + 1;
  const count = same ? Math.ceil(length / stride) : Math.floor((length - span) / stride) + 1;
  const before = same ? Math.floor(Math.max(0, (count - 1) * stride + span - length) / 2) : 0;
  return Array.from({ length: Math.max(0, count) }, (_, p) => Array.from({ length: kernel }, (_unused, k) => p * stride - before + k * dilation));
}

/** All choices of one item of each list, the last list fastest. */
function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);
}

export const tableLayers: HandlerTable = {
  QConvT1D: convolution(1),
  QConvT2D: convolution(2),
  'hgq>QDenseT': unary(denseOf),
  'hgq>QEinsumDenseT': unary(tableEinsumOf),
};
