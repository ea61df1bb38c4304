import type { Value } from '../circuit/semantics.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { fixedType } from '../fixed/fixedType.js';
import { bitLength, dyadicOf } from '../fixed/integer.js';
import type { ActivationParams } from './activation.js';
import { activate, alphaOf, SELU_ALPHA, SELU_LAMBDA } from './activation.js';
import { clamp, isNegative, negate, plusConstant, positivePart, select, timesConstant } from './arithmetic.js';
import { castFloat, typedValue } from './constants.js';
import type { LoweredTensor, LoweringContext } from './definition.js';
import { lowerElements, needsResult } from './lowering.js';
import { functionTable, lookUp, scaledIndex, tableOf } from './tables.js';

/** Entries of hls4ml's tables where nothing else is said. */
const TABLE_SIZE = 1024;
/** hls4ml's default table type. */
const TABLE_TYPE = fixedType(true, 18, 8);
/** Types of hls4ml's hard sigmoid and of its SELU's lambda. */
const SLOPE_TYPE = fixedType(false, 16, 0);
const SHIFT_TYPE = fixedType(false, 2, 0);
const LAMBDA_TYPE = fixedType(false, 16, 1);

type Scalar = (x: number) => number;

/**
 * An activation under its precision: hls4ml's arithmetic for a configured type; for an automatic one the exact function,
 * correctly rounded into the result type. Without any type, exact where that exists.
 */
export function lowerActivation(params: ActivationParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const apply = scalarOf(params, context);
  return lowerElements(context, input.shape, (e) => apply(input.ops[e] as number));
}

function scalarOf(params: ActivationParams, context: LoweringContext): Scalar {
  const { builder, precision } = context;
  const configured = precision?.source === 'config';
  switch (params.function) {
    case 'linear':
      return (x) => x;
    case 'relu':
      return (x) => positivePart(builder, x);
    case 'leakyRelu': {
      const alpha = parameterOf(alphaOf(params), context);
      return (x) => select(builder, isNegative(builder, x), timesConstant(builder, x, alpha), x);
    }
    case 'hardSigmoid':
      return hardSigmoid(params, context);
    case 'elu':
    case 'selu':
      return configured ? configuredExponential(params, context) : exponential(params, context);
    case 'sigmoid':
    case 'tanh':
    case 'softplus':
    case 'softsign':
      return configured ? configuredTable(params, context) : wholeTable(params, context);
  }
}

/** slope · x + shift in [0, 1]; hls4ml's constants are ufixed<16,0> and ufixed<2,0>. */
function hardSigmoid(params: ActivationParams, { builder, precision, layer }: LoweringContext): Scalar {
  const configured = precision?.source === 'config';
  const slope = configured ? typedValue(alphaOf(params), SLOPE_TYPE, 'config', layer) : alphaOf(params);
  const shift = configured ? typedValue(params.beta ?? 0.5, SHIFT_TYPE, 'config', layer) : (params.beta ?? 0.5);
  return (x) => clamp(builder, plusConstant(builder, timesConstant(builder, x, slope), shift), builder.constant(0), builder.constant(1));
}

/** The slope of a leaky ReLU or ELU: in its configured type, or where none is given in hls4ml's minimal type of at most 8 bits. */
function parameterOf(alpha: number, { precision, layer }: LoweringContext): number {
  if (precision?.source !== 'config') return alpha;
  return typedValue(alpha, precision.param ?? minimalType(alpha), 'config', layer);
}

/** The smallest type of a constant, cut to 8 bits and a sign (hls4ml 1.3 for a scalar parameter of type auto). */
function minimalType(value: number): FixedType {
  const { n, exp } = dyadicOf(value);
  const bits = Math.max(1, bitLength(n));
  const sign = n < 0 ? 1 : 0;
  return fixedType(n < 0, Math.min(bits, 8) + sign, bits + exp + sign);
}

/** hls4ml's table of f: N entries over [−R, R), read at trunc(x · N / 2R) + N / 2. */
function configuredTable(params: ActivationParams, context: LoweringContext): Scalar {
  const { builder, precision } = context;
  const type = precision?.table ?? TABLE_TYPE;
  const size = precision?.tableSize ?? TABLE_SIZE;
  const range = precision?.tableRange ?? (params.function === 'tanh' ? 4 : 8);
  const factor = tableFactor(size, 2 * range, context);
  const low = -Math.floor(size / 2);
  const table = tableOf(0, low, low + size - 1, (i) => float32Entry(activate(params, Math.fround((2 * range * i) / size)), type));
  return (x) => lookUp(builder, scaledIndex(builder, x, factor, low, low + size - 1), table);
}

/** A table entry as the C++ makes it: the double rounded to float32, then cast. */
export function float32Entry(value: number, type: FixedType): Value {
  return { n: castFloat(Math.fround(value), type), exp: type.integer - type.width };
}

/** Entries per unit of the argument; only dyadic ones index exactly. */
export function tableFactor(size: number, span: number, { layer }: LoweringContext): number {
  const factor = size / span;
  if (Number.isInteger(size) && size >= 2 && size % 2 === 0 && size <= 2 ** 20 && Number.isInteger(Math.log2(span))) return factor;
  throw new CompileError('config', {
    code: 'table-size',
    where: [layer, 'TableSize'],
    what: `a table of ${size} entries over a range of ${span} cannot be indexed exactly.`,
    mend: 'Use an even TableSize up to 1048576 and a TableRange that is a power of two.',
  });
}

/** ELU and SELU of hls4ml: x ≥ 0 straight, else a table of −x over [0, 8). */
function configuredExponential(params: ActivationParams, context: LoweringContext): Scalar {
  const { builder, precision, layer } = context;
  const selu = params.function === 'selu';
  const type = precision?.table ?? TABLE_TYPE;
  const size = precision?.tableSize ?? TABLE_SIZE;
  const factor = tableFactor(size, 8, context);
  const scale = selu ? SELU_LAMBDA * SELU_ALPHA : 1;
  const table = tableOf(0, 0, size - 1, (k) => float32Entry(scale * (Math.exp((-8 * k) / size) - 1), type));
  const above = selu ? typedValue(SELU_LAMBDA, LAMBDA_TYPE, 'config', layer) : 1;
  const below = selu ? 1 : parameterOf(alphaOf(params), context);
  return (x) => {
    const negative = isNegative(builder, x);
    const index = scaledIndex(builder, positivePart(builder, negate(builder, x)), factor, 0, size - 1);
    return select(builder, negative, timesConstant(builder, lookUp(builder, index, table), below), timesConstant(builder, x, above));
  };
}

/**
 * The entries of a table of f in a result type, rounded once. A type that does not saturate gets room on top, so that the
 * table stays monotone and the layer's cast to the result does the wrapping.
 */
function roundedEntry(f: (v: number) => number, type: FixedType): (v: number) => Value {
  const exp = type.integer - type.width;
  const saturates = type.overflow === 'SAT' || type.overflow === 'SAT_SYM';
  const entry = saturates ? type : fixedType(true, ROOM - exp, ROOM, type.rounding);
  return (v) => ({ n: castFloat(f(v), entry), exp });
}

/** Integer bits above any argument's own that tables of unsaturated types get. */
const ROOM = 1100;

/**
 * f in float64, kept off the limits that it only tends to: float64 rounds tanh(20) to 1, and truncation has to see that it
 * is less.
 */
function beforeLimit(params: ActivationParams, v: number): number {
  const y = activate(params, v);
  const most = 1 - 2 ** -53;
  switch (params.function) {
    case 'sigmoid':
      return Math.min(y, most);
    case 'tanh':
    case 'softsign':
      return Math.min(Math.max(y, -most), most);
    case 'elu':
      return y === -alphaOf(params) ? y * most : y;
    case 'selu':
      return y === -SELU_LAMBDA * SELU_ALPHA ? y * most : y;
    case 'linear':
    case 'relu':
    case 'leakyRelu':
    case 'hardSigmoid':
    case 'softplus':
      return y;
  }
}

/** ELU and SELU correctly rounded: x ≥ 0 by arithmetic, else by a table. */
function exponential(params: ActivationParams, context: LoweringContext): Scalar {
  const { builder } = context;
  const type = needsResult(context, params.function);
  const zero = builder.constant(0);
  const table = functionTable(builder, roundedEntry((v) => beforeLimit(params, Math.min(v, 0)), type));
  return (x) => {
    const negative = isNegative(builder, x);
    const below = table(select(builder, negative, x, zero));
    return select(builder, negative, below, timesConstant(builder, x, params.function === 'selu' ? SELU_LAMBDA : 1));
  };
}

/** f correctly rounded into the result type, one entry an argument. */
function wholeTable(params: ActivationParams, context: LoweringContext): Scalar {
  const type = needsResult(context, params.function);
  return functionTable(context.builder, roundedEntry((v) => beforeLimit(params, v), type));
}
