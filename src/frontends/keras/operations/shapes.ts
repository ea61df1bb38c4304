import { sizeOf } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { Json } from '../json.js';
import { isIntegers, shown } from '../json.js';
import type { HandlerTable, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { targetShape } from '../layers/shapes.js';
import { axesOf, axisOf, cut, reshape, transpose } from '../layers/support.js';
import { item } from './indexing.js';
import { checkSize, first, number, one, operand, picked, positional } from './operands.js';

const transposed = one((layer, x, context) => {
  const perm = layer.config.integers('axes') ?? [];
  if (perm[0] !== 0 || perm.length !== x.shape.length || new Set(perm).size !== perm.length) context.fail('unsupported', layer.name, 'batch-moved', `permutes the axes as ${shown(layer.config.json('axes'))}; the batch must stay in front.`);
  return transpose(context, x, perm, layer.name);
});

const swapped = one((layer, x, context) => {
  const [a, b] = [axisOf(layer.config, 'axis1', x.shape.length, 1), axisOf(layer.config, 'axis2', x.shape.length, 2)];
  return transpose(context, x, x.shape.map((_, k) => (k === a ? b : k === b ? a : k)), layer.name);
});

const reshaped = one((layer, x, context) => {
  const target = layer.config.json('newshape');
  const [batch, ...rest] = Array.isArray(target) ? (target as readonly Json[]) : [];
  const shape = isIntegers(rest) ? targetShape(rest, sizeOf(x.shape)) : undefined;
  if (shape === undefined || (batch !== -1 && batch !== 1 && batch !== null)) return layer.config.bad('newshape', 'a shape of as many elements, with −1 for the batch in front');
  return reshape(context, x, [1, ...shape], layer.name);
});

const expanded = one((layer, x, context) => {
  const axes = (layer.config.integers('axis') ?? []).map((axis) => (axis < 0 ? axis + x.shape.length + 1 : axis));
  const [axis] = axes;
  if (axis === undefined || axes.length !== 1 || axis < 1 || axis > x.shape.length) return layer.config.bad('axis', `an axis from 1 to ${x.shape.length}`);
  return reshape(context, x, x.shape.toSpliced(axis, 0, 1), layer.name);
});

const squeezed = one((layer, x, context) => {
  const ones = x.shape.map((_, axis) => axis).filter((axis) => axis > 0 && x.shape[axis] === 1);
  const axes = layer.config.has('axis') ? axesOf(layer.config, 'axis', x.shape.length, []) : ones;
  if (axes.some((axis) => x.shape[axis] !== 1)) layer.config.bad('axis', 'axes of length 1');
  return reshape(context, x, x.shape.filter((_, axis) => !axes.includes(axis)), layer.name);
});

/** Some axes reversed. */
function reversed(context: KerasContext, x: TensorRef, axes: readonly number[], name: string): TensorRef {
  const sizes = axes.map((axis) => x.shape[axis] as number);
  return context.add('slice', { axes, starts: sizes.map((n) => n - 1), ends: axes.map(() => -1), steps: axes.map(() => -1) }, [x], name);
}

const flipped = one((layer, x, context) => reversed(context, x, axesOf(layer.config, 'axis', x.shape.length, []), layer.name));

/** The first axis behind the batch. */
const flippedLeft = one((layer, x, context) => (x.shape.length > 1 ? reversed(context, x, [1], layer.name) : context.fail('input', layer.name, 'bad-rank', 'flips axis 1, which its input has not.')));

const concatenated: LayerHandler = (layer, call, context) => {
  const inputs = positional(call).map((argument, i) => operand(layer, argument, context, `part${i}`));
  const [head] = inputs;
  if (head === undefined) return context.fail('input', layer.name, 'inputs', 'has no input.');
  return [context.add('concat', { axis: axisOf(layer.config, 'axis', head.shape.length, 0) }, inputs, layer.name)];
};

const stacked: LayerHandler = (layer, call, context) => {
  const inputs = positional(call).map((argument, i) => operand(layer, argument, context, `part${i}`));
  const [head] = inputs;
  if (head === undefined) return context.fail('input', layer.name, 'inputs', 'has no input.');
  const axis = axisOf(layer.config, 'axis', head.shape.length + 1, 0);
  const rows = inputs.map((x, i) => reshape(context, x, x.shape.toSpliced(axis, 0, 1), `${layer.name}/row${i}`));
  return rows.length === 1 ? rows : [context.add('concat', { axis }, rows, layer.name)];
};

/** Concatenated along an axis that the operation's name says. */
const joined = (axis: number): LayerHandler => (layer, call, context) => {
  const inputs = positional(call).map((argument, i) => operand(layer, argument, context, `part${i}`));
  if ((inputs[0]?.shape.length ?? 0) <= axis) return context.fail('input', layer.name, 'bad-rank', `joins inputs that have no axis ${axis}.`);
  return [context.add('concat', { axis }, inputs, layer.name)];
};

/** Two tensors, one behind the other. */
const appended: LayerHandler = (layer, call, context) => {
  const inputs = positional(call).map((argument, i) => operand(layer, argument, context, `part${i}`));
  return [context.add('concat', { axis: axisOf(layer.config, 'axis', (inputs[0] as TensorRef).shape.length, 0) }, inputs, layer.name)];
};

const moved = one((layer, x, context) => {
  const [from, to] = [axisOf(layer.config, 'source', x.shape.length, 1), axisOf(layer.config, 'destination', x.shape.length, 1)];
  return transpose(context, x, [...x.shape.keys()].filter((k) => k !== from).toSpliced(to, 0, from), layer.name);
});

/** Equal parts (with `uneven`, as equal as can be), or cut before each of some positions. */
function splitAlong(layer: KerasLayer, x: TensorRef, axis: number, context: KerasContext, uneven: boolean): readonly TensorRef[] {
  const size = x.shape[axis] as number;
  const stated = layer.config.integers('indices_or_sections') ?? [];
  const count = typeof layer.config.json('indices_or_sections') === 'number' ? (stated[0] as number) : 0;
  if (count !== 0 && (count < 1 || count > size || (size % count !== 0 && !uneven))) layer.config.bad('indices_or_sections', `a divisor of ${size}`);
  const starts = Array.from({ length: Math.max(0, count - 1) }, (_, i) => (i + 1) * Math.floor(size / count) + Math.min(i + 1, size % count));
  const inner = count === 0 ? stated.map((n) => Math.min(size, Math.max(0, n < 0 ? n + size : n))) : starts;
  const cuts = [0, ...inner, size];
  return cuts.slice(1).map((end, i) => cut(context, x, axis, cuts[i] as number, end, `${layer.name}/part${i}`));
}

const split = (uneven: boolean): LayerHandler => (layer, call, context) => {
  const x = first(layer, call, context);
  return splitAlong(layer, x, axisOf(layer.config, 'axis', x.shape.length, 0), context, uneven);
};

/** Split along an axis that the operation's name says. */
const splitOf = (axis: number): LayerHandler => (layer, call, context) => {
  const x = first(layer, call, context);
  return x.shape.length > axis ? splitAlong(layer, x, axis, context, false) : context.fail('input', layer.name, 'bad-rank', `splits axis ${axis}, which its input has not.`);
};

/** Every slice of an axis by itself. */
const unstacked: LayerHandler = (layer, call, context) => {
  const x = first(layer, call, context);
  const axis = axisOf(layer.config, 'axis', x.shape.length, 0);
  const rest = x.shape.toSpliced(axis, 1);
  return Array.from({ length: x.shape[axis] as number }, (_, i) => reshape(context, cut(context, x, axis, i, i + 1, `${layer.name}/row${i}`), rest, `${layer.name}/slice${i}`));
};

/** Ones of the shape give way to more. */
const broadcast = one((layer, x, context) => {
  const { config, name } = layer;
  const [, ...rest] = config.integers('shape') ?? [];
  checkSize(layer, Math.max(0, ...rest), context);
  const missing = rest.length + 1 - x.shape.length;
  if (missing < 0) config.bad('shape', `a shape of at least ${x.shape.length} axes`);
  const raised = reshape(context, x, [1, ...new Array<number>(missing).fill(1), ...x.shape.slice(1)], `${name}/rank`);
  return rest.reduce((y, n, k) => {
    const size = y.shape[k + 1] as number;
    if (size === n) return y;
    if (size !== 1 || n < 1) config.bad('shape', `a shape that [${x.shape.join(', ')}] broadcasts to`);
    return picked(context, y, k + 1, new Array<number>(n).fill(0), `${name}/axis${k + 1}`);
  }, raised);
});

/** The mirror image of a place outside an axis. */
function mirrored(at: number, size: number, mode: 'reflect' | 'symmetric'): number {
  const edge = mode === 'reflect' ? 0 : 1;
  if (at < 0) return -at - edge;
  return at >= size ? 2 * size - 2 - at + edge : at;
}

const padded = one((layer, x, context, call) => {
  const { config, name } = layer;
  const rows = config.json('pad_width');
  const pairs = Array.isArray(rows) ? (rows as readonly Json[]) : [];
  if (pairs.length !== x.shape.length || !pairs.every((pair) => isIntegers(pair) && pair.length === 2 && pair.every((n) => n >= 0 && n <= 65536))) config.bad('pad_width', 'a pair of whole numbers an axis');
  const amounts = pairs as readonly (readonly [number, number])[];
  if (amounts[0]?.some((n) => n !== 0)) config.bad('pad_width', '[0, 0] for the batch');
  const mode = config.string('mode', 'constant').toLowerCase();
  if (mode === 'constant') {
    const stated = call.kwargs['constant_values'] ?? call.args[1];
    const value = stated?.kind === 'json' && typeof stated.value === 'number' ? stated.value : 0;
    return context.add('pad', { pads: [...amounts.map(([before]) => before), ...amounts.map(([, after]) => after)], value }, [x], name);
  }
  if (mode !== 'reflect' && mode !== 'symmetric') return context.fail('unsupported', name, 'pad-mode', `pads in mode '${mode.slice(0, 20)}'; constant, reflect and symmetric are supported.`);
  return amounts.reduce((y, [before, after], axis) => {
    const size = y.shape[axis] as number;
    if (before + after === 0) return y;
    const places = Array.from({ length: before + size + after }, (_, i) => mirrored(i - before, size, mode));
    if (places.some((place) => place < 0 || place >= size)) config.bad('pad_width', `mirrored padding of less than ${size}`);
    return picked(context, y, axis, places, `${name}/axis${axis}`);
  }, x);
});

/** Blocks of pixels become channels (`toDepth`), or channels blocks; channels last. */
const blocks = (toDepth: boolean): LayerHandler => one(({ config, name }, x, context) => {
  const size = config.int('block_size');
  const [, height = 0, width = 0, channels = 0] = x.shape;
  if (config.string('data_format', 'channels_last') !== 'channels_last') config.bad('data_format', "'channels_last'");
  if (x.shape.length !== 4 || size < 1 || (toDepth ? height % size !== 0 || width % size !== 0 : channels % (size * size) !== 0)) config.bad('block_size', `a size that divides [${x.shape.join(', ')}]`);
  const depth = channels / (size * size);
  const apart = toDepth ? [1, height / size, size, width / size, size, channels] : [1, height, width, size, size, depth];
  const turned = transpose(context, reshape(context, x, apart, `${name}/blocks`), [0, 1, 3, 2, 4, 5], `${name}/turned`);
  return reshape(context, turned, toDepth ? [1, height / size, width / size, channels * size * size] : [1, height * size, width * size, depth], name);
});

/** The elements on a diagonal of two axes, which goes last. */
function diagonalOf(layer: KerasLayer, x: TensorRef, context: KerasContext): TensorRef {
  const { config, name } = layer;
  const [a, b] = [axisOf(config, 'axis1', x.shape.length, 0), axisOf(config, 'axis2', x.shape.length, 1)];
  const [rows, columns] = [x.shape[a] as number, x.shape[b] as number];
  const offset = config.number('offset', 0);
  const length = Math.min(rows - Math.max(0, -offset), columns - Math.max(0, offset));
  if (a === b || !(length > 0)) return config.bad('offset', 'a diagonal inside the matrix');
  const rest = [...x.shape.keys()].filter((k) => k !== a && k !== b);
  const flat = reshape(context, transpose(context, x, [...rest, a, b], `${name}/last`), [...rest.map((k) => x.shape[k] as number), rows * columns], `${name}/flat`);
  return picked(context, flat, rest.length, Array.from({ length }, (_, i) => (i + Math.max(0, -offset)) * columns + i + Math.max(0, offset)), `${name}/diagonal`);
}

const trace = one((layer, x, context) => {
  const diagonal = diagonalOf(layer, x, context);
  return context.add('reduce', { operation: 'sum', axes: [diagonal.shape.length - 1], keepDims: false }, [diagonal], layer.name);
});

/** One side of a matrix, the other zeroed. */
const triangle = (isLower: boolean): LayerHandler => one(({ config, name }, x, context) => {
  const [rows = 0, columns = 0] = x.shape.slice(-2);
  const k = config.number('k', 0);
  const mask = Float64Array.from({ length: rows * columns }, (_, i) => {
    const above = (i % columns) - Math.floor(i / columns);
    return (isLower ? above <= k : above >= k) ? 1 : 0;
  });
  return context.add('elementwise', { operation: 'mul' }, [x, context.constant(`${name}/mask`, { shape: [rows, columns], data: mask, quantised: true })], name);
});

/** A tensor of the input's shape that holds one number. */
const filled = (value: number | undefined): LayerHandler => one((layer, x, context, call) => {
  const stated = call.args[1] ?? call.kwargs['fill_value'];
  const fill = value ?? (stated?.kind === 'json' && typeof stated.value === 'number' ? stated.value : context.fail('unsupported', layer.name, 'operand', 'is filled with something other than one number.'));
  const nothing = context.add('elementwise', { operation: 'mul' }, [x, number(context, 0, `${layer.name}/zero`)], `${layer.name}/nothing`);
  return context.add('elementwise', { operation: 'add' }, [nothing, number(context, fill, `${layer.name}/fill`)], layer.name);
});

/** A part of the input from places known beforehand. */
const part: LayerHandler = (layer, call, context) => {
  const x = first(layer, call, context);
  const [, ...sizes] = layer.config.integers('shape') ?? [];
  const stated = call.args[1] ?? call.kwargs['start_indices'];
  const starts = stated?.kind === 'constant' ? [...stated.value.data] : stated?.kind === 'json' && isIntegers(stated.value) ? stated.value : stated?.kind === 'list' ? stated.items.map((item) => (item.kind === 'json' ? item.value : null)) : [];
  if (!isIntegers(starts) || starts.length !== x.shape.length || starts[0] !== 0) return context.fail('unsupported', layer.name, 'slice', 'starts at places that are not known beforehand, or moves the batch.', 'Use slices x[:, 2:5].');
  return [sizes.reduce((y, size, k) => cut(context, y, k + 1, starts[k + 1] as number, (starts[k + 1] as number) + size, `${layer.name}/axis${k + 1}`), x)];
};

export const shapeOperations: HandlerTable = {
  Append: appended, ArraySplit: split(true), BroadcastTo: broadcast, Concatenate: concatenated, DepthToSpace: blocks(false), Diagonal: one((layer, x, context) => diagonalOf(layer, x, context)), Dsplit: splitOf(2), Dstack: joined(2),
  ExpandDims: expanded, Flip: flipped, Fliplr: flippedLeft, FullLike: filled(undefined), GetItem: item, Hsplit: splitOf(1), Hstack: joined(1), Moveaxis: moved, OnesLike: filled(1), Pad: padded,
  Reshape: reshaped, Slice: part, SpaceToDepth: blocks(true), Split: split(false), Squeeze: squeezed, Stack: stacked, Swapaxes: swapped, Trace: trace, Transpose: transposed, Tril: triangle(true),
  Triu: triangle(false), Unstack: unstacked, ZerosLike: filled(0),
};
