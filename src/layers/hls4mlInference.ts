import type { FixedType } from '../fixed/fixedType.js';
import { fixedType, fractionBits, rangeOf, sameType, typeOfInterval } from '../fixed/fixedType.js';
import { hull } from '../fixed/interval.js';

/**
 * The types hls4ml 1.3 infers where a config says `auto` (its `infer_precision_types` pass, docs/precision.md).
 * All are TRN, WRAP unless said otherwise.
 */

/** A missing bias counts as hls4ml's ap_uint<1>. */
export const NO_BIAS: FixedType = fixedType(false, 1, 1);

function ceilLog2(n: number): number {
  return n <= 1 ? 0 : Math.ceil(Math.log2(n));
}

/** Accumulator and result of Σ over `terms` of x · w, plus bias. The extra bit for the bias is there even for a zero one. */
export function inferSumOfProducts(x: FixedType, w: FixedType, terms: number, bias: FixedType): FixedType {
  const growth = ceilLog2(terms);
  const integer = x.integer + w.integer + growth;
  const fraction = x.width + w.width + growth - integer;
  const signed = x.signed || w.signed;
  const top = Math.max(integer + (bias.signed && !signed ? 1 : 0), bias.integer + (signed && !bias.signed ? 1 : 0)) + 1;
  return fixedType(signed || bias.signed, top + Math.max(fraction, fractionBits(bias)), top);
}

/** The smallest type that holds all values of both types, with the modes given. */
export function commonType(a: FixedType, b: FixedType, modes: Pick<FixedType, 'rounding' | 'overflow'>): FixedType {
  return { ...typeOfInterval(hull(rangeOf(a), rangeOf(b))), ...modes };
}

/** Product of two variables; with `terms`, the sum of that many (Dot). */
export function inferProduct(a: FixedType, b: FixedType, terms = 1): FixedType {
  const growth = ceilLog2(terms);
  return fixedType(a.signed || b.signed, a.width + b.width + growth, a.integer + b.integer + growth);
}

/** Sum, difference or mean of two variables. */
export function inferSum(a: FixedType, b: FixedType, subtract: boolean): FixedType {
  const integer = Math.max(a.integer + (b.signed && !a.signed ? 1 : 0), b.integer + (a.signed && !b.signed ? 1 : 0)) + 1;
  return fixedType(a.signed || b.signed || subtract, integer + Math.max(fractionBits(a), fractionBits(b)), integer);
}

/** Maximum, minimum (no modes kept) and concatenation (the first operand's modes, unless they are TRN, WRAP). */
export function inferCommon(types: readonly FixedType[], keepModes: boolean): FixedType | undefined {
  const [first, ...rest] = types;
  if (first === undefined) return undefined;
  return rest.reduce((a, b) => {
    if (sameType(a, b)) return a;
    const plain = a.rounding === 'TRN' && a.overflow === 'WRAP';
    const modes = keepModes ? (plain ? b : a) : fixedType(false, 1, 1);
    return commonType(a, b, { rounding: modes.rounding, overflow: modes.overflow });
  }, first);
}

/** Accumulator of an average over `cells` values. `Model.Precision.maximum` does not apply to it. */
export function inferAverageAccumulator(x: FixedType, cells: number): FixedType {
  const growth = ceilLog2(cells);
  return fixedType(x.signed, x.width + 2 * growth, x.integer + growth);
}

/** `Model.Precision.maximum` caps width and integer bits, each for itself. */
export function capType(type: FixedType, maximum: FixedType | undefined): FixedType {
  if (maximum === undefined) return type;
  return { ...type, width: Math.min(type.width, maximum.width), integer: Math.min(type.integer, maximum.integer) };
}
