import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { fixedType, rangeOf, typeOfInterval } from '../fixed/fixedType.js';
import { bitLength, dyadicOf, shift } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { hull } from '../fixed/interval.js';
import type { ActivationParams } from '../layers/activation.js';
import type { FixedQuantParams } from '../layers/fixedQuant.js';
import { typeOfFixedQuant } from '../layers/fixedQuant.js';
import type { QuantParams } from '../layers/quant.js';
import type { ModelNode } from '../model/graph.js';

/** The smallest interval (grid included) that holds every value; [0, 0] for none. All values must be finite. */
export function intervalOfValues(values: Iterable<number>): Interval {
  let low = 0;
  let high = 0;
  let exp: number | undefined;
  let first = true;
  for (const value of values) {
    low = first ? value : Math.min(low, value);
    high = first ? value : Math.max(high, value);
    first = false;
    const dyadic = dyadicOf(value);
    if (value !== 0) exp = exp === undefined ? dyadic.exp : Math.min(exp, dyadic.exp);
  }
  const grid = exp ?? 0;
  const onGrid = (value: number): Interval['lo'] => {
    const { n, exp: own } = dyadicOf(value);
    return value === 0 ? 0 : shift(n, own - grid);
  };
  return { lo: onGrid(low), hi: onGrid(high), exp: grid };
}

/** The smallest type (TRN, WRAP) that holds every value. */
export function typeOfValues(values: Iterable<number>): FixedType {
  return typeOfInterval(intervalOfValues(values));
}

/** The smallest type that holds all values of both types, with the modes given. */
export function commonType(a: FixedType, b: FixedType, modes: Pick<FixedType, 'rounding' | 'overflow'>): FixedType {
  return { ...typeOfInterval(hull(rangeOf(a), rangeOf(b))), ...modes };
}

const ROUNDING_OF_QUANT: Partial<Record<QuantParams['rounding'], Rounding>> = {
  ROUND: 'RND_CONV',
  FLOOR: 'TRN',
  DOWN: 'TRN_ZERO',
  HALF_UP: 'RND_INF',
  HALF_DOWN: 'RND_ZERO',
};

/**
 * The fixed-point type whose cast is this quantiser: scales that are one power of two, no zero point, a whole bit width
 * and a rounding that `ap_fixed` has. Otherwise undefined.
 */
export function typeOfQuant(params: QuantParams): FixedType | undefined {
  const { scale, zeroPoint, bitWidth, signed, narrow } = params;
  const step = scale.data[0];
  const rounding = ROUNDING_OF_QUANT[params.rounding];
  if (step === undefined || rounding === undefined || !Number.isInteger(bitWidth) || bitWidth < (signed ? 2 : 1)) return undefined;
  if (scale.data.some((s) => s !== step) || zeroPoint.data.some((z) => z !== 0) || !(step > 0)) return undefined;
  if (narrow && !signed) return undefined;
  const exp = Math.log2(step);
  if (!Number.isInteger(exp)) return undefined;
  return fixedType(signed, bitWidth, bitWidth + exp, rounding, narrow ? 'SAT_SYM' : 'SAT');
}

/** The type whose cast a quantiser of the model is, if there is one for all its elements; undefined for other layers, too. */
export function typeOfQuantiser({ kind, params }: Pick<ModelNode, 'kind' | 'params'>): FixedType | undefined {
  if (kind === 'quant') return typeOfQuant(params as QuantParams);
  return kind === 'fixedQuant' ? typeOfFixedQuant(params as FixedQuantParams) : undefined;
}

/** hls4ml's type of a scalar parameter left `auto`: as few bits as it needs, at most 8 and a sign, TRN. */
export function typeOfScalar(value: number): FixedType {
  if (value === 0) return fixedType(false, 1, 1);
  const { n, exp } = dyadicOf(value);
  const bits = bitLength(n);
  const sign = value < 0 ? 1 : 0;
  return fixedType(value < 0, Math.min(bits, 8) + sign, bits + exp + sign);
}


/** Whether a function of dyadic numbers gives dyadic numbers: the others need a result type. */
export function isExactFunction({ function: name }: ActivationParams): boolean {
  return name === 'linear' || name === 'relu' || name === 'leakyRelu' || name === 'hardSigmoid';
}
