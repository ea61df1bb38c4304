import type { ActivationParams } from '../../../layers/activation.js';
import type { GraphBuilder } from '../builder.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode } from '../values.js';
import { constant, fail, variableInput } from '../values.js';

/** The layer's own float meaning on a constant, rounded to float32 where the runtime would. */
function foldActivation(node: OperatorNode, builder: GraphBuilder, x: ConstantValue, params: ActivationParams): ConstantValue {
  builder.tensors.reserve(x.data.length, node.name);
  const y = builder.catalogue.evaluate('activation', params, [{ shape: x.shape, data: x.data }]);
  const rounded = x.integer || x.quantised ? y.data : y.data.map(Math.fround);
  return constant(node.outputs[0] ?? '', x.shape, rounded, { integer: x.integer });
}

/** A function of one value, on constants and variables. */
export function functionOperator(paramsOf: (node: OperatorNode) => ActivationParams, keepsIntegers = false): Operator {
  return {
    fold: (node, inputs, builder) => [foldActivation(node, builder, inputs[0] as ConstantValue, paramsOf(node))],
    run: (node, builder) => {
      const x = variableInput(node, 0);
      return [builder.emit(node, 'activation', paramsOf(node), [x], { shape: x.shape, integer: keepsIntegers && x.integer })];
    },
  };
}

function plain(name: ActivationParams['function'], keepsIntegers = false): Operator {
  return functionOperator(() => ({ function: name }), keepsIntegers);
}

const withAlpha = (name: ActivationParams['function'], fallback: number): Operator => functionOperator((node) => ({ function: name, alpha: node.attributes.float('alpha', fallback) }));

/** GELU in its exact or its tanh form. */
const gelu = functionOperator((node) => {
  const form = node.attributes.string('approximate', 'none');
  if (form !== 'none' && form !== 'tanh') return fail(node, 'unsupported', 'gelu-form', `approximates as '${form.slice(0, 20)}'; none and tanh are supported.`);
  return { function: form === 'tanh' ? 'geluTanh' : 'gelu' };
});

/** Shrink's soft and hard forms. */
const shrink = functionOperator((node) => {
  const alpha = node.attributes.float('lambd', 0.5);
  const bias = node.attributes.float('bias', 0);
  if (bias !== 0 && bias !== alpha) return fail(node, 'unsupported', 'shrink-bias', `has bias ${bias} and lambd ${alpha}; 0 or lambd itself are supported.`);
  return { function: bias === 0 ? 'hardshrink' : 'softshrink', alpha };
});

/** x · sigmoid(alpha · x) */
const swish = functionOperator((node) => {
  const alpha = node.attributes.float('alpha', 1);
  return alpha === 1 ? { function: 'silu' } : fail(node, 'unsupported', 'swish-alpha', `has alpha ${alpha}; 1 is supported.`);
});

/** Functions of one value that are an activation layer. */
export const functions: OperatorTable = {
  Gelu: gelu,
  Mish: plain('mish'),
  HardSwish: plain('hardSwish'),
  Swish: swish,
  Celu: withAlpha('celu', 1),
  ThresholdedRelu: withAlpha('thresholdedRelu', 1),
  Shrink: shrink,
  Erf: plain('erf'),
  Exp: plain('exp'),
  Log: plain('log'),
  Sqrt: plain('sqrt'),
  Reciprocal: plain('reciprocal'),
  Sin: plain('sin'),
  Cos: plain('cos'),
  Tan: plain('tan'),
  Asin: plain('asin'),
  Acos: plain('acos'),
  Atan: plain('atan'),
  Sinh: plain('sinh'),
  Cosh: plain('cosh'),
  Asinh: plain('asinh'),
  Acosh: plain('acosh'),
  Atanh: plain('atanh'),
  Abs: plain('abs', true),
  Sign: plain('sign', true),
  Floor: plain('floor', true),
  Ceil: plain('ceil', true),
  Round: plain('round', true),
};
