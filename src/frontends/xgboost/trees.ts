import type { ForestParams, Tree } from '../../layers/forest.js';
import type { Fail } from '../forest/forestGraph.js';
import { categoryBounds, missingIsLearned } from '../forest/forestGraph.js';
import type { TreeJson } from './schema.js';

interface GbtreeModel {
  readonly trees: readonly TreeJson[];
  readonly tree_info: readonly number[];
}

/** XGBoost compares float32 x < threshold and sums float32 from the base score, tree by tree. */
export function forestParams(model: GbtreeModel, drop: readonly number[] | undefined, nFeatures: number, base: readonly number[], fail: Fail): ForestParams {
  if (model.tree_info.length !== model.trees.length) fail('input', 'bad-field', 'tree_info', `has ${model.tree_info.length} entries for ${model.trees.length} trees.`);
  if (drop !== undefined && drop.length !== model.trees.length) fail('input', 'bad-field', 'weight_drop', `has ${drop.length} entries for ${model.trees.length} trees.`);
  const trees = model.trees.flatMap((tree, index) => {
    const field = `trees[${index}]`;
    checkArrays(tree, field, fail);
    const factor = Math.fround(drop?.[index] ?? 1);
    const width = tree.tree_param.size_leaf_vector ?? 1;
    if (width > 1) return vectorTrees(tree, factor, base.length, field, fail);
    return [treeOf(tree, model.tree_info[index] as number, field, fail, (node) => factor * Math.fround(tree.split_conditions[node] as number))];
  });
  return { nFeatures, nOutputs: base.length, comparison: 'lt', trees, base, ...(missingIsLearned(trees, 'lt') ? { learnedMissing: true } : {}) };
}

function checkArrays(tree: TreeJson, field: string, fail: Fail): void {
  const n = tree.left_children.length;
  const lengths = { right_children: tree.right_children, split_indices: tree.split_indices, split_conditions: tree.split_conditions, default_left: tree.default_left, split_type: tree.split_type ?? tree.left_children };
  for (const [name, list] of Object.entries(lengths)) {
    if (list.length !== n) fail('input', 'bad-field', `${field}.${name}`, `has ${list.length} entries for ${n} nodes.`);
  }
}

function treeOf(tree: TreeJson, output: number, field: string, fail: Fail, leaf: (node: number) => number): Tree {
  const isLeaf = tree.left_children.map((child) => child === -1);
  const edges = categoricalEdges(tree, isLeaf, field, fail);
  return {
    output,
    feature: tree.split_indices.map((feature, node) => (isLeaf[node] === true ? -1 : feature)),
    value: tree.split_conditions.map((value, node) => Math.fround(isLeaf[node] === true ? leaf(node) : (edges?.[node] ?? null) !== null ? 0 : value) + 0),
    whenTrue: tree.left_children,
    whenFalse: tree.right_children.map((child, node) => (isLeaf[node] === true ? -1 : child)),
    missingTrue: tree.default_left.map(Boolean),
    ...(edges && { edges }),
  };
}

/** Listed categories go right; a negative or unknown one goes left (XGBoost: common::Decision). */
function categoricalEdges(tree: TreeJson, isLeaf: readonly boolean[], field: string, fail: Fail): Tree['edges'] {
  const categorical = tree.split_type?.flatMap((type, node) => (type === 1 && isLeaf[node] === false ? [node] : [])) ?? [];
  if (categorical.length === 0) return undefined;
  const { categories = [], categories_nodes: nodes = [], categories_segments: segments = [], categories_sizes: sizes = [] } = tree;
  if (nodes.length !== segments.length || nodes.length !== sizes.length) fail('input', 'bad-field', `${field}.categories_nodes`, `has ${nodes.length} nodes, ${segments.length} segments and ${sizes.length} sizes.`);
  const edges = new Array<readonly number[] | null>(isLeaf.length).fill(null);
  let used = 0;
  nodes.forEach((node, i) => {
    const [start, size] = [segments[i] as number, sizes[i] as number];
    used += size;
    const listed = start >= 0 && size >= 0 && start + size <= categories.length && used <= categories.length ? categories.slice(start, start + size) : fail('input', 'bad-field', `${field}.categories`, `has ${categories.length} entries; node ${node} needs ${start} to ${start + size}.`);
    const bad = listed.find((category) => category < 0 || category >= 2 ** 24);
    if (bad !== undefined) fail('input', 'bad-field', `${field}.categories`, `node ${node} lists the category ${bad}.`);
    if (isLeaf[node] === false) edges[node] = categoryBounds(listed);
  });
  const without = categorical.find((node) => edges[node] === null);
  if (without !== undefined) fail('input', 'bad-field', `${field}.categories_nodes`, `node ${without} splits on categories and lists none.`);
  return edges;
}

/** A leaf with a value for every output is one tree an output; their comparisons become one again in the circuit. */
function vectorTrees(tree: TreeJson, factor: number, nOutputs: number, field: string, fail: Fail): readonly Tree[] {
  const width = tree.tree_param.size_leaf_vector as number;
  if (width !== nOutputs) fail('input', 'bad-field', `${field}.tree_param`, `leaves have ${width} values for ${nOutputs} outputs.`);
  if (tree.left_children.length * width > 2 ** 24) fail('unsupported', 'too-large', field, `has ${tree.left_children.length} nodes with ${width} values.`);
  const { leaf_weights: weights, base_weights: byNode } = tree;
  const values = weights ?? (byNode?.length === tree.left_children.length * width ? byNode : fail('input', 'bad-field', `${field}.leaf_weights`, `is missing, and its leaves have ${width} values.`));
  return Array.from({ length: width }, (_, output) =>
    treeOf(tree, output, field, fail, (node) => {
      const row = weights === undefined ? node : tree.right_children[node] as number;
      const value = values[row * width + output];
      return value === undefined ? fail('input', 'bad-field', `${field}.leaf_weights`, `has no values for leaf ${row}.`) : factor * Math.fround(value);
    }),
  );
}
