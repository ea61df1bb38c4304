import type { Tensor } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { lowerForest } from './forestLowering.js';

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

/** Decision forests; lowering in forestLowering.ts. */
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
