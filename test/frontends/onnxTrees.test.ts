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

/** One tree of a classifier, x ≤ 1 or not, two classes; an operator doubles its scores where it is asked to. */
function classifier(doubled: boolean, transform: string, ids: readonly number[], weights: readonly number[]): ReturnType<typeof parseFile> {
  const attributes = {
    nodes_treeids: [0, 0, 0], nodes_nodeids: [0, 1, 2], nodes_featureids: [0, 0, 0], nodes_modes: { strings: ['BRANCH_LEQ', 'LEAF', 'LEAF'] }, nodes_truenodeids: [1, 0, 0], nodes_falsenodeids: [2, 0, 0],
    class_treeids: ids.map(() => 0), class_nodeids: ids.map((_, i) => 1 + Math.floor((2 * i) / ids.length)), class_ids: ids, classlabels_int64s: [0, 1], post_transform: transform,
    ...floats({ nodes_values: [1, 0, 0], class_weights: weights }),
  };
  return parseFile({
    inputs: [{ name: 'x', shape: ['N', 1] }], outputs: ['y'],
    nodes: [
      { op: 'TreeEnsembleClassifier', domain: 'ai.onnx.ml', inputs: ['x'], outputs: ['label', doubled ? 'p' : 'y'], attributes },
      ...(doubled ? [{ op: 'Mul', inputs: ['p', 'two'], outputs: ['y'] }] : []),
    ],
    constants: doubled ? [{ name: 'two', shape: [1], values: [2] }] : [], opset: 17,
  });
}

const s = (x: number): number => 1 / (1 + Math.exp(-x));

describe('ONNX classifiers of two classes', () => {
  // What ONNX Runtime 1.31 gives before the Mul.
  it.each<readonly [string, string, readonly number[], readonly number[], readonly [readonly number[], readonly number[]]]>([
    ['the share of one class', 'NONE', [0, 0], [0.25, 0.75], [[0.75, 0.25], [0.25, 0.75]]],
    ['the margin of one class', 'NONE', [0, 0], [-0.5, 2], [[0.5, -0.5], [-2, 2]]],
    ['the logistic margin of one class', 'LOGISTIC', [0, 0], [0.25, 0.75], [[s(-0.25), s(0.25)], [s(-0.75), s(0.75)]]],
    ['the second class', 'NONE', [1, 1], [0.25, 0.75], [[0, 0.25], [0, 0.75]]],
    ['opposite margins', 'NONE', [0, 1, 0, 1], [1, -1, -3, 3], [[1, -1], [-3, 3]]],
    ['logistic opposite margins', 'LOGISTIC', [0, 1, 0, 1], [1, -1, -3, 3], [[s(1), s(-1)], [s(-3), s(3)]]],
    ['a softmax', 'SOFTMAX', [0, 1, 0, 1], [1, 2, 3, 5], [[s(-1), s(1)], [s(-2), s(2)]]],
  ])('give operators both scores: %s', (_, transform, ids, weights, expected) => {
    const graph = classifier(true, transform, ids, weights);
    [0, 2].forEach((x, i) => run(graph, [x])[0]?.forEach((score, k) => expect(score).toBeCloseTo(2 * (expected[i]?.[k] as number), 6)));
    expect(run(graph, [0])[0]).toHaveLength(2);
  });

  it('are one score where nothing computes with it', () => {
    expect(run(classifier(false, 'LOGISTIC', [0, 0], [-0.5, 2]), [2])).toEqual([[2]]);
  });

  it('with a softmax of one score before operators are refused', () => {
    expect(messageOf(() => classifier(true, 'SOFTMAX', [0, 0], [-0.5, 2]))).toMatch(/^unsupported[^]*SOFTMAX of a single score/);
  });
});
