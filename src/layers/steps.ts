import { CompileError } from '../errors.js';
import type { Int } from '../fixed/integer.js';
import { add, max, min, shift, sub, toNumber } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';

/**
 * A function of whole numbers as a staircase: what a rounded function of a fixed-point argument is. `starts[0]` is the
 * first argument; stair i has the value `values[i]` from `starts[i]` to the next start, the last one to `last`.
 */
export interface Staircase {
  readonly starts: readonly Int[];
  readonly values: readonly Int[];
  readonly last: Int;
}

/** The most stairs, and the most arguments of functions that turn everywhere. */
const MAX_STAIRS = 2 ** 16;

/** A function whose values are whole, and where it turns: between turns it only rises or only falls. */
export interface RoundedFunction {
  readonly at: (argument: number) => Int;
  readonly turns: readonly number[] | 'everywhere';
}

/** The staircase of f over all arguments n · 2^exp of an interval. Throws CompileError (`unsupported`) where it has too many stairs. */
export function staircaseOf({ lo, hi, exp }: Interval, f: RoundedFunction, layer: string): Staircase {
  const starts: Int[] = [lo];
  const values: Int[] = [f.at(toNumber(lo, exp))];
  const push = (start: Int, value: Int): void => {
    if (value === values[values.length - 1]) return;
    if (starts.length >= MAX_STAIRS) throw tooManyStairs(layer, `more than ${MAX_STAIRS} values`);
    starts.push(start);
    values.push(value);
  };
  const at = (n: Int): Int => f.at(toNumber(n, exp));
  /** Stairs of (from, to], f monotone there. */
  const walk = (from: Int, valueFrom: Int, to: Int, valueTo: Int): void => {
    if (valueFrom === valueTo) return;
    if (sub(to, from) === 1) return push(to, valueTo);
    const middle = shift(add(from, to), -1);
    const value = at(middle);
    walk(from, valueFrom, middle, value);
    walk(middle, value, to, valueTo);
  };
  let from = lo;
  for (const to of piecesOf({ lo, hi, exp }, f.turns, layer)) {
    walk(from, at(from), to, at(to));
    from = to;
  }
  return { starts, values, last: hi };
}

/** The last arguments of the pieces between turns; every argument where it turns everywhere. */
function piecesOf({ lo, hi, exp }: Interval, turns: RoundedFunction['turns'], layer: string): Int[] {
  const ends: Int[] = [];
  if (turns === 'everywhere') {
    const count = Number(sub(hi, lo));
    if (count >= MAX_STAIRS) throw tooManyStairs(layer, `an argument of ${count + 1} values`);
    for (let n = 1; n <= count; n++) ends.push(add(lo, n));
    return ends;
  }
  for (const turn of turns) {
    // The grid points on either side: what lies between them is for the next piece of one step.
    const floor = floorOnGrid(turn, exp);
    for (const end of [floor, add(floor, 1)]) if (end > lo && end < hi) ends.push(end);
  }
  ends.push(hi);
  return ends.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).filter((end, i, all) => end !== all[i - 1]);
}

function floorOnGrid(value: number, exp: number): Int {
  const scaled = Math.floor(value * 2 ** -exp);
  return Number.isSafeInteger(scaled) ? scaled : BigInt(scaled);
}

function tooManyStairs(layer: string, found: string): CompileError {
  return new CompileError('unsupported', {
    code: 'function-too-fine',
    where: [layer],
    what: `the table of this function would hold ${found}.`,
    mend: 'Give the layer a result of at most 16 bits, or its argument fewer bits (a result type of the layer before it, in a --precision file).',
  });
}

/** The arguments between which the value changes at all: before the first and behind the second it is constant. */
export function liveRange({ starts, last }: Staircase): { readonly lo: Int; readonly hi: Int } {
  const first = starts.length === 1 ? last : sub(starts[1] as Int, 1);
  return { lo: min(first, last), hi: max(starts[starts.length - 1] as Int, first) };
}

/** The value at an argument. */
export function valueAt({ starts, values }: Staircase, n: Int): Int {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] as Int) <= n) low = middle;
    else high = middle - 1;
  }
  return values[low] as Int;
}

/** The part of a staircase over [from, to], which must be within it. */
export function restrict(stairs: Staircase, from: Int, to: Int): Staircase {
  const starts: Int[] = [from];
  const values: Int[] = [valueAt(stairs, from)];
  stairs.starts.forEach((start, i) => {
    if (start <= from || start > to) return;
    starts.push(start);
    values.push(stairs.values[i] as Int);
  });
  return { starts, values, last: to };
}

/** The staircase of f(−n). */
export function mirror({ starts, values, last }: Staircase): Staircase {
  const ends = starts.map((_, i) => (i + 1 < starts.length ? sub(starts[i + 1] as Int, 1) : last));
  return { starts: ends.map((end) => sub(0, end)).reverse(), values: values.toReversed(), last: sub(0, starts[0] as Int) };
}

/** Whether b = map(a), stair by stair. */
export function isImage(a: Staircase, b: Staircase, map: (value: Int) => Int): boolean {
  return a.starts.length === b.starts.length && a.starts.every((start, i) => start === b.starts[i] && map(a.values[i] as Int) === b.values[i]);
}
