import type { ForestParams, Tree } from '../../layers/forest.js';
import type { GraphBuilder } from './builder.js';
import type { Ensemble } from './ensemble.js';
import { forestOfEnsemble } from './ensemble.js';
import type { ConstantValue, LeavesValue, OperatorNode, Value, VariableValue } from './values.js';
import { constant } from './values.js';

/**
 * A tree that tells which leaf a row is in: each leaf weighs its own number. Exporters of isolation forests compute on from
 * there, one function of the leaf after the other, and add the trees up at the end; all that becomes one forest. Undefined
 * for any other tree.
 */
export function forestLeaves(node: OperatorNode, x: VariableValue, ensemble: Ensemble, ids: readonly number[], weights: readonly number[]): LeavesValue | undefined {
  if (ensemble.roots.length !== 1 || ensemble.nOutputs !== 1 || ids.length < 2 || ids.some((id, i) => id !== weights[i])) return undefined;
  const params = forestOfEnsemble(node, ensemble);
  const [tree] = params.trees;
  if (tree === undefined || params.base[0] !== 0) return undefined;
  const rows = tree.feature.flatMap((feature, i) => (feature < 0 ? [i] : []));
  return { kind: 'leaves', input: x, params, rows, values: constant(node.name, [rows.length, 1], rows.map((row) => tree.value[row] as number), { quantised: true }) };
}

/**
 * An operator on functions of a tree's leaf: computed leaf by leaf as a batch of constants; a sum over trees as one forest;
 * anything else as layers behind one forest a tree. Undefined where no input is such a function.
 */
export function leavesThrough(node: OperatorNode, builder: GraphBuilder, apply: (node: OperatorNode) => readonly Value[]): readonly Value[] | undefined {
  const leaves = node.inputs.filter((input): input is LeavesValue => input?.kind === 'leaves');
  const [first] = leaves;
  if (first === undefined) return undefined;
  const same = leaves.every((value) => value.params === first.params);
  if (same && node.inputs.every((input) => input === undefined || input.kind === 'leaves' || (input.kind === 'constant' && (input.data.length === 1 || node.op === 'Reshape')))) {
    const results = apply({ ...node, inputs: node.inputs.map((input) => (input?.kind === 'leaves' ? input.values : input)) });
    return results.map((result) => (result.kind === 'constant' && result.data.length === first.rows.length ? { ...first, values: result } : result));
  }
  const total = node.op === 'Sum' || node.op === 'Add' ? sumOf(node, builder, leaves) : undefined;
  return total === undefined ? apply({ ...node, inputs: node.inputs.map((input) => (input?.kind === 'leaves' ? emitLeaves(node, builder, [input]) : input)) }) : [total];
}

function sumOf(node: OperatorNode, builder: GraphBuilder, leaves: readonly LeavesValue[]): VariableValue | undefined {
  if (leaves.length !== node.inputs.length) return undefined;
  return emitLeaves(node, builder, leaves);
}

/** One forest of the trees, their leaves as computed; Gathers before them that pick the same input are looked through. */
function emitLeaves(node: OperatorNode, builder: GraphBuilder, leaves: readonly LeavesValue[]): VariableValue {
  const sources = leaves.map((value) => sourceOf(value.input, builder));
  const [source] = sources as [typeof sources[number], ...typeof sources];
  const shared = sources.every(({ tensor }) => tensor === source.tensor);
  if (!shared) {
    // Different inputs: one layer each; the caller adds them.
    return leaves.slice(1).reduce<VariableValue>((sum, value) => builder.emit(node, 'elementwise', { operation: 'add' }, [sum, emitLeaves(node, builder, [value])], { name: `${node.name}/sum` }), emitLeaves(node, builder, [leaves[0] as LeavesValue]));
  }
  const trees = leaves.map((value, i): Tree => {
    const tree = value.params.trees[0] as Tree;
    const values = [...tree.value];
    value.rows.forEach((row, k) => (values[row] = (value.values as ConstantValue).data[k] as number));
    return { ...tree, value: values, feature: tree.feature.map((feature) => (feature < 0 ? feature : sources[i]?.features?.[feature] ?? feature)) };
  });
  const base = (leaves[0] as LeavesValue).params;
  const params: ForestParams = { ...base, nFeatures: source.count, trees, ...(leaves.some((value) => value.params.learnedMissing === true) ? { learnedMissing: true } : {}) };
  const x: VariableValue = { kind: 'variable', tensor: source.tensor, shape: [1, source.count], integer: false };
  return builder.emit(node, 'forest', params, [x], { name: leaves.length === 1 ? `${node.name}/tree` : node.name });
}

/** The tensor whose features a Gather picks, and which; the value itself otherwise. */
function sourceOf(x: VariableValue, builder: GraphBuilder): { readonly tensor: string; readonly count: number; readonly features: readonly number[] | undefined } {
  const gather = builder.nodes.find((made) => made.output === x.tensor);
  const own = { tensor: x.tensor, count: x.shape[1] as number, features: undefined };
  if (gather?.kind !== 'gather') return own;
  const { axis, indices } = gather.params as { readonly axis: number; readonly indices: { readonly data: Float64Array } };
  const from = gather.inputs[0] as string;
  const shape = builder.shapeOfTensor(from);
  return axis === 1 && shape?.length === 2 ? { tensor: from, count: shape[1] as number, features: [...indices.data] } : own;
}
