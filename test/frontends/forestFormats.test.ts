import { describe, expect, it } from 'vitest';
import type { ForestParams } from '../../src/layers/forest.js';
import { parseModel } from '../../src/frontends/registry.js';
import { contextWith, messageOf, parseText, run } from './helpers.js';

const paramsOf = (text: string): ForestParams => parseText(text).nodes[0]?.params as ForestParams;
const score = (text: string, x: readonly number[]): number | undefined => run(parseText(text), x)[0]?.[0];

/** Lines of one tree of LightGBM: x0 ≤ 1.5 ? −1 : (x1 ≤ 2 ? 3 : 4). */
const lgbTree: Readonly<Record<string, string>> = {
  num_leaves: '3', num_cat: '0', split_feature: '0 1', threshold: '1.5 2', decision_type: '2 2', left_child: '-1 -2', right_child: '1 -3', leaf_value: '-1 3 4', is_linear: '0',
};

function lightgbm(change: Readonly<Record<string, string>> = {}, header: Readonly<Record<string, string>> = {}, end = 'end of trees'): string {
  const lines = (record: Readonly<Record<string, string>>): string[] => Object.entries(record).map(([key, value]) => `${key}=${value}`);
  return ['tree', 'version=v4', ...lines({ num_class: '1', num_tree_per_iteration: '1', max_feature_idx: '1', objective: 'binary sigmoid:1', ...header }), '', 'Tree=0', ...lines({ ...lgbTree, ...change }), '', end, ''].join('\n');
}

describe('LightGBM text', () => {
  it('goes left where x ≤ t in float64, NaN as 0 where none was seen', () => {
    expect([[1.5, 0], [1.5000000000000002, 2], [2, 2.1], [NaN, 0], [2, NaN]].map((x) => score(lightgbm(), x))).toEqual([-1, 3, 4, -1, 3]);
    expect(parseText(lightgbm()).outputs[0]?.link).toEqual({ function: 'sigmoid' });
    expect(paramsOf(lightgbm()).learnedMissing).toBeUndefined();
  });

  it('sends NaN, or zeros, where the split says', () => {
    const nan = lightgbm({ decision_type: '8 10' });
    expect([[NaN, 0], [2, NaN]].map((x) => score(nan, x))).toEqual([3, 3]);
    expect(paramsOf(nan).learnedMissing).toBe(true);
    const zero = lightgbm({ decision_type: '4 6', threshold: '1.5 -2' });
    expect([[0, -3], [1e-36, -3], [1e-34, 0], [1, 0], [2, 0], [2, -1], [NaN, NaN]].map((x) => score(zero, x))).toEqual([3, 3, -1, -1, 3, 4, 3]);
  });

  it('sends the categories of a set left, other and missing ones right', () => {
    const text = lightgbm({ num_cat: '1', decision_type: '1 2', threshold: '0 2', cat_boundaries: '0 2', cat_threshold: '5 1' });
    const left = (x: number): boolean => score(text, [x, 0]) === -1;
    expect([-1, -0.5, 0, 1, 2, 2.9, 3, 31, 32, 33, 64, NaN].map(left)).toEqual([false, true, true, false, true, true, false, false, true, false, false, false]);
  });

  it('has the sum of a random forest, and infinite thresholds that tell NaN from numbers', () => {
    expect(parseText(lightgbm().replace('objective=', 'average_output\nobjective=')).outputs[0]?.link).toEqual({ function: 'identity', scale: 1 });
    const text = lightgbm({ threshold: 'inf 2', decision_type: '8 8' });
    expect([[1e300, 0], [NaN, 0]].map((x) => score(text, x))).toEqual([-1, 3]);
  });

  it.each<readonly [string, string]>([
    ['linear trees', lightgbm({ is_linear: '1' })],
    ['a cycle', lightgbm({ left_child: '1 0' })],
    ['a child outside', lightgbm({ left_child: '9 -2' })],
    ['lists too short', lightgbm({ threshold: '1' })],
    ['text for numbers', lightgbm({ threshold: '1 x' })],
    ['a set that is not there', lightgbm({ num_cat: '1', decision_type: '1 2', threshold: '7 2', cat_boundaries: '0 1', cat_threshold: '5' })],
    ['a huge set', lightgbm({ num_cat: '1', decision_type: '1 2', threshold: '0 2', cat_boundaries: '0 999999999', cat_threshold: '5' })],
    ['a huge number of leaves', lightgbm({ num_leaves: '999999999' })],
    ['no end', lightgbm({}, {}, '')],
    ['no features', lightgbm({}, { max_feature_idx: '-1' })],
    ['a feature outside', lightgbm({ split_feature: '5 1' })],
  ])('with %s is one clear error', (_, text) => {
    expect(messageOf(() => parseText(text, 'model.txt'))).toMatchSnapshot();
  });
});

type Json = Record<string, unknown>;
const split = (feature: number, border: number): Json => ({ split_type: 'FloatFeature', float_feature_index: feature, border });
const floats = (treatments: readonly string[], nans = false): Json => ({ float_features: treatments.map((nan_value_treatment, i) => ({ feature_index: i, flat_feature_index: i, has_nans: nans, nan_value_treatment })) });

function catboost(change: Json = {}): string {
  return JSON.stringify({ features_info: floats(['AsFalse', 'AsTrue']), oblivious_trees: [{ leaf_values: [1, 2, 4, 8], splits: [split(0, 1), split(1, 2)] }], scale_and_bias: [2, [0.5]], model_info: { params: { loss_function: { type: 'Logloss' } } }, ...change });
}

const nested = { left: { value: 1 }, right: { left: { value: 2 }, right: { value: 4 }, split: split(1, 2) }, split: split(0, 1) };

describe('CatBoost JSON', () => {
  it('reads oblivious trees: bit j of the leaf is x > border j; scale, bias, NaN', () => {
    expect([[1, 2], [1.1, 2], [1, 2.1], [2, 3], [NaN, 0], [0, NaN]].map((x) => score(catboost(), x))).toEqual([2.5, 4.5, 8.5, 16.5, 2.5, 8.5]);
    expect(parseText(catboost()).outputs[0]?.link).toEqual({ function: 'sigmoid' });
    expect(paramsOf(catboost({ features_info: floats(['AsFalse', 'AsTrue'], true) })).learnedMissing).toBe(true);
  });

  it('reads other trees, and values for several classes', () => {
    const text = catboost({ oblivious_trees: undefined, trees: [nested], scale_and_bias: [1, [0]] });
    expect([[1, 0], [2, 2], [2, 3]].map((x) => score(text, x))).toEqual([1, 2, 4]);
    const classes = catboost({ oblivious_trees: [{ leaf_values: [1, 2, 3, 4], splits: [split(0, 1)] }], scale_and_bias: [1, [10, 20]] });
    expect(run(parseText(classes), [2, 0])).toEqual([[13, 24]]);
  });

  const deep = (levels: number): Json => Array.from({ length: levels }).reduce<Json>((inner) => ({ left: inner, right: { value: 0 }, split: split(0, 1) }), { value: 1 });

  it.each<readonly [string, string]>([
    ['category splits', catboost({ oblivious_trees: [{ leaf_values: [1, 2], splits: [{ split_type: 'OneHotFeature', cat_feature_index: 0, value: 1 }] }] })],
    ['an unknown feature', catboost({ oblivious_trees: [{ leaf_values: [1, 2], splits: [split(7, 1)] }] })],
    ['values of another number', catboost({ oblivious_trees: [{ leaf_values: [1, 2, 3], splits: [split(0, 1)] }] })],
    ['too many splits', catboost({ oblivious_trees: [{ leaf_values: [1], splits: Array.from({ length: 30 }, () => split(0, 1)) }] })],
    ['no trees', catboost({ oblivious_trees: [] })],
    ['a tree too deep', catboost({ oblivious_trees: undefined, trees: [deep(400)] })],
    ['a node without children', catboost({ oblivious_trees: undefined, trees: [{ split: split(0, 1) }] })],
    ['biases of another number', catboost({ scale_and_bias: [1, [1, 2, 3]], oblivious_trees: [{ leaf_values: [1, 2, 3, 4, 5, 6, 7, 8], splits: [split(0, 1)] }] })],
  ])('with %s is one clear error', (_, text) => {
    expect(messageOf(() => parseText(text))).toMatchSnapshot();
  });

  it('in its binary form says how to save JSON', () => {
    expect(messageOf(() => parseModel({ name: 'model.cbm', bytes: new TextEncoder().encode('CBM1....') }, contextWith()))).toMatchSnapshot();
  });
});

interface Tmva { readonly boost?: string; readonly cType?: number; readonly yesNo?: string; readonly extra?: string; readonly transformations?: number; readonly method?: string; readonly analysis?: string; readonly classes?: number; readonly tree?: string }

/** x0 ≥ 1 goes right (with cType 1): left leaf −1 (purity 0.25, background), right leaf 2 (purity 0.75, signal). */
function tmva({ boost = 'Grad', cType = 1, yesNo = 'True', extra = '', transformations = 0, method = 'BDT::BDT', analysis = 'Classification', classes = 2, tree }: Tmva = {}): string {
  const nodes = tree ?? `<Node pos="s" depth="0" NCoef="0" IVar="0" Cut="1" cType="${cType}" res="0" purity="0.5" nType="0">
    <Node pos="l" depth="1" NCoef="0" IVar="-1" Cut="0" cType="1" res="-1" purity="0.25" nType="${boost === 'Grad' ? -99 : -1}"/>
    <Node pos="r" depth="1" NCoef="0" IVar="-1" Cut="0" cType="1" res="2" purity="0.75" nType="${boost === 'Grad' ? -99 : 1}"/></Node>`;
  return `<?xml version="1.0"?>${extra}<MethodSetup Method="${method}"><GeneralInfo><Info name="AnalysisType" value="${analysis}"/></GeneralInfo>
  <Options><Option name="BoostType" modified="Yes">${boost}</Option><Option name="UseYesNoLeaf" modified="No">${yesNo}</Option></Options>
  <Variables NVar="1"/><Classes NClass="${classes}"/><Transformations NTransformations="${transformations}"/>
  <Weights NTrees="2" AnalysisType="1"><BinaryTree boostWeight="3" itree="0">${nodes}</BinaryTree><BinaryTree boostWeight="1" itree="1">${nodes}</BinaryTree></Weights></MethodSetup>`;
}

describe('TMVA XML', () => {
  it('reads Grad: tanh of the sum of responses, right where x ≥ cut or, with cType 0, x < cut', () => {
    expect([0.999, 1, NaN].map((x) => score(tmva(), [x]))).toEqual([Math.tanh(-2), Math.tanh(4), Math.tanh(-2)]);
    expect([0.999, 1, NaN].map((x) => score(tmva({ cType: 0 }), [x]))).toEqual([Math.tanh(4), Math.tanh(-2), Math.tanh(4)]);
  });

  it('reads AdaBoost: the mean of classes or purities by boost weights', () => {
    expect([0, 1].map((x) => score(tmva({ boost: 'AdaBoost' }), [x]))).toEqual([-1, 1]);
    expect([0, 1].map((x) => score(tmva({ boost: 'AdaBoost', yesNo: 'False' }), [x]))).toEqual([0.25, 0.75]);
  });

  it('reads several classes as their softmax, and regression', () => {
    expect(run(parseText(tmva({ analysis: 'Multiclass' })), [1])[0]).toEqual([0.5, 0.5]);
    expect(score(tmva({ analysis: 'Regression' }), [1])).toBe(7);
  });

  const bomb = `<!DOCTYPE x [<!ENTITY a "${'x'.repeat(100)}"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`;
  it.each<readonly [string, string]>([
    ['entities of its own', tmva({ extra: bomb }).replace('value="Classification"', 'value="&b;"')],
    ['variable transformations', tmva({ transformations: 2 })],
    ['another method', tmva({ method: 'MLP::MLP' })],
    ['another boost', tmva({ boost: 'AdaBoostR2' })],
    ['Fisher cuts', tmva({ tree: '<Node pos="s" depth="0" NCoef="2" IVar="0" Cut="1" cType="1" res="0" nType="0"/>' })],
    ['a missing child', tmva({ tree: '<Node pos="s" depth="0" IVar="0" Cut="1" cType="1" res="0" nType="0"><Node pos="l" depth="1" IVar="-1" Cut="0" cType="1" res="0" nType="-99"/></Node>' })],
    ['two left children', tmva({ tree: '<Node pos="s" IVar="0" Cut="1" nType="0"><Node pos="l" IVar="-1" nType="-99"/><Node pos="l" IVar="-1" nType="-99"/></Node>' })],
    ['a cut of text', tmva({ tree: '<Node pos="s" IVar="0" Cut="one" nType="0"/>' })],
    ['a variable outside', tmva({ tree: '<Node pos="s" IVar="7" Cut="1" nType="0"><Node pos="l" IVar="-1" nType="-99"/><Node pos="r" IVar="-1" nType="-99"/></Node>' })],
    ['a tree too deep', tmva({ tree: '<Node pos="l" IVar="0" Cut="1" nType="0">'.repeat(400) })],
    ['a cut file', tmva().slice(0, 600)],
  ])('with %s is one clear error', (_, text) => {
    expect(messageOf(() => parseText(text, 'model.xml'))).toMatchSnapshot();
  });
});

const coniferTree = { feature: [0, -2, -2], threshold: [1, 0, 0], value: [9, -1, 3], children_left: [1, -1, -1], children_right: [2, -1, -1], weight: [[1, 0], [0, 0], [0, 0]] };

function conifer(change: Json = {}, tree: Json = coniferTree): string {
  return JSON.stringify({ n_classes: 2, n_features: 2, n_trees: 2, max_depth: 1, init_predict: [0.5], norm: 2, library: 'xgboost', splitting_convention: '<', trees: [[tree], [tree]], ...change });
}

describe('conifer JSON', () => {
  it('is norm · (init_predict + sum), by < or ≤', () => {
    expect([0, 1].map((x) => score(conifer(), [x, 0]))).toEqual([-3, 13]);
    expect([1, 1.1].map((x) => score(conifer({ splitting_convention: '<=' }), [x, 0]))).toEqual([-3, 13]);
  });

  it.each<readonly [string, string]>([
    ['oblique splits', conifer({}, { ...coniferTree, weight: [[1, 0.5], [0, 0], [0, 0]] })],
    ['a cycle', conifer({}, { ...coniferTree, children_left: [0, -1, -1] })],
    ['lists of different lengths', conifer({}, { ...coniferTree, threshold: [1] })],
    ['trees of another number of classes', conifer({ n_classes: 3 })],
  ])('with %s is one clear error', (_, text) => {
    expect(messageOf(() => parseText(text))).toMatchSnapshot();
  });
});
