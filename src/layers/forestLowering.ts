import { CompileError } from '../errors.js';
import type { Int } from '../fixed/integer.js';
import { dyadicOf, sub, toNumber } from '../fixed/integer.js';
import { fractionBits as fractionBitsOf, roundShift } from '../fixed/fixedType.js';
import type { CircuitBuilder } from '../circuit/builder.js';
import type { Decision } from '../optimize/decision/decision.js';
import { DecisionStore } from '../optimize/decision/decision.js';
import { DecisionSum } from '../optimize/decision/decisionSum.js';
import { castTo } from './arithmetic.js';
import type { LoweredTensor, LoweringContext } from './definition.js';
import type { ForestParams, Tree } from './forest.js';
import { decisionLimits } from './forest.js';

/** Finest grid for leaves: below it nothing of a float32 leaf is left. */
const MAX_FRACTION_BITS = 64;

/** n such that n · 2^−bits is the value, rounded to nearest, ties to even. */
function onLeafGrid(value: number, bits: number): Int {
  const { n, exp } = dyadicOf(value);
  return roundShift(n, -bits - exp, 'RND_CONV');
}

/** Values of the leaves that the root reaches. */
function leavesOf(tree: Tree): readonly number[] {
  const values: number[] = [];
  const stack = [0];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (tree.feature[node] === -1) values.push(tree.value[node] as number);
    else stack.push(tree.whenTrue[node] as number, tree.whenFalse[node] as number);
  }
  return values;
}

/** Leaves on a grid as coarse as this were rounded on purpose, and are not rounded again. */
const EXACT_FRACTION_BITS = 20;

/**
 * The fraction bits leaves get where nothing says otherwise: those they have, if they are on a coarse grid; else the
 * fewest with which, for every output whose score can vary, (trees + 1) half steps (the base is rounded too) are at most
 * 2^−7 of the range of its score.
 */
export function forestFractionBits(params: ForestParams): number {
  const own = [...params.base, ...params.trees.flatMap(leavesOf)].reduce((bits, value) => Math.max(bits, value === 0 ? bits : -dyadicOf(value).exp), 0);
  if (own <= EXACT_FRACTION_BITS) return own;
  const trees = new Array<number>(params.nOutputs).fill(0);
  const range = new Array<number>(params.nOutputs).fill(0);
  for (const tree of params.trees) {
    const leaves = leavesOf(tree);
    trees[tree.output] = (trees[tree.output] as number) + 1;
    range[tree.output] = (range[tree.output] as number) + leaves.reduce((a, b) => Math.max(a, b)) - leaves.reduce((a, b) => Math.min(a, b));
  }
  let bits = -MAX_FRACTION_BITS;
  range.forEach((span, output) => {
    if (span === 0) return;
    const halfStep = (span * 2 ** -7) / ((trees[output] as number) + 1);
    bits = Math.max(bits, Math.ceil(-Math.log2(halfStep)) - 1);
  });
  return bits === -MAX_FRACTION_BITS ? 16 : Math.min(bits, MAX_FRACTION_BITS);
}

/**
 * How far the circuit's score can be from the library's, for any event: the largest rounding error of each tree's
 * leaves and of the base on the grid 2^−fractionBits, plus what the library's own float32 summation may lose
 * (one unit roundoff, 2^−24, of the largest partial sum per addition).
 */
export function forestBound(params: ForestParams, fractionBits: number): number {
  const error = (value: number): number => Math.abs(value - toNumber(onLeafGrid(value, fractionBits), -fractionBits));
  const bound = params.base.map(error);
  const largest = params.base.map(Math.abs);
  const additions = params.base.map(() => 0);
  for (const tree of params.trees) {
    const leaves = leavesOf(tree);
    const { output } = tree;
    bound[output] = (bound[output] as number) + leaves.reduce((most, leaf) => Math.max(most, error(leaf)), 0);
    largest[output] = (largest[output] as number) + leaves.reduce((most, leaf) => Math.max(most, Math.abs(leaf)), 0);
    additions[output] = (additions[output] as number) + 1;
  }
  return bound.reduce((most, own, output) => Math.max(most, own + (additions[output] as number) * (largest[output] as number) * 2 ** -24), 0);
}

/** What is left of a feature on the way down a tree, in integers on its grid. */
interface Range {
  readonly lo: Int;
  readonly hi: Int;
}

/** Makes decisions of trees over one set of input ops; equal comparisons and equal subtrees become one by hash-consing. */
class TreeReader {
  private readonly store = new DecisionStore();

  constructor(
    private readonly builder: CircuitBuilder,
    private readonly params: ForestParams,
    private readonly features: Int32Array,
    private readonly flags: Int32Array | undefined,
    private readonly bits: number,
  ) {}

  read(tree: Tree): Decision {
    return this.walk(tree, 0, new Map());
  }

  /** What the inputs can reach: a comparison that the path or the input's range decides is followed, not built. */
  private walk(tree: Tree, node: number, ranges: ReadonlyMap<number, Range>): Decision {
    const feature = tree.feature[node] as number;
    if (feature === -1) return this.store.leaf(onLeafGrid(tree.value[node] as number, this.bits));
    const x = this.features[feature] as number;
    const interval = this.builder.intervalOf(x);
    const range = ranges.get(feature) ?? interval;
    const limits = decisionLimits(this.params, tree, node, interval.exp);
    const whenTrue = tree.whenTrue[node] as number;
    const whenFalse = tree.whenFalse[node] as number;
    const flag = this.flags?.[feature];
    if (limits.length !== 1 || flag !== undefined) {
      return this.store.split(() => this.condition(x, limits, flag, tree.missingTrue?.[node] === true), this.walk(tree, whenTrue, ranges), this.walk(tree, whenFalse, ranges));
    }
    const limit = limits[0] as Int;
    if (range.hi < limit) return this.walk(tree, whenTrue, ranges);
    if (range.lo >= limit) return this.walk(tree, whenFalse, ranges);
    const a = this.walk(tree, whenTrue, new Map(ranges).set(feature, { lo: range.lo, hi: sub(limit, 1) }));
    const b = this.walk(tree, whenFalse, new Map(ranges).set(feature, { lo: limit, hi: range.hi }));
    return this.store.split(() => this.builder.lt(x, this.builder.constant(limit, interval.exp)), a, b);
  }

  /** Whether an even number of limits is at most x; where the flag says that x is missing, `missing`. */
  private condition(x: number, limits: readonly Int[], flag: number | undefined, missing: boolean): number {
    const { builder } = this;
    const bit = (value: boolean): number => builder.constant(value ? 1 : 0, 0);
    let holds = bit(limits.length % 2 === 0);
    for (let i = limits.length - 1; i >= 0; i--) holds = builder.mux(builder.lt(x, builder.constant(limits[i] as Int, builder.intervalOf(x).exp)), bit(i % 2 === 0), holds);
    return flag === undefined ? holds : builder.mux(flag, bit(missing), holds);
  }
}

/** One comparison a threshold, a code of the leaf a tree, tables of codes summed an output (optimize/decision). */
export function lowerForest(params: ForestParams, [x, flags]: readonly LoweredTensor[], { builder, precision, layer }: LoweringContext): LoweredTensor {
  if (params.missing === undefined && params.trees.some((tree) => tree.missingTrue !== undefined)) {
    throw new CompileError('unsupported', {
      code: 'missing-values',
      where: [layer],
      what: 'the forest was trained with missing values, and nothing says how they arrive.',
      mend: 'Pass --missing flag (one more input bit a feature), --missing code (a reserved value of the input type), or --missing none if no input is ever missing.',
    });
  }
  const result = precision?.result;
  // Types of our own choice come with leaves that are rounded already: only the sum is cast.
  const own = result === undefined || precision?.source === 'auto' ? forestFractionBits(params) : -Infinity;
  const bits = result === undefined ? own : Math.max(own, fractionBitsOf(result));
  const reader = new TreeReader(builder, params, (x as LoweredTensor).ops, flags?.ops, bits);
  const sums = params.base.map(() => new DecisionSum(builder, -bits));
  for (const tree of params.trees) {
    builder.setElement(tree.output);
    sums[tree.output]?.add(reader.read(tree));
  }
  const ops = new Int32Array(params.nOutputs);
  sums.forEach((partial, output) => {
    builder.setElement(output);
    const sum = partial.finish(onLeafGrid(params.base[output] as number, bits));
    ops[output] = result === undefined ? sum : castTo(builder, sum, result);
  });
  return { shape: [1, params.nOutputs], ops, ...(result && { type: result }) };
}
