import { describe, expect, it } from 'vitest';
import { NetworkBuilder } from '../../src/frontends/network.js';
import type { LayerFunction, Unrolled } from '../../src/frontends/recurrent.js';
import { stackTime, unrollGru, unrollLstm, unrollSimpleRnn } from '../../src/frontends/recurrent.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { Tensor } from '../../src/model/tensor.js';
import { tensor } from '../../src/model/tensor.js';
import { Random } from '../helpers/random.js';

const T = 4;
const IN = 3;
const UNITS = 2;
const random = new Random(11);
const values = (...shape: number[]): Tensor => tensor(shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.int(-1000, 1000) / 1000));
const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

/** The output `[T · UNITS]` of a recurrence in order of processing, and the input that was drawn. */
function run(unroll: (net: NetworkBuilder, x: { readonly tensor: string; readonly shape: readonly number[] }, f: (kind: 'sigmoid' | 'tanh') => LayerFunction) => Unrolled): { readonly x: number[][]; readonly states: number[][] } {
  const net = new NetworkBuilder(catalogue, 'test');
  const x = net.input('x', [1, T, IN]);
  const { states } = unroll(net, x, (kind) => (of, name) => net.add('activation', { function: kind }, [of], name));
  const graph = net.finish({ name: 'test', format: 'test', outputs: [{ name: 'y', of: stackTime(net, states, 'y') }], parameters: 0 });
  const data = values(T, IN).data;
  const y = evaluateBatch(graph, catalogue, new Map([['x', data]]), 1).get('y') as Float64Array;
  const rows = (flat: Float64Array, width: number): number[][] => Array.from({ length: flat.length / width }, (_, r) => [...flat.subarray(r * width, (r + 1) * width)]);
  return { x: rows(data, IN), states: rows(y, UNITS) };
}

/** Row vector times matrix. */
const times = (row: readonly number[], { shape, data }: Tensor): number[] =>
  Array.from({ length: shape[1] as number }, (_, j) => row.reduce((sum, v, i) => sum + v * (data[i * (shape[1] as number) + j] as number), 0));
const plus = (...rows: readonly (readonly number[])[]): number[] => (rows[0] as number[]).map((_, k) => rows.reduce((sum, row) => sum + (row[k] as number), 0));
const gate = (row: readonly number[], index: number): number[] => row.slice(index * UNITS, (index + 1) * UNITS);

function expectClose(found: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  expect(found.length).toBe(expected.length);
  found.flat().forEach((v, k) => expect(v).toBeCloseTo(expected.flat()[k] as number, 12));
}

describe('recurrences unrolled in time', () => {
  it.each([false, true])('a simple RNN, reverse %s', (reverse) => {
    const [kernel, recurrentKernel, bias] = [values(IN, UNITS), values(UNITS, UNITS), values(UNITS)];
    const { x, states } = run((net, input, f) => unrollSimpleRnn(net, { name: 'rnn', x: input, kernel, recurrentKernel, bias, activation: f('tanh'), reverse }));
    let h: number[] = [0, 0];
    const expected = (reverse ? x.toReversed() : x).map((row) => (h = plus(times(row, kernel), times(h, recurrentKernel), [...bias.data]).map(Math.tanh)));
    expectClose(states, expected);
  });

  it('an LSTM', () => {
    const [kernel, recurrentKernel, bias] = [values(IN, 4 * UNITS), values(UNITS, 4 * UNITS), values(4 * UNITS)];
    const { x, states } = run((net, input, f) => unrollLstm(net, { name: 'lstm', x: input, kernel, recurrentKernel, bias, activation: f('tanh'), recurrentActivation: f('sigmoid') }));
    let h: number[] = [0, 0];
    let c: number[] = [0, 0];
    const expected = x.map((row) => {
      const z = plus(times(row, kernel), times(h, recurrentKernel), [...bias.data]);
      const [i, f, o] = [gate(z, 0).map(sigmoid), gate(z, 1).map(sigmoid), gate(z, 3).map(sigmoid)];
      const candidate = gate(z, 2).map(Math.tanh);
      c = c.map((v, k) => (f[k] as number) * v + (i[k] as number) * (candidate[k] as number));
      return (h = c.map((v, k) => (o[k] as number) * Math.tanh(v)));
    });
    expectClose(states, expected);
  });

  it.each([[true, true], [true, false], [false, false]])('a GRU, reset behind the kernel %s, with a bias there %s', (resetAfter, biased) => {
    const [kernel, recurrentKernel, bias] = [values(IN, 3 * UNITS), values(UNITS, 3 * UNITS), values(3 * UNITS)];
    const recurrentBias = biased ? values(3 * UNITS) : null;
    const { x, states } = run((net, input, f) =>
      unrollGru(net, { name: 'gru', x: input, kernel, recurrentKernel, bias, recurrentBias, resetAfter, activation: f('tanh'), recurrentActivation: f('sigmoid') }),
    );
    let h: number[] = [0, 0];
    const expected = x.map((row) => {
      const a = plus(times(row, kernel), [...bias.data]);
      const b = plus(times(h, recurrentKernel), recurrentBias === null ? new Array<number>(3 * UNITS).fill(0) : [...recurrentBias.data]);
      const z = plus(gate(a, 0), gate(b, 0)).map(sigmoid);
      const r = plus(gate(a, 1), gate(b, 1)).map(sigmoid);
      const before = resetAfter ? gate(b, 2).map((v, k) => v * (r[k] as number)) : gate(times(h.map((v, k) => v * (r[k] as number)), recurrentKernel), 2);
      const candidate = plus(gate(a, 2), before).map(Math.tanh);
      return (h = h.map((v, k) => (z[k] as number) * v + (1 - (z[k] as number)) * (candidate[k] as number)));
    });
    expectClose(states, expected);
  });

  it('layers that no output needs are left out, names are made unique', () => {
    const net = new NetworkBuilder(catalogue, 'test');
    const x = net.input('x', [1, 2]);
    const a = net.add('activation', { function: 'relu' }, [x], 'x');
    net.add('activation', { function: 'tanh' }, [a], 'unused');
    const graph = net.finish({ name: 'test', format: 'test', outputs: [{ name: 'y', of: a }], parameters: 0 });
    expect(graph.nodes.map((node) => node.name)).toEqual(['x_2']);
    expect(() => net.add('dense', { weight: values(3, 2), bias: null }, [a], 'fc')).toThrow(/test → fc: the weight \[3, 2\] takes 3 inputs/);
  });
});
