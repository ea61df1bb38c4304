import { tensor } from '../../../model/tensor.js';
import type { LayerParams } from '../../../layers/registry.js';
import type { TensorRef } from '../../network.js';
import type { ActivationHandler, ActivationTable, HandlerTable, KerasContext } from '../layer.js';
import { unary } from '../layer.js';
import { sparsemax } from './sparsemax.js';
import { axisOf, cut, withConstant, withNumber } from './support.js';

type FunctionName = LayerParams['activation']['function'];

/** A function that the activation layer has. */
const plain = (name: FunctionName): ActivationHandler => (_config, x, label, context) => context.add('activation', { function: name }, [x], label);

/** One with a slope or a threshold: a field of the configuration, by whatever name this version has. */
const withAlpha = (name: FunctionName, fields: readonly string[], fallback: number): ActivationHandler => (config, x, label, context) => {
  const field = fields.find((own) => config.has(own));
  return context.add('activation', { function: name, alpha: field === undefined ? fallback : config.number(field) }, [x], label);
};

const softmax: ActivationHandler = (config, x, name, context) => {
  const stated = config.integers('axis') ?? [-1];
  const rank = x.shape.length;
  const axes = stated.map((axis) => (axis < 0 ? axis + rank : axis));
  const [axis] = axes;
  if (axis === undefined || axes.length !== 1) return context.fail('unsupported', name, 'softmax-axes', `is a softmax over ${axes.length} axes; one is supported.`, 'Reshape them into one.');
  if (axis < 1 || axis >= rank) return config.bad('axis', `an axis from 1 to ${rank - 1}`);
  return context.add('softmax', { axis }, [x], name);
};

/** Three functions of one name: 0.2 x + 0.5 in Keras 2, x / 6 + 0.5 in Keras 3, both between 0 and 1 (QKeras has its own). */
const hardSigmoid: ActivationHandler = (_config, x, name, context) =>
  context.add('activation', { function: 'hardSigmoid', alpha: context.kerasVersion === 2 ? 0.2 : 1 / 6, beta: 0.5 }, [x], name);

const clipped = (min: number | null, max: number | null): ActivationHandler => (_config, x, name, context) => context.add('clip', { min, max }, [x], name);

/** max_value, negative_slope and threshold together: x above the threshold, at most max_value; below it slope · (x − threshold). */
const relu: ActivationHandler = (config, x, name, context) => {
  const max = config.has('max_value') ? config.number('max_value') : null;
  const slope = config.number('negative_slope', config.number('alpha', 0));
  const threshold = config.number('threshold', 0);
  if (slope !== 0 && threshold === 0 && max === null) return context.add('activation', { function: 'leakyRelu', alpha: slope }, [x], name);
  const isWhole = slope === 0 && max === null;
  const params = threshold === 0 ? ({ function: 'relu' } as const) : ({ function: 'thresholdedRelu', alpha: threshold } as const);
  let y = context.add('activation', params, [x], isWhole ? name : `${name}/positive`);
  if (max !== null) y = context.add('clip', { min: 0, max }, [y], slope === 0 ? name : `${name}/clipped`);
  if (slope === 0) return y;
  const below = withNumber(context, 'sub', context.add('clip', { min: null, max: threshold }, [x], `${name}/below`), threshold, `${name}/distance`);
  return context.add('elementwise', { operation: 'add' }, [y, withNumber(context, 'mul', below, slope, `${name}/negative`)], name);
};

const relu6: ActivationHandler = (_config, x, name, context) => context.add('clip', { min: 0, max: 6 }, [x], name);

const gelu: ActivationHandler = (config, x, name, context) => context.add('activation', { function: config.boolean('approximate', false) ? 'geluTanh' : 'gelu' }, [x], name);

const logSoftmax: ActivationHandler = (config, x, name, context) => context.add('activation', { function: 'log' }, [softmax(config, x, `${name}/softmax`, context)], name);

/** a · sigmoid(b) of the two halves of the last axis. */
const glu: ActivationHandler = (_config, x, name, context) => {
  const axis = x.shape.length - 1;
  const half = Math.floor((x.shape[axis] as number) / 2);
  const gate = context.add('activation', { function: 'sigmoid' }, [cut(context, x, axis, half, 2 * half, `${name}/b`)], `${name}/gate`);
  return context.add('elementwise', { operation: 'mul' }, [cut(context, x, axis, 0, half, `${name}/a`), gate], name);
};

/** −1 or +1; 0 gives −1, which the ready-made quantiser has the other way round. */
const binaryTanh: ActivationHandler = (_config, x, name, context) => {
  const turned = withNumber(context, 'mul', x, -1, `${name}/turned`);
  const sign = context.add('bipolarQuant', { scale: tensor([], [1], true) }, [turned], `${name}/sign`);
  return withNumber(context, 'mul', sign, -1, name);
};

/** −1, 0 or +1: x rounded, halves away from 0. */
const ternaryTanh: ActivationHandler = (_config, x, name, context) => {
  const one = (value: TensorRef, label: string): TensorRef => context.add('bipolarQuant', { scale: tensor([], [0.5], true) }, [value], label);
  const upper = one(withNumber(context, 'sub', x, 0.5, `${name}/above`), `${name}/upper`);
  const lower = one(withNumber(context, 'sub', withNumber(context, 'mul', x, -1, `${name}/turned`), 0.5, `${name}/below`), `${name}/lower`);
  return context.add('elementwise', { operation: 'sub' }, [upper, lower], name);
};

/** 0 up to −1, x from 1 on, (x + 1)² / 4 between. */
const sparsePlus: ActivationHandler = (_config, x, name, context) => {
  const middle = withNumber(context, 'add', context.add('clip', { min: -1, max: 1 }, [x], `${name}/middle`), 1, `${name}/raised`);
  const curve = withNumber(context, 'mul', context.add('activation', { function: 'square' }, [middle], `${name}/square`), 0.25, `${name}/curve`);
  const above = context.add('activation', { function: 'relu' }, [withNumber(context, 'sub', x, 1, `${name}/beyond`)], `${name}/above`);
  return context.add('elementwise', { operation: 'add' }, [curve, above], name);
};

const sparseSigmoid: ActivationHandler = (_config, x, name, context) => context.add('activation', { function: 'hardSigmoid', alpha: 0.5, beta: 0.5 }, [x], name);

/** x above the threshold, one fixed value elsewhere. */
const threshold: ActivationHandler = (config, x, name, context) => {
  const number = (field: string): TensorRef => context.constant(`${name}/${field}`, tensor([], [config.number(field)]));
  const isAbove = context.add('compare', { operation: 'gt' }, [x, number('threshold')], `${name}/above`);
  return context.add('where', {}, [isAbove, x, number('default_value')], name);
};

/** Activations by the names Keras gives them. */
export const activationTable: ActivationTable = {
  binary_tanh: binaryTanh,
  celu: withAlpha('celu', ['alpha'], 1),
  clip: clipped(-1, 1),
  elu: withAlpha('elu', ['alpha'], 1),
  exp: plain('exp'),
  exponential: plain('exp'),
  gelu,
  glu,
  hard_shrink: withAlpha('hardshrink', ['threshold'], 0.5),
  hard_sigmoid: hardSigmoid,
  hard_silu: plain('hardSwish'),
  hard_swish: plain('hardSwish'),
  hard_tanh: clipped(-1, 1),
  leaky_relu: withAlpha('leakyRelu', ['negative_slope', 'alpha'], 0.2),
  linear: (_config, x) => x,
  log_sigmoid: plain('logSigmoid'),
  log_softmax: logSoftmax,
  mish: plain('mish'),
  relu,
  relu1: clipped(0, 1),
  relu6,
  selu: plain('selu'),
  sigmoid: plain('sigmoid'),
  silu: plain('silu'),
  soft_shrink: withAlpha('softshrink', ['threshold'], 0.5),
  softmax,
  softplus: plain('softplus'),
  softsign: plain('softsign'),
  sparse_plus: sparsePlus,
  sparse_sigmoid: sparseSigmoid,
  sparsemax: (config, x, name, context) => sparsemax(context, x, axisOf(config, 'axis', x.shape.length, -1), name),
  squareplus: withAlpha('squareplus', ['b'], 4),
  swish: plain('silu'),
  tanh: plain('tanh'),
  tanh_shrink: plain('tanhshrink'),
  ternary_tanh: ternaryTanh,
  threshold,
};

const asLayer = (handler: ActivationHandler): HandlerTable[string] => unary(({ config, name }, x, context) => handler(config, x, name, context));

/** A slope for every element, or one along shared axes. */
const prelu = unary(({ config, weights, name }, x, context) => {
  const [slope] = weights.variables(['alpha']);
  if (slope === undefined) return x;
  const shape = [1, ...slope.shape];
  if (shape.length !== x.shape.length) return config.bad('shared_axes', `a slope of ${x.shape.length - 1} axes, not [${slope.shape.join(', ')}]`);
  const positive = context.add('activation', { function: 'relu' }, [x], `${name}/positive`);
  const negative = context.add('clip', { min: null, max: 0 }, [x], `${name}/negative`);
  return sum(context, positive, withConstant(context, 'mul', negative, { ...slope, shape }, `${name}/scaled`), name);
});

function sum(context: KerasContext, a: TensorRef, b: TensorRef, name: string): TensorRef {
  return context.add('elementwise', { operation: 'add' }, [a, b], name);
}

/** Activations that are layers of their own. */
export const activationLayers: HandlerTable = {
  ELU: asLayer(activationTable['elu'] as ActivationHandler),
  LeakyReLU: asLayer(withAlpha('leakyRelu', ['negative_slope', 'alpha'], 0.3)),
  PReLU: prelu,
  ReLU: asLayer(relu),
  Softmax: asLayer(softmax),
  ThresholdedReLU: asLayer(withAlpha('thresholdedRelu', ['theta'], 1)),
};
