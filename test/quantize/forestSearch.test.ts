import { describe, expect, it } from 'vitest';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { ForestParams, Tree } from '../../src/layers/forest.js';
import { forestLayer } from '../../src/layers/forest.js';
import type { FitData, FitTree } from '../../src/quantize/forestFit.js';
import { fitForest, fittedScores } from '../../src/quantize/forestFit.js';
import { searchForest } from '../../src/quantize/forestSearch.js';
import { makeMetric } from '../../src/quantize/search/metrics.js';
import { Random } from '../helpers/random.js';

const FEATURES = 4;
const EVENTS = 2000;

/** A complete tree of depth 2 with thresholds of five bits. */
function treeOf(random: Random, output: number): Tree {
  return {
    output,
    feature: [random.int(0, 3), random.int(0, 3), random.int(0, 3), -1, -1, -1, -1],
    value: [random.int(1, 31), random.int(1, 31), random.int(1, 31), ...Array.from({ length: 4 }, () => random.int(-99, 99) / 64)],
    whenTrue: [1, 3, 5, -1, -1, -1, -1],
    whenFalse: [2, 4, 6, -1, -1, -1, -1],
  };
}

function forest(seed: number, trees: number): ForestParams {
  const random = new Random(seed);
  return { nFeatures: FEATURES, nOutputs: 2, comparison: 'lt', trees: Array.from({ length: trees }, (_, t) => treeOf(random, t % 2)), base: [0.25, -0.5] };
}

function events(seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length: EVENTS * FEATURES }, () => random.int(0, 31));
}

function scores(params: ForestParams, features: Float64Array): Float64Array {
  const all = new Float64Array(EVENTS * params.nOutputs);
  for (let event = 0; event < EVENTS; event++) {
    all.set(forestLayer.evaluate(params, [{ shape: [1, FEATURES], data: features.slice(event * FEATURES, (event + 1) * FEATURES) }]).data, event * params.nOutputs);
  }
  return all;
}

function fitTrees(params: ForestParams): FitTree[] {
  return params.trees.map((tree) => ({
    output: tree.output, feature: Int32Array.from(tree.feature), limits: tree.value.map((value, node) => (tree.feature[node] === -1 ? [] : [value])),
    whenTrue: Int32Array.from(tree.whenTrue), whenFalse: Int32Array.from(tree.whenFalse), leaf: new Float64Array(7),
  }));
}

function fitData(features: Float64Array, target: Float64Array): FitData {
  return { rows: EVENTS, nFeatures: FEATURES, nOutputs: 2, x: Int32Array.from(features), target, weight: new Float64Array(EVENTS * 2).fill(1) };
}

describe('fitting a forest', () => {
  const features = events(7);

  it('finds the scores of trees with whole leaves again where LUTs cost nothing', () => {
    const params = forest(1, 2);
    const target = scores(params, features).map((score) => Math.round(score * 64));
    const fitted = fitForest(fitTrees(params), fitData(features, target), { price: 0, sweeps: 2, featureBits: 5 });
    const data = fitData(features, target);
    expect([...fittedScores(fitted, data)]).toEqual([...target]);
  });

  it('leaves nothing but the mean where LUTs cost more than all error', () => {
    const params = forest(2, 4);
    const target = scores(params, features).map((score) => score * 8);
    const fitted = fitForest(fitTrees(params), fitData(features, target), { price: 1e9, sweeps: 1, featureBits: 5 });
    expect(fitted.map((tree) => tree.feature[0])).toEqual([-1, -1, -1, -1]);
  });

  it('moves thresholds that lie close to each other together', () => {
    const params = forest(3, 40);
    const target = scores(params, features).map((score) => score * 8);
    const keysOf = (price: number): number => {
      const fitted = fitForest(fitTrees(params), fitData(features, target), { price, sweeps: 2, featureBits: 5 });
      return new Set(fitted.flatMap((tree) => [...tree.feature].flatMap((feature, node) => (feature < 0 || (node > 0 && tree.feature[0] === -1) ? [] : [`${feature}:${tree.limits[node]?.[0]}`])))).size;
    };
    expect(keysOf(0.05)).toBeLessThan(keysOf(0));
  });
});

describe('the search for a small forest', () => {
  it('keeps the loss it was allowed, as the float evaluation of what it gives shows, and costs less with more loss', { timeout: 60_000 }, () => {
    const params = forest(5, 12);
    const features = events(8);
    const reference = { events: EVENTS, width: 2, data: scores(params, features) };
    const metric = makeMetric(reference, { name: 'agreement', threshold: 0 });
    const splits = (own: ForestParams): number => own.trees.reduce((sum, tree) => sum + (tree.feature[0] === -1 ? 0 : tree.feature.filter((feature) => feature >= 0).length), 0);
    const chosen = [0.01, 0.1].map((maxLoss) => {
      const choice = searchForest({ params, type: fixedType(false, 5, 5), features, reference, metric, maxLoss, effort: 'fast', cost: splits });
      if (choice === undefined) throw new Error('nothing found');
      const own = metric.measure({ events: EVENTS, width: 2, data: scores(choice.params, features) });
      expect(own.loss).toBeLessThanOrEqual(maxLoss);
      expect(forestLayer.shape(choice.params, [[1, FEATURES]])).toEqual([1, 2]);
      return choice.cost;
    });
    expect(chosen[1]).toBeLessThan(chosen[0] as number);
    expect(chosen[0]).toBeLessThanOrEqual(splits(params));
  });
});
