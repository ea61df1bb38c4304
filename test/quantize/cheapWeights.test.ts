import { describe, expect, it } from 'vitest';
import { quickCost } from '../../src/compile/quickCost.js';
import { digitCount } from '../../src/fixed/signedDigits.js';
import { catalogue } from '../../src/layers/registry.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { tensor } from '../../src/model/tensor.js';
import { beginColumn, cheapen, eliminationOf, errorOf, settle } from '../../src/quantize/search/cheapColumn.js';
import { channelGains } from '../../src/quantize/search/gains.js';
import { searchPrecision } from '../../src/quantize/search/search.js';
import { columnOf, weightSites, withWeights } from '../../src/quantize/search/sites.js';
import { deviceOf } from '../../src/timing/device.js';
import { Random } from '../helpers/random.js';
import { dense, graphOf } from './graphs.js';

/** A covariance of random rows, some columns nearly alike. */
function covarianceOf(random: Random, n: number): Float64Array {
  const rows = Array.from({ length: 60 }, () => {
    const row = Array.from({ length: n }, () => random.int(-1000, 1000) / 500);
    if (n > 1) row[1] = (row[0] as number) + random.int(-100, 100) / 1000;
    return row;
  });
  return Float64Array.from({ length: n * n }, (_, k) => rows.reduce((sum, row) => sum + (row[Math.floor(k / n)] as number) * (row[k % n] as number), 0) / rows.length);
}

function varianceOf(covariance: Float64Array, error: readonly number[]): number {
  const n = error.length;
  return error.reduce((sum, a, i) => sum + a * error.reduce((own, b, j) => own + (covariance[i * n + j] as number) * b, 0), 0);
}

describe('a column of weights at a price', () => {
  it('says the variance of its error, has fewer digits at a higher price, and none at the highest', () => {
    const random = new Random(3);
    const weights = Float64Array.from({ length: 8 }, () => random.int(-1000, 1000) / 700);
    const covariance = covarianceOf(random, 8);
    const column = beginColumn(weights, covariance);
    expect(errorOf(column)).toBeLessThan(1e-4);
    let last = Infinity;
    for (const price of [1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1e3]) {
      cheapen(column, price);
      const direct = varianceOf(covariance, [...weights].map((weight, i) => weight - (column.chosen[i] as number)));
      expect(errorOf(column)).toBeCloseTo(direct, 9);
      const digits = column.chosen.reduce((sum, value) => sum + digitCount(value), 0);
      expect(digits).toBeLessThanOrEqual(last);
      last = digits;
    }
    expect(last).toBe(0);
  });

  it('no single weight can be changed for the better', () => {
    const random = new Random(5);
    const weights = Float64Array.from({ length: 5 }, () => random.int(-1000, 1000) / 700);
    const covariance = covarianceOf(random, 5);
    const column = beginColumn(weights, covariance);
    for (const price of [1e-4, 1e-3, 0.01]) cheapen(column, price);
    const costOf = (chosen: Float64Array): number => varianceOf(covariance, [...weights].map((weight, i) => weight - (chosen[i] as number))) + 0.01 * chosen.reduce((sum, value) => sum + digitCount(value), 0);
    const least = costOf(column.chosen);
    for (let i = 0; i < 5; i++) {
      for (let place = -6; place <= 1; place++) {
        for (const value of [0, 2 ** place, -(2 ** place)]) expect(costOf(column.chosen.with(i, value))).toBeGreaterThanOrEqual(least - 1e-12);
      }
    }
  });

  it('settled one after the other, of two inputs that are alike one takes over', () => {
    const covariance = Float64Array.of(1, 0.9999, 0.9999, 1);
    const column = beginColumn(Float64Array.of(0.5, 0.5), covariance);
    settle(column, eliminationOf(covariance), 1e-2);
    expect([...column.chosen].sort((a, b) => a - b)).toEqual([0, 1]);
    expect(errorOf(column)).toBeCloseTo(varianceOf(covariance, [...column.chosen].map((value) => 0.5 - value)), 12);
  });

  it('the factor of the elimination is that of the inverse', () => {
    const covariance = covarianceOf(new Random(6), 4);
    const { order, factor } = eliminationOf(covariance);
    const damping = 0.01 * ([0, 1, 2, 3].reduce((sum, i) => sum + (covariance[5 * i] as number), 0) / 4);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) {
        // (UᵀU) · C = 1
        let sum = 0;
        for (let k = 0; k < 4; k++) {
          const inverse = [0, 1, 2, 3].reduce((own, r) => own + (factor[4 * r + i] as number) * (factor[4 * r + k] as number), 0);
          sum += inverse * ((covariance[4 * (order[k] as number) + (order[j] as number)] as number) + (k === j ? damping : 0));
        }
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 9);
      }
    }
  });
});

const COUNT = 160;

function eventsOf(size: number): { inputs: Map<string, Float64Array>; count: number } {
  const random = new Random(8);
  return { inputs: new Map([['x', Float64Array.from({ length: COUNT * size }, () => random.int(-1000, 1000) / 400)]]), count: COUNT };
}

const conv = (): ModelGraph =>
  graphOf({ x: [1, 2, 4] }, [{ name: 'conv', kind: 'conv', params: { weight: tensor([2, 1, 2], [0.311, -0.237, 0.777, 0.123]), bias: null, strides: [1], dilations: [1], pads: [0, 0], groups: 2 }, inputs: ['x'] }]);

describe('where weights are chosen', () => {
  it('the moments of a layer are those of its rows', () => {
    const events = eventsOf(3);
    const [site] = weightSites(graphOf({ x: [1, 3] }, [dense('fc', 'x', 3, 2, 3)]), catalogue, events);
    const x = events.inputs.get('x') as Float64Array;
    const mean = [0, 1, 2].map((i) => Array.from({ length: COUNT }, (_, e) => x[3 * e + i] as number).reduce((a, b) => a + b, 0) / COUNT);
    mean.forEach((value, i) => expect(site?.inputs[0]?.mean[i]).toBeCloseTo(value, 9));
    const variance = Array.from({ length: COUNT }, (_, e) => ((x[3 * e + 2] as number) - (mean[2] as number)) ** 2).reduce((a, b) => a + b, 0) / COUNT;
    expect(site?.inputs[0]?.covariance[8]).toBeCloseTo(variance, 9);
    expect([...(columnOf(site as NonNullable<typeof site>, 1))]).toHaveLength(3);
  });

  it('a convolution of two groups has the columns of its filters, and a bias that takes back the mean', () => {
    const graph = conv();
    const [site] = weightSites(graph, catalogue, eventsOf(8));
    expect(site?.inputs).toHaveLength(2);
    const own = site as NonNullable<typeof site>;
    expect([...columnOf(own, 1)]).toEqual([0.777, 0.123]);
    const { weight, bias } = withWeights(own, [Float64Array.of(0.25, -0.25), Float64Array.of(0.75, 0.125)]);
    expect([...weight.data]).toEqual([0.25, -0.25, 0.75, 0.125]);
    const lost = (0.311 - 0.25) * (own.inputs[0]?.mean[0] as number) + (-0.237 + 0.25) * (own.inputs[0]?.mean[1] as number);
    expect(bias?.data[0]).toBeCloseTo(lost, 12);
  });

  it('a channel that the output has twice as much of matters four times as much', () => {
    const graph = graphOf({ x: [1, 3] }, [
      dense('fc', 'x', 3, 2, 3),
      { name: 'out', kind: 'dense', params: { weight: tensor([2, 1], [1, 2], true), bias: null }, inputs: ['fc'] },
    ]);
    const events = eventsOf(3);
    const [gains] = channelGains(graph, catalogue, events, weightSites(graph, catalogue, events));
    expect((gains?.[1] as number) / (gains?.[0] as number)).toBeCloseTo(4, 6);
  });

  it('makes a network smaller than widths alone do, at the loss that is allowed', async () => {
    const graph = graphOf({ x: [1, 8] }, [dense('fc1', 'x', 8, 8, 3), { name: 'relu', kind: 'activation', params: { function: 'relu' }, inputs: ['fc1'] }, dense('fc2', 'relu', 8, 2, 4)]);
    const device = deviceOf('generic-lut6');
    const { best, uniform, met } = await searchPrecision(graph, { events: eventsOf(8), metric: { name: 'mse', threshold: 0 }, maxLoss: 0.01, sweeps: 3, work: Infinity, grow: {} }, catalogue, {
      cost: (typed) => quickCost(typed, device),
      pause: () => Promise.resolve(false),
    });
    expect(met).toBe(true);
    expect(best.cost).toBeLessThan(0.7 * uniform.cost);
    expect(best.grown.statements.find(({ layer }) => layer === 'fc1')?.text).toMatch(/^\d+ of 64 weights kept, \d\.\d signed digits each; /);
  });
});
