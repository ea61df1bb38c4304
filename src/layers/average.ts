import type { FixedType } from '../fixed/fixedType.js';
import { fractionBits } from '../fixed/fixedType.js';
import { accumulateValues } from './accumulate.js';
import { balanced, castTo, divideRounded, maximum, minimum, sum } from './arithmetic.js';
import type { LoweringContext } from './definition.js';
import { needsResult } from './lowering.js';

/**
 * Σ / n. With an accumulator as hls4ml has it: sums cast to it, the quotient truncated toward zero at its last bit. With a
 * result type alone: the exact mean, rounded once. With neither: exact, which needs n to be a power of two.
 */
export function average(context: LoweringContext, terms: readonly number[], n: number): number {
  const { builder, precision } = context;
  const accum = precision?.accum;
  if (accum !== undefined) return divideRounded(builder, accumulateValues(builder, terms, accum), n, fractionBits(accum), 'TRN_ZERO');
  const total = sum(builder, terms);
  if (Number.isInteger(Math.log2(n))) return builder.shift(total, -Math.log2(n));
  const result = needsResult(context, `an average of ${n} values`);
  return divideRounded(builder, total, n, fractionBits(result), result.rounding);
}

/** The largest, or the smallest, of several; cast to the accumulator, if there is one. */
export function extreme({ builder, precision }: LoweringContext, which: 'max' | 'min', terms: readonly number[]): number {
  const best = balanced(terms, (a, b) => (which === 'max' ? maximum(builder, a, b) : minimum(builder, a, b)));
  const accum: FixedType | undefined = precision?.accum;
  return accum === undefined ? best : castTo(builder, best, accum);
}
