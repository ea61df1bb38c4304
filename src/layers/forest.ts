import type { FloatKind } from '../fixed/floatSteps.js';
import { isEvenFloat, nextFloat, previousFloat, roundTo } from '../fixed/floatSteps.js';
import type { Int } from '../fixed/integer.js';
import { add, compare, dyadicOf, neg, pow2, shift } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { lowerForest } from './forestLowering.js';
import { forestBounds, forestGrid, forestSchema, roundForest } from './forestRules.js';

/** One decision tree in arrays; node 0 is the root. */
export interface Tree {
  /** Which output the leaves add to. */
  readonly output: number;
  /** Feature per node; −1 at a leaf. */
  readonly feature: readonly number[];
  /** Threshold per node (exact float32 for XGBoost); the leaf's value at a leaf. */
  readonly value: readonly number[];
  /** Child taken when the condition holds. */
  readonly whenTrue: readonly number[];
  readonly whenFalse: readonly number[];
  /** Per node, whether a missing feature (NaN) counts as true; absent where the model was trained without such. */
  readonly missingTrue?: readonly boolean[];
  /**
   * Per node, null for a comparison with `value`; else ascending bounds, and the condition holds when an even number of
   * them is at most x: `[c, c + 1]` sends category c to `whenFalse` and all else to `whenTrue`. Absent where no node has any.
   */
  readonly edges?: readonly (readonly number[] | null)[];
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
  /** What the library rounds a feature to before it compares; float32 by default. */
  readonly features?: FloatKind;
  /** What the library sums in; float32 by default. */
  readonly sums?: FloatKind;
  /** The library adds the base after the trees; a matter of rounding in its sum only. */
  readonly baseLast?: boolean;
  /** The model was trained with missing values: its splits differ in where they send them. */
  readonly learnedMissing?: boolean;
  /** `flag`: a second input `[1, nFeatures]` is 1 where a feature is missing; `missingTrue` then decides. */
  readonly missing?: 'flag';
}

/** The deepest tree accepted: far past any that firmware can hold, and no deeper than recursion can go. */
const MAX_TREE_DEPTH = 256;

function forestShape(params: ForestParams, inputs: readonly (readonly number[])[]): readonly number[] | string {
  if (inputs.length !== (params.missing === 'flag' ? 2 : 1)) return `a forest ${params.missing === 'flag' ? 'with missing flags takes 2 inputs' : 'takes 1 input'}, found ${inputs.length}`;
  const wrong = inputs.find((input) => input.length !== 2 || input[0] !== 1 || input[1] !== params.nFeatures);
  if (wrong !== undefined) return `a forest on ${params.nFeatures} features takes [1, ${params.nFeatures}], found [${wrong.join(', ')}]`;
  if (params.base.length !== params.nOutputs) return `${params.base.length} base scores for ${params.nOutputs} outputs`;
  const base = params.base.find((value) => !Number.isFinite(value));
  if (base !== undefined) return `its base score is ${base}`;
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
  if (tree.edges !== undefined && tree.edges.length !== n) return `it has bounds of ${tree.edges.length} nodes for ${n}`;
  if (!Number.isInteger(tree.output) || tree.output < 0 || tree.output >= nOutputs) return `it adds to output ${tree.output} of ${nOutputs}`;
  const depth = new Int32Array(n).fill(-1);
  const stack = [0];
  depth[0] = 0;
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const feature = tree.feature[node] as number;
    if (!Number.isFinite(tree.value[node])) return `node ${node} has the value ${tree.value[node]}`;
    if (feature === -1) continue;
    if (!Number.isInteger(feature) || feature < 0 || feature >= nFeatures) return `node ${node} asks for feature ${feature} of ${nFeatures}`;
    const bounds = tree.edges?.[node] ?? [];
    if (bounds.some((bound, i) => !Number.isFinite(bound) || bound <= (bounds[i - 1] ?? -Infinity))) return `the bounds of node ${node} do not ascend`;
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

/** In the library's order and precision: the base, then tree after tree; NaN (or a flag) goes where the tree says. */
function evaluateForest(params: ForestParams, [x, flags]: readonly Tensor[]): Tensor {
  const round = params.sums === 'float64' ? (value: number): number => value : Math.fround;
  const base = params.base.map(round);
  const data = params.baseLast === true ? new Float64Array(params.nOutputs) : Float64Array.from(base);
  const given = (x as Tensor).data;
  const features = params.features === 'float64' ? Float64Array.from(given) : Float32Array.from(given);
  if (flags !== undefined) flags.data.forEach((flag, i) => (features[i] = flag === 0 ? (features[i] as number) : NaN));
  for (const tree of params.trees) {
    data[tree.output] = round((data[tree.output] as number) + (tree.value[leafOf(params, tree, features)] as number));
  }
  if (params.baseLast === true) base.forEach((value, i) => (data[i] = round((data[i] as number) + value)));
  return { shape: [1, params.nOutputs], data };
}

/** The leaf that these features, rounded as the library does, reach. */
export function leafOf(params: ForestParams, tree: Tree, features: ArrayLike<number>): number {
  let node = 0;
  for (let feature = tree.feature[0] as number; feature >= 0; feature = tree.feature[node] as number) {
    const value = features[feature] as number;
    const threshold = tree.value[node] as number;
    const bounds = tree.edges?.[node] ?? null;
    const holds = Number.isNaN(value)
      ? tree.missingTrue?.[node] === true
      : bounds !== null ? bounds.filter((bound) => bound <= value).length % 2 === 0 : params.comparison === 'lt' ? value < threshold : value <= threshold;
    node = (holds ? tree.whenTrue[node] : tree.whenFalse[node]) as number;
  }
  return node;
}

/**
 * The decision of a node on inputs x = n · 2^exp: ascending integers, and its condition holds exactly when an even number
 * of them is at most n. A comparison has one: it holds for n below it. Decides as the library does, its rounding of the
 * feature to float32 or float64 included.
 */
export function decisionLimits(params: ForestParams, tree: Tree, node: number, exp: number): readonly Int[] {
  const kind = params.features ?? 'float32';
  const bounds = tree.edges?.[node] ?? null;
  if (bounds !== null) return bounds.map((bound) => firstReaching(bound, false, kind, exp));
  return [firstReaching(tree.value[node] as number, params.comparison === 'le', kind, exp)];
}

/** The least n for which n · 2^exp, rounded to the float type, is at least the bound, or above it. */
function firstReaching(bound: number, above: boolean, kind: FloatKind, exp: number): Int {
  const near = roundTo(bound, kind);
  const least = (above ? near > bound : near >= bound) ? near : nextFloat(near, kind);
  const below = previousFloat(least, kind);
  if (!Number.isFinite(least) || !Number.isFinite(below)) return least > 0 ? pow2(1024 - exp) : neg(pow2(1024 - exp));
  // What lies above the middle of the two rounds to the upper one; the middle itself to the even one.
  const [a, b] = [dyadicOf(below), dyadicOf(least)];
  const common = Math.min(a.exp, b.exp, exp + 1) - 1;
  const middle = shift(add(shift(a.n, a.exp - common), shift(b.n, b.exp - common)), -1);
  const first = neg(shift(neg(middle), common - exp));
  const isTie = compare(shift(first, exp - common), middle) === 0;
  return isTie && !isEvenFloat(least, kind) ? add(first, 1) : first;
}

/** Decision forests; lowering in forestLowering.ts. */
export const forestLayer: LayerDefinition<ForestParams> = {
  kind: 'forest',
  params: forestSchema,
  hls4mlClass: () => 'DecisionForest',
  shape: forestShape,
  evaluate: evaluateForest,
  lower: lowerForest,
  bounds: forestBounds,
  grid: forestGrid,
  precision: 'none',
  resolution: () => 'single',
  roundParameters: roundForest,
};

/** The same forest for inputs that are never missing. */
export function withoutMissing({ learnedMissing: _, ...params }: ForestParams): ForestParams {
  return {
    ...params,
    trees: params.trees.map(({ output, feature, value, whenTrue, whenFalse, edges }) => ({ output, feature, value, whenTrue, whenFalse, ...(edges && { edges }) })),
  };
}
