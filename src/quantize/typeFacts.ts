import type { FixedType } from '../fixed/fixedType.js';
import { fixedType, typeOfInterval } from '../fixed/fixedType.js';
import { bitLength, dyadicOf, shift } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';

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

/** hls4ml's type of a scalar parameter left `auto`: as few bits as it needs, at most 8 and a sign, TRN. */
export function typeOfScalar(value: number): FixedType {
  if (value === 0) return fixedType(false, 1, 1);
  const { n, exp } = dyadicOf(value);
  const bits = bitLength(n);
  const sign = value < 0 ? 1 : 0;
  return fixedType(value < 0, Math.min(bits, 8) + sign, bits + exp + sign);
}
