import type { CircuitBuilder } from '../circuit/builder.js';
import type { Value } from '../circuit/semantics.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castFloat, fixedType, fractionBits } from '../fixed/fixedType.js';
import { bitLength, dyadicOf } from '../fixed/integer.js';
import { intervalWidth } from '../fixed/interval.js';
import { linear } from '../optimize/cmvm.js';
import type { ActivationParams } from './activation.js';
import { activate, alphaOf, betaOf, isExactFunction } from './activation.js';
import { TRANSLATES } from './accumulate.js';
import { clamp, isAbove, isBelow, isNegative, negate, plusConstant, positivePart, roundTo, select, timesConstant } from './arithmetic.js';
import { typedValue } from './constants.js';
import type { LoweredTensor, LoweringContext } from './definition.js';
import { functionTable } from './functionTable.js';
import type { Residual } from './functions.js';
import { functionOf, SELU_ALPHA, SELU_LAMBDA } from './functions.js';
import { lowerElements, needsResult } from './lowering.js';
import { isWideRange, periodicTable } from './periodic.js';
import { TABLE_TYPE } from './precisionRules.js';
import type { Application } from './roundedFunction.js';
import { roundedInto, tableValue, turnsOf } from './roundedFunction.js';
import { lookUp, scaledIndex, tableOf } from './tables.js';

/** Entries of hls4ml's tables where nothing else is said. */
const TABLE_SIZE = 1024;
/** Types of hls4ml's hard sigmoid and of its SELU's lambda. */
const SLOPE_TYPE = fixedType(false, 16, 0);
const SHIFT_TYPE = fixedType(false, 2, 0);
const LAMBDA_TYPE = fixedType(false, 16, 1);

type Scalar = (x: number) => number;

/**
 * An activation under its precision: hls4ml's arithmetic for a configured type; for an automatic one, and for functions that
 * hls4ml does not have, the function itself correctly rounded into the result type. Without any type, exact where that exists.
 */
export function lowerActivation(params: ActivationParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const apply = isExactFunction(params) ? exactScalar(params, context) : tabulatedScalar(params, context);
  return lowerElements(context, input.shape, (e) => apply(input.ops[e] as number));
}

/** Functions that are arithmetic. */
function exactScalar(params: ActivationParams, context: LoweringContext): Scalar {
  const { builder } = context;
  const zero = builder.constant(0);
  switch (params.function) {
    case 'relu':
      return (x) => positivePart(builder, x);
    case 'leakyRelu': {
      const alpha = parameterOf(alphaOf(params), context);
      return (x) => select(builder, isNegative(builder, x), timesConstant(builder, x, alpha), x);
    }
    case 'thresholdedRelu': {
      const theta = parameterOf(alphaOf(params), context);
      return (x) => select(builder, isAbove(builder, x, theta), x, zero);
    }
    case 'hardSigmoid':
      return hardSigmoid(params, context);
    case 'abs':
      return (x) => select(builder, isNegative(builder, x), negate(builder, x), x);
    case 'sign':
      return (x) => builder.sub(isAbove(builder, x, 0), isNegative(builder, x));
    case 'square':
      return (x) => linear.multiplyVariables(builder, x, x);
    case 'floor':
      return (x) => roundTo(builder, x, 0, 'TRN');
    case 'ceil':
      return (x) => negate(builder, roundTo(builder, negate(builder, x), 0, 'TRN'));
    case 'round':
      return (x) => roundTo(builder, x, 0, 'RND_CONV');
    case 'softshrink':
    case 'hardshrink': {
      const alpha = alphaOf(params);
      const moved = params.function === 'softshrink' ? alpha : 0;
      return (x) => {
        const below = select(builder, isBelow(builder, x, -alpha), plusConstant(builder, x, moved), zero);
        return select(builder, isAbove(builder, x, alpha), plusConstant(builder, x, -moved), below);
      };
    }
    default:
      return (x) => x;
  }
}

/** Functions that are tables. */
function tabulatedScalar(params: ActivationParams, context: LoweringContext): Scalar {
  const configured = context.precision?.source === 'config';
  switch (params.function) {
    case 'elu':
      return configured ? configuredExponential(params, context) : exponential(params, context);
    case 'selu':
      return configured ? configuredExponential(params, context) : selu(params, context);
    case 'celu':
      return exponential(params, context);
    case 'sigmoid':
    case 'tanh':
    case 'softplus':
    case 'softsign':
      return configured ? configuredTable(params, context) : rounded(params, context);
    default:
      return rounded(params, context);
  }
}

/** slope · x + shift in [0, 1]; hls4ml's constants are ufixed<16,0> and ufixed<2,0> where a project says nothing else. */
function hardSigmoid(params: ActivationParams, { builder, precision, layer }: LoweringContext): Scalar {
  const configured = precision?.source === 'config';
  const slope = configured ? typedValue(alphaOf(params), precision.param ?? SLOPE_TYPE, 'config', layer) : alphaOf(params);
  const shift = configured ? typedValue(betaOf(params), precision.bias ?? SHIFT_TYPE, 'config', layer) : betaOf(params);
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

/** Wider arguments than this multiply λ rather than look its multiples up. */
const SELU_TABLE_BITS = 12;

function selu(params: ActivationParams, context: LoweringContext): Scalar {
  const [whole, parts] = [rounded(params, context), exponential(params, context, SELU_LAMBDA)];
  return (x) => (intervalWidth(context.builder.intervalOf(x)) <= SELU_TABLE_BITS ? whole(x) : parts(x));
}

/** ELU and its kin correctly rounded: x ≥ 0 times a factor, else a table. */
function exponential(params: ActivationParams, context: LoweringContext, factor = 1): Scalar {
  const { builder } = context;
  const zero = builder.constant(0);
  const below = tableOfFunction(params, context);
  return (x) => {
    const negative = isNegative(builder, x);
    return select(builder, negative, below(select(builder, negative, x, zero)), timesConstant(builder, x, factor));
  };
}

/** f correctly rounded into the result type. */
function rounded(params: ActivationParams, context: LoweringContext): Scalar {
  const { builder } = context;
  const application = applicationOf(params);
  const { residual, limits = [] } = application.of;
  const table = tableOfFunction(params, context);
  const type = needsResult(context, params.function);
  // Rounding commutes with adding a multiple of the result's step, if neither sign nor parity of a tie has a say.
  const commutes = TRANSLATES.has(type.rounding) || (type.rounding !== 'TRN_ZERO' && residual?.hasTies !== true);
  if (residual === undefined || params.float32 === true || !commutes) return table;
  const value = (x: number): number => tableValue({ ...application, of: { value: residual.value, limits: residual.part === 'whole' ? [] : limits } }, x, 0);
  const rest = functionTable(roundedInto(type, value, residual.turns, true), -fractionBits(type), context.layer);
  return (x) => (builder.intervalOf(x).exp < -fractionBits(type) ? table(x) : builder.add(linearPart(builder, x, residual.part), rest(builder, x)));
}

function linearPart(builder: CircuitBuilder, x: number, part: Residual['part']): number {
  if (part === 'whole') return x;
  return part === 'positive' ? positivePart(builder, x) : negate(builder, positivePart(builder, negate(builder, x)));
}

function applicationOf(params: ActivationParams): Application {
  return { of: functionOf(params.function), alpha: alphaOf(params), beta: betaOf(params), float32: params.float32 === true };
}

/** A table of f in the result type; the argument's own grid decides where poles are read. */
function tableOfFunction(params: ActivationParams, context: LoweringContext): Scalar {
  const { builder, layer } = context;
  const type = needsResult(context, params.function);
  const application = applicationOf(params);
  const turns = turnsOf(application.of, application.alpha);
  const tables = new Map<number, (builder: CircuitBuilder, x: number) => number>();
  const { function: kind } = params;
  const waves = kind === 'sin' || kind === 'cos' ? periodicTable(kind, roundedInto(type, (x) => tableValue(application, x, 0), turns, true), -fractionBits(type), layer) : undefined;
  return (x) => {
    const { exp } = builder.intervalOf(x);
    if (waves !== undefined && isWideRange(builder.intervalOf(x))) return waves(builder, x);
    const value = (argument: number): number => tableValue(application, argument, exp);
    const wide = application.of.bounded === true ? roundedInto(type, value, turns, true) : undefined;
    const table = tables.get(exp) ?? functionTable(roundedInto(type, value, turns), -fractionBits(type), layer, wide);
    tables.set(exp, table);
    return table(builder, x);
  };
}
