import { CompileError } from '../errors.js';
import type { Int } from '../fixed/integer.js';
import { add, dyadicOf, min, neg, shift, sub, toNumber } from '../fixed/integer.js';
import { fractionBits as fractionBitsOf, roundShift } from '../fixed/fixedType.js';
import type { CircuitBuilder } from '../circuit/builder.js';
import type { Tensor } from '../model/tensor.js';
import { linear } from '../optimize/cmvm.js';
import type { Term } from '../optimize/linear.js';
import { castTo } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';

/** One decision tree in arrays; node 0 is the root. */
export interface Tree {
  /** Which output the leaves add to. */
  readonly output: number;
  /** Feature per node; −1 at a leaf. */
  readonly feature: readonly number[];
  /** Threshold per node (exact float32 for XGBoost); the leaf's value at a leaf. */
  readonly value: readonly number[];
  /** Child taken when the comparison holds. */
  readonly whenTrue: readonly number[];
  readonly whenFalse: readonly number[];
  /** Per node, whether a missing feature (NaN) counts as true; absent where the model was trained without such. */
  readonly missingTrue?: readonly boolean[];
}

/** Input `[1, nFeatures]`, output `[1, nOutputs]`: base + sum of leaves (the margin, before any link function). */
export interface ForestParams {
  readonly nFeatures: number;
  readonly nOutputs: number;
  /** What a node asks of its feature: x < threshold (XGBoost) or x ≤ threshold. */
  readonly comparison: 'lt' | 'le';
  readonly trees: readonly Tree[];
  /** `[nOutputs]` */
  readonly base: readonly number[];
}

/** The deepest tree accepted: far past any that firmware can hold, and no deeper than recursion can go. */
const MAX_TREE_DEPTH = 256;

/** Finest grid for leaves: below it nothing of a float32 leaf is left. */
const MAX_FRACTION_BITS = 64;

function forestShape(params: ForestParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  if (input.length !== 2 || input[0] !== 1 || input[1] !== params.nFeatures) return `a forest on ${params.nFeatures} features takes [1, ${params.nFeatures}], found [${input.join(', ')}]`;
  if (params.base.length !== params.nOutputs) return `${params.base.length} base scores for ${params.nOutputs} outputs`;
  for (const [index, tree] of params.trees.entries()) {
    const problem = checkTree(tree, params);
    if (problem !== undefined) return `tree ${index}: ${problem}`;
  }
  return [1, params.nOutputs];
}

/** What is wrong with a tree, or undefined: lengths, ranges, finite numbers, and that it is a tree of bounded depth. */
function checkTree(tree: Tree, { nFeatures, nOutputs }: Pick<ForestParams, 'nFeatures' | 'nOutputs'>): string | undefined {
  const n = tree.feature.length;
  const lengths = [tree.value, tree.whenTrue, tree.whenFalse, tree.missingTrue ?? tree.value].map((list) => list.length);
  if (n === 0 || lengths.some((length) => length !== n)) return `its arrays have ${[n, ...lengths].join(', ')} entries; they must have one each per node`;
  if (!Number.isInteger(tree.output) || tree.output < 0 || tree.output >= nOutputs) return `it adds to output ${tree.output} of ${nOutputs}`;
  const depth = new Int32Array(n).fill(-1);
  const stack = [0];
  depth[0] = 0;
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const feature = tree.feature[node] as number;
    if (!Number.isFinite(tree.value[node])) return `node ${node} has the value ${tree.value[node]}`;
    if (feature === -1) continue;
    if (!Number.isInteger(feature) || feature < 0 || feature >= nFeatures) return `node ${node} asks for feature ${feature} of ${nFeatures}`;
    for (const child of [tree.whenTrue[node] as number, tree.whenFalse[node] as number]) {
      if (!Number.isInteger(child) || child < 0 || child >= n) return `node ${node} has the child ${child} of ${n} nodes`;
      if (depth[child] !== -1) return `node ${child} is reached twice: a cycle, or no tree`;
      depth[child] = (depth[node] as number) + 1;
      if ((depth[child] as number) > MAX_TREE_DEPTH) return `it is more than ${MAX_TREE_DEPTH} levels deep`;
      stack.push(child);
    }
  }
  return undefined;
}

/** Float32 from the base score in tree order, as the library sums; NaN goes where the tree says. */
function evaluateForest(params: ForestParams, [x]: readonly Tensor[]): Tensor {
  const data = Float64Array.from(params.base, Math.fround);
  const features = Float32Array.from((x as Tensor).data);
  for (const tree of params.trees) {
    let node = 0;
    for (let feature = tree.feature[0] as number; feature >= 0; feature = tree.feature[node] as number) {
      const value = features[feature] as number;
      const threshold = tree.value[node] as number;
      const holds = Number.isNaN(value) ? tree.missingTrue?.[node] === true : params.comparison === 'lt' ? value < threshold : value <= threshold;
      node = (holds ? tree.whenTrue[node] : tree.whenFalse[node]) as number;
    }
    data[tree.output] = Math.fround((data[tree.output] as number) + (tree.value[node] as number));
  }
  return { shape: [1, params.nOutputs], data };
}

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

/** Lowers trees over one set of input ops; equal comparisons and equal subtrees become one by hash-consing. */
class TreeLowering {
  constructor(
    private readonly builder: CircuitBuilder,
    private readonly params: ForestParams,
    private readonly features: Int32Array,
    private readonly bits: number,
  ) {}

  /** The least leaf, to be added with the base, and the op of the tree minus it; undefined for a constant tree. */
  lower(tree: Tree): { readonly offset: Int; readonly op: number | undefined } {
    const leaf = (node: number): Int => onLeafGrid(tree.value[node] as number, this.bits);
    const reached: Int[] = [];
    this.walk(tree, 0, new Map(), (node) => {
      reached.push(leaf(node));
      return 0;
    });
    const offset = reached.reduce((a, b) => min(a, b));
    if (reached.every((value) => value === offset)) return { offset, op: undefined };
    const op = this.walk(tree, 0, new Map(), (node) => this.builder.constant(sub(leaf(node), offset), -this.bits), (condition, whenTrue, whenFalse) =>
      whenTrue === whenFalse ? whenTrue : this.builder.mux(condition(), whenTrue, whenFalse),
    );
    return { offset, op };
  }

  /** Visits what the inputs can reach: a comparison that the path or the input's range decides is followed, not built. */
  private walk(tree: Tree, node: number, ranges: Map<number, Range>, leaf: (node: number) => number, join?: (condition: () => number, whenTrue: number, whenFalse: number) => number): number {
    const feature = tree.feature[node] as number;
    if (feature === -1) return leaf(node);
    const x = this.features[feature] as number;
    const interval = this.builder.intervalOf(x);
    const range = ranges.get(feature) ?? interval;
    const limit = this.limit(tree.value[node] as number, interval.exp);
    const whenTrue = tree.whenTrue[node] as number;
    const whenFalse = tree.whenFalse[node] as number;
    if (range.hi < limit) return this.walk(tree, whenTrue, ranges, leaf, join);
    if (range.lo >= limit) return this.walk(tree, whenFalse, ranges, leaf, join);
    const a = this.walk(tree, whenTrue, new Map(ranges).set(feature, { lo: range.lo, hi: sub(limit, 1) }), leaf, join);
    const b = this.walk(tree, whenFalse, new Map(ranges).set(feature, { lo: limit, hi: range.hi }), leaf, join);
    return join === undefined ? 0 : join(() => this.builder.lt(x, this.builder.constant(limit, interval.exp)), a, b);
  }

  /** The integer n₀ with: x = n · 2^exp satisfies the comparison exactly when n < n₀. */
  private limit(threshold: number, exp: number): Int {
    const { n, exp: own } = dyadicOf(threshold);
    const floor = shift(n, own - exp);
    if (this.params.comparison === 'le') return add(floor, 1);
    return neg(shift(neg(n), own - exp));
  }
}

function lowerForest(params: ForestParams, [x]: readonly LoweredTensor[], { builder, precision, layer }: LoweringContext): LoweredTensor {
  if (params.trees.some((tree) => tree.missingTrue !== undefined)) {
    throw new CompileError('unsupported', {
      code: 'missing-values',
      where: [layer],
      what: 'the forest was trained with missing values and sends them left in some splits, right in others; inputs that may be missing are not supported yet.',
      mend: 'Pass --missing none if no input of yours is ever missing; else train it with missing values filled in.',
    });
  }
  const result = precision?.result;
  const bits = result === undefined ? forestFractionBits(params) : fractionBitsOf(result);
  const trees = new TreeLowering(builder, params, (x as LoweredTensor).ops, bits);
  const offsets = params.base.map((base) => onLeafGrid(base, bits));
  const terms = params.base.map((): Term[] => []);
  for (const tree of params.trees) {
    builder.setElement(tree.output);
    const { offset, op } = trees.lower(tree);
    offsets[tree.output] = add(offsets[tree.output] as Int, offset);
    if (op !== undefined) terms[tree.output]?.push({ op, shift: 0, negative: false });
  }
  const ops = new Int32Array(params.nOutputs);
  terms.forEach((list, output) => {
    builder.setElement(output);
    const offset = offsets[output] as Int;
    const constant = offset === 0 ? [] : [{ op: builder.constant(offset, -bits), shift: 0, negative: false }];
    const sum = linear.sumTerms(builder, [...list, ...constant]);
    ops[output] = result === undefined ? sum : castTo(builder, sum, result);
  });
  return { shape: [1, params.nOutputs], ops, ...(result && { type: result }) };
}

/** Decision forests: one comparison a threshold, muxes from the leaves up, one adder tree an output. */
export const forestLayer: LayerDefinition<ForestParams> = {
  kind: 'forest',
  hls4mlClass: () => 'DecisionForest',
  shape: forestShape,
  evaluate: evaluateForest,
  lower: lowerForest,
};

/** The same forest for inputs that are never missing. */
export function withoutMissing(params: ForestParams): ForestParams {
  return {
    ...params,
    trees: params.trees.map(({ output, feature, value, whenTrue, whenFalse }) => ({ output, feature, value, whenTrue, whenFalse })),
  };
}
