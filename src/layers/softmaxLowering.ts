import type { CircuitBuilder } from '../circuit/builder.js';
import type { Table } from '../circuit/circuit.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castFloat, fixedType, fractionBits } from '../fixed/fixedType.js';
import { bitLength } from '../fixed/integer.js';
import { linear } from '../optimize/cmvm.js';
import { float32Entry, tableFactor } from './activationLowering.js';
import { balanced, castTo, clamp, maximum, roundTo, select, sum } from './arithmetic.js';
import type { LoweredTensor, LoweringContext } from './definition.js';
import { normalAxis, reductionGroups } from './indexing.js';
import { interpolate } from './interpolate.js';
import { needsResult, tensorType } from './lowering.js';
import { normalizeUp } from './normalizeUp.js';
import type { SoftmaxParams } from './softmax.js';
import { lookUp, scaledIndex, tableOf, topBits } from './tables.js';

/** hls4ml's default of the inner types. */
const INNER = fixedType(true, 18, 8, 'RND', 'SAT');
const TABLE_TYPE = fixedType(true, 18, 8);
const TABLE_SIZE = 1024;

type Vector = (xs: readonly number[]) => number[];

/** Softmax along an axis: hls4ml's four implementations for configured types, `automaticSoftmax` otherwise. */
export function lowerSoftmax({ axis }: SoftmaxParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder, precision } = context;
  const input = x as LoweredTensor;
  const groups = reductionGroups(input.shape, [normalAxis(axis, input.shape.length) as number], true);
  const argmax = precision?.softmax === 'argmax';
  const result = argmax ? precision.result : needsResult(context, 'softmax');
  const apply = vectorOf(tensorType(builder, input), context);
  const ops = new Int32Array(input.ops.length);
  for (let g = 0; g < groups.count; g++) {
    const members = groups.members.subarray(g * groups.size, (g + 1) * groups.size);
    builder.setElement(members[0] as number);
    apply(Array.from(members, (i) => input.ops[i] as number)).forEach((op, k) => {
      const e = members[k] as number;
      builder.setElement(e);
      ops[e] = result === undefined ? op : castTo(builder, op, result);
    });
  }
  return { shape: input.shape, ops, ...(result && { type: result }) };
}

function vectorOf(type: FixedType, context: LoweringContext): Vector {
  const { precision } = context;
  if (precision?.softmax === 'argmax') return (xs) => argmaxOf(context.builder, xs);
  if (precision?.source !== 'config') return automaticSoftmax(context);
  switch (precision.softmax ?? 'stable') {
    case 'latency':
      return latencySoftmax(type, context);
    case 'stable':
      return stableSoftmax(type, context);
    case 'legacy':
      return legacySoftmax(context);
  }
}

/** 1 at the first maximum, else 0. */
function argmaxOf(builder: CircuitBuilder, xs: readonly number[]): number[] {
  const one = builder.constant(1);
  const zero = builder.constant(0);
  return xs.map((x, i) => {
    const wins = xs.flatMap((other, j) => (j === i ? [] : [j < i ? builder.lt(other, x) : builder.lt(x, other)]));
    // An earlier one must be smaller; a later one must not be larger.
    const held = wins.map((win, k) => (k < i ? win : select(builder, win, zero, one)));
    return held.length === 0 ? one : balanced(held, (a, b) => builder.mul(a, b));
  });
}

/** Bits of the softmax tables' index: TableSize, at most 2^min(input width, inverse table width). */
function indexBits(type: FixedType, { precision, layer }: LoweringContext): number {
  const size = precision?.tableSize ?? TABLE_SIZE;
  const bits = Math.log2(size);
  if (!Number.isInteger(bits) || bits < 1 || bits > 20) {
    throw new CompileError('config', {
      code: 'table-size',
      where: [layer, 'TableSize'],
      what: `softmax tables have a power of two of entries, from 2 to 1048576; found ${size}.`,
      mend: 'Use for example TableSize: 1024.',
    });
  }
  return Math.min(bits, type.width, (precision?.invTable ?? INNER).width);
}

/** A table read at the top bits of a value of `type`: entry of the value whose lower bits are 0. */
function topBitTable(type: FixedType, bits: number, entryType: FixedType, f: (v: number) => number): { readonly bits: number; readonly table: Table } {
  const used = Math.min(bits, type.width);
  const exp = type.integer - used;
  const from = type.signed ? -(2 ** (used - 1)) : 0;
  return { bits: used, table: tableOf(exp, from, from + 2 ** used - 1, (i) => float32Entry(f(i * 2 ** exp), entryType)) };
}

function readTopBits(builder: CircuitBuilder, x: number, type: FixedType, { bits, table }: { readonly bits: number; readonly table: Table }): number {
  return lookUp(builder, topBits(builder, x, type, bits), table);
}

/** e_j · inverse(Σ e), the half that the latency and the stable form share. */
function normalise(exponentials: readonly number[], bits: number, { builder, precision }: LoweringContext): number[] {
  const accum = precision?.accum ?? INNER;
  const inverseInput = precision?.invInput ?? INNER;
  const inverse = topBitTable(inverseInput, bits, precision?.invTable ?? INNER, (v) => 1 / v);
  const cast = exponentials.map((e) => castTo(builder, e, accum));
  const total = castTo(builder, treeSum(builder, cast, accum), inverseInput);
  const factor = readTopBits(builder, total, inverseInput, inverse);
  return cast.map((e) => linear.multiplyVariables(builder, e, factor));
}

/** hls4ml's reduction tree: the first 2^floor(log2(n − 1)) terms against the rest, every sum cast. */
function treeSum(builder: CircuitBuilder, terms: readonly number[], accum: FixedType): number {
  if (terms.length === 1) return terms[0] as number;
  const half = terms.length === 2 ? 1 : 2 ** Math.floor(Math.log2(terms.length - 1));
  const left = treeSum(builder, terms.slice(0, half), accum);
  const right = treeSum(builder, terms.slice(half), accum);
  return castTo(builder, builder.add(left, right), accum);
}

function latencySoftmax(type: FixedType, context: LoweringContext): Vector {
  const { builder, precision } = context;
  const bits = indexBits(type, context);
  const exponential = topBitTable(type, bits, precision?.expTable ?? INNER, Math.exp);
  return (xs) => normalise(xs.map((x) => readTopBits(builder, x, type, exponential)), bits, context);
}

function stableSoftmax(type: FixedType, context: LoweringContext): Vector {
  const { builder, precision } = context;
  const bits = indexBits(type, context);
  const distance = type.signed ? fixedType(false, Math.max(1, type.width - 1), type.integer - 1) : fixedType(false, type.width, type.integer);
  const exponential = topBitTable(distance, bits, precision?.expTable ?? INNER, (v) => Math.exp(-v));
  return (xs) => {
    const top = balanced(xs, (a, b) => maximum(builder, a, b));
    const distances = xs.map((x) => castTo(builder, builder.sub(top, x), distance));
    return normalise(distances.map((d) => readTopBits(builder, d, distance, exponential)), bits, context);
  };
}

/** hls4ml's first softmax: a reciprocal of Σ_j exp(x_j − x_i) for each i. */
function legacySoftmax(context: LoweringContext): Vector {
  const { builder, precision } = context;
  const type = precision?.table ?? TABLE_TYPE;
  const size = precision?.tableSize ?? TABLE_SIZE;
  const factor = tableFactor(size, 16, context);
  const low = -size / 2;
  const exponential = tableOf(0, low, low + size - 1, (i) => float32Entry(Math.exp(Math.fround((16 * i) / size)), type));
  const inverse = tableOf(0, 0, size - 1, (k) => float32Entry(k === 0 ? 0 : 1 / Math.fround((64 * k) / size), type));
  const one = builder.constant(castFloat(1, type), type.integer - type.width);
  return (xs) =>
    xs.map((x, i) => {
      const terms = xs.map((other, j) =>
        j === i ? one : lookUp(builder, scaledIndex(builder, builder.sub(other, x), factor, low, low + size - 1), exponential),
      );
      const total = terms.reduce((acc, term) => castTo(builder, builder.add(acc, term), type), builder.constant(0));
      return lookUp(builder, scaledIndex(builder, total, size / 64, 0, size - 1), inverse);
    });
}

/** Bits that the automatic softmax works with beyond the result's own. */
const GUARD_BITS = 4;
/** The most of its fraction bits. */
const MOST_FRACTION_BITS = 18;
/** Bits of the position within a block of its tables. */
const STEP_BITS = 8;

/**
 * Softmax without configured types, on `f` fraction bits, 4 more than the result's (at most 18): e_j = exp(x_j − max x), their
 * exact sum S in [1, n], 1/S, and the product rounded once into the result type. Exponential and reciprocal are lines in
 * blocks, the reciprocal of S shifted up to where its top bit is set, so that neither grows with n; each is within 2^−f.
 */
function automaticSoftmax(context: LoweringContext): Vector {
  const { builder } = context;
  const result = needsResult(context, 'softmax');
  const fraction = Math.min(MOST_FRACTION_BITS, Math.max(2, fractionBits(result)) + GUARD_BITS);
  const blockExp = 1 - Math.floor(fraction / 2);
  // Beyond it an exponential rounds to 0.
  const farthest = Math.ceil((fraction + 1) * Math.LN2 * 2 ** -blockExp);
  const exponential = (d: number): number =>
    interpolate(builder, clamp(builder, d, undefined, builder.constant(farthest, blockExp)), (v) => Math.exp(-v), { blockExp, valueExp: -fraction, stepBits: STEP_BITS });
  return (xs) => {
    const top = balanced(xs, (a, b) => maximum(builder, a, b));
    const values = xs.map((x) => atMostOne(builder, exponential(notNegative(builder, builder.sub(top, x)))));
    // The largest term is exp(0) = 1, so S lies in [1, n].
    const bits = bitsOf(xs.length);
    const total = maximum(builder, builder.cast(sum(builder, values), fixedType(false, fraction + bits, bits, 'TRN', 'SAT')), builder.constant(1));
    const factor = reciprocal(builder, total, fraction);
    return values.map((value) => linear.multiplyVariables(builder, value, factor));
  };
}

/** 1/S for S ≥ 1, to `fraction` bits. */
function reciprocal(builder: CircuitBuilder, total: number, fraction: number): number {
  const { shifted, stages, bits } = normalizeUp(builder, total, false);
  const least = 2 ** (bits - 1 + builder.intervalOf(total).exp);
  const blockExp = Math.log2(least) - Math.floor(fraction / 2);
  const inverse = interpolate(builder, shifted, (v) => 1 / v, { blockExp, valueExp: -fraction - Math.log2(least) - 1, stepBits: STEP_BITS, least });
  const whole = stages.reduce((op, { by, condition }) => select(builder, condition, builder.shift(op, by), op), inverse);
  return atMostOne(builder, roundTo(builder, whole, fraction, 'RND'));
}

/** Bits of the whole numbers up to n. */
function bitsOf(n: number): number {
  return Math.floor(Math.log2(n)) + 1;
}

/** Approximations of values in [0, 1] may miss them by a step. */
function atMostOne(builder: CircuitBuilder, x: number): number {
  const { lo, hi, exp } = builder.intervalOf(x);
  const one = builder.constant(1);
  return clamp(builder, x, lo < 0 ? builder.constant(0) : undefined, hi > 2 ** -exp ? one : undefined);
}

/** A value known not to be negative, said so to the ranges. */
function notNegative(builder: CircuitBuilder, x: number): number {
  const { lo, hi, exp } = builder.intervalOf(x);
  return lo >= 0 ? x : builder.cast(x, fixedType(false, bitLength(hi), bitLength(hi) + exp));
}
