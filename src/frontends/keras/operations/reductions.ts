import type { LayerParams } from '../../../layers/registry.js';
import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasContext, KerasLayer, LayerHandler } from '../layer.js';
import { alongLast, axisOf, cut, reshape } from '../layers/support.js';
import { truth } from './elements.js';
import { checkSize, first, one, operand, positional, reducedAxes } from './operands.js';

type Reduction = LayerParams['reduce']['operation'];

function reduce(context: KerasContext, operation: Reduction, x: TensorRef, axes: readonly number[], keepDims: boolean, name: string): TensorRef {
  return context.add('reduce', { operation, axes, keepDims }, [x], name);
}

const keepsDims = (layer: KerasLayer): boolean => layer.config.boolean('keepdims', false);

/** A reduction of the input, or of what `prepare` makes of it. */
function reduced(operation: Reduction, prepare?: (context: KerasContext, x: TensorRef, name: string) => TensorRef): LayerHandler {
  return one((layer, x, context) => {
    if (layer.config.has('initial')) layer.config.bad('initial', 'no start value');
    return reduce(context, operation, prepare === undefined ? x : prepare(context, x, `${layer.name}/elements`), reducedAxes(layer, x, context), keepsDims(layer), layer.name);
  });
}

function squares(context: KerasContext, x: TensorRef, name: string): TensorRef {
  return context.add('activation', { function: 'square' }, [x], name);
}

/** The mean of (x − mean)². */
function variance(context: KerasContext, x: TensorRef, axes: readonly number[], keepDims: boolean, name: string): TensorRef {
  const mean = reduce(context, 'mean', x, axes, true, `${name}/mean`);
  const centred = context.add('elementwise', { operation: 'sub' }, [x, mean], `${name}/centred`);
  return reduce(context, 'mean', squares(context, centred, `${name}/squares`), axes, keepDims, name);
}

const deviation = one((layer, x, context) =>
  context.add('activation', { function: 'sqrt' }, [variance(context, x, reducedAxes(layer, x, context), keepsDims(layer), `${layer.name}/variance`)], layer.name));

const moments: LayerHandler = (layer, call, context) => {
  const x = first(layer, call, context);
  const axes = reducedAxes(layer, x, context, 'axes');
  return [reduce(context, 'mean', x, axes, keepsDims(layer), `${layer.name}/mean`), variance(context, x, axes, keepsDims(layer), `${layer.name}/variance`)];
};

/** log Σ eˣ, the greatest x taken out of the exponentials. */
const logSumExp = one((layer, x, context) => {
  const { name } = layer;
  const axes = reducedAxes(layer, x, context);
  const most = reduce(context, 'max', x, axes, true, `${name}/most`);
  const powers = context.add('activation', { function: 'exp' }, [context.add('elementwise', { operation: 'sub' }, [x, most], `${name}/below`)], `${name}/powers`);
  const rest = context.add('activation', { function: 'log' }, [reduce(context, 'sum', powers, axes, keepsDims(layer), `${name}/sum`)], `${name}/rest`);
  return context.add('elementwise', { operation: 'add' }, [reshape(context, most, rest.shape, `${name}/shape`), rest], name);
});

/** √Σx², Σ|x| or the greatest |x|. */
const norm = one((layer, x, context) => {
  const { config, name } = layer;
  const axes = reducedAxes(layer, x, context);
  const order = config.json('ord');
  if (order === null || order === 'fro' || order === 'euclidean' || (order === 2 && axes.length === 1)) {
    return context.add('activation', { function: 'sqrt' }, [reduce(context, 'sum', squares(context, x, `${name}/squares`), axes, keepsDims(layer), `${name}/sum`)], name);
  }
  if (axes.length > 1 || (order !== 1 && order !== Infinity && order !== 'inf')) return context.fail('unsupported', name, 'norm', 'is a norm of another order than 1, 2 and infinity, or of matrices.', 'Build it from reductions.');
  return reduce(context, order === 1 ? 'sum' : 'max', context.add('activation', { function: 'abs' }, [x], `${name}/sizes`), axes, keepsDims(layer), name);
});

/** Greatest less least. */
const spread = one((layer, x, context) => {
  const axes = reducedAxes(layer, x, context);
  const end = (operation: 'max' | 'min'): TensorRef => reduce(context, operation, x, axes, keepsDims(layer), `${layer.name}/${operation}`);
  return context.add('elementwise', { operation: 'sub' }, [end('max'), end('min')], layer.name);
});

/** With weights Σwx / Σw. */
const average: LayerHandler = (layer, call, context) => {
  const x = first(layer, call, context);
  const axes = reducedAxes(layer, x, context);
  const stated = positional(call)[1] ?? call.kwargs['weights'];
  if (stated === undefined || (stated.kind === 'json' && stated.value === null)) return [reduce(context, 'mean', x, axes, false, layer.name)];
  const given = operand(layer, stated, context, 'weights');
  const [axis] = axes as readonly [number];
  const weights = given.shape.length === 1 ? context.add('reshape', { shape: x.shape.map((n, k) => (k === axis ? n : 1)) }, [given], `${layer.name}/shape`) : given;
  const product = context.add('elementwise', { operation: 'mul' }, [x, weights], `${layer.name}/product`);
  const total = reduce(context, 'sum', product, axes, false, `${layer.name}/sum`);
  return [context.add('elementwise', { operation: 'div' }, [total, reduce(context, 'sum', weights, axes, false, `${layer.name}/weight`)], layer.name)];
};

/** The middle one in order, or the mean of the two. */
const median = one((layer, x, context) => {
  const { name } = layer;
  const axes = reducedAxes(layer, x, context);
  const [axis] = axes as readonly [number];
  if (axes.length !== 1) return layer.config.bad('axis', 'one axis');
  const size = x.shape[axis] as number;
  const sorted = context.add('sort', { axis, descending: false }, [x], `${name}/sorted`);
  return reduce(context, 'mean', cut(context, sorted, axis, Math.floor((size - 1) / 2), Math.floor(size / 2) + 1, `${name}/middle`), [axis], keepsDims(layer), name);
});

function argument(operation: 'max' | 'min'): LayerHandler {
  return one((layer, x, context) => {
    if (!layer.config.has('axis')) return context.fail('unsupported', layer.name, 'batch-reduced', 'looks along all axes, events included.', 'Name the axis.');
    return context.add('argmax', { axis: axisOf(layer.config, 'axis', x.shape.length, -1), keepDims: keepsDims(layer), operation }, [x], layer.name);
  });
}

/** Partial sums: a product with a triangle of ones. */
const cumulated = one((layer, x, context) => {
  const axis = axisOf(layer.config, 'axis', x.shape.length, 0);
  const size = x.shape[axis] as number;
  for (const field of ['exclusive', 'reverse']) if (layer.config.boolean(field, false)) layer.config.bad(field, 'false');
  checkSize(layer, size * size, context);
  const weight = Float64Array.from({ length: size * size }, (_, i) => (Math.floor(i / size) <= i % size ? 1 : 0));
  return alongLast(context, x, axis, layer.name, (last) => context.add('dense', { weight: { shape: [size, size], data: weight, quantised: true }, bias: null }, [last], `${layer.name}/sums`));
});

/** Partial products, each from the one before. */
const multiplied = one((layer, x, context) => {
  const axis = axisOf(layer.config, 'axis', x.shape.length, 0);
  const rows = Array.from({ length: x.shape[axis] as number }, (_, i) => cut(context, x, axis, i, i + 1, `${layer.name}/row${i}`));
  rows.forEach((row, i) => {
    if (i > 0) rows[i] = context.add('elementwise', { operation: 'mul' }, [rows[i - 1] as TensorRef, row], `${layer.name}/product${i}`);
  });
  return rows.length === 1 ? x : context.add('concat', { axis }, rows, layer.name);
});

/** Differences of neighbours, n times. */
const differences = one(({ config, name }, x, context) => {
  const axis = axisOf(config, 'axis', x.shape.length, -1);
  const count = config.int('n', 1);
  if (count >= (x.shape[axis] as number)) config.bad('n', `less than ${x.shape[axis]}`);
  return Array.from({ length: count }).reduce<TensorRef>((y, _, i) => {
    const size = y.shape[axis] as number;
    const label = `${name}/difference${i}`;
    return context.add('elementwise', { operation: 'sub' }, [cut(context, y, axis, 1, size, `${label}/upper`), cut(context, y, axis, 0, size - 1, `${label}/lower`)], i === count - 1 ? name : label);
  }, x);
});

const countNonzero = reduced('sum', truth);

/** Operations of keras.ops that go along axes. */
export const reductionOperations: HandlerTable = {
  All: reduced('min', truth), Amax: reduced('max'), Amin: reduced('min'), Any: reduced('max', truth), Argmax: argument('max'), Argmin: argument('min'), Average: average, CountNonzero: countNonzero,
  Cumprod: multiplied, Cumsum: cumulated, Diff: differences, Logsumexp: logSumExp, Max: reduced('max'), Mean: reduced('mean'), Median: median, Min: reduced('min'), Moments: moments, Norm: norm,
  Prod: reduced('prod'), Ptp: spread, Std: deviation, Sum: reduced('sum'), Var: one((layer, x, context) => variance(context, x, reducedAxes(layer, x, context), keepsDims(layer), layer.name)),
};
