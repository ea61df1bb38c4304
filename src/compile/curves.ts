import type { Scores } from '../quantize/search/metrics.js';
import type { ReportCurves } from '../report/schema.js';

const BINS = 48;

/** Points of a ROC curve: half of them evenly, half of them crowded towards few background events, where triggers work. */
const ROC_POINTS = 96;

/** Elements of the outputs that are drawn. */
const MOST_SCORES = 8;

/**
 * Distributions and ROC curves of the outputs in float and fixed point.
 *
 * `labels` has one class number an event: with a single output 1 is signal; with several, class k is output k's signal
 * and all others its background. Without labels there are distributions only.
 *
 * @param names one an output element, `[width]`
 */
export function scoreCurves(float: Scores, fixed: Scores, names: readonly string[], labels?: Float64Array): ReportCurves[] {
  const { events, width } = float;
  return names.slice(0, MOST_SCORES).map((score, element) => {
    const a = column(float, element);
    const b = column(fixed, element);
    const isSignal = labels === undefined ? undefined : Array.from({ length: events }, (_, event) => labels[event] === (width === 1 ? 1 : element));
    const bins = binEdges(a, b);
    const histogram = (kind: ReportCurves['histograms'][number]['events'], chosen: (event: number) => boolean): ReportCurves['histograms'][number] => ({ events: kind, float: counts(a, bins, chosen), fixed: counts(b, bins, chosen) });
    if (isSignal === undefined) return { score, bins, histograms: [histogram('all', () => true)] };
    const signal = isSignal.filter(Boolean).length;
    return {
      score, bins,
      histograms: [histogram('background', (event) => isSignal[event] === false), histogram('signal', (event) => isSignal[event] === true)],
      ...(signal === 0 || signal === events ? {} : { roc: { float: rocCurve(a, isSignal), fixed: rocCurve(b, isSignal), background: events - signal, signal } }),
    };
  });
}

function column({ data, width, events }: Scores, element: number): Float64Array {
  return Float64Array.from({ length: events }, (_, event) => data[event * width + element] as number);
}

function binEdges(a: Float64Array, b: Float64Array): [number, number] {
  let lo = Infinity;
  let hi = -Infinity;
  for (const values of [a, b]) {
    for (const value of values) {
      lo = Math.min(lo, value);
      hi = Math.max(hi, value);
    }
  }
  return lo < hi ? [lo, hi] : [lo - 0.5, lo + 0.5];
}

function counts(values: Float64Array, [lo, hi]: readonly [number, number], chosen: (event: number) => boolean): number[] {
  const bins = new Array<number>(BINS).fill(0);
  values.forEach((value, event) => {
    if (chosen(event)) bins[Math.min(BINS - 1, Math.floor(((value - lo) / (hi - lo)) * BINS))]!++;
  });
  return bins;
}

/** (background, signal) shares at or above each distinct score, thinned out to ROC_POINTS; equal scores are selected together. */
function rocCurve(scores: Float64Array, isSignal: readonly boolean[]): [number, number][] {
  const order = Array.from(scores.keys()).sort((i, j) => (scores[j] as number) - (scores[i] as number));
  const signal = isSignal.filter(Boolean).length;
  const background = order.length - signal;
  const points: [number, number][] = [[0, 0]];
  let [falsely, truly] = [0, 0];
  order.forEach((event, k) => {
    if (isSignal[event] === true) truly++;
    else falsely++;
    const next = order[k + 1];
    if (next === undefined || scores[next] !== scores[event]) points.push([falsely / background, truly / signal]);
  });
  return thinned(points, background);
}

function thinned(points: readonly [number, number][], background: number): [number, number][] {
  const half = ROC_POINTS / 2;
  const kept = new Set<number>([0, points.length - 1]);
  for (let k = 0; k < half; k++) {
    for (const target of [k / half, background ** (k / half - 1)]) kept.add(lastAtMost(points, target));
  }
  return [...kept].sort((i, j) => i - j).map((i) => points[i] as [number, number]);
}

/** The last point whose background share is at most `target`. */
function lastAtMost(points: readonly [number, number][], target: number): number {
  let [lo, hi] = [0, points.length - 1];
  while (lo < hi) {
    const middle = (lo + hi + 1) >> 1;
    if ((points[middle] as [number, number])[0] <= target) lo = middle;
    else hi = middle - 1;
  }
  return lo;
}
