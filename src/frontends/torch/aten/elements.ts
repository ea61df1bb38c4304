import { sizeOf } from '../../../model/tensor.js';
import type { Value } from '../../onnx/values.js';
import { constant, shapeOf } from '../../onnx/values.js';
import type { AtenOperator, AtenTable, Call } from '../call.js';
import { scalar } from '../operators.js';
import { EXCLUDED, scaled } from './layers.js';

/** An ONNX operator of one input. */
function unary(op: string, attributes: (call: Call) => Readonly<Record<string, number>> = () => ({})): AtenOperator {
  return (call) => call.op(op, [call.tensor(call.has('self') ? 'self' : 'input')], attributes(call));
}

function binary(op: string): AtenOperator {
  return (call) => call.op(op, [call.tensor('self'), call.tensor('other')]);
}

/** A mask that is added to scores: its −∞ as a number that softmax makes 0 as well. */
function masking(x: Value): Value {
  return x.kind === 'constant' && x.data.includes(-Infinity) ? { ...x, data: x.data.map((n) => Math.max(n, EXCLUDED)), quantised: true } : x;
}

/** self ± alpha · other */
function sum(op: 'Add' | 'Sub'): AtenOperator {
  return (call) => call.op(op, [masking(call.tensor('self')), scaled(call, masking(call.tensor('other')), call.number('alpha', 1), 'alpha')]);
}

/** ONNX' number of the type. */
const INT64 = 7;

function divide(call: Call): Value {
  const quotient = call.op('Div', [call.tensor('self'), call.tensor('other')]);
  const mode = call.has('rounding_mode') ? call.text('rounding_mode', '') : '';
  if (mode === '') return quotient;
  if (mode === 'trunc') return call.op('Cast', [quotient], { to: INT64 }, 'trunc');
  return mode === 'floor' ? call.op('Floor', [quotient], {}, 'floor') : call.fail('unsupported', 'rounding-mode', `rounds its quotient in mode '${mode.slice(0, 20)}'.`);
}

/** Bounds that are there. */
function clamp(call: Call): Value {
  const bound = (name: string): Value | undefined => (call.has(name) ? call.tensor(name) : undefined);
  return call.op('Clip', [call.tensor('self'), bound('min') ?? bound('min_val'), bound('max') ?? bound('max_val')]);
}

/** ELU's slopes; SELU and CELU are forms of it. */
function elu(call: Call): Value {
  if (call.number('scale', 1) !== 1 || call.number('input_scale', 1) !== 1) return call.fail('unsupported', 'elu-scale', 'has scales other than 1.');
  return call.op('Elu', [call.tensor('self')], { alpha: call.number('alpha', 1) });
}

/** log(1 + exp(beta · x)) / beta */
function softplus(call: Call): Value {
  const beta = call.number('beta', 1);
  const y = call.op('Softplus', [scaled(call, call.tensor('self'), beta, 'beta')]);
  return scaled(call, y, 1 / beta, 'unscaled');
}

/** Slopes along axis 1, as torch has them. */
function prelu(call: Call): Value {
  const x = call.tensor('self');
  const slope = call.constant('weight');
  if (slope === undefined || slope.data.length === 1) return call.op('PRelu', [x, slope]);
  return call.op('PRelu', [x, { ...slope, shape: [slope.data.length, ...shapeOf(x).slice(2).map(() => 1)] }]);
}

/** x > threshold ? x : value */
function threshold(call: Call): Value {
  const x = call.tensor('self');
  const [limit, value] = [call.number('threshold'), call.number('value')];
  if (limit === value) return call.op('Clip', [x, scalar(limit)]);
  return call.op('Where', [call.op('Greater', [x, scalar(limit)], {}, 'above'), x, scalar(value)]);
}

/** |x| > lambd ? x (− lambd, + lambd in the soft form) : 0 */
function shrink(soft: boolean): AtenOperator {
  return (call) => call.op('Shrink', [call.tensor('self')], { lambd: call.number('lambd', 0.5), bias: soft ? call.number('lambd', 0.5) : 0 });
}

/** a · sigmoid(b) of the halves. */
function glu(call: Call): Value {
  const x = call.tensor('self');
  const axis = call.axis('dim', shapeOf(x).length, -1);
  const [a, b] = call.operators.all('Split', [x], { axis }, `${call.name}/halves`, 2) as [Value, Value];
  return call.op('Mul', [a, call.op('Sigmoid', [b], {}, 'gate')]);
}

function power(call: Call): Value {
  return call.op('Pow', [call.tensor('self'), call.tensor('exponent')]);
}

/** Values where a mask is set. */
function maskedFill(call: Call): Value {
  return call.op('Where', [call.tensor('mask'), call.tensor('value'), call.tensor('self')]);
}

/** self + value · a · b, or a / b. */
function addCombined(op: 'Mul' | 'Div'): AtenOperator {
  return (call) => {
    const combined = call.op(op, [call.tensor('tensor1'), call.tensor('tensor2')], {}, 'product');
    return call.op('Add', [call.tensor('self'), scaled(call, combined, call.number('value', 1), 'value')]);
  };
}

function softmax(op: 'Softmax' | 'LogSoftmax'): AtenOperator {
  return (call) => call.op(op, [call.tensor('self')], { axis: call.integer('dim') });
}

/** self + weight · (end − self) */
function lerp(call: Call): Value {
  const x = call.tensor('self');
  const distance = call.op('Sub', [call.tensor('end'), x], {}, 'distance');
  return call.op('Add', [x, call.op('Mul', [distance, call.tensor('weight')], {}, 'way')]);
}

/** What fixed-point numbers never are. */
function neverSet(call: Call): Value {
  const shape = call.shape('self');
  return constant('', shape, new Float64Array(sizeOf(shape)), { integer: true });
}

/** Functions of single elements, comparisons and choices. */
export const elementOperators: AtenTable = {
  relu: unary('Relu'),
  relu_: unary('Relu'),
  relu6: (call) => call.op('Clip', [call.tensor('self'), scalar(0), scalar(6)]),
  leaky_relu: unary('LeakyRelu', (call) => ({ alpha: call.number('negative_slope', 0.01) })),
  prelu,
  _prelu_kernel: prelu,
  elu,
  selu: unary('Selu'),
  celu: unary('Celu', (call) => ({ alpha: call.number('alpha', 1) })),
  gelu: (call) => call.op('Gelu', [call.tensor('self')], { approximate: call.text('approximate', 'none') }),
  silu: unary('Swish'),
  mish: unary('Mish'),
  hardswish: unary('HardSwish'),
  hardsigmoid: unary('HardSigmoid', () => ({ alpha: 1 / 6, beta: 0.5 })),
  hardtanh: (call) => call.op('Clip', [call.tensor('self'), scalar(call.number('min_val', -1)), scalar(call.number('max_val', 1))]),
  sigmoid: unary('Sigmoid'),
  tanh: unary('Tanh'),
  softplus,
  log_sigmoid: (call) => call.op('Neg', [call.op('Softplus', [call.op('Neg', [call.tensor('self')], {}, 'negative')], {}, 'softplus')]),
  softshrink: shrink(true),
  hardshrink: shrink(false),
  threshold,
  glu,
  softmax: softmax('Softmax'),
  _softmax: softmax('Softmax'),
  log_softmax: softmax('LogSoftmax'),
  _log_softmax: softmax('LogSoftmax'),
  add: sum('Add'),
  sub: sum('Sub'),
  rsub: (call) => call.op('Sub', [call.tensor('other'), scaled(call, call.tensor('self'), call.number('alpha', 1), 'alpha')]),
  mul: binary('Mul'),
  div: divide,
  maximum: binary('Max'),
  minimum: binary('Min'),
  'max.other': binary('Max'),
  'min.other': binary('Min'),
  clamp,
  clamp_min: clamp,
  clamp_max: clamp,
  clip: clamp,
  neg: unary('Neg'),
  abs: unary('Abs'),
  sign: unary('Sign'),
  sgn: unary('Sign'),
  square: (call) => call.op('Mul', [call.tensor('self'), call.tensor('self')]),
  sqrt: unary('Sqrt'),
  rsqrt: (call) => call.op('Pow', [call.tensor('self'), constant('', [], [-0.5])]),
  exp: unary('Exp'),
  expm1: (call) => call.op('Sub', [call.op('Exp', [call.tensor('self')], {}, 'exp'), scalar(1)]),
  log: unary('Log'),
  log1p: (call) => call.op('Log', [call.op('Add', [call.tensor('self'), scalar(1)], {}, 'plus_one')]),
  reciprocal: unary('Reciprocal'),
  sin: unary('Sin'),
  cos: unary('Cos'),
  erf: unary('Erf'),
  floor: unary('Floor'),
  ceil: unary('Ceil'),
  round: unary('Round'),
  pow: power,
  addcmul: addCombined('Mul'),
  addcdiv: addCombined('Div'),
  where: (call) => call.op('Where', [call.tensor('condition'), call.tensor('self'), call.tensor('other')]),
  masked_fill: maskedFill,
  gt: binary('Greater'),
  ge: binary('GreaterOrEqual'),
  lt: binary('Less'),
  le: binary('LessOrEqual'),
  eq: binary('Equal'),
  ne: (call) => call.op('Not', [call.op('Equal', [call.tensor('self'), call.tensor('other')], {}, 'equal')]),
  logical_and: binary('And'),
  logical_or: binary('Or'),
  logical_xor: binary('Xor'),
  logical_not: unary('Not'),
  bitwise_and: binary('And'),
  bitwise_or: binary('Or'),
  bitwise_not: unary('Not'),
  bitwise_xor: binary('Xor'),
  __and__: binary('And'),
  __or__: binary('Or'),
  __xor__: binary('Xor'),
  tan: unary('Tan'),
  acos: unary('Acos'),
  acosh: unary('Acosh'),
  asin: unary('Asin'),
  asinh: unary('Asinh'),
  atan: unary('Atan'),
  atanh: unary('Atanh'),
  sinh: unary('Sinh'),
  cosh: unary('Cosh'),
  exp2: (call) => call.op('Exp', [scaled(call, call.tensor('self'), Math.LN2, 'logarithm')]),
  log2: (call) => scaled(call, call.op('Log', [call.tensor('self')], {}, 'log'), Math.LOG2E),
  log10: (call) => scaled(call, call.op('Log', [call.tensor('self')], {}, 'log'), Math.LOG10E),
  erfc: (call) => call.op('Sub', [scalar(1), call.op('Erf', [call.tensor('self')], {}, 'erf')]),
  trunc: (call) => call.op('Cast', [call.tensor('self')], { to: INT64 }),
  frac: (call) => call.op('Sub', [call.tensor('self'), call.op('Cast', [call.tensor('self')], { to: INT64 }, 'trunc')]),
  deg2rad: (call) => scaled(call, call.tensor('self'), Math.PI / 180),
  rad2deg: (call) => scaled(call, call.tensor('self'), 180 / Math.PI),
  fmax: binary('Max'),
  fmin: binary('Min'),
  lerp,
  nan_to_num: (call) => call.tensor('self'),
  isnan: neverSet,
  isinf: neverSet,
};
