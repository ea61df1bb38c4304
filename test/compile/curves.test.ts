import { expect, test } from 'vitest';
import { scoreCurves } from '../../src/compile/curves.js';

const scores = (...data: number[]): { events: number; width: number; data: Float64Array } => ({ events: data.length, width: 1, data: Float64Array.from(data) });
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

test('equal scores are selected together, and both classes are told apart', () => {
  const [curve] = scoreCurves(scores(3, 2, 2, 1), scores(3, 3, 0, 0), ['y'], Float64Array.of(1, 1, 0, 0));
  expect(curve?.bins).toEqual([0, 3]);
  expect(curve?.roc).toEqual({ float: [[0, 0.5], [0.5, 1], [1, 1]].reduce<number[][]>((all, p) => [...all, p], [[0, 0]]), fixed: [[0, 0], [0, 1], [1, 1]], background: 2, signal: 2 });
  expect(curve?.histograms.map((h) => [h.events, sum(h.float), sum(h.fixed)])).toEqual([['background', 2, 2], ['signal', 2, 2]]);
  expect(curve?.histograms[1]?.float.at(-1)).toBe(1);
  expect(curve?.histograms[1]?.fixed.at(-1)).toBe(2);
});

test('with several outputs class k is the signal of output k', () => {
  const data = Float64Array.of(0.9, 0.1, 0.2, 0.8, 0.7, 0.3);
  const curves = scoreCurves({ events: 3, width: 2, data }, { events: 3, width: 2, data }, ['y[0]', 'y[1]'], Float64Array.of(0, 1, 0));
  expect(curves.map((c) => [c.score, c.roc?.signal, c.roc?.background])).toEqual([['y[0]', 2, 1], ['y[1]', 1, 2]]);
});

test('a long curve is thinned, ends at both corners, never falls, and keeps the working points of few background events', () => {
  const n = 20_000;
  const labels = Float64Array.from({ length: n }, (_, i) => i % 2);
  const values = Float64Array.from({ length: n }, (_, i) => ((i * 7919) % n) / n + (i % 2) * 0.3);
  const [curve] = scoreCurves({ events: n, width: 1, data: values }, { events: n, width: 1, data: values }, ['y'], labels);
  const roc = curve?.roc?.float ?? [];
  expect(roc.length).toBeGreaterThan(30);
  expect(roc.length).toBeLessThanOrEqual(98);
  expect([roc[0], roc.at(-1)]).toEqual([[0, 0], [1, 1]]);
  roc.slice(1).forEach(([x, y], i) => {
    expect(x).toBeGreaterThanOrEqual(roc[i]![0]);
    expect(y).toBeGreaterThanOrEqual(roc[i]![1]);
  });
  expect(roc.filter(([x]) => x > 0 && x <= 0.001).length).toBeGreaterThan(3);
});

test('without labels there are distributions only, of one value too', () => {
  const [curve] = scoreCurves(scores(2, 2), scores(2, 2), ['y']);
  expect(curve).toMatchObject({ bins: [1.5, 2.5], histograms: [{ events: 'all' }] });
  expect(curve?.roc).toBeUndefined();
});
