import { describe, expect, it } from 'vitest';
import type { MetricName, Scores } from '../../src/quantize/search/metrics.js';
import { expectedFlips, makeMetric } from '../../src/quantize/search/metrics.js';
import { Random } from '../helpers/random.js';

const scores = (width: number, ...data: number[]): Scores => ({ events: data.length / width, width, data: Float64Array.from(data) });
const measure = (name: MetricName, reference: Scores, other: Scores, labels?: number[], threshold = 0): { value: number; loss: number } =>
  makeMetric(reference, { name, threshold, ...(labels === undefined ? {} : { labels: Float64Array.from(labels) }) }).measure(other);

describe('metrics', () => {
  it('agreement counts equal decisions: of one score at the threshold, of several the first greatest', () => {
    expect(measure('agreement', scores(1, 0.2, 0.6, 0.5, 0.9), scores(1, 0.1, 0.4, 0.5, 0.9), undefined, 0.5)).toEqual({ value: 0.75, loss: 0.25 });
    expect(measure('agreement', scores(3, 1, 2, 0, 5, 5, 1), scores(3, 0, 2, 2, 4, 5, 1))).toEqual({ value: 0.5, loss: 0.5 });
  });

  it('accuracy is what labels say, and its loss what the float model had more', () => {
    expect(measure('accuracy', scores(2, 1, 0, 0, 1, 1, 0, 0, 1), scores(2, 1, 0, 0, 1, 0, 1, 0, 1), [0, 1, 0, 1])).toEqual({ value: 0.75, loss: 0.25 });
  });

  it('the area under the curve is the share of pairs in order, ties half', () => {
    const random = new Random(5);
    const data = Array.from({ length: 60 }, () => random.int(0, 12));
    const labels = data.map((v) => (random.int(0, 20) < v ? 1 : 0));
    let [pairs, sum] = [0, 0];
    data.forEach((a, i) => data.forEach((b, j) => {
      if (labels[i] !== 1 || labels[j] !== 0) return;
      pairs++;
      sum += a > b ? 1 : a === b ? 0.5 : 0;
    }));
    expect(measure('auc', scores(1, ...data), scores(1, ...data), labels)).toEqual({ value: sum / pairs, loss: 0 });
    expect(measure('auc', scores(1, ...data), scores(1, ...data.map((v) => -v)), labels).value).toBeCloseTo(1 - sum / pairs, 12);
  });

  it('without labels mse is relative to the variance of the float outputs', () => {
    expect(measure('mse', scores(1, 1, 3), scores(1, 1.5, 2.5))).toEqual({ value: 0.25, loss: 0.25 });
  });

  it('an output that hardly varies counts as one that varies a thousand times less than the others', () => {
    const reference: Scores = { events: 2, width: 2, data: Float64Array.of(-1, 0, 1, 1e-9) };
    const off = (by: number): Scores => ({ ...reference, data: Float64Array.of(-1, by, 1, by) });
    const loss = makeMetric(reference, { name: 'mse', threshold: 0 }).measure(off(1e-4)).loss;
    expect(loss).toBeCloseTo((1e-4 ** 2 / 1e-6) / 2, 6);
  });

  it('with labels mse loses what the error grew by', () => {
    expect(measure('mse', scores(1, 1, 3), scores(1, 2, 4), [0, 2])).toEqual({ value: 4, loss: 3 });
  });

  it('rate compares the events that are kept at equal rate, and with labels the signal among them', () => {
    const reference = Array.from({ length: 100 }, (_, event) => event);
    const swapped = reference.map((v) => (v === 95 ? 10.5 : v));
    expect(measure('rate', scores(1, ...reference), scores(1, ...swapped))).toEqual({ value: 0.9, loss: expect.closeTo(0.1, 12) as number });
    const labels = reference.map((v) => (v % 2));
    // 50 background events, the highest ten of them from 80 up: the signal above 80 is 81, 83, …, 99.
    expect(measure('rate', scores(1, ...reference), scores(1, ...reference), labels).value).toBe(10 / 50);
  });

  it.each([
    ['auc', undefined, /--labels: --metric auc needs labels/],
    ['accuracy', [0, 0, 0, 0], /all 4 labels are 0/],
    ['accuracy', [0, 1], /has 2 values; 4 events need 4/],
    ['accuracy', [0, 1, 2, 0.5], /holds the label (2|0.5); whole numbers from 0 to 1/],
    ['accuracy', [0, 1, NaN, 1], /not finite/],
  ] as const)('%s with labels %j is an error', (name, labels, message) => {
    const own = scores(1, 1, 2, 3, 4);
    expect(() => measure(name, own, own, labels === undefined ? undefined : [...labels])).toThrow(message);
  });

  it('expected flips grow with the differences and are what a normal spread turns over', () => {
    const random = new Random(3);
    const reference = Array.from({ length: 4000 }, () => random.int(-1000, 1000) / 1000);
    const noise = reference.map(() => Array.from({ length: 12 }, () => random.int(0, 1000) / 1000).reduce((a, b) => a + b, -6));
    for (const size of [0.01, 0.1]) {
      const other = reference.map((v, k) => v + size * (noise[k] as number));
      const counted = 1 - measure('agreement', scores(1, ...reference), scores(1, ...other)).value;
      expect(expectedFlips(scores(1, ...reference), scores(1, ...other), 0)).toBeGreaterThan(0.6 * counted);
      expect(expectedFlips(scores(1, ...reference), scores(1, ...other), 0)).toBeLessThan(1.6 * counted + 0.002);
    }
    expect(expectedFlips(scores(1, ...reference), scores(1, ...reference), 0)).toBe(0);
  });
});
