import type { LayerParams } from '../../../layers/registry.js';
import { tensor } from '../../../model/tensor.js';
import type { LayerSink, TensorRef } from '../../network.js';
import { arctan2, distances, floorDivide, hypot, isClose, KNOWN_POWERS, logAddExp, power, remainder } from '../../pairs.js';
import { shown } from '../json.js';
import type { HandlerTable, KerasContext, LayerHandler } from '../layer.js';
import { binned } from '../layers/categories.js';
import { first, number, one, operand, pair, positional, twoOperands } from './operands.js';

type Elementwise = LayerParams['elementwise']['operation'];
type FunctionName = LayerParams['activation']['function'];

const binary = (operation: Elementwise): LayerHandler => pair((sink, a, b, name) => sink.add('elementwise', { operation }, [a, b], name));

const comparison = (operation: LayerParams['compare']['operation']): LayerHandler => pair((sink, a, b, name) => sink.add('compare', { operation }, [a, b], name));

const logical = (operation: 'and' | 'or' | 'xor'): LayerHandler => pair((sink, a, b, name) => sink.add('logic', { operation }, [a, b], name));

const func = (name: FunctionName): LayerHandler => one((layer, x, context) => context.add('activation', { function: name }, [x], layer.name));

const scaled = (factor: number): LayerHandler => one((layer, x, context) => times(context, x, factor, layer.name));

const same = one((_layer, x) => x);

function times(sink: LayerSink, x: TensorRef, factor: number, name: string): TensorRef {
  return sink.add('elementwise', { operation: 'mul' }, [x, sink.constant(`${name}/factor`, tensor([1], [factor], Number.isInteger(factor)))], name);
}

/** 1 where an element is not 0. */
export function truth(context: KerasContext, x: TensorRef, name: string): TensorRef {
  return context.add('compare', { operation: 'ne' }, [x, number(context, 0, `${name}/zero`)], name);
}

const cast = one((layer, x, context) => {
  const dtype = layer.config.string('dtype', 'float32');
  if (dtype === 'bool') return truth(context, x, layer.name);
  return /^u?int/.test(dtype) ? context.add('toInteger', {}, [x], layer.name) : x;
});

const clip = one((layer, x, context) => context.add('clip', { min: layer.config.number('x_min'), max: layer.config.number('x_max') }, [x], layer.name));

const raised: LayerHandler = (layer, call, context) => {
  const stated = positional(call)[1] ?? call.kwargs['x2'] ?? call.kwargs['y'];
  const value = stated?.kind === 'constant' && stated.value.data.length === 1 ? stated.value.data[0] : stated?.kind === 'json' ? stated.value : undefined;
  const y = typeof value === 'number' ? power(context, first(layer, call, context), value, layer.name) : undefined;
  return [y ?? context.fail('unsupported', layer.name, 'power', `raises to ${value === undefined ? 'a variable power' : shown(value)}; ${KNOWN_POWERS} are supported.`)];
};

const where: LayerHandler = (layer, call, context) => {
  const given = positional(call);
  const [condition, a, b] = ['condition', 'x1', 'x2'].map((field, i) => operand(layer, given[i] ?? call.kwargs[field], context, field)) as [TensorRef, TensorRef, TensorRef];
  return [context.add('where', {}, [condition, a, b], layer.name)];
};

/** The choice of the first condition that holds. */
const selected: LayerHandler = (layer, call, context) => {
  const [conditions, choices] = [call.args[0] ?? call.kwargs['condlist'], call.args[1] ?? call.kwargs['choicelist']];
  if (conditions?.kind !== 'list' || choices?.kind !== 'list' || conditions.items.length !== choices.items.length) return context.fail('input', layer.name, 'inputs', 'needs as many conditions as choices.');
  const fallback = operand(layer, call.args[2] ?? call.kwargs['default'] ?? { kind: 'json', value: 0 }, context, 'default');
  const choose = (rest: TensorRef, i: number): TensorRef =>
    context.add('where', {}, [operand(layer, conditions.items[i], context, `condition${i}`), operand(layer, choices.items[i], context, `choice${i}`), rest], i === 0 ? layer.name : `${layer.name}/from${i}`);
  return [conditions.items.map((_, i) => i).reduceRight(choose, fallback)];
};

/** x / y, and 0 where y is 0. */
const divideNoNan = pair((sink, a, b, name) => {
  const zero = sink.constant(`${name}/zero`, tensor([], [0], true));
  const isZero = sink.add('compare', { operation: 'eq' }, [b, zero], `${name}/none`);
  const safe = sink.add('where', {}, [isZero, sink.constant(`${name}/one`, tensor([], [1], true)), b], `${name}/divisor`);
  return sink.add('where', {}, [isZero, zero, sink.add('elementwise', { operation: 'div' }, [a, safe], `${name}/quotient`)], name);
});

/** 0 below 0, 1 above, the second operand at 0. */
const heaviside = pair((sink, x, atZero, name) => {
  const zero = sink.constant(`${name}/zero`, tensor([], [0], true));
  const step = sink.add('compare', { operation: 'gt' }, [x, zero], `${name}/step`);
  return sink.add('where', {}, [sink.add('compare', { operation: 'eq' }, [x, zero], `${name}/middle`), atZero, step], name);
});

const close: LayerHandler = (layer, call, context) => {
  const tolerance = (field: string, at: number, fallback: number): number => {
    const stated = call.kwargs[field] ?? call.args[at];
    return stated?.kind === 'json' && typeof stated.value === 'number' ? stated.value : fallback;
  };
  return [isClose(context, ...twoOperands(layer, call, context), tolerance('rtol', 2, 1e-5), tolerance('atol', 3, 1e-8), layer.name)];
};

const round = one((layer, x, context) => {
  if (layer.config.number('decimals', 0) !== 0) layer.config.bad('decimals', '0');
  return context.add('activation', { function: 'round' }, [x], layer.name);
});

/** How many of a constant, ascending list of bounds are at most x. */
const digitized: LayerHandler = (layer, call, context) => {
  const bins = positional(call)[1] ?? call.kwargs['bins'];
  const bounds = bins?.kind === 'constant' ? bins.value.data : undefined;
  if (bounds === undefined || (bins?.kind === 'constant' && bins.value.shape.length !== 1)) return context.fail('unsupported', layer.name, 'bins', 'has bounds that are not one constant list.');
  return [binned(context, first(layer, call, context), bounds, layer.name) ?? context.fail('unsupported', layer.name, 'bins', 'has bounds that do not ascend.')];
};

const truncatedRemainder = pair((sink, a, b, name) => remainder(sink, a, b, name, true));

/** log₂(2ˣ + 2ʸ), by the natural logarithm. */
const logAddExp2 = pair((sink, a, b, name) => times(sink, logAddExp(sink, times(sink, a, Math.LN2, `${name}/a`), times(sink, b, Math.LN2, `${name}/b`), `${name}/sum`), 1 / Math.LN2, name));

/** Operations of keras.ops that work element by element. */
export const elementOperations: HandlerTable = {
  Abs: func('abs'), Absolute: func('abs'), Add: binary('add'), Arccos: func('acos'), Arccosh: func('acosh'), Arcsin: func('asin'), Arcsinh: func('asinh'), Arctan: func('atan'), Arctan2: pair(arctan2),
  Arctanh: func('atanh'), CDist: pair((sink, a, b, name) => distances(sink, a, b, 2, name)), Cast: cast, Cbrt: func('cbrt'), Ceil: func('ceil'), Clip: clip, ConvertToTensor: same, Copy: same, Cos: func('cos'),
  Cosh: func('cosh'), Deg2rad: scaled(Math.PI / 180), Digitize: digitized, Divide: binary('div'), DivideNoNan: divideNoNan, Equal: comparison('eq'), Erf: func('erf'), Exp: func('exp'), Exp2: func('exp2'),
  Expm1: func('expm1'), Fabs: func('abs'), Floor: func('floor'), FloorDivide: pair(floorDivide), Fmax: binary('max'), Fmin: binary('min'), Fmod: truncatedRemainder, Greater: comparison('gt'),
  GreaterEqual: comparison('ge'), Heaviside: heaviside, Hypot: pair(hypot), Isclose: close, Less: comparison('lt'), LessEqual: comparison('le'), Log: func('log'), Log10: func('log10'), Log1p: func('log1p'),
  Log2: func('log2'), Logaddexp: pair(logAddExp), Logaddexp2: logAddExp2, LogicalAnd: logical('and'), LogicalNot: one((layer, x, context) => context.add('logic', { operation: 'not' }, [x], layer.name)),
  LogicalOr: logical('or'), LogicalXor: logical('xor'), Maximum: binary('max'), Minimum: binary('min'), Mod: pair(remainder), Multiply: binary('mul'), NanToNum: same, Negative: scaled(-1), NotEqual: comparison('ne'),
  Power: raised, Rad2deg: scaled(180 / Math.PI), Real: same, Reciprocal: func('reciprocal'), Round: round, Rsqrt: func('rsqrt'), SaturateCast: cast, Select: selected, Sign: func('sign'),
  Signbit: one((layer, x, context) => context.add('compare', { operation: 'lt' }, [x, number(context, 0, `${layer.name}/zero`)], layer.name)), Sin: func('sin'), Sinh: func('sinh'), Sqrt: func('sqrt'),
  Square: func('square'), StopGradient: same, Subtract: binary('sub'), Tan: func('tan'), Tanh: func('tanh'), TrueDivide: binary('div'), Trunc: one((layer, x, context) => context.add('toInteger', {}, [x], layer.name)), Where: where,
};
