import type { FixedType } from '../fixed/fixedType.js';
import { castValue, fixedType } from '../fixed/fixedType.js';
import { bitLength, fromBigInt } from '../fixed/integer.js';
import type { ForestParams } from '../layers/forest.js';
import { leafOf } from '../layers/forest.js';
import { forestBounds } from '../layers/forestRules.js';
import { roundToGrid } from '../layers/rounding.js';
import type { Metric, Scores } from './search/metrics.js';
import { makeMetric } from './search/metrics.js';

/** A trained forest whose leaves are to be rounded, and nothing else. */
export interface LeafSearch {
  readonly params: ForestParams;
  /** `[events, nFeatures]`, NaN where missing. */
  readonly features: Float64Array;
  /** The wires' type of each feature, `[nFeatures]`. */
  readonly types: readonly FixedType[];
  /** Makes the judge of scores, from the library's own scores of the events as the wires hold them: no leaf mends inputs. */
  readonly metricOf: (reference: Scores) => Metric;
  readonly maxLoss: number;
  /** Share of the scores' variance that rounding may add as error; any where absent. */
  readonly mostError?: number;
}

export interface LeafChoice {
  readonly scoreType: FixedType;
  /** What rounding of the leaves loses. */
  readonly loss: number;
  /** Share of decisions that rounding of the inputs turns over. */
  readonly lostByInputs: number;
}

/** Finest leaves tried: a float32 leaf has no more bits than these. */
const MOST_WIDTHS = 26;
/** Finer widths that must keep the loss as well, or it was kept by chance. */
const CONFIRMED_BY = 2;

/**
 * The coarsest grid of leaves (rounded to nearest) that keeps the loss on all events, and whose two finer neighbours keep it
 * too; undefined where none does. Thresholds, and so which leaf an event reaches, stay as they are.
 */
export function searchLeafWidth(search: LeafSearch): LeafChoice | undefined {
  const { params, maxLoss } = search;
  const events = search.features.length / params.nFeatures;
  const leaves = leavesReached(params, castFeatures(search), events);
  const reference = floatScores(params, leaves, events);
  const metric = search.metricOf(reference);
  const exact = scoresOnGrid(params, leaves, events, undefined);
  const losses: number[] = [];
  const start = coarsestBits(params);
  for (let bits = start; bits < start + MOST_WIDTHS; bits++) {
    const scores = scoresOnGrid(params, leaves, events, bits);
    const { loss } = metric.measure(scores);
    const isKept = loss <= maxLoss && relativeError(scores, exact) <= (search.mostError ?? Infinity);
    losses.push(isKept ? loss : Infinity);
    const first = losses.length - 1 - CONFIRMED_BY;
    if (first >= 0 && losses.slice(first).every(Number.isFinite)) {
      const given = floatScores(params, leavesReached(params, search.features, events), events);
      const lostByInputs = makeMetric(given, { name: 'agreement', threshold: 0 }).measure(reference).loss;
      return { scoreType: scoreTypeOf(params, start + first), loss: losses[first] as number, lostByInputs };
    }
  }
  return undefined;
}

/** Every tree's leaf for every event, `[events, trees]`. */
function leavesReached(params: ForestParams, features: Float64Array, events: number): Int32Array {
  const { trees, nFeatures } = params;
  const reached = new Int32Array(events * trees.length);
  const row = params.features === 'float64' ? new Float64Array(nFeatures) : new Float32Array(nFeatures);
  for (let event = 0; event < events; event++) {
    row.set(features.subarray(event * nFeatures, (event + 1) * nFeatures));
    trees.forEach((tree, t) => (reached[event * trees.length + t] = leafOf(params, tree, row)));
  }
  return reached;
}

/** The library's sums: its order, its precision. */
function floatScores(params: ForestParams, leaves: Int32Array, events: number): Scores {
  return summed(params, leaves, events, (value) => value, params.sums === 'float64' ? (value) => value : Math.fround);
}

/** Exact sums of leaves and base on a grid, or (in float64) as they are. */
function scoresOnGrid(params: ForestParams, leaves: Int32Array, events: number, bits: number | undefined): Scores {
  return summed(params, leaves, events, bits === undefined ? (value) => value : (value) => roundToGrid(value, -bits), (value) => value);
}

function summed({ trees, base, baseLast, nOutputs }: ForestParams, leaves: Int32Array, events: number, leaf: (value: number) => number, sum: (value: number) => number): Scores {
  const data = new Float64Array(events * nOutputs);
  const values = trees.map((tree) => Float64Array.from(tree.value, (value, node) => (tree.feature[node] === -1 ? leaf(value) : 0)));
  const own = base.map((value) => sum(leaf(value)));
  for (let event = 0; event < events; event++) {
    const scores = data.subarray(event * nOutputs, (event + 1) * nOutputs);
    if (baseLast !== true) scores.set(own);
    trees.forEach(({ output }, t) => (scores[output] = sum((scores[output] as number) + ((values[t] as Float64Array)[leaves[event * trees.length + t] as number] as number))));
    if (baseLast === true) own.forEach((value, k) => (scores[k] = sum((scores[k] as number) + value)));
  }
  return { events, width: nOutputs, data };
}

/** Mean squared difference over the variance, the worst output's. */
function relativeError(scores: Scores, exact: Scores): number {
  const { width, events } = exact;
  let worst = 0;
  for (let k = 0; k < width; k++) {
    let [sum, squares, error] = [0, 0, 0];
    for (let at = k; at < events * width; at += width) {
      const value = exact.data[at] as number;
      sum += value;
      squares += value * value;
      error += (value - (scores.data[at] as number)) ** 2;
    }
    if (error > 0) worst = Math.max(worst, error / Math.max(squares - (sum * sum) / events, Number.MIN_VALUE));
  }
  return worst;
}

function castFeatures({ params, features, types }: LeafSearch): Float64Array {
  return features.map((value, at) => {
    if (Number.isNaN(value)) return value;
    return castValue(value, types[at % params.nFeatures] as FixedType);
  });
}

/** Fraction bits with which the largest leaf is about one step. */
function coarsestBits({ trees }: ForestParams): number {
  const largest = trees.reduce((most, tree) => tree.value.reduce((own, value, node) => (tree.feature[node] === -1 ? Math.max(own, Math.abs(value)) : own), most), 0);
  return largest > 0 ? -Math.ceil(Math.log2(largest)) : 0;
}

/** The type of that many fraction bits that holds every partial sum and leaf. */
function scoreTypeOf(params: ForestParams, bits: number): FixedType {
  const { low, high } = forestBounds(params);
  const sides = [...low, ...high, ...params.base, ...params.trees.flatMap((tree) => tree.value.filter((_, node) => tree.feature[node] === -1))];
  const most = sides.reduce((own, side) => Math.max(own, Math.abs(side)), 0) + (params.trees.length + 1) * 2 ** (-bits - 1);
  const integer = 1 + bitLength(fromBigInt(BigInt(Math.ceil(most * 2 ** Math.max(0, bits))))) - Math.max(0, bits);
  return fixedType(true, Math.max(1, integer + bits), integer, 'RND_CONV', 'SAT');
}
