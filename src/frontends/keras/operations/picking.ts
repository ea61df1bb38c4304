import { tensor } from '../../../model/tensor.js';
import { takeElements, takeSlices } from '../../gathering.js';
import type { TensorRef } from '../../network.js';
import type { ConfigReader } from '../json.js';
import type { HandlerTable, LayerHandler } from '../layer.js';
import { oneHot } from '../layers/categories.js';
import { axisOf, reshape } from '../layers/support.js';
import { checkSize, first, one, operand, picked, positional } from './operands.js';

/** TensorFlow's order; Keras' own operations rise. */
const falls = (config: ConfigReader): boolean => config.string('direction', 'ASCENDING') === 'DESCENDING';

const sorted = one(({ config, name }, x, context) => context.add('sort', { axis: axisOf(config, 'axis', x.shape.length, -1), descending: falls(config) }, [x], name));

const argsort = one((layer, x, context) => {
  const axis = axisOf(layer.config, 'axis', x.shape.length, -1);
  return context.add('topK', { axis, k: x.shape[axis] as number, largest: falls(layer.config), output: 'indices' }, [x], layer.name);
});

/** Values and places of the k largest, along the last axis. */
const topK: LayerHandler = (layer, call, context) => {
  const x = first(layer, call, context);
  const k = layer.config.int('k');
  return (['values', 'indices'] as const).map((output) => context.add('topK', { axis: x.shape.length - 1, k, largest: true, output }, [x], `${layer.name}/${output}`));
};

/** Constant indices, a constant table under variable ones, or both variable. */
const take: LayerHandler = (layer, call, context) => {
  const given = positional(call);
  const [data, indices] = [given[0] ?? call.kwargs['x'], given[1] ?? call.kwargs['indices']];
  if (data?.kind === 'constant' && indices?.kind === 'tensor') {
    if ((layer.config.json('axis') ?? 0) !== 0 && data.value.shape.length > 1) layer.config.bad('axis', 'axis 0 of a table');
    const table = data.value.shape.length > 1 ? data.value : { ...data.value, shape: [data.value.data.length, 1] };
    const rows = context.add('embedding', { table }, [indices.tensor], layer.name);
    return [data.value.shape.length > 1 ? rows : reshape(context, rows, indices.tensor.shape, `${layer.name}/shape`)];
  }
  const x = operand(layer, data, context, 'data');
  const axis = axisOf(layer.config, 'axis', x.shape.length, 0);
  if (indices?.kind === 'tensor') return [takeSlices(context, x, indices.tensor, axis, layer.name)];
  const items = indices?.kind === 'list' ? indices.items.map((item) => (item.kind === 'json' ? item.value : null)) : indices?.kind === 'json' ? indices.value : null;
  const known = indices?.kind === 'constant' ? indices.value : typeof items === 'number' ? tensor([], [items]) : Array.isArray(items) && items.every((i) => typeof i === 'number') ? tensor([items.length], items as number[]) : undefined;
  if (known === undefined || known.data.some((i) => !Number.isInteger(i))) return context.fail('unsupported', layer.name, 'operand', 'picks at places that are neither whole numbers nor a tensor.');
  return [context.add('gather', { axis, indices: { ...known, quantised: true } }, [x], layer.name)];
};

/** One element of each line, at an index of its own; lengths of 1 are repeated. */
const takeAlong: LayerHandler = (layer, call, context) => {
  const given = positional(call);
  const [x, indices] = [operand(layer, given[0], context, 'data'), operand(layer, given[1] ?? call.kwargs['indices'], context, 'indices')];
  const axis = axisOf(layer.config, 'axis', x.shape.length, -1);
  const spread = (of: TensorRef, other: TensorRef, label: string): TensorRef =>
    of.shape.reduce((y, n, k) => (k !== axis && n === 1 && other.shape[k] !== 1 ? picked(context, y, k, new Array<number>(other.shape[k] as number).fill(0), `${layer.name}/${label}${k}`) : y), of);
  return [takeElements(context, spread(x, indices, 'data'), spread(indices, x, 'indices'), axis, layer.name)];
};

const repeated = one((layer, x, context) => {
  const axis = axisOf(layer.config, 'axis', x.shape.length, 0);
  const counts = layer.config.integers('repeats') ?? [];
  const size = x.shape[axis] as number;
  if ((counts.length !== 1 && counts.length !== size) || counts.some((n) => n < 0)) layer.config.bad('repeats', `one count, or ${size}`);
  checkSize(layer, counts.reduce((a, b) => a + b, 0) * (counts.length === 1 ? size : 1), context);
  return picked(context, x, axis, Array.from({ length: size }, (_, i) => new Array<number>(counts[counts.length === 1 ? 0 : i] as number).fill(i)).flat(), layer.name);
});

const tiled = one((layer, x, context) => {
  const stated = layer.config.integers('repeats') ?? [];
  const rank = Math.max(x.shape.length, stated.length);
  const counts = [...new Array<number>(rank - stated.length).fill(1), ...stated];
  if (counts[0] !== 1 || rank > x.shape.length || counts.some((n) => n < 1)) layer.config.bad('repeats', 'a count an axis, 1 for the batch');
  checkSize(layer, counts.reduce((product, n, k) => product * n * (x.shape[k] as number), 1), context);
  return counts.reduce((y, count, axis) => {
    const size = y.shape[axis] as number;
    return count === 1 ? y : picked(context, y, axis, Array.from({ length: count * size }, (_, i) => i % size), `${layer.name}/axis${axis}`);
  }, x);
});

/** Shifts round the ends of one axis or several. */
const rolled = one((layer, x, context) => {
  const axes = layer.config.integers('axis') ?? layer.config.bad('axis', 'axes to roll along');
  const shifts = layer.config.integers('shift') ?? [];
  if (shifts.length !== axes.length && shifts.length !== 1) layer.config.bad('shift', 'a shift an axis');
  return axes.reduce((y, stated, at) => {
    const axis = stated < 0 ? stated + x.shape.length : stated;
    const size = x.shape[axis];
    if (axis < 1 || size === undefined) return layer.config.bad('axis', `axes from 1 to ${x.shape.length - 1}`);
    const shift = shifts[shifts.length === 1 ? 0 : at] as number;
    return picked(context, y, axis, Array.from({ length: size }, (_, i) => (((i - shift) % size) + size) % size), `${layer.name}/axis${axis}`);
  }, x);
});

const hot = one((layer, x, context) => {
  const { config, name } = layer;
  const stated = config.json('axis') ?? -1;
  if (stated !== -1 && stated !== x.shape.length) config.bad('axis', 'the last axis, −1');
  const count = config.int('num_classes');
  checkSize(layer, count, context);
  return oneHot(context, x, count, name);
});

/** Operations of keras.ops that pick, order and repeat. */
export const pickingOperations: HandlerTable = { Argsort: argsort, OneHot: hot, Repeat: repeated, Roll: rolled, Sort: sorted, Take: take, TakeAlongAxis: takeAlong, Tile: tiled, TopK: topK };
