import type { ActivationParams } from '../../../layers/activation.js';
import { sizeOf } from '../../../model/tensor.js';
import type { GraphBuilder } from '../builder.js';
import { foldUnary } from '../fold.js';
import type { Operator, OperatorTable } from '../operator.js';
import { functionOperator } from './functions.js';
import type { ConstantValue, OperatorNode, VariableValue } from '../values.js';
import { constantInput, fail, leadOf, normalAxis, optionalConstant, requiredInput, scalarOf, variableInput } from '../values.js';

const SELU_ALPHA = 1.67326319217681884765625;
const SELU_GAMMA = 1.05070102214813232421875;

function seluParams(node: OperatorNode): ActivationParams {
  const alpha = node.attributes.float('alpha', SELU_ALPHA);
  const gamma = node.attributes.float('gamma', SELU_GAMMA);
  if (Math.abs(alpha - SELU_ALPHA) > 1e-5 || Math.abs(gamma - SELU_GAMMA) > 1e-5) fail(node, 'unsupported', 'selu-constants', `alpha ${alpha} and gamma ${gamma}; only the standard ${SELU_ALPHA} and ${SELU_GAMMA} are supported.`);
  return { function: 'selu' };
}

/** A slope for negative values, for all elements or as it broadcasts to them. */
const prelu: Operator = {
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const given = constantInput(node, 1, 'slope');
    const slope = builder.parameter(node, given, 'slope');
    const [alpha] = slope.data;
    if (alpha !== undefined && slope.data.every((n) => n === alpha)) return [builder.emit(node, 'activation', { function: 'leakyRelu', alpha }, [x], { shape: x.shape })];
    return [builder.emit(node, 'prelu', { slope }, [x], { shape: x.shape })];
  },
};

/** Bounds come as attributes up to opset 10 and as inputs after; an infinite bound is none. */
const clip: Operator = {
  fold: (node, inputs, builder) => {
    const { min, max } = clipBounds(node);
    return [foldUnary(node, builder, inputs[0] as ConstantValue, (n) => Math.min(Math.max(n, min), max))];
  },
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const { min, max } = clipBounds(node);
    if (Number.isNaN(min) || Number.isNaN(max)) fail(node, 'input', 'not-finite', `its bounds are ${min} and ${max}.`);
    if (min > max) fail(node, 'input', 'bad-attribute', `its lower bound ${min} is above its upper bound ${max}.`);
    const params = { min: Number.isFinite(min) ? min : null, max: Number.isFinite(max) ? max : null };
    return [builder.emit(node, 'clip', params, [x], { shape: x.shape, integer: x.integer })];
  },
};

/** The largest float32: what exporters write for no bound. */
const FLOAT32_MAX = 3.4028234663852886e38;

function clipBounds(node: OperatorNode): { readonly min: number; readonly max: number } {
  const low = optionalConstant(node, 1, 'lower bound');
  const high = optionalConstant(node, 2, 'upper bound');
  const min = low === undefined ? node.attributes.float('min', -Infinity) : scalarOf(node, low, 'lower bound');
  const max = high === undefined ? node.attributes.float('max', Infinity) : scalarOf(node, high, 'upper bound');
  return { min: min <= -FLOAT32_MAX ? -Infinity : min, max: max >= FLOAT32_MAX ? Infinity : max };
}

/** Up to opset 12 softmax runs over all axes from `axis` on, flattened; after, over that one axis. */
const softmax: Operator = {
  run: (node, builder) => {
    const x = variableInput(node, 0);
    const rank = x.shape.length;
    const axis = normalAxis(node, node.attributes.int('axis', node.opset < 13 ? 1 : -1), rank);
    if (node.opset >= 13 || sizeOf(x.shape.slice(axis + 1)) === 1) return [emitSoftmax(node, builder, x, axis)];
    const flat = builder.reshape(node, x, [1, sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))], `${node.name}/flat`);
    return [builder.reshape(node, emitSoftmax(node, builder, flat, 2), x.shape, `${node.name}/shape`)];
  },
};

function emitSoftmax(node: OperatorNode, builder: GraphBuilder, x: VariableValue, axis: number): VariableValue {
  return builder.emit(node, 'softmax', { axis: axis + leadOf(x.shape) }, [x], { shape: x.shape });
}

/** log of softmax: x − log Σ exp(x). */
const logSoftmax: Operator = {
  run: (node, builder) => {
    const [y] = softmax.run(node, builder);
    if (y?.kind !== 'variable') return fail(node, 'unsupported', 'constant-input', 'has no variable input.');
    return [builder.emit(node, 'activation', { function: 'log' }, [y], { shape: y.shape, name: `${node.name}/log` })];
  },
};

/** Identity stays a layer: a precision file may give it a type. */
const identity: Operator = {
  fold: (_, inputs) => [inputs[0] as ConstantValue],
  run: (node, builder) => {
    const x = variableInput(node, 0);
    return [builder.emit(node, 'activation', { function: 'linear' }, [x], { shape: x.shape, integer: x.integer })];
  },
};

/** At inference dropout does nothing. */
const dropout: Operator = { run: (node) => [requiredInput(node, 0)] };

/** Functions of one value, and softmax. */
export const activations: OperatorTable = {
  Relu: functionOperator(() => ({ function: 'relu' })),
  LeakyRelu: functionOperator((node) => ({ function: 'leakyRelu', alpha: node.attributes.float('alpha', Math.fround(0.01)) })),
  Sigmoid: functionOperator(() => ({ function: 'sigmoid' })),
  Tanh: functionOperator(() => ({ function: 'tanh' })),
  HardSigmoid: functionOperator((node) => ({ function: 'hardSigmoid', alpha: node.attributes.float('alpha', Math.fround(0.2)), beta: node.attributes.float('beta', 0.5) })),
  Elu: functionOperator((node) => ({ function: 'elu', alpha: node.attributes.float('alpha', 1) })),
  Selu: functionOperator(seluParams),
  Softplus: functionOperator(() => ({ function: 'softplus' })),
  Softsign: functionOperator(() => ({ function: 'softsign' })),
  PRelu: prelu,
  Clip: clip,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  Identity: identity,
  Dropout: dropout,
};
