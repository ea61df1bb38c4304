import { nextFloat, previousFloat } from '../../fixed/floatSteps.js';
import type { FloatKind } from '../../fixed/floatSteps.js';
import type { ForestParams, Tree } from '../../layers/forest.js';
import { missingIsLearned } from '../forest/forestGraph.js';
import { TreeArrays } from '../forest/treeArrays.js';
import type { OperatorNode } from './values.js';
import { fail } from './values.js';

/** What a node of ai.onnx.ml's trees asks of its feature. */
export const MODES = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ', 'BRANCH_MEMBER'] as const;
export type Mode = (typeof MODES)[number];

/** A node or leaf by number. */
export interface Reference {
  readonly leaf: boolean;
  readonly index: number;
}

export interface EnsembleNode {
  readonly feature: number;
  readonly mode: Mode;
  readonly value: number;
  readonly members?: readonly number[];
  readonly missingTrue: boolean;
  readonly whenTrue: Reference;
  readonly whenFalse: Reference;
}

/** Output and weight of everything that a leaf adds. */
export type LeafEntries = readonly (readonly [number, number])[];

/** Trees of any of the three operators in one form. */
export interface Ensemble {
  readonly roots: readonly Reference[];
  readonly nodes: readonly EnsembleNode[];
  readonly leaves: readonly LeafEntries[];
  readonly nOutputs: number;
  readonly nFeatures: number;
  /** What thresholds, inputs and weights are in. */
  readonly kind: FloatKind;
  /** Leaves are divided by this: the number of trees where they are averaged. */
  readonly divisor: number;
  readonly base: readonly number[];
}

/** Bounds, or a threshold, by the one comparison of all; children swapped where the mode is the opposite. */
interface Decision {
  readonly threshold: number;
  readonly edges: readonly number[] | null;
  readonly swapped: boolean;
}

/** One tree an output and root, as far as a leaf of it adds to that output. Nodes that are met twice are an error. */
export function forestOfEnsemble(node: OperatorNode, ensemble: Ensemble): ForestParams {
  const { nodes, leaves, kind, nOutputs, nFeatures } = ensemble;
  const strict = nodes.length > 0 && nodes.every(({ mode }) => mode === 'BRANCH_LT' || mode === 'BRANCH_GTE' || mode === 'BRANCH_EQ' || mode === 'BRANCH_NEQ' || mode === 'BRANCH_MEMBER');
  const comparison = strict ? 'lt' : 'le';
  const used = new Uint8Array(nodes.length);
  const trees: Tree[] = [];
  for (const [index, root] of ensemble.roots.entries()) {
    const { tree, rows } = treeOf(node, ensemble, root, comparison, used, index);
    const outputs = new Set(rows.flatMap((row) => (row < 0 ? [] : (leaves[row] as LeafEntries).map(([output]) => output))));
    for (const output of [...outputs].sort((a, b) => a - b)) {
      if (output < 0 || output >= nOutputs) fail(node, 'input', 'bad-tree', `a leaf of tree ${index} adds to output ${output} of ${nOutputs}.`);
      const value = tree.value.map((threshold, i) => {
        const row = rows[i] as number;
        return row < 0 ? threshold : (leaves[row] as LeafEntries).reduce((sum, [own, weight]) => (own === output ? sum + weight : sum), 0) / ensemble.divisor + 0;
      });
      trees.push({ ...tree, output, value });
    }
  }
  const unreached = nodes.findIndex(({ feature }, at) => feature >= 0 && used[at] === 0);
  if (unreached >= 0) fail(node, 'input', 'bad-tree', `nothing reaches node ${unreached} of its lists: a cycle, or a node of no tree.`);
  const bad = trees.find((tree) => tree.value.some((value) => !Number.isFinite(value)));
  if (bad !== undefined) fail(node, 'input', 'not-finite', 'a threshold or weight is not finite.');
  const learned = missingIsLearned(trees, comparison);
  return { nFeatures, nOutputs, comparison, trees, base: ensemble.base, features: kind, sums: kind, ...(learned ? { learnedMissing: true } : {}) };
}

/** The arrays of one tree; per node the number of its leaf, or −1. */
function treeOf(node: OperatorNode, { nodes, leaves, kind }: Ensemble, root: Reference, comparison: ForestParams['comparison'], used: Uint8Array, index: number): { readonly tree: Tree; readonly rows: readonly number[] } {
  const arrays = new TreeArrays();
  const rows: number[] = [];
  const pending: { readonly at: number; readonly own: EnsembleNode; readonly swapped: boolean }[] = [];
  const add = ({ leaf, index: at }: Reference): number => {
    if (leaf) {
      if (leaves[at] === undefined) fail(node, 'input', 'bad-tree', `tree ${index} refers to leaf ${at} of ${leaves.length}.`);
      rows.push(at);
      return arrays.leaf(0);
    }
    const own = nodes[at] ?? fail(node, 'input', 'bad-tree', `tree ${index} refers to node ${at} of ${nodes.length}.`);
    if (used[at] === 1) fail(node, 'input', 'bad-tree', `tree ${index} reaches node ${at} twice: a cycle, or no tree.`);
    used[at] = 1;
    rows.push(-1);
    const { threshold, edges, swapped } = decisionOf(node, own, comparison, kind);
    const added = arrays.node(own.feature, threshold, own.missingTrue !== swapped, edges);
    pending.push({ at: added, own, swapped });
    return added;
  };
  add(root);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const whenTrue = add(next.own.whenTrue);
    const whenFalse = add(next.own.whenFalse);
    arrays.setChildren(next.at, next.swapped ? whenFalse : whenTrue, next.swapped ? whenTrue : whenFalse);
  }
  return { tree: arrays.build(0), rows };
}

function decisionOf(node: OperatorNode, { mode, value, members }: EnsembleNode, comparison: ForestParams['comparison'], kind: FloatKind): Decision {
  // A threshold of infinity tells numbers from NaN.
  const threshold = value === Infinity ? Number.MAX_VALUE : value === -Infinity ? -Number.MAX_VALUE : value;
  if (!Number.isFinite(threshold)) fail(node, 'input', 'not-finite', `a threshold is ${value}.`);
  // Among floats, x < t is x ≤ the one below t.
  const below = comparison === 'lt' ? threshold : previousFloat(threshold, kind);
  switch (mode) {
    case 'BRANCH_LEQ':
      return { threshold, edges: null, swapped: false };
    case 'BRANCH_GT':
      return { threshold, edges: null, swapped: true };
    case 'BRANCH_LT':
      return { threshold: below, edges: null, swapped: false };
    case 'BRANCH_GTE':
      return { threshold: below, edges: null, swapped: true };
    case 'BRANCH_EQ':
      return { threshold: 0, edges: pointsOf([threshold], kind), swapped: true };
    case 'BRANCH_NEQ':
      return { threshold: 0, edges: pointsOf([threshold], kind), swapped: false };
    case 'BRANCH_MEMBER':
      return { threshold: 0, edges: pointsOf(members ?? [], kind), swapped: true };
  }
}

/** Bounds of a condition that fails for just these numbers. */
function pointsOf(values: readonly number[], kind: FloatKind): readonly number[] {
  const bounds: number[] = [];
  for (const value of [...new Set(values)].sort((a, b) => a - b)) {
    if (bounds.at(-1) === value) bounds[bounds.length - 1] = nextFloat(value, kind);
    else bounds.push(value, nextFloat(value, kind));
  }
  return bounds;
}
