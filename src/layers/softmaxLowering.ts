import type { CircuitBuilder } from '../circuit/builder.js';
import type { Table } from '../circuit/circuit.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { fixedType, fractionBits } from '../fixed/fixedType.js';
import { onGrid } from '../fixed/interval.js';
import { linear } from '../optimize/cmvm.js';
import { float32Entry, tableFactor } from './activationLowering.js';
import { balanced, castTo, maximum, roundTo, select, sum } from './arithmetic.js';
import { castFloat } from './constants.js';
import type { LoweredTensor, LoweringContext } from './definition.js';
import { normalAxis, reductionGroups } from './indexing.js';
import { needsResult, tensorType } from './lowering.js';
import type { SoftmaxParams } from './softmax.js';
import { functionTable, lookUp, scaledIndex, tableOf, topBits } from './tables.js';

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
/** Index bits of its reciprocal table, the whole part of S included. */
const RECIPROCAL_BITS = 14;

/**
 * Softmax without configured types: e_j = exp(x_j − max x) from an exactly indexed table with 4 guard bits beyond the
 * result's fraction (at most 18 bits), their exact sum S in [1, n], a reciprocal of S from a table of at most 2^14 entries,
 * and the exact product rounded once into the result type. Relative error of the reciprocal: below n · 2^−14.
 */
function automaticSoftmax(context: LoweringContext): Vector {
  const { builder } = context;
  const result = needsResult(context, 'softmax');
  const fraction = Math.min(18, Math.max(2, fractionBits(result)) + GUARD_BITS);
  const entry = fixedType(false, fraction + 1, 1, 'RND', 'SAT');
  const exponential = functionTable(builder, (v) => ({ n: castFloat(Math.exp(v), entry), exp: -fraction }));
  const reciprocal = fixedType(false, fraction + 2, 2, 'RND', 'SAT');
  return (xs) => {
    const top = balanced(xs, (a, b) => maximum(builder, a, b));
    const values = xs.map((x) => exponential(notPositive(builder, builder.sub(x, top))));
    // The largest term is exp(0) = 1, so S lies in [1, n].
    const total = builder.cast(sum(builder, values), fixedType(false, fraction + bitsOf(xs.length), bitsOf(xs.length), 'TRN', 'SAT'));
    const above = maximum(builder, total, builder.constant(1));
    const argument = roundTo(builder, above, Math.min(fraction, RECIPROCAL_BITS - bitsOf(xs.length)), 'RND');
    const { lo, hi, exp } = builder.intervalOf(argument);
    const table = tableOf(exp, Number(lo), Number(hi), (n) => ({ n: castFloat(1 / (n * 2 ** exp), reciprocal), exp: -fraction }));
    const factor = lookUp(builder, argument, table);
    return values.map((value) => linear.multiplyVariables(builder, value, factor));
  };
}

/** Bits of the whole numbers up to n. */
function bitsOf(n: number): number {
  return Math.floor(Math.log2(n)) + 1;
}

/** A value known to be at most 0, said so to the ranges. */
function notPositive(builder: CircuitBuilder, x: number): number {
  const { hi } = onGrid(builder.intervalOf(x), builder.intervalOf(x).exp);
  return hi <= 0 ? x : select(builder, builder.lt(builder.constant(0), x), builder.constant(0), x);
}
