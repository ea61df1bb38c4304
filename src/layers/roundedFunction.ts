import { castFloat, fixedType } from '../fixed/fixedType.js';
import type { FixedType } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import type { UnaryFunction } from './functions.js';
import type { RoundedFunction } from './steps.js';

/** Integer bits above any value's own that tables of types that wrap get. */
const ROOM = 1100;

/** Turns of a function that has them, for its parameter. */
export function turnsOf({ turns = [] }: UnaryFunction, alpha: number): readonly number[] | 'everywhere' {
  return typeof turns === 'function' ? turns(alpha) : turns;
}

/**
 * Where a function has no finite value, the value at the nearest argument on the grid 2^exp that has one, the greater
 * first: 1/0 and log 0 are those of one grid step.
 */
export function finiteArgument({ value, domain = [-Infinity, Infinity] }: UnaryFunction, x: number, alpha: number, beta: number, exp: number): number {
  const step = 2 ** exp;
  const inside = Math.min(Math.max(x, domain[0]), domain[1]);
  const candidates = [inside, Math.ceil(inside / step) * step, inside + step, Math.floor(inside / step) * step, inside - step];
  return candidates.find((at) => at >= domain[0] && at <= domain[1] && Number.isFinite(value(at, alpha, beta))) ?? inside;
}

/** A function's value, kept off the limits that it only tends to, which float64 reaches: truncation has to see which side it is on. */
function beforeLimit({ limits = [] }: UnaryFunction, value: number, alpha: number): number {
  for (const { at, from } of limits) {
    const limit = at === 'alpha' ? -alpha : at;
    if (value === limit) return limit + (from === 'below' ? -1 : 1) * Math.max(Math.abs(limit) * 2 ** -53, Number.MIN_VALUE);
  }
  return value;
}

/** How a unary function is applied. */
export interface Application {
  readonly of: UnaryFunction;
  readonly alpha: number;
  readonly beta: number;
  /** The source library evaluates in float32. */
  readonly float32: boolean;
}

/** What a table holds: the function at arguments on the grid 2^exp, in float64. */
export function tableValue({ of, alpha, beta, float32 }: Application, x: number, exp: number): number {
  const argument = finiteArgument(of, float32 ? Math.fround(x) : x, alpha, beta, exp);
  const value = of.value(argument, alpha, beta);
  return float32 ? Math.fround(value) : argument === 0 || of.limits === undefined ? value : beforeLimit(of, value, alpha);
}

/** A function rounded into a type once, as whole numbers on its grid; with `wide`, not yet overflowed. */
export function roundedInto(type: FixedType, value: (x: number) => number, turns: RoundedFunction['turns'], wide = false): RoundedFunction {
  const saturates = type.overflow === 'SAT' || type.overflow === 'SAT_SYM';
  const entry = saturates && !wide ? type : fixedType(true, ROOM + type.width - type.integer, ROOM, type.rounding);
  const known = new Map<number, Int>();
  const at = (x: number): Int => {
    const n = known.get(x) ?? castFloat(value(x), entry);
    known.set(x, n);
    return n;
  };
  return { at, turns };
}
