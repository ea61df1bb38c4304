import type { CircuitBuilder } from '../circuit/builder.js';
import { CompileError } from '../errors.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { bitLength, max, min, pow2, shift, sub, trailingZeros, widthOf } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { clamp, isNegative, negate, roundTo, select } from './arithmetic.js';
import type { RoundedFunction, Staircase } from './steps.js';
import { isImage, liveRange, mirror, restrict, staircaseOf, valueAt } from './steps.js';
import { lookUp, tableOf } from './tables.js';

/** A circuit of one function over one range of arguments, and about how many LUTs it takes. */
interface Plan {
  readonly luts: number;
  readonly build: (builder: CircuitBuilder, x: number) => number;
}

/** Grids of arguments and of values. */
interface Grids {
  readonly argument: number;
  readonly value: number;
}

/** The most entries of one table. */
const MAX_ENTRIES = 2 ** 16;

/**
 * f of a quantised argument, exactly as `f` rounds it: the values are f.at(x) · 2^exp. Of several forms, each equal to the
 * staircase that f is for every argument, the smallest is taken: a table of all arguments between the flat ends; a table
 * of blocks of arguments with at most one stair in each, and a comparison; comparisons alone; and where the staircase is symmetric about 0,
 * half of either. Saturation can break that symmetry: `wide` is f before it, and the caller saturates after. Plans are made once for each range of arguments.
 *
 * Throws CompileError (`unsupported`), when built, where no form is of bearable size.
 */
export function functionTable(f: RoundedFunction, exp: number, layer: string, wide?: RoundedFunction): (builder: CircuitBuilder, x: number) => number {
  const plans = new Map<string, Plan>();
  return (builder, x) => {
    const range = builder.intervalOf(x);
    const key = `${range.lo}:${range.hi}:${range.exp}`;
    const plan = plans.get(key) ?? planOf(range, f, exp, layer, wide);
    plans.set(key, plan);
    return plan.build(builder, x);
  };
}

/** The smallest circuit of a staircase whose arguments and values are on these grids. */
export function staircaseTable(stairs: Staircase, grids: Grids, layer: string): (builder: CircuitBuilder, x: number) => number {
  const plan = smallest([...directPlans(stairs, grids), ...octavePlan(stairs, grids)], { lo: stairs.starts[0] as Int, hi: stairs.last, exp: grids.argument }, layer);
  return plan.build;
}

function planOf(range: Interval, f: RoundedFunction, exp: number, layer: string, wide: RoundedFunction | undefined): Plan {
  const stairs = staircaseOf(range, f, layer);
  const grids = { argument: range.exp, value: exp };
  const bits = valueBits(stairs);
  const unsaturated = wide === undefined ? [] : symmetricPlans(staircaseOf(range, wide, layer), grids).map((plan) => ({ ...plan, luts: plan.luts + bits }));
  return smallest([...plansOf(stairs, grids), ...unsaturated], range, layer);
}

function plansOf(stairs: Staircase, grids: Grids): Plan[] {
  return [...directPlans(stairs, grids), ...octavePlan(stairs, grids), ...symmetricPlans(stairs, grids)];
}

function smallest([first, ...others]: readonly Plan[], range: Interval, layer: string): Plan {
  if (first !== undefined) return others.reduce((best, plan) => (plan.luts < best.luts ? plan : best), first);
  throw new CompileError('unsupported', {
    code: 'function-too-steep',
    where: [layer],
    what: `a table of this function over [${range.lo}, ${range.hi}] · 2^${range.exp} would have more than ${MAX_ENTRIES} entries.`,
    mend: 'Give the layer a result of at most 16 bits, or its argument fewer bits (a result type of the layer before it, in a --precision file).',
  });
}

/** Plans without symmetry; none where all are too large. */
function directPlans(stairs: Staircase, grids: Grids): Plan[] {
  const { lo, hi } = liveRange(stairs);
  const bits = valueBits(stairs);
  const count = Number(sub(hi, lo)) + 1;
  const clamping = lo > (stairs.starts[0] as Int) || hi < stairs.last ? widthOf(stairs.starts[0] as Int, stairs.last) : 0;
  const plans: Plan[] = [];
  if (count <= MAX_ENTRIES) {
    plans.push({
      luts: clamping + tableLuts(count, bits),
      build: (builder, x) => {
        const table = tableOf(grids.argument, Number(lo), Number(hi), (n) => ({ n: valueAt(stairs, n), exp: grids.value }));
        return lookUp(builder, clampTo(builder, x, lo, hi), table);
      },
    });
  }
  if (stairs.starts.length <= FEW_STAIRS) {
    plans.push({ luts: (stairs.starts.length - 1) * (widthOf(lo, hi) / 3 + bits / 2), build: (builder, x) => decide(builder, x, stairs, grids, 0, stairs.starts.length - 1) });
  }
  for (let s = blockBits(stairs); s > 0; s--) {
    const blocks = Number(sub(shift(hi, -s), shift(lo, -s))) + 1;
    if (blocks > MAX_ENTRIES) break;
    const luts = clamping + tableLuts(blocks, bits + s) + s / 2 + bits;
    plans.push({ luts, build: (builder, x) => readBlocks(builder, clampTo(builder, x, lo, hi), stairs, grids, s) });
  }
  return plans;
}

/** The bits of the first octave: all arguments below 2^6. */
const FIRST_OCTAVE = 6;

/**
 * Arguments of at least 0 by octaves, each with blocks as coarse as it bears: 1/x, 1/√x, √x and log x are steep at 0 and flat
 * far from it. An octave reads the argument's low bits (wires), and a tree of comparisons chooses among them.
 */
function octavePlan(stairs: Staircase, grids: Grids): Plan[] {
  const [lo, hi] = [stairs.starts[0] as Int, stairs.last];
  const live = liveRange(stairs);
  // Flat below 0, as √x where a variance is not known to be positive: only what changes is cut into octaves.
  if (lo < 0 && live.lo >= 0) {
    return octavePlan(restrict(stairs, live.lo, live.hi), grids).map((plan) => ({
      luts: plan.luts + widthOf(lo, hi),
      build: (builder, x) => plan.build(builder, clampTo(builder, x, live.lo, live.hi)),
    }));
  }
  const top = bitLength(hi);
  if (lo < 0 || top <= FIRST_OCTAVE + 1) return [];
  const segments: { readonly from: number; readonly plan: Plan }[] = [];
  for (let bits = Math.max(FIRST_OCTAVE, bitLength(lo)); bits <= top; bits++) {
    const isFirst = segments.length === 0;
    const part = restrict(stairs, isFirst ? lo : pow2(bits - 1), min(sub(pow2(bits), 1), hi));
    const [first, ...others] = directPlans(part, grids);
    if (first === undefined) return [];
    segments.push({ from: isFirst ? 0 : bits - 1, plan: others.reduce((best, plan) => (plan.luts < best.luts ? plan : best), first) });
  }
  const choices = (segments.length - 1) * (valueBits(stairs) / 2 + top / 6);
  const build = (builder: CircuitBuilder, x: number, from: number, to: number): number => {
    const first = segments[from] as (typeof segments)[number];
    if (from === to) return first.plan.build(builder, from === 0 ? lowBits(builder, x, (segments[1] as typeof first).from) : inOctave(builder, x, first.from, grids.argument));
    const middle = Math.ceil((from + to) / 2);
    const isBelow = builder.lt(x, builder.constant(1, grids.argument + (segments[middle] as typeof first).from));
    return select(builder, isBelow, build(builder, x, from, middle - 1), build(builder, x, middle, to));
  };
  return segments.length < 2 ? [] : [{ luts: segments.reduce((sum, { plan }) => sum + plan.luts, choices), build: (builder, x) => build(builder, x, 0, segments.length - 1) }];
}

function lowBits(builder: CircuitBuilder, x: number, bits: number): number {
  return builder.cast(x, fixedType(false, bits, bits + builder.intervalOf(x).exp));
}

/** 2^bits + x mod 2^bits: what x is in that octave. */
function inOctave(builder: CircuitBuilder, x: number, bits: number, exp: number): number {
  return builder.add(builder.constant(1, exp + bits), lowBits(builder, x, bits));
}

/** Up to so many stairs are told apart by comparisons. */
const FEW_STAIRS = 32;

/** The value of stairs from first to last, by bisection: one comparison and one choice a stair. */
function decide(builder: CircuitBuilder, x: number, stairs: Staircase, grids: Grids, first: number, last: number): number {
  if (first === last) return builder.constant(stairs.values[first] as Int, grids.value);
  const middle = Math.ceil((first + last) / 2);
  const below = builder.lt(x, builder.constant(stairs.starts[middle] as Int, grids.argument));
  return select(builder, below, decide(builder, x, stairs, grids, first, middle - 1), decide(builder, x, stairs, grids, middle, last));
}

function valueBits({ values }: Staircase): number {
  return widthOf(values.reduce((a, b) => min(a, b)), values.reduce((a, b) => max(a, b)));
}

/** LUTs of a table of six inputs a LUT. */
function tableLuts(entries: number, bits: number): number {
  return bits * Math.ceil(entries / 64);
}

function clampTo(builder: CircuitBuilder, x: number, lo: Int, hi: Int): number {
  const range = builder.intervalOf(x);
  return clamp(builder, x, lo > range.lo ? builder.constant(lo, range.exp) : undefined, hi < range.hi ? builder.constant(hi, range.exp) : undefined);
}

/** The largest s such that every block of 2^s arguments has at most one stair inside. */
function blockBits({ starts }: Staircase): number {
  const fits = (s: number): boolean => {
    let block: Int | undefined;
    for (const start of starts.slice(1)) {
      if (trailingZeros(start) >= s) continue;
      const own = shift(start, -s);
      if (own === block) return false;
      block = own;
    }
    return true;
  };
  let s = 0;
  while (s < 60 && fits(s + 1)) s++;
  return s;
}

/** Reads a block's values before and behind the stair in it, and decides between them. */
function readBlocks(builder: CircuitBuilder, x: number, stairs: Staircase, grids: Grids, s: number): number {
  const { lo, hi } = builder.intervalOf(x);
  const [from, to] = [Number(shift(lo, -s)), Number(shift(hi, -s))];
  const blockExp = grids.argument + s;
  const first = (k: number): Int => valueAt(stairs, max(shift(k, s), stairs.starts[0] as Int));
  const last = (k: number): Int => valueAt(stairs, min(sub(shift(k + 1, s), 1), stairs.last));
  const inside = new Map(stairs.starts.slice(1).filter((start) => trailingZeros(start) < s).map((start) => [Number(shift(start, -s)), start]));
  const threshold = (k: number): Int => {
    const start = inside.get(k);
    return start === undefined ? 0 : sub(start, shift(k, s));
  };
  const block = roundTo(builder, x, -blockExp, 'TRN');
  const low = builder.cast(x, fixedType(false, s, blockExp));
  const read = (value: (k: number) => Int, exp: number): number => lookUp(builder, block, tableOf(blockExp, from, to, (k) => ({ n: value(k), exp })));
  const isBefore = builder.lt(low, read(threshold, grids.argument));
  const heights = new Set([...inside.keys()].filter((k) => k >= from && k <= to).map((k) => sub(last(k), first(k))));
  const [height] = heights;
  const behind = read(last, grids.value);
  if (heights.size === 1 && (height === 1 || height === -1)) {
    return height === 1 ? builder.sub(behind, isBefore, grids.value) : builder.add(behind, isBefore, grids.value);
  }
  return select(builder, isBefore, read(first, grids.value), behind);
}

/**
 * f(−n) = ±f(n) + c for all n > 0 where both are there: tables of |n|, over the longer side, and the sign put back. Odd
 * functions rounded down have c = −1, the sigmoid c = 1.
 */
function symmetricPlans(stairs: Staircase, grids: Grids): Plan[] {
  const lo = stairs.starts[0] as Int;
  const hi = stairs.last;
  if (lo >= 0 || hi <= 0) return [];
  const above = restrict(stairs, 1, hi);
  const below = mirror(restrict(stairs, lo, -1));
  const shared = min(above.last, below.last);
  const [a, b] = [restrict(above, 1, shared), restrict(below, 1, shared)];
  const c = sub(b.values[0] as Int, sub(0, a.values[0] as Int));
  const isEven = isImage(a, b, (value) => value);
  if (!isEven && !isImage(a, b, (value) => sub(c, value))) return twoSided(above, below, valueAt(stairs, 0), grids, valueBits(stairs));
  const back = (value: Int): Int => (isEven ? value : sub(c, value));
  const longer = above.last >= below.last ? above : { ...below, values: below.values.map(back) };
  const zero = valueAt(stairs, 0);
  const half: Staircase = zero === longer.values[0] ? { ...longer, starts: [0, ...longer.starts.slice(1)] } : { starts: [0, ...longer.starts], values: [zero, ...longer.values], last: longer.last };
  const signs = widthOf(lo, hi) + (isEven ? 0 : 2 * valueBits(stairs));
  return [...directPlans(half, grids), ...octavePlan(half, grids)].map((plan) => ({
    luts: plan.luts + signs,
    build: (builder, x) => {
      const negative = isNegative(builder, x);
      const value = plan.build(builder, select(builder, negative, negate(builder, x), x));
      if (isEven) return value;
      return select(builder, negative, builder.sub(builder.constant(c, grids.value), value), value);
    },
  }));
}

/** Both sides of 0 on their own, each as octaves of |n|, and a choice by the sign: 1/x, where ties break its symmetry. */
function twoSided(above: Staircase, below: Staircase, zero: Int, grids: Grids, bits: number): Plan[] {
  const right: Staircase = { starts: [0, ...above.starts], values: [zero, ...above.values], last: above.last };
  const [positive] = octavePlan(right, grids);
  const [negative] = octavePlan(below, grids);
  if (positive === undefined || negative === undefined) return [];
  return [{
    luts: positive.luts + negative.luts + bits + 2 * widthOf(0, max(above.last, below.last)),
    build: (builder, x) => {
      const step = builder.constant(1, grids.argument);
      const size = clamp(builder, negate(builder, x), step, undefined);
      return select(builder, isNegative(builder, x), negative.build(builder, size), positive.build(builder, clamp(builder, x, builder.constant(0), undefined)));
    },
  }];
}
