import type { CircuitBuilder } from '../circuit/builder.js';
import { assertNever } from '../errors.js';
import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { fixedType } from '../fixed/fixedType.js';
import { add, dyadicOf, mul, shift, sub } from '../fixed/integer.js';
import { sizeOf } from '../model/tensor.js';
import { castTo, clamp, divideRounded, isNegative, negate, select, timesConstant } from './arithmetic.js';
import type { BipolarQuantParams } from './bipolarQuant.js';
import type { LoweredTensor, LoweringContext } from './definition.js';
import type { QuantParams } from './quant.js';
import { entriesOf } from './indexing.js';
import { isBipolar, quantBounds } from './quant.js';
import type { Truncation, TruncParams } from './trunc.js';
import { truncationsOf } from './trunc.js';

type QuantRounding = QuantParams['rounding'];

/** qonnx's rounding modes that are one of ap_fixed's. */
const ROUNDINGS: Readonly<Record<QuantRounding, Rounding | undefined>> = {
  ROUND: 'RND_CONV',
  FLOOR: 'TRN',
  DOWN: 'TRN_ZERO',
  HALF_UP: 'RND_INF',
  HALF_DOWN: 'RND_ZERO',
  CEIL: undefined,
  UP: undefined,
};

/** x / divisor to a whole number under a rounding mode of qonnx, exactly. */
function roundQuotient(builder: CircuitBuilder, x: number, divisor: number, rounding: QuantRounding): number {
  const mode = ROUNDINGS[rounding];
  if (mode !== undefined) return divideRounded(builder, x, divisor, 0, mode);
  const ceiling = (): number => negate(builder, divideRounded(builder, negate(builder, x), divisor, 0, 'TRN'));
  switch (rounding) {
    case 'CEIL':
      return ceiling();
    case 'UP': {
      const { lo, hi } = builder.intervalOf(x);
      if (lo >= 0) return ceiling();
      const floor = divideRounded(builder, x, divisor, 0, 'TRN');
      return hi <= 0 ? floor : select(builder, isNegative(builder, x), floor, ceiling());
    }
    case 'ROUND':
    case 'FLOOR':
    case 'DOWN':
    case 'HALF_UP':
    case 'HALF_DOWN':
      return divideRounded(builder, x, divisor, 0, mode ?? 'TRN');
    default:
      return assertNever(rounding);
  }
}

/** x + a · b, the product exact. */
function addProduct(builder: CircuitBuilder, x: number, a: number, b: number): number {
  if (a === 0 || b === 0) return x;
  const [u, v] = [dyadicOf(a), dyadicOf(b)];
  return builder.add(x, builder.constant(mul(u.n, v.n), u.exp + v.exp));
}

/** round(x / scale + zeroPoint), exactly: x / scale + z = (x + z · scale) / scale. */
function integerOf(builder: CircuitBuilder, x: number, scale: number, zeroPoint: number, rounding: QuantRounding): number {
  const { n, exp } = dyadicOf(scale);
  const lifted = addProduct(builder, x, zeroPoint, scale);
  return roundQuotient(builder, builder.shift(lifted, -exp), Number(n), rounding);
}

/** (q − zeroPoint) · scale, exactly. */
function valueOf(builder: CircuitBuilder, q: number, scale: number, zeroPoint: number): number {
  return addProduct(builder, timesConstant(builder, q, scale), -zeroPoint, scale);
}

/** The type whose cast is the whole quantiser: a power-of-two scale, no zero point, bounds of a type, a mode of ap_fixed. */
function castOf(params: QuantParams, scale: number, zeroPoint: number): FixedType | undefined {
  const { n, exp } = dyadicOf(scale);
  const { bitWidth, signed, narrow, rounding, bounds, whole } = params;
  const mode = ROUNDINGS[rounding];
  if (n !== 1 || (whole === true && exp !== 0) || bounds !== undefined || zeroPoint !== 0 || mode === undefined || !Number.isInteger(bitWidth) || (narrow && !signed)) return undefined;
  return fixedType(signed, bitWidth, bitWidth + exp, mode, narrow ? 'SAT_SYM' : 'SAT');
}

/**
 * x held so far from the bounds that the result cannot change, where its range is much larger: the division below is
 * then of a short number.
 */
function nearBounds(builder: CircuitBuilder, x: number, scale: number, zeroPoint: number, low: number, high: number): number {
  const range = builder.intervalOf(x);
  const s = dyadicOf(scale);
  const z = dyadicOf(zeroPoint);
  // (bound ∓ 2 − z) · scale on x's grid, rounded outwards by the spare unit.
  const onOwnGrid = (bound: number) => {
    const grid = Math.min(z.exp, 0);
    const whole = sub(shift(bound, -grid), shift(z.n, z.exp - grid));
    const product = mul(whole, s.n);
    return shift(product, grid + s.exp - range.exp);
  };
  const least = onOwnGrid(low - 2);
  const greatest = add(onOwnGrid(high + 2), 1);
  const wide = sub(range.hi, range.lo) > mul(4, sub(greatest, least));
  if (!wide) return x;
  return clamp(builder, x, least > range.lo ? builder.constant(least, range.exp) : undefined, greatest < range.hi ? builder.constant(greatest, range.exp) : undefined);
}

/** x ≥ −zeroPoint · scale ? 1 : −1, as a value of the quantiser. */
function bipolar(builder: CircuitBuilder, x: number, scale: number, zeroPoint: number, step: number): number {
  const zero = builder.constant(0);
  const negative = builder.lt(addProduct(builder, x, zeroPoint, scale), zero);
  const one = builder.constant(1);
  return select(builder, negative, valueOf(builder, negate(builder, one), step, zeroPoint), valueOf(builder, one, step, zeroPoint));
}

/** One element through a Quant node, exactly. */
export function quantElement(builder: CircuitBuilder, params: QuantParams, x: number, scale: number, zeroPoint: number): number {
  const step = params.whole === true ? 1 : scale;
  if (isBipolar(params)) return bipolar(builder, x, scale, zeroPoint, step);
  const type = castOf(params, scale, zeroPoint);
  if (type !== undefined) return castTo(builder, x, type);
  const [low, high] = quantBounds(params);
  const q = integerOf(builder, nearBounds(builder, x, scale, zeroPoint, low, high), scale, zeroPoint, params.rounding);
  return valueOf(builder, clamp(builder, q, builder.constantOf(low), builder.constantOf(high)), step, zeroPoint);
}

/** Lowers element by element without any cast of its own. */
function eachElement({ builder }: LoweringContext, x: LoweredTensor, element: (op: number, e: number) => number): Int32Array {
  const ops = new Int32Array(sizeOf(x.shape));
  for (let e = 0; e < ops.length; e++) {
    builder.setElement(e);
    ops[e] = element(x.ops[e] as number, e);
  }
  return ops;
}

/** QONNX Quant. */
export function lowerQuant(params: QuantParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const scale = entriesOf(params.scale, input.shape);
  const zero = entriesOf(params.zeroPoint, input.shape);
  const ops = eachElement(context, input, (op, e) => quantElement(context.builder, params, op, scale[e] as number, zero[e] as number));
  const uniform = scale.every((s, e) => s === scale[0] && zero[e] === zero[0]);
  const type = uniform && !isBipolar(params) ? castOf(params, scale[0] as number, zero[0] as number) : undefined;
  return { shape: input.shape, ops, ...(type && { type }) };
}

/** QONNX BipolarQuant; scales may be negative. */
export function lowerBipolarQuant(params: BipolarQuantParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder } = context;
  const input = x as LoweredTensor;
  const scale = entriesOf(params.scale, input.shape);
  const ops = eachElement(context, input, (op, e) => {
    const s = scale[e] as number;
    return select(builder, isNegative(builder, op), builder.constantOf(-s), builder.constantOf(s));
  });
  return { shape: input.shape, ops };
}

/** QONNX Trunc, both versions. */
export function lowerTrunc(params: TruncParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder } = context;
  const input = x as LoweredTensor;
  const truncations = truncationsOf(params, input.shape);
  const ops = eachElement(context, input, (op, e) => {
    const t = truncations[e] as Truncation;
    const whole = integerOf(builder, op, t.scale, t.zeroPoint, 'ROUND');
    const kept = roundQuotient(builder, builder.shift(whole, -t.bits), 1, params.rounding);
    const clamped = t.bounds === undefined ? kept : clamp(builder, kept, builder.constantOf(t.bounds[0]), builder.constantOf(t.bounds[1]));
    return valueOf(builder, clamped, t.outputScale, t.outputZeroPoint);
  });
  return { shape: input.shape, ops };
}
