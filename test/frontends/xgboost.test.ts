import { describe, expect, it } from 'vitest';
import type { ForestParams } from '../../src/layers/forest.js';
import { messageOf, parseText, run } from './helpers.js';

type Json = Record<string, unknown>;

/** x0 < 0.5 ? −1 : (x1 < 2 ? 3 : 4) */
const tree: Json = {
  left_children: [1, -1, 3, -1, -1],
  right_children: [2, -1, 4, -1, -1],
  split_indices: [0, 0, 1, 0, 0],
  split_conditions: [0.5, -1, 2, 3, 4],
  default_left: [0, 0, 0, 0, 0],
  split_type: [0, 0, 0, 0, 0],
  tree_param: { num_nodes: '5', size_leaf_vector: '1' },
};

interface Options {
  readonly trees?: readonly Json[];
  readonly info?: readonly number[];
  readonly base?: unknown;
  readonly objective?: string;
  readonly classes?: string;
  readonly targets?: string;
  readonly features?: string;
  readonly booster?: Json;
}

function file({ trees = [tree], info = trees.map(() => 0), base = '0E0', objective = 'reg:squarederror', classes = '0', targets = '1', features = '2', booster }: Options = {}): string {
  const model = { gbtree_model_param: { num_parallel_tree: '1', num_trees: String(trees.length) }, tree_info: info, trees };
  return JSON.stringify({
    learner: {
      attributes: {},
      gradient_booster: booster ?? { model, name: 'gbtree' },
      learner_model_param: { base_score: base, num_class: classes, num_feature: features, num_target: targets },
      objective: { name: objective },
    },
    version: [3, 2, 0],
  });
}

const margin = (options: Options, x: readonly number[] = [0, 0]): readonly number[] | undefined => run(parseText(file(options)), x)[0];

describe('XGBoost JSON', () => {
  it('goes left where x < t, and only there', () => {
    expect(margin({}, [0.25, 0])).toEqual([-1]);
    expect(margin({}, [0.5, 1.5])).toEqual([3]);
    expect(margin({}, [0.5, 2])).toEqual([4]);
  });

  it('is one layer from features to margin', () => {
    const graph = parseText(file(), 'higgs.json');
    expect(graph).toMatchObject({ name: 'higgs', format: 'xgboost-json', inputs: [{ name: 'features', shape: [1, 2] }], outputs: [{ name: 'margin', tensor: 'margin', shape: [1, 1] }], parameters: 5 });
    expect(graph.nodes.map(({ name, kind }) => ({ name, kind }))).toEqual([{ name: 'margin', kind: 'forest' }]);
  });

  it.each<readonly [string, unknown, string, number]>([
    ['text', '5E-1', 'reg:squarederror', 0.5],
    ['text of a list', '[2.5E-1]', 'reg:squarederror', 0.25],
    ['a number', 0.25, 'reg:squarederror', 0.25],
    ['a list', [0.25], 'reg:squarederror', 0.25],
    ['a probability', '[2E-1]', 'binary:logistic', -Math.fround(Math.log(Math.fround(Math.fround(1 / Math.fround(0.2)) - 1)))],
    ['an even probability', '5E-1', 'binary:logistic', 0],
    ['a rate', '2E0', 'count:poisson', Math.fround(Math.log(2))],
    ['a hinge', '5E-1', 'binary:hinge', 0.5],
  ])('reads a base score that is %s', (_, base, objective, expected) => {
    expect(margin({ base, objective })).toEqual([Math.fround(expected - 1)]);
  });

  it('adds one base score a class, or one to all, without a link', () => {
    const classes = { classes: '2', objective: 'multi:softprob', trees: [tree, tree, tree], info: [0, 1, 1] };
    expect(margin({ ...classes, base: '[5E-1,2.5E-1]' })).toEqual([-0.5, -1.75]);
    expect(margin({ ...classes, base: '5E-1' })).toEqual([-0.5, -1.5]);
  });

  it('weighs dart\'s trees', () => {
    const model = { tree_info: [0, 0], trees: [tree, tree] };
    expect(margin({ booster: { name: 'dart', gbtree: { model }, weight_drop: [0.5, 0.25] } })).toEqual([-0.75]);
  });

  it('reads linear boosters as a dense layer', () => {
    const graph = parseText(file({ base: '[5E-1]', booster: { name: 'gblinear', model: { weights: [2, 3, 0.25] } } }));
    expect(graph.nodes[0]?.kind).toBe('dense');
    expect(run(graph, [1, 10])).toEqual([[32.75]]);
  });

  it('reads version 2\'s leaves with a row a node', () => {
    const vector = { ...tree, base_weights: [0, 0, 1, 2, 0, 0, 3, 4, 5, 6], tree_param: { size_leaf_vector: '2' } };
    expect(margin({ trees: [vector], targets: '2' }, [0, 0])).toEqual([1, 2]);
    expect(margin({ trees: [vector], targets: '2' }, [1, 9])).toEqual([5, 6]);
  });

  it('takes leaves with a value for every output apart', () => {
    const vector = { ...tree, right_children: [2, 0, 4, 1, 2], leaf_weights: [1, 2, 3, 4, 5, 6], tree_param: { size_leaf_vector: '2' } };
    const options = { trees: [vector], targets: '2' };
    expect(margin(options, [0, 0])).toEqual([1, 2]);
    expect(margin(options, [1, 9])).toEqual([5, 6]);
  });

  it('sends listed categories right, others left, missing ones where the model says', () => {
    const categorical = { ...tree, split_type: [0, 0, 1, 0, 0], categories: [7, 0, 3, 4], categories_nodes: [2], categories_segments: [1], categories_sizes: [3], default_left: [0, 0, 1, 0, 0] };
    const right = (x: number): boolean => margin({ trees: [categorical] }, [1, x])?.[0] === 4;
    expect([-1, -0.5, 0, 0.5, 1, 2, 3, 4, 4.9, 5, 7, 99, NaN].map(right)).toEqual([false, false, true, true, false, false, true, true, true, false, false, false, false]);
  });

  it('sends missing values where the model learned to, and only says so where splits differ', () => {
    const mixed = { ...tree, default_left: [1, 0, 0, 0, 0] };
    expect(margin({ trees: [mixed] }, [NaN, 0])).toEqual([-1]);
    expect(margin({ trees: [mixed] }, [1, NaN])).toEqual([4]);
    const params = (json: Json): ForestParams => parseText(file({ trees: [json] })).nodes[0]?.params as ForestParams;
    expect(params(mixed).trees[0]?.missingTrue).toEqual([true, false, false, false, false]);
    expect(params(mixed).learnedMissing).toBe(true);
    expect(params({ ...tree, default_left: [true, true, true, true, true] }).learnedMissing).toBeUndefined();
    // What 0 does: 0 < 0.5 and 0 < 2 hold.
    expect(params({ ...tree, split_conditions: [0.5, -1, -2, 3, 4], default_left: [1, 0, 0, 0, 0] }).learnedMissing).toBeUndefined();
  });

  it('keeps thresholds and leaves as the float32 they are', () => {
    const params = parseText(file({ trees: [{ ...tree, split_conditions: [0.1, 0.1, 2, 3, 4] }] })).nodes[0]?.params as ForestParams;
    expect(params.trees[0]?.value.slice(0, 2)).toEqual([Math.fround(0.1), Math.fround(0.1)]);
  });
});

const deep = (levels: number): Json => {
  const n = 2 * levels + 1;
  const inner = (i: number): boolean => i < 2 * levels && i % 2 === 0;
  const list = (f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i));
  return { ...tree, left_children: list((i) => (inner(i) ? i + 1 : -1)), right_children: list((i) => (inner(i) ? i + 2 : -1)), split_indices: list(() => 0), split_conditions: list((i) => i), default_left: list(() => 0), split_type: list(() => 0) };
};

describe('hostile XGBoost JSON gets one clear message', () => {
  it.each<readonly [string, string]>([
    ['arrays of different lengths', file({ trees: [{ ...tree, split_conditions: [1] }] })],
    ['a missing array', file({ trees: [{ ...tree, left_children: undefined }] })],
    ['a cycle', file({ trees: [{ ...tree, left_children: [1, -1, 0, -1, -1] }] })],
    ['a child with two parents', file({ trees: [{ ...tree, left_children: [1, -1, 1, -1, -1] }] })],
    ['a child outside', file({ trees: [{ ...tree, left_children: [7, -1, 3, -1, -1] }] })],
    ['a negative child', file({ trees: [{ ...tree, right_children: [-5, -1, 4, -1, -1] }] })],
    ['a feature outside', file({ trees: [{ ...tree, split_indices: [9, 0, 1, 0, 0] }] })],
    ['no features', file({ features: '0' })],
    ['no trees', file({ trees: [] })],
    ['an empty tree', file({ trees: [{ ...tree, left_children: [], right_children: [], split_indices: [], split_conditions: [], default_left: [], split_type: [] }] })],
    ['a class outside', file({ info: [3] })],
    ['a class for each tree', file({ info: [0, 0] })],
    ['a threshold past float32', file({ trees: [{ ...tree, split_conditions: [1e300, -1, 2, 3, 4] }] })],
    ['a base score of text', file({ base: 'five' })],
    ['a base score without a margin', file({ base: '[1E0]', objective: 'binary:logistic' })],
    ['base scores for other classes', file({ base: '[1,2,3]' })],
    ['an unknown objective', file({ objective: '__proto__' })],
    ['categories that are not listed', file({ trees: [{ ...tree, split_type: [0, 0, 1, 0, 0] }] })],
    ['categories outside their list', file({ trees: [{ ...tree, split_type: [0, 0, 1, 0, 0], categories: [1], categories_nodes: [2], categories_segments: [0], categories_sizes: [9] }] })],
    ['a negative category', file({ trees: [{ ...tree, split_type: [0, 0, 1, 0, 0], categories: [-1], categories_nodes: [2], categories_segments: [0], categories_sizes: [1] }] })],
    ['leaf vectors without values', file({ trees: [{ ...tree, tree_param: { size_leaf_vector: '2' } }], targets: '2' })],
    ['linear weights of another number', file({ booster: { name: 'gblinear', model: { weights: [1] } } })],
    ['an unknown booster', file({ booster: { name: 'gbforest' } })],
    ['a huge number of classes', file({ classes: '1000000' })],
    ['a tree too deep', file({ trees: [deep(300)] })],
    ['a field called __proto__', `{"learner": {"__proto__": {"gradient_booster": {"name": "gbtree"}}}}`],
    ['a cut file', file().slice(0, 200)],
  ])('%s', (_, text) => {
    expect(messageOf(() => parseText(text))).toMatchSnapshot();
  });

  it('a tree as deep as allowed is read', () => {
    expect(parseText(file({ trees: [deep(256)] })).parameters).toBe(513);
  });
});
