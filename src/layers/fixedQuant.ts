import { z } from 'zod';
import type { CircuitBuilder } from '../circuit/builder.js';
import type { FixedType, Overflow, Rounding } from '../fixed/fixedType.js';
import { castFloat, castOverflows, castValue, fixedType, fractionBits, MAX_WIDTH, OVERFLOWS, rangeOf, ROUNDINGS, sameType } from '../fixed/fixedType.js';
import { dyadicOf, sub, toNumber } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, broadcastShapes, sizeOf, tensor } from '../model/tensor.js';
import { castTo, divideRounded, negate } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape } from './indexing.js';
import type { Bounds, TensorRange } from './ranges.js';
import { tensorSchema } from './schemas.js';
import { lookUp, tableOf } from './tables.js';

/**
 * A fixed-point cast of each element with its own widths: the quantisers of HGQ, HGQ2 and QKeras. Widths broadcast to the
 * input. Width signed + integerBits + fractionBits; at 0 or below, the element is 0.
 */
export interface FixedQuantParams {
  /** 1 where negative values are kept, else 0. */
  readonly signed: Tensor;
  /** Bits left of the binary point without the sign bit; may be negative. */
  readonly integerBits: Tensor;
  /** Bits right of the binary point; may be negative. */
  readonly fractionBits: Tensor;
  readonly rounding: Rounding;
  readonly overflow: Overflow;
  /** The input is divided by this first, and the exact quotient is what is rounded. 1 if not given; never 0. */
  readonly divisor?: number;
  /**
   * The quotient is the product with the reciprocal, both rounded to float32, as TensorFlow divides by constants: this decides
   * what comes within some 2^−24 of a tie.
   */
  readonly float32?: boolean;
}

/** The type of each element of a shape; undefined where no bit is left and the value is 0. Equal types are one object. */
export function elementTypes({ signed, integerBits, fractionBits: fraction, rounding, overflow }: FixedQuantParams, shape: readonly number[]): readonly (FixedType | undefined)[] {
  const indices = [signed, integerBits, fraction].map((t) => broadcastIndices(t.shape, shape));
  const known = new Map<string, FixedType>();
  return Array.from({ length: sizeOf(shape) }, (_, e) => {
    const [k, i, f] = [signed, integerBits, fraction].map((t, n) => t.data[(indices[n] as Int32Array)[e] as number] as number) as [number, number, number];
    const width = k + i + f;
    if (width <= 0) return undefined;
    const key = `${k}:${i}:${f}`;
    const type = known.get(key) ?? fixedType(k === 1, width, k + i, rounding, overflow);
    known.set(key, type);
    return type;
  });
}

function shapeOfQuant(params: FixedQuantParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  const { signed, integerBits, fractionBits: fraction, divisor = 1 } = params;
  for (const [what, values] of [['signed', signed], ['integerBits', integerBits], ['fractionBits', fraction]] as const) {
    const shape = broadcastShapes(values.shape, input);
    if (shape === undefined || shape.length !== input.length || shape.some((n, i) => n !== input[i])) return `${what} of ${formatShape(values.shape)} does not broadcast to ${formatShape(input)}`;
    const wrong = values.data.find((v) => (values === signed ? v !== 0 && v !== 1 : !Number.isInteger(v) || Math.abs(v) > MAX_WIDTH));
    if (wrong !== undefined) return values === signed ? `signed must be 0 or 1, found ${wrong}` : `${what} must be whole and within ±${MAX_WIDTH}, found ${wrong}`;
  }
  if (!Number.isFinite(divisor) || divisor === 0) return `the divisor must be finite and not 0, found ${divisor}`;
  const wide = elementTypes(params, input).find((type) => type !== undefined && type.width > MAX_WIDTH);
  return wide === undefined ? input : `a width of ${wide.width} bits is more than ${MAX_WIDTH}`;
}

/** What is rounded: x / divisor. */
function quotientOf({ divisor = 1, float32 = false }: FixedQuantParams, x: number): number {
  return float32 ? Math.fround(x * Math.fround(1 / divisor)) : x / divisor;
}

/** The most arguments of a table that stands for a division in float32. */
const MAX_QUOTIENTS = 2 ** 14;

/**
 * One element through the quantiser, exactly: the quotient is never a number of its own. One that the library rounds to
 * float32 is a table; with more arguments than that, ties are decided by the exact quotient.
 */
function lowerElement(builder: CircuitBuilder, op: number, type: FixedType | undefined, params: FixedQuantParams): number {
  if (type === undefined) return builder.constant(0);
  const { divisor = 1, float32 = false } = params;
  const { lo, hi, exp: grid } = builder.intervalOf(op);
  if (float32 && Number(sub(hi, lo)) < MAX_QUOTIENTS) {
    const table = tableOf(grid, Number(lo), Number(hi), (i) => ({ n: castFloat(quotientOf(params, i * 2 ** grid), type), exp: -fractionBits(type) }));
    return lookUp(builder, op, table);
  }
  const { n, exp } = dyadicOf(Math.abs(divisor));
  const x = builder.shift(divisor < 0 ? negate(builder, op) : op, -exp);
  const rounded = n === 1 ? x : divideRounded(builder, x, Number(n), fractionBits(type), type.rounding);
  return castTo(builder, rounded, type);
}

function lowerFixedQuant(params: FixedQuantParams, [x]: readonly LoweredTensor[], { builder }: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const types = elementTypes(params, input.shape);
  const ops = new Int32Array(types.length);
  for (let e = 0; e < ops.length; e++) {
    builder.setElement(e);
    ops[e] = lowerElement(builder, input.ops[e] as number, types[e], params);
  }
  const [first] = types;
  const uniform = first !== undefined && types.every((type) => type === first);
  return { shape: input.shape, ops, ...(uniform && { type: first }) };
}

/** What one element can be after its cast: the whole type where it may wrap, else between the cast ends. */
export function castBounds(low: number, high: number, type: FixedType | undefined): readonly [number, number] {
  if (type === undefined) return [0, 0];
  const leaves = [low, high].some((end) => {
    const { n, exp } = dyadicOf(end);
    return castOverflows({ lo: n, hi: n, exp }, type);
  });
  if (!leaves || type.overflow === 'SAT' || type.overflow === 'SAT_SYM') return [castValue(low, type), castValue(high, type)];
  const { lo, hi, exp } = rangeOf(type);
  return [toNumber(lo, exp), toNumber(hi, exp)];
}

function boundsOfQuant(params: FixedQuantParams, [x]: readonly TensorRange[]): Bounds {
  const { shape, low, high } = x as TensorRange;
  const ends = elementTypes(params, shape).map((type, e) => {
    const quotients = [quotientOf(params, low[e] as number), quotientOf(params, high[e] as number)];
    return castBounds(Math.min(...quotients), Math.max(...quotients), type);
  });
  return { low: Float64Array.from(ends, ([least]) => least), high: Float64Array.from(ends, ([, most]) => most) };
}

/** The finest grid of the types: every value of the output lies on it. */
function gridOfTypes(types: readonly (FixedType | undefined)[]): number {
  const finest = types.reduce((least, type) => (type === undefined ? least : Math.min(least, -fractionBits(type))), Infinity);
  return finest === Infinity ? 0 : finest;
}

/** The one type of all elements, if they share it. */
function typeOfFixedQuant(params: FixedQuantParams): FixedType | undefined {
  const { signed, integerBits, fractionBits: fraction, divisor = 1 } = params;
  const shape = broadcastShapes(broadcastShapes(signed.shape, integerBits.shape) ?? [], fraction.shape) ?? [];
  const [first, ...others] = elementTypes(params, shape);
  return divisor === 1 && first !== undefined && others.every((type) => type !== undefined && sameType(type, first)) ? first : undefined;
}

/** A fixed-point cast, its widths an element. */
export const fixedQuantLayer: LayerDefinition<FixedQuantParams> = {
  kind: 'fixedQuant',
  params: z.strictObject({
    signed: tensorSchema,
    integerBits: tensorSchema,
    fractionBits: tensorSchema,
    rounding: z.enum(ROUNDINGS),
    overflow: z.enum(OVERFLOWS),
    divisor: z.number().exactOptional(),
    float32: z.boolean().exactOptional(),
  }),
  hls4mlClass: () => 'FixedPointQuantizer',
  shape: shapeOfQuant,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const types = elementTypes(params, input.shape);
    return tensor(input.shape, input.data.map((v, e) => (types[e] === undefined ? 0 : castValue(quotientOf(params, v), types[e]))), true);
  },
  lower: lowerFixedQuant,
  bounds: boundsOfQuant,
  grid: (params, [x]) => gridOfTypes(elementTypes(params, (x as TensorRange).shape)),
  precision: 'none',
  quantiser: typeOfFixedQuant,
};
