import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasContext, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import type { ConfigReader } from '../json.js';
import { padsOf } from './convolution.js';
import { cut, fromFirst, isChannelsFirst, reshape, toFirst, transpose } from './support.js';

function pool(mode: 'max' | 'average', rank: number): LayerHandler {
  return unary(({ config, name }, x, context) => {
    if (x.shape.length !== rank + 2) context.fail('input', name, 'bad-rank', `pools ${rank} axes of an input [${x.shape.join(', ')}].`);
    const kernel = sizes(config, 'pool_size', rank, new Array<number>(rank).fill(2));
    const strides = sizes(config, 'strides', rank, kernel);
    const padding = config.string('padding', 'valid').toLowerCase();
    if (padding !== 'valid' && padding !== 'same') config.bad('padding', "'valid' or 'same'");
    const channelsFirst = isChannelsFirst(config);
    const input = toFirst(context, x, channelsFirst, name);
    const dilations = new Array<number>(rank).fill(1);
    const pads = padsOf(input.shape.slice(2), kernel, { strides, dilations, padding, channelsFirst });
    const y = context.add('pool', { mode, kernel, strides, dilations, pads, countIncludePad: false, ceilMode: false }, [input], name);
    return fromFirst(context, y, channelsFirst, name);
  });
}

function sizes(config: ConfigReader, field: string, rank: number, fallback: readonly number[]): readonly number[] {
  const list = config.ints(field, rank, fallback);
  return list.some((n) => n < 1 || n > 65536) ? config.bad(field, 'sizes of at least 1') : list;
}

function globalPool(operation: 'max' | 'mean', rank: number): LayerHandler {
  return unary(({ config, name }, x, context) => {
    if (x.shape.length !== rank + 2) context.fail('input', name, 'bad-rank', `pools ${rank} axes of an input [${x.shape.join(', ')}].`);
    const first = isChannelsFirst(config) ? 2 : 1;
    const axes = Array.from({ length: rank }, (_, i) => i + first);
    return context.add('reduce', { operation, axes, keepDims: config.boolean('keepdims', false) }, [x], name);
  });
}

/** As many windows an axis as the output has elements: window i of n from ⌊i · size / n⌋ to ⌈(i + 1) · size / n⌉. */
function adaptivePool(operation: 'max' | 'mean', rank: number): LayerHandler {
  return unary(({ config, name }, x, context) => {
    if (x.shape.length !== rank + 2) context.fail('input', name, 'bad-rank', `pools ${rank} axes of an input [${x.shape.join(', ')}].`);
    const counts = sizes(config, 'output_size', rank, []);
    const first = isChannelsFirst(config) ? 2 : 1;
    const spatial = x.shape.slice(first, first + rank);
    if (counts.every((count, i) => (spatial[i] as number) % count === 0)) return evenPool(operation, x, spatial.map((size, i) => size / (counts[i] as number)), first === 2, name, context);
    const windows = (axis: number, y: TensorRef, label: string): TensorRef => {
      if (axis === rank) return context.add('reduce', { operation, axes: counts.map((_, i) => i + first), keepDims: true }, [y], label === '' ? name : `${name}/window${label}`);
      const [size, count] = [spatial[axis] as number, counts[axis] as number];
      const parts = Array.from({ length: count }, (_, i) => {
        const part = cut(context, y, axis + first, Math.floor((i * size) / count), Math.ceil(((i + 1) * size) / count), `${name}/part${label}_${i}`);
        return windows(axis + 1, part, `${label}_${i}`);
      });
      return parts.length === 1 ? (parts[0] as TensorRef) : context.add('concat', { axis: axis + first }, parts, `${name}/joined${label}`);
    };
    return windows(0, x, '');
  });
}

function evenPool(operation: 'max' | 'mean', x: TensorRef, kernel: readonly number[], channelsFirst: boolean, name: string, context: KerasContext): TensorRef {
  const params = { mode: operation === 'max' ? ('max' as const) : ('average' as const), kernel, strides: kernel, dilations: kernel.map(() => 1), pads: new Array<number>(2 * kernel.length).fill(0), countIncludePad: false, ceilMode: false };
  return fromFirst(context, context.add('pool', params, [toFirst(context, x, channelsFirst, name)], name), channelsFirst, name);
}

/** Every element `size` times along each spatial axis. */
function upsampling(rank: number): LayerHandler {
  return unary(({ config, name }, x, context) => {
    const factors = sizes(config, 'size', rank, new Array<number>(rank).fill(2));
    const first = isChannelsFirst(config) ? 2 : 1;
    const interpolation = config.string('interpolation', 'nearest');
    let y = x;
    factors.forEach((factor, i) => {
      if (factor === 1) return;
      const axis = i + first;
      const size = y.shape[axis] as number;
      const label = i === rank - 1 ? name : `${name}/axis${axis}`;
      if (interpolation === 'nearest') {
        const data = Float64Array.from({ length: size * factor }, (_, k) => Math.floor(k / factor));
        y = context.add('gather', { axis, indices: { shape: [size * factor], data, quantised: true } }, [y], label);
        return;
      }
      if (interpolation !== 'bilinear') context.fail('unsupported', name, 'interpolation', `interpolates '${interpolation.slice(0, 40)}'; nearest and bilinear are supported.`);
      const perm = y.shape.map((_, k) => k).filter((k) => k !== axis);
      const last = transpose(context, y, [...perm, axis], `${label}/last`);
      const scaled = context.add('dense', { weight: { shape: [size, size * factor], data: bilinear(size, factor), quantised: true }, bias: null }, [last], label);
      y = transpose(context, scaled, y.shape.map((_, k) => (k === axis ? perm.length : perm.indexOf(k))), `${label}/back`);
    });
    return reshape(context, y, y.shape, name);
  });
}

/** `[size, size · factor]`: weights of the two nearest inputs, centres of pixels at halves. */
function bilinear(size: number, factor: number): Float64Array {
  const length = size * factor;
  const weights = new Float64Array(size * length);
  for (let k = 0; k < length; k++) {
    const at = (k + 0.5) / factor - 0.5;
    const low = Math.floor(at);
    for (const [cell, weight] of [[low, low + 1 - at], [low + 1, at - low]] as const) {
      const inside = Math.min(size - 1, Math.max(0, cell));
      weights[inside * length + k] = (weights[inside * length + k] as number) + weight;
    }
  }
  return weights;
}

const both = (name: string, handler: (rank: number) => LayerHandler, ranks: readonly number[]): [string, LayerHandler][] => ranks.map((rank) => [`${name}${rank}D`, handler(rank)]);

export const poolingLayers: HandlerTable = Object.fromEntries([
  ...both('AdaptiveAveragePooling', (rank) => adaptivePool('mean', rank), [1, 2, 3]),
  ...both('AdaptiveMaxPooling', (rank) => adaptivePool('max', rank), [1, 2, 3]),
  ...both('MaxPooling', (rank) => pool('max', rank), [1, 2, 3]),
  ...both('AveragePooling', (rank) => pool('average', rank), [1, 2, 3]),
  ...both('MaxPool', (rank) => pool('max', rank), [1, 2, 3]),
  ...both('AvgPool', (rank) => pool('average', rank), [1, 2, 3]),
  ...both('GlobalMaxPooling', (rank) => globalPool('max', rank), [1, 2, 3]),
  ...both('GlobalAveragePooling', (rank) => globalPool('mean', rank), [1, 2, 3]),
  ...both('UpSampling', upsampling, [1, 2, 3]),
]);
