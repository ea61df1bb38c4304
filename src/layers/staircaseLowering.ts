import type { CircuitBuilder } from '../circuit/builder.js';
import { fixedType } from '../fixed/fixedType.js';
import { dyadicOf, fromNumber } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { digitsOf } from '../fixed/signedDigits.js';
import { castTo, clamp, plusConstant, roundTo, select, timesConstant } from './arithmetic.js';
import type { LoweredTensor, LoweringContext } from './definition.js';
import type { StaircaseParams } from './staircase.js';
import { rowsOf } from './staircase.js';
import { lookUp, tableOf } from './tables.js';

/** The steps that an argument n · 2^exp can reach: `values[k]` from the whole number `starts[k − 1]` on. */
interface Steps {
  readonly exp: number;
  readonly starts: readonly number[];
  readonly values: readonly number[];
}

/** Steps of equal height at about equal distances: first + height · clamp(⌊(factor · n + offset) / 2^places⌋, 0, most). */
interface Line {
  readonly factor: number;
  readonly offset: number;
  readonly places: number;
  readonly first: number;
  readonly height: number;
  readonly most: number;
}

type Plan = { readonly kind: 'tree' | 'table'; readonly steps: Steps } | { readonly kind: 'line'; readonly steps: Steps; readonly line: Line };

/** Tables have at most 2^12 entries. */
const WIDEST_TABLE_BITS = 12;
/** Whole numbers and their products stay exact in float64. */
const EXACT_BITS = 50;
/** Binary places of a line's factor, and how many factors are tried for each. */
const MOST_PLACES = 36;
const TRIES = 32;
/** After the first factor that works, so many more places for one with fewer digits. */
const MORE_PLACES = 3;
const LUT_INPUTS = 6;

export function lowerStaircase(params: StaircaseParams, [x]: readonly LoweredTensor[], { builder }: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const rowOf = rowsOf(params, input.shape);
  const plans = new Map<string, Plan>();
  const ops = new Int32Array(input.ops.length);
  for (let e = 0; e < ops.length; e++) {
    builder.setElement(e);
    const op = input.ops[e] as number;
    const interval = builder.intervalOf(op);
    const key = `${rowOf(e)}:${interval.lo}:${interval.hi}:${interval.exp}`;
    const plan = plans.get(key) ?? planOf(reachable(params, rowOf(e), interval), interval);
    plans.set(key, plan);
    ops[e] = carryOut(builder, op, plan);
  }
  return { shape: input.shape, ops };
}

/** The steps of one row within an interval, on the coarsest grid that tells them apart. */
function reachable({ thresholds, values }: StaircaseParams, row: number, { lo, hi, exp }: Interval): Steps {
  const count = thresholds.shape[1] as number;
  const starts: number[] = [];
  const reached = [values.data[row * (count + 1)] as number];
  for (let k = 0; k < count; k++) {
    const start = Math.ceil((thresholds.data[row * count + k] as number) * 2 ** -exp);
    const value = values.data[row * (count + 1) + k + 1] as number;
    if (start > hi) break;
    if (start <= lo || start === starts[starts.length - 1]) reached[reached.length - 1] = value;
    else if (value !== reached[reached.length - 1]) {
      starts.push(start);
      reached.push(value);
    }
    if (starts.length > 0 && reached[reached.length - 1] === reached[reached.length - 2]) {
      starts.pop();
      reached.pop();
    }
  }
  let grid = exp;
  let coarse = starts;
  while (coarse.some((n) => n !== 0) && coarse.every((n) => n % 2 === 0)) {
    coarse = coarse.map((n) => n / 2);
    grid++;
  }
  return { exp: grid, starts: coarse, values: reached };
}

/** The form with the fewest LUTs, by a rough count. */
function planOf(steps: Steps, interval: Interval): Plan {
  const { starts, values } = steps;
  if (starts.length === 0) return { kind: 'tree', steps };
  const inputBits = Math.max(1, Math.ceil(Math.log2((Number(interval.hi) - Number(interval.lo)) * 2 ** (interval.exp - steps.exp) + 1)));
  const resultBits = Math.ceil(Math.log2(new Set(values).size));
  const tree = starts.length * (inputBits / 2 + resultBits / 2);
  const table = inputBits > WIDEST_TABLE_BITS ? Infinity : resultBits * 2 ** Math.max(0, inputBits - LUT_INPUTS);
  const line = Math.min(tree, table) > 3 * inputBits ? lineOf(steps) : undefined;
  const lineCost = line === undefined ? Infinity : digitsOf(line.factor).length * (inputBits + 2) + resultBits;
  if (line !== undefined && lineCost < Math.min(tree, table)) return { kind: 'line', steps, line };
  return { kind: table <= tree ? 'table' : 'tree', steps };
}

function carryOut(builder: CircuitBuilder, op: number, plan: Plan): number {
  const { steps } = plan;
  const x = roundTo(builder, op, -steps.exp, 'TRN');
  switch (plan.kind) {
    case 'tree':
      return tree(builder, x, steps, 0, steps.starts.length);
    case 'table': {
      const { lo, hi, exp } = builder.intervalOf(x);
      const scale = exp - steps.exp;
      return lookUp(builder, x, tableOf(steps.exp, Number(lo) * 2 ** scale, Number(hi) * 2 ** scale, (n) => dyadicOf(valueAt(steps, n))));
    }
    case 'line':
      return alongLine(builder, x, steps, plan.line);
  }
}

function valueAt({ starts, values }: Steps, n: number): number {
  const next = starts.findIndex((start) => start > n);
  return values[next < 0 ? starts.length : next] as number;
}

/** Muxes of the values from step `low` to step `high`; all comparisons work side by side. */
function tree(builder: CircuitBuilder, x: number, steps: Steps, low: number, high: number): number {
  if (low === high) return builder.constantOf(steps.values[low] as number);
  const middle = (low + high + 1) >> 1;
  const below = builder.lt(x, builder.constant(fromNumber(steps.starts[middle - 1] as number), steps.exp));
  return select(builder, below, tree(builder, x, steps, low, middle - 1), tree(builder, x, steps, middle, high));
}

/**
 * The line with the fewest digits that meets every step: factor · start + offset ≥ k · 2^places, and less one argument
 * earlier. Undefined where the steps have no such line, as those of a curve.
 */
function lineOf(steps: Steps): Line | undefined {
  const even = evenSteps(steps);
  if (even === undefined) return undefined;
  const { starts, first, height } = even;
  const most = starts.length;
  const slopes = slopesOf(starts);
  if (slopes === undefined) return undefined;
  let best: Line | undefined;
  const farthest = starts.reduce((far, start) => Math.max(far, Math.abs(start)), 0);
  let until = Math.min(MOST_PLACES, EXACT_BITS - Math.ceil(Math.log2(slopes.high * farthest + most + 1)));
  for (let places = 0; places <= until; places++) {
    const least = Math.max(1, Math.ceil(slopes.low * 2 ** places));
    const greatest = Math.min(least + TRIES, Math.floor(slopes.high * 2 ** places));
    for (let factor = least; factor <= greatest; factor++) {
      const offset = offsetOf(starts, factor, places);
      if (offset === undefined) continue;
      if (best === undefined) until = Math.min(until, places + MORE_PLACES);
      if (best === undefined || digitsOf(factor).length < digitsOf(best.factor).length) best = { factor, offset, places, first, height, most };
    }
  }
  return best;
}

/** Halvings of a range of slopes, to the last bits of float64. */
const HALVINGS = 60;

/** The slopes of the lines that meet every step, a step a start: between the two there is room for an offset. */
function slopesOf(starts: readonly number[]): { readonly low: number; readonly high: number } | undefined {
  const span = (starts.at(-1) as number) - (starts[0] as number);
  /** How much room: it rises to one slope and falls behind it. */
  const room = (slope: number): number => {
    let [least, greatest] = [-Infinity, Infinity];
    starts.forEach((start, k) => {
      least = Math.max(least, k + 1 - slope * start);
      greatest = Math.min(greatest, k + 1 - slope * (start - 1));
    });
    return greatest - least;
  };
  const [from, to] = [Math.max(0, (starts.length - 2) / (span + 1)), starts.length / Math.max(1, span - 1)];
  let [low, high] = [from, to];
  for (let i = 0; i < 2 * HALVINGS; i++) {
    const [a, b] = [low + (high - low) / 3, high - (high - low) / 3];
    if (room(a) < room(b)) low = a;
    else high = b;
  }
  const middle = (low + high) / 2;
  if (!(room(middle) > 0)) return undefined;
  /** The last slope with room on the way to one without. */
  const edge = (without: number): number => {
    let [inside, outside] = [middle, without];
    for (let i = 0; i < HALVINGS; i++) {
      const half = (inside + outside) / 2;
      if (room(half) > 0) inside = half;
      else outside = half;
    }
    return inside;
  };
  return { low: room(from) > 0 ? from : edge(from), high: room(to) > 0 ? to : edge(to) };
}

/** The roundest offset that works with a factor, or undefined. */
function offsetOf(starts: readonly number[], factor: number, places: number): number | undefined {
  let least = -Infinity;
  let greatest = Infinity;
  starts.forEach((start, k) => {
    const level = (k + 1) * 2 ** places;
    least = Math.max(least, level - factor * start);
    greatest = Math.min(greatest, level - 1 - factor * (start - 1));
  });
  if (least > greatest) return undefined;
  for (let unit = 2 ** places; unit > 1; unit /= 2) {
    const round = Math.ceil(least / unit) * unit;
    if (round <= greatest) return round;
  }
  return least;
}

/** Starts of steps that all have one height; a step of twice the height starts twice. */
function evenSteps({ starts, values }: Steps): { readonly starts: readonly number[]; readonly first: number; readonly height: number } | undefined {
  const rises = starts.map((_, k) => (values[k + 1] as number) - (values[k] as number));
  const height = rises.reduce((least, rise) => (Math.abs(rise) < Math.abs(least) ? rise : least), Infinity);
  const counts = rises.map((rise) => rise / height);
  if (counts.some((n) => !Number.isInteger(n) || n < 1) || starts.length < 2) return undefined;
  return { starts: starts.flatMap((start, k) => new Array<number>(counts[k] as number).fill(start)), first: values[0] as number, height };
}

function alongLine(builder: CircuitBuilder, x: number, { exp }: Steps, { factor, offset, places, first, height, most }: Line): number {
  const line = plusConstant(builder, timesConstant(builder, x, factor * 2 ** -places), offset * 2 ** (exp - places));
  const bits = Math.log2(most + 1);
  const index = Number.isInteger(bits)
    ? castTo(builder, line, fixedType(false, bits, bits + exp, 'TRN', 'SAT'))
    : clamp(builder, roundTo(builder, line, -exp, 'TRN'), builder.constant(0), builder.constant(most, exp));
  return plusConstant(builder, timesConstant(builder, builder.shift(index, -exp), height), first);
}
