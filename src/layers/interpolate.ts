import type { CircuitBuilder } from '../circuit/builder.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { shift } from '../fixed/integer.js';
import { linear } from '../optimize/cmvm.js';
import { roundTo } from './arithmetic.js';
import { lookUp, tableOf } from './tables.js';

/** Where and how finely a smooth function is approximated. */
export interface Interpolation {
  /** Length of a block, 2^blockExp. */
  readonly blockExp: number;
  /** Grid of the values. */
  readonly valueExp: number;
  /** Bits of the position within a block. */
  readonly stepBits: number;
  /** The least argument at which the function is to be evaluated; what is below it never arrives. */
  readonly least?: number;
}

/**
 * f(x) by a line in each block of arguments, half of its greatest distance from the curve taken off: within h² · max|f″| / 16 of
 * f, h the length of a block, and the rounding of start, slope and position (about one step of the value's grid). Where x has
 * no bits within a block it is a table.
 */
export function interpolate(builder: CircuitBuilder, x: number, f: (v: number) => number, { blockExp, valueExp, stepBits, least = -Infinity }: Interpolation): number {
  const { lo, hi, exp } = builder.intervalOf(x);
  const width = 2 ** blockExp;
  const isWhole = exp >= blockExp;
  const [from, to] = [Number(shift(lo, exp - blockExp)), Number(shift(hi, exp - blockExp))];
  const at = (k: number): number => Math.max(k * width, least);
  const entry = (value: number, grid: number): { readonly n: Int; readonly exp: number } => ({ n: Math.round(value * 2 ** -grid), exp: grid });
  const sag = (v: number): number => (isWhole ? 0 : ((f(v) + f(v + width)) / 2 - f(v + width / 2)) / 2);
  const block = roundTo(builder, x, -blockExp, 'TRN');
  const start = lookUp(builder, block, tableOf(blockExp, from, to, (k) => entry(f(at(k)) - sag(at(k)), valueExp)));
  if (isWhole) return start;
  const slopeExp = valueExp - blockExp - 1;
  const slope = lookUp(builder, block, tableOf(blockExp, from, to, (k) => entry((f(at(k)) - f(at(k) + width)) / width, slopeExp)));
  const low = roundTo(builder, builder.cast(x, fixedType(false, blockExp - exp, blockExp)), stepBits - blockExp, 'TRN');
  return builder.sub(start, roundTo(builder, linear.multiplyVariables(builder, slope, low), -valueExp, 'RND'));
}
