import { describe, expect, it } from 'vitest';
import { fixedType, fractionBits } from '../../src/fixed/fixedType.js';
import type { ForestParams, Tree } from '../../src/layers/forest.js';
import { forestLayer } from '../../src/layers/forest.js';
import { roundForest } from '../../src/layers/forestRules.js';
import type { LeafSearch } from '../../src/quantize/leafWidth.js';
import { searchLeafWidth } from '../../src/quantize/leafWidth.js';
import { makeMetric } from '../../src/quantize/search/metrics.js';
import { Random } from '../helpers/random.js';

const EVENTS = 600;
const FEATURES = 3;

function treeOf(random: Random, output: number): Tree {
  return {
    output,
    feature: [random.int(0, 2), random.int(0, 2), random.int(0, 2), -1, -1, -1, -1],
    value: [random.int(1, 15), random.int(1, 15), random.int(1, 15), ...Array.from({ length: 4 }, () => Math.fround(random.int(-99_999, 99_999) / 123_457))],
    whenTrue: [1, 3, 5, -1, -1, -1, -1],
    whenFalse: [2, 4, 6, -1, -1, -1, -1],
    missingTrue: [true, false, true, false, false, false, false],
  };
}

function searchOf(outputs: number, maxLoss: number): LeafSearch {
  const random = new Random(11);
  const params: ForestParams = { nFeatures: FEATURES, nOutputs: outputs, comparison: 'lt', trees: Array.from({ length: 15 }, (_, t) => treeOf(random, t % outputs)), base: Array.from({ length: outputs }, () => 0.123) };
  const features = Float64Array.from({ length: EVENTS * FEATURES }, () => (random.int(0, 9) === 0 ? NaN : random.int(0, 15)));
  return { params, features, types: new Array(FEATURES).fill(fixedType(false, 4, 4)), metricOf: (reference) => makeMetric(reference, { name: 'agreement', threshold: 0 }), maxLoss };
}

function scores(params: ForestParams, features: Float64Array): Float64Array {
  return Float64Array.from(Array.from({ length: EVENTS }, (_, event) => [...forestLayer.evaluate(params, [{ shape: [1, FEATURES], data: features.slice(event * FEATURES, (event + 1) * FEATURES) }]).data]).flat());
}

function rounded({ params }: LeafSearch, bits: number): ForestParams {
  return roundForest(params, { weightBits: 8, scoreType: fixedType(true, 60, 60 - bits, 'RND_CONV', 'SAT'), inputExp: 0 }).params;
}

function flips(search: LeafSearch, bits: number): number {
  const outputs = search.params.nOutputs;
  const decide = (data: Float64Array, event: number): number => (outputs === 1 ? Number((data[event] as number) >= 0) : data.subarray(event * outputs, (event + 1) * outputs).reduce((best, value, k, all) => (value > (all[best] as number) ? k : best), 0));
  const [float, fixed] = [scores(search.params, search.features), scores(rounded(search, bits), search.features)];
  return Array.from({ length: EVENTS }, (_, event) => event).filter((event) => decide(float, event) !== decide(fixed, event)).length;
}

describe('the width of leaves', () => {
  it.each([1, 3])('keeps every decision of %i outputs where nothing may be lost, and is the coarsest such', (outputs) => {
    const search = searchOf(outputs, 0);
    const choice = searchLeafWidth(search);
    if (choice === undefined) throw new Error('nothing found');
    const bits = fractionBits(choice.scoreType);
    expect([flips(search, bits), flips(search, bits + 1), flips(search, bits + 2)]).toEqual([0, 0, 0]);
    expect(flips(search, bits - 1)).toBeGreaterThan(0);
    expect(choice.lostByInputs).toBe(0);
  });

  it('holds every score', () => {
    const search = searchOf(1, 0);
    const { scoreType } = searchLeafWidth(search) as NonNullable<ReturnType<typeof searchLeafWidth>>;
    const all = scores(rounded(search, fractionBits(scoreType)), search.features);
    expect(Math.max(...all.map(Math.abs))).toBeLessThan(2 ** (scoreType.integer - 1));
  });

  it('is coarser where more may be lost, and finer where the score itself counts', () => {
    const widths = [searchOf(3, 0), searchOf(3, 0.05), { ...searchOf(3, 0.05), mostError: 1e-6 }].map((search) => fractionBits((searchLeafWidth(search) as NonNullable<ReturnType<typeof searchLeafWidth>>).scoreType));
    expect(widths[1]).toBeLessThan(widths[0] as number);
    expect(widths[2]).toBeGreaterThan(widths[1] as number);
  });

  it('says what the types of the inputs lose', () => {
    const search = { ...searchOf(1, 0), types: new Array(FEATURES).fill(fixedType(false, 3, 4)) };
    expect(searchLeafWidth(search)?.lostByInputs).toBeGreaterThan(0);
  });
});
