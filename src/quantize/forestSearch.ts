import type { FixedType } from '../fixed/fixedType.js';
import { castInteger, fractionBits } from '../fixed/fixedType.js';
import { dyadicOf } from '../fixed/integer.js';
import type { ForestParams, Tree } from '../layers/forest.js';
import { decisionLimits } from '../layers/forest.js';
import type { FitData, FitTree } from './forestFit.js';
import { fitForest, fittedScores } from './forestFit.js';
import type { Metric, Scores } from './search/metrics.js';

/** A forest to be made smaller, and the events that say what must not change. */
export interface ForestSearch {
  readonly params: ForestParams;
  /** The type of the features. */
  readonly type: FixedType;
  /** `[events, nFeatures]` */
  readonly features: Float64Array;
  /** The trained forest's scores of the same events. */
  readonly reference: Scores;
  /** Judges scores of all events, or of some. */
  readonly metric: Metric;
  readonly maxLoss: number;
  /** How much is tried. */
  readonly effort: 'fast' | 'normal' | 'best';
  /** LUTs of a forest. */
  readonly cost: (params: ForestParams) => number;
  readonly onProgress?: (text: string) => void;
}

export interface ForestChoice {
  readonly params: ForestParams;
  readonly fractionBits: number;
  readonly cost: number;
  /** On the events kept apart from fitting. */
  readonly loss: number;
}

/** Events fitted to, leaf widths tried at most, prices tried a width. */
const EFFORT = { fast: [6000, 4, 4], normal: [12000, 6, 6], best: [40000, 8, 9] } as const;
const SWEEPS = 3;
/** One event in so many judges, the others are fitted to. */
const APART = 4;

/**
 * Searches leaf widths, coarse ones first, and prices of a LUT for the smallest forest that loses at most `maxLoss`, both on
 * events it was not fitted to and on all together (more of them, so less chance). Undefined where none does.
 */
export function searchForest(search: ForestSearch): ForestChoice | undefined {
  const { params, metric, maxLoss } = search;
  const [most, widths, prices] = EFFORT[search.effort];
  const events = search.reference.events;
  const apart = Int32Array.from({ length: Math.floor(events / APART) }, (_, i) => i * APART + APART - 1);
  const fitted = rowsToFit(events, most);
  const x = featureIntegers(search);
  const whole = { rows: events, nFeatures: params.nFeatures, nOutputs: params.nOutputs, x };
  let best: ForestChoice | undefined;
  let start = FIRST_PRICE;
  const coarsest = coarsestBits(params);
  for (let bits = coarsest; bits < coarsest + (best === undefined ? MOST_WIDTHS : widths); bits++) {
    const data = fitData(search, x, fitted, bits);
    const trees = params.trees.map((tree) => fitTree(params, tree, search.type, bits));
    let least: ForestChoice | undefined;
    /** Takes a forest that keeps the loss, if it is the cheapest of this width. */
    const offer = (scores: Float64Array, make: () => ForestParams): boolean => {
      const own = { events, width: params.nOutputs, data: scores.map((score) => score * 2 ** -bits) };
      const loss = Math.max(metric.measure(own, apart).loss, metric.measure(own).loss);
      if (loss > maxLoss) return false;
      const made = make();
      const cost = search.cost(made);
      search.onProgress?.(`leaves of ${bits} fraction bits: ${cost} LUT, loss ${(100 * loss).toFixed(2)}%`);
      if (least === undefined || cost < least.cost) least = { params: made, fractionBits: bits, cost, loss };
      return true;
    };
    const attempt = (price: number): boolean => {
      const result = fitForest(trees, data, { price: price * 4 ** bits, sweeps: SWEEPS, featureBits: search.type.width });
      const passed = offer(fittedScores(result, whole), () => paramsOf(params, result, search.type, bits));
      if (passed) start = price;
      return passed;
    };
    const rounded = fittedScores(trees, whole).map((score, i) => score + Math.round((params.base[i % params.nOutputs] as number) * 2 ** bits));
    offer(rounded, () => roundedParams(params, bits));
    highest(attempt, start, prices);
    const own = least as ForestChoice | undefined;
    if (own !== undefined && (best === undefined || own.cost < best.cost)) best = own;
    // Finer leaves only cost more once they no longer buy dearer splits.
    else if (best !== undefined) break;
  }
  return best;
}

/** Leaf widths tried where none keeps the loss. */
const MOST_WIDTHS = 20;

/** Weighted squared error of the score a row that a LUT is worth, where the search begins. */
const FIRST_PRICE = 2 ** -14;

/** Tries prices for the highest that still passes: by factors of four, then of two, then of √2; gives up after three that fail. */
function highest(attempt: (price: number) => boolean, start: number, tries: number): void {
  let price = start;
  let factor = 4;
  let before: boolean | undefined;
  let isBracketed = false;
  for (let left = tries; left > 0; left--) {
    const passed = attempt(price);
    if (!isBracketed && !passed && tries - left >= 2) return;
    if (before !== undefined && passed !== before) isBracketed = true;
    if (isBracketed) factor = Math.sqrt(factor);
    before = passed;
    price *= passed ? factor : 1 / factor;
  }
}

/** Rows spread over all that are not kept apart. */
function rowsToFit(events: number, most: number): Int32Array {
  const rows = Array.from({ length: events }, (_, row) => row).filter((row) => row % APART !== APART - 1);
  const kept = Math.min(most, rows.length);
  return Int32Array.from({ length: kept }, (_, k) => rows[Math.floor((k * rows.length) / kept)] as number);
}

/** Leaves of about ±1 step. */
function coarsestBits({ trees }: ForestParams): number {
  const sizes = trees.flatMap((tree) => tree.value.filter((_, node) => tree.feature[node] === -1).map(Math.abs)).sort((a, b) => a - b);
  const large = sizes[Math.floor(sizes.length * 0.98)] ?? 1;
  return large > 0 ? Math.round(Math.log2(1 / large)) : 0;
}

function featureIntegers({ features, type }: ForestSearch): Int32Array {
  const bits = fractionBits(type);
  return Int32Array.from(features, (value) => {
    const scaled = value * 2 ** bits;
    if (Number.isInteger(scaled) && scaled >= 0 && scaled < 2 ** (type.width - 1)) return scaled;
    const { n, exp } = dyadicOf(value);
    return Number(castInteger(n, exp, type));
  });
}

/** What is fitted: scores in steps, errors weighed by how undecided the trained forest is. */
function fitData({ params, reference }: ForestSearch, x: Int32Array, rows: Int32Array, bits: number): FitData {
  const { nFeatures, nOutputs } = params;
  const own = new Int32Array(rows.length * nFeatures);
  const target = new Float64Array(rows.length * nOutputs);
  const weight = new Float64Array(rows.length * nOutputs);
  rows.forEach((row, k) => {
    own.set(x.subarray(row * nFeatures, (row + 1) * nFeatures), k * nFeatures);
    const scores = Array.from(reference.data.subarray(row * nOutputs, (row + 1) * nOutputs));
    const chances = probabilities(scores);
    scores.forEach((score, i) => {
      target[k * nOutputs + i] = score * 2 ** bits;
      const chance = chances[i] as number;
      weight[k * nOutputs + i] = Math.max(chance * (1 - chance), 1e-4);
    });
  });
  return { rows: rows.length, nFeatures, nOutputs, x: own, target, weight };
}

function probabilities(scores: readonly number[]): readonly number[] {
  if (scores.length === 1) return [1 / (1 + Math.exp(-(scores[0] as number)))];
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

function fitTree(params: ForestParams, tree: Tree, type: FixedType, bits: number): FitTree {
  return {
    output: tree.output,
    feature: Int32Array.from(tree.feature),
    limits: tree.feature.map((feature, node) => (feature < 0 ? [] : decisionLimits(params, tree, node, -fractionBits(type)).map(Number))),
    whenTrue: Int32Array.from(tree.whenTrue),
    whenFalse: Int32Array.from(tree.whenFalse),
    leaf: Float64Array.from(tree.value, (value, node) => (tree.feature[node] === -1 ? Math.round(value * 2 ** bits) : 0)),
  };
}

/** Fitted trees as a forest. The base is in the leaves; moved thresholds lie half a step below the first value beyond. */
function paramsOf(params: ForestParams, fitted: readonly FitTree[], type: FixedType, bits: number): ForestParams {
  const exp = -fractionBits(type);
  const trees = fitted.map((tree, t): Tree => {
    const own = params.trees[t] as Tree;
    const value = own.value.map((before, node) => {
      if (tree.feature[node] === -1) return (tree.leaf[node] as number) * 2 ** -bits;
      const limits = tree.limits[node] as readonly number[];
      return limits.length === 1 && limits[0] !== Number(decisionLimits(params, own, node, exp)[0]) ? ((limits[0] as number) - 0.5) * 2 ** exp : before;
    });
    return { ...own, feature: Array.from(tree.feature), value };
  });
  return { ...params, trees, base: params.base.map(() => 0) };
}

/** Leaves and base rounded, nothing else. */
function roundedParams(params: ForestParams, bits: number): ForestParams {
  const round = (value: number): number => (Math.round(value * 2 ** bits) + 0) * 2 ** -bits;
  const trees = params.trees.map((tree) => ({ ...tree, value: tree.value.map((value, node) => (tree.feature[node] === -1 ? round(value) : value)) }));
  return { ...params, trees, base: params.base.map(round) };
}
