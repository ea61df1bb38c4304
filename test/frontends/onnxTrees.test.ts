import { describe, expect, it } from 'vitest';
import type { ForestParams } from '../../src/layers/forest.js';
import { messageOf, parseFile, run } from './helpers.js';
import type { NodeSpec } from './onnxFile.js';

const modes = (mode: string): { readonly strings: readonly string[] } => ({ strings: [mode, 'LEAF', mode, 'LEAF', 'LEAF'] });

/** x0 ≤ 1 ? 1 : (x1 ≤ 2 ? 10 : 100), as one tree of a regressor. */
const tree = {
  nodes_treeids: [0, 0, 0, 0, 0], nodes_nodeids: [0, 1, 2, 3, 4], nodes_featureids: [0, 0, 1, 0, 0],
  nodes_modes: modes('BRANCH_LEQ'),
  nodes_values: [1, 0, 2, 0, 0], nodes_truenodeids: [1, 0, 3, 0, 0], nodes_falsenodeids: [2, 0, 4, 0, 0],
  target_treeids: [0, 0, 0], target_nodeids: [1, 3, 4], target_ids: [0, 0, 0], target_weights: [1, 10, 100],
};

type Change = Readonly<Record<string, NonNullable<NodeSpec['attributes']>[string]>>;

function regressor(change: Change = {}): ReturnType<typeof parseFile> {
  return parseFile({
    inputs: [{ name: 'x', shape: ['N', 2] }], outputs: ['y'],
    nodes: [{ op: 'TreeEnsembleRegressor', domain: 'ai.onnx.ml', inputs: ['x'], outputs: ['y'], attributes: { ...tree, ...floats({ nodes_values: tree.nodes_values, target_weights: tree.target_weights }), ...change } }],
    constants: [], opset: 17,
  });
}

/** Attributes of floats, whole numbers too. */
function floats(lists: Readonly<Record<string, readonly number[]>>): Change {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, { floats: list }]));
}

const points: readonly (readonly number[])[] = [[0, 0], [1, 9], [2, 2], [2, 3], [NaN, 2], [2, NaN]];

describe('ONNX trees', () => {
  it('are read with every mode of comparison', () => {
    const of = (mode: string): (number | undefined)[] => points.map((x) => run(regressor({ nodes_modes: modes(mode) }), x)[0]?.[0]);
    expect(of('BRANCH_LEQ')).toEqual([1, 1, 10, 100, 10, 100]);
    expect(of('BRANCH_LT')).toEqual([1, 100, 100, 100, 100, 100]);
    expect(of('BRANCH_GT')).toEqual([100, 10, 1, 1, 100, 1]);
    expect(of('BRANCH_GTE')).toEqual([100, 1, 1, 1, 10, 1]);
    expect(of('BRANCH_EQ')).toEqual([100, 1, 10, 100, 10, 100]);
    expect(of('BRANCH_NEQ')).toEqual([1, 10, 1, 1, 1, 1]);
  });

  it('take missing values where they track them, sums and averages, base values', () => {
    expect(run(regressor({ nodes_missing_value_tracks_true: [1, 0, 0, 0, 0] }), [NaN, 0])).toEqual([[1]]);
    expect(run(regressor(floats({ base_values: [0.5] })), [0, 0])).toEqual([[1.5]]);
    expect((regressor({ nodes_missing_value_tracks_true: [1, 0, 0, 0, 0] }).nodes[0]?.params as ForestParams).trees[0]?.missingTrue?.[0]).toBe(true);
  });

  it.each<readonly [string, Change]>([
    ['a cycle', { nodes_falsenodeids: [0, 0, 4, 0, 0] }],
    ['a child that is not there', { nodes_truenodeids: [7, 0, 3, 0, 0] }],
    ['a node of two parents', { nodes_falsenodeids: [2, 0, 3, 0, 0] }],
    ['lists of different lengths', { nodes_featureids: [0] }],
    ['an unknown mode', { nodes_modes: modes('BRANCH_XX') }],
    ['a feature outside', { nodes_featureids: [5, 0, 1, 0, 0] }],
    ['an output outside', { target_ids: [3, 0, 0] }],
    ['an aggregate of another kind', { aggregate_function: 'MAX' }],
    ['a post-transform of another kind', { post_transform: 'PROBIT' }],
    ['a weight of a node that is no leaf', { target_nodeids: [2, 3, 4] }],
  ])('with %s are one clear error', (_, change) => {
    expect(messageOf(() => regressor(change))).toMatchSnapshot();
  });
});
