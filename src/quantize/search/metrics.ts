import { CompileError } from '../../errors.js';

/** What precision is judged by; each gives a loss of 0 where nothing was lost and 1 where all was. */
export type MetricName = 'auc' | 'accuracy' | 'mse' | 'agreement' | 'rate';

/** Outputs of `events` events, `[events, width]` in C order: all outputs of the model side by side. */
export interface Scores {
  readonly events: number;
  readonly width: number;
  readonly data: Float64Array;
}

export interface MetricOptions {
  readonly name: MetricName;
  /** One class number an event (0 and 1, or 0 … k−1), or for `mse` the wanted values `[events, width]`. */
  readonly labels?: Float64Array;
  /** Where a single score decides: 0 for margins, 0.5 for probabilities. */
  readonly threshold: number;
}

/** A metric on certain events, against the float model on the same ones. */
export interface Metric {
  readonly name: MetricName;
  /** The float model's own value. */
  readonly float: number;
  /** The value of other scores and what they lose; `subset` restricts both to some events. */
  readonly measure: (scores: Scores, subset?: Int32Array) => { readonly value: number; readonly loss: number };
}

/** Share of events that a trigger keeps, where `rate` has to choose: 1 %, but at least ten events. */
const RATE = 0.01;
const LEAST_KEPT = 10;

/** @throws CompileError (`config`): labels that the metric needs and has not, or that do not fit */
export function makeMetric(reference: Scores, options: MetricOptions): Metric {
  checkLabels(reference, options);
  const all = Int32Array.from({ length: reference.events }, (_, event) => event);
  const valueOf = valueFunction(reference, options);
  const floatValue = (subset: Int32Array): number => valueOf(reference, subset);
  const float = floatValue(all);
  return {
    name: options.name,
    float,
    measure: (scores, subset = all) => {
      const value = valueOf(scores, subset);
      return { value, loss: lossOf(options, value, subset === all ? float : floatValue(subset)) };
    },
  };
}

function lossOf({ name, labels }: MetricOptions, value: number, float: number): number {
  switch (name) {
    case 'auc':
    case 'accuracy':
      return Math.max(0, float - value);
    case 'agreement':
      return 1 - value;
    case 'rate':
      return Math.max(0, float - value);
    case 'mse':
      // Against labels, what the error grew by; without, the share of the float outputs' variance.
      return labels === undefined ? value : Math.max(0, value - float) / Math.max(float, Number.MIN_VALUE);
  }
}

function checkLabels({ events, width }: Scores, { name, labels }: MetricOptions): void {
  const fail = (code: string, what: string, mend?: string): never => {
    throw new CompileError('config', { code, where: ['--labels'], what, ...(mend === undefined ? {} : { mend }) });
  };
  if (labels === undefined) {
    if (name === 'auc' || name === 'accuracy') fail('labels-missing', `--metric ${name} needs labels.`, 'Pass --labels Y.npy, or --metric agreement.');
    return;
  }
  const wanted = name === 'mse' ? events * width : events;
  if (labels.length !== wanted) fail('labels-shape', `has ${labels.length} values; ${events} events need ${wanted}.`, 'Give one class number an event, in the order of --data.');
  if (labels.some((label) => !Number.isFinite(label))) fail('labels-not-finite', 'some labels are not finite numbers.');
  if (name === 'mse') return;
  const classes = new Set(labels);
  if (classes.size < 2) fail('one-class', `all ${events} labels are ${labels[0]}: nothing can be told apart.`, 'Give events of at least two classes.');
  const most = Math.max(1, width - 1);
  const odd = [...classes].find((label) => !Number.isInteger(label) || label < 0 || (name !== 'rate' && label > most));
  if (odd !== undefined) fail('labels-range', `holds the label ${odd}; whole numbers from 0 to ${most} are expected.`);
}

type Value = (scores: Scores, subset: Int32Array) => number;

function valueFunction(reference: Scores, options: MetricOptions): Value {
  const { name, labels, threshold } = options;
  switch (name) {
    case 'agreement':
      return (scores, subset) => share(subset, (event) => decision(scores, event, threshold) === decision(reference, event, threshold));
    case 'accuracy':
      return (scores, subset) => share(subset, (event) => decision(scores, event, threshold) === labels?.[event]);
    case 'auc':
      return (scores, subset) => meanAuc(scores, labels as Float64Array, subset);
    case 'mse':
      return labels === undefined ? relativeError(reference) : (scores, subset) => meanSquare(scores, subset, (k) => labels[k] as number);
    case 'rate':
      return labels === undefined ? keptInCommon(reference) : (scores, subset) => efficiencyAtRate(scores, labels, subset);
  }
}

function share(subset: Int32Array, holds: (event: number) => boolean): number {
  let count = 0;
  for (const event of subset) if (holds(event)) count++;
  return count / subset.length;
}

/** The first greatest of several scores, or whether a single one is at or above the threshold. */
function decision({ width, data }: Scores, event: number, threshold: number): number {
  if (width === 1) return (data[event] as number) >= threshold ? 1 : 0;
  let best = event * width;
  for (let k = best + 1; k < (event + 1) * width; k++) if ((data[k] as number) > (data[best] as number)) best = k;
  return best - event * width;
}

/** Of one score the area for label 1 against 0, of several the mean over classes of each against the rest. */
function meanAuc(scores: Scores, labels: Float64Array, subset: Int32Array): number {
  const { width } = scores;
  const classes = width === 1 ? [0] : Array.from({ length: width }, (_, k) => k);
  let sum = 0;
  let counted = 0;
  for (const k of classes) {
    const area = auc(scores, k, subset, (event) => (width === 1 ? labels[event] !== 0 : labels[event] === k));
    if (area === undefined) continue;
    sum += area;
    counted++;
  }
  return counted === 0 ? 0.5 : sum / counted;
}

/** Area under the ROC curve by ranks, ties counted half (Mann, Whitney 1947); undefined where one side is empty. */
function auc({ width, data }: Scores, column: number, subset: Int32Array, isSignal: (event: number) => boolean): number | undefined {
  const sorted = Int32Array.from(subset).sort((a, b) => (data[a * width + column] as number) - (data[b * width + column] as number));
  let [signal, rankSum] = [0, 0];
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    let own = 0;
    const value = data[(sorted[i] as number) * width + column];
    for (; j < sorted.length && data[(sorted[j] as number) * width + column] === value; j++) if (isSignal(sorted[j] as number)) own++;
    rankSum += (own * (i + 1 + j)) / 2;
    signal += own;
    i = j;
  }
  const background = sorted.length - signal;
  return signal === 0 || background === 0 ? undefined : (rankSum - (signal * (signal + 1)) / 2) / (signal * background);
}

function meanSquare({ width, data }: Scores, subset: Int32Array, wanted: (k: number) => number): number {
  let sum = 0;
  for (const event of subset) for (let k = event * width; k < (event + 1) * width; k++) sum += ((data[k] as number) - wanted(k)) ** 2;
  return sum / (subset.length * width);
}

/** An output that varies a thousand times less than the one that varies most is nearly constant: this is the least that is believed. */
const LEAST_VARIANCE = 1e-6;

/** Mean squared difference to the float outputs over their variance, output by output, averaged. */
function relativeError(reference: Scores): Value {
  const ofEvent = relativeErrors(reference);
  return (scores, subset) => {
    let sum = 0;
    for (const event of subset) sum += ofEvent(scores, event);
    return sum / subset.length;
  };
}

/** The same of one event. */
function relativeErrors(reference: Scores): (scores: Scores, event: number) => number {
  const { width, events, data } = reference;
  const variance = Float64Array.from({ length: width }, (_, k) => {
    let [sum, square] = [0, 0];
    for (let event = 0; event < events; event++) sum += data[event * width + k] as number;
    for (let event = 0; event < events; event++) square += ((data[event * width + k] as number) - sum / events) ** 2;
    return square / events;
  });
  const least = LEAST_VARIANCE * variance.reduce((most, v) => Math.max(most, v), 0);
  return (scores, event) => {
    let sum = 0;
    for (let k = 0; k < width; k++) {
      const difference = (scores.data[event * width + k] as number) - (data[event * width + k] as number);
      // An output that never varies has no variance to compare with: its difference counts as it is.
      sum += difference ** 2 / (variance[k] === 0 ? 1 : Math.max(least, variance[k] as number));
    }
    return sum / width;
  };
}

/** How far the mean squared difference to the float outputs is known from these events: its standard error. */
export function errorOfMean(reference: Scores, scores: Scores): number {
  const ofEvent = relativeErrors(reference);
  const losses = Array.from({ length: reference.events }, (_, event) => ofEvent(scores, event));
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  return Math.sqrt(losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0)) / losses.length;
}

/** The events of a subset with the highest first score; ties are kept in their order. */
function topEvents({ width, data }: Scores, subset: Int32Array, count: number): Int32Array {
  return Int32Array.from(subset).sort((a, b) => (data[b * width] as number) - (data[a * width] as number) || a - b).subarray(0, count);
}

/** Events that a trigger keeps of so many. */
export function keptCount(events: number): number {
  return Math.min(Math.ceil(events / 2), Math.max(LEAST_KEPT, Math.round(RATE * events)));
}

/** Of the events that the float model keeps at the rate, the share that other scores keep too. */
function keptInCommon(reference: Scores): Value {
  return (scores, subset) => {
    const count = keptCount(subset.length);
    const own = new Set(topEvents(scores, subset, count));
    return share(topEvents(reference, subset, count), (event) => own.has(event));
  };
}

/** Share of signal events (label not 0) above the score that keeps the rate of background events. */
function efficiencyAtRate(scores: Scores, labels: Float64Array, subset: Int32Array): number {
  const background = subset.filter((event) => labels[event] === 0);
  const signal = subset.filter((event) => labels[event] !== 0);
  if (background.length === 0 || signal.length === 0) return 0;
  const kept = topEvents(scores, background, keptCount(background.length));
  const cut = scores.data[(kept[kept.length - 1] as number) * scores.width] as number;
  return share(signal, (event) => (scores.data[event * scores.width] as number) > cut);
}

/**
 * The share of decisions that differences of this size turn over on average: each event's distance to its next other
 * decision against the spread of the differences, taken as normal. Smooth where counting a few events is not.
 */
export function expectedFlips(reference: Scores, scores: Scores, threshold: number): number {
  const { events, width, data } = reference;
  if (width === 1) {
    const spread = Math.sqrt(data.reduce((sum, value, k) => sum + (value - (scores.data[k] as number)) ** 2, 0) / events);
    return data.reduce((sum, value) => sum + tail(Math.abs(value - threshold) / spread), 0) / events;
  }
  let square = 0;
  const margins = Float64Array.from({ length: events }, (_, event) => {
    const row = data.subarray(event * width, (event + 1) * width);
    const own = scores.data.subarray(event * width, (event + 1) * width);
    const [first, second] = topTwo(row);
    const margin = (row[first] as number) - (row[second] as number);
    square += (margin - ((own[first] as number) - (own[second] as number))) ** 2;
    return margin;
  });
  const spread = Math.sqrt(square / events);
  return margins.reduce((sum, margin) => sum + tail(margin / spread), 0) / events;
}

function topTwo(row: Float64Array): readonly [number, number] {
  let [first, second] = (row[0] as number) >= (row[1] as number) ? [0, 1] : [1, 0];
  for (let k = 2; k < row.length; k++) {
    if ((row[k] as number) > (row[first] as number)) [first, second] = [k, first];
    else if ((row[k] as number) > (row[second] as number)) second = k;
  }
  return [first, second];
}

/** P(normal > x), to 1e-7 (Abramowitz, Stegun 1964, 26.2.17); 0 where nothing varies. */
function tail(x: number): number {
  if (!(x < 8)) return 0;
  const t = 1 / (1 + 0.2316419 * x);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}
