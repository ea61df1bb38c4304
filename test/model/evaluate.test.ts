import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch, evaluateGraph, evaluateTensors } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { messageOf } from '../frontends/helpers.js';

/** a · 2 + b and its relu. */
const graph: ModelGraph = {
  name: 'g',
  format: 'test',
  inputs: [{ name: 'a', shape: [1, 2] }, { name: 'b', shape: [1, 2] }],
  outputs: [{ name: 'positive', tensor: 'r', shape: [1, 2] }, { name: 'all', tensor: 's', shape: [1, 2] }],
  constants: new Map([['two', { shape: [], data: Float64Array.of(2) }]]),
  nodes: [
    { name: 'm', kind: 'elementwise', params: { operation: 'mul' }, inputs: ['a', 'two'], output: 'm', shape: [1, 2] },
    { name: 's', kind: 'elementwise', params: { operation: 'add' }, inputs: ['m', 'b'], output: 's', shape: [1, 2] },
    { name: 'r', kind: 'activation', params: { function: 'relu' }, inputs: ['s'], output: 'r', shape: [1, 2] },
  ],
  parameters: 1,
};

describe('the float reference', () => {
  const one = new Map([['a', Float64Array.of(1, 2)], ['b', Float64Array.of(-3, 0.5)]]);

  it('gives every output by name, and every tensor on request', () => {
    expect(evaluateGraph(graph, catalogue, one)).toEqual(new Map([['positive', Float64Array.of(0, 4.5)], ['all', Float64Array.of(-1, 4.5)]]));
    expect(evaluateTensors(graph, catalogue, one).get('m')?.data).toEqual(Float64Array.of(2, 4));
  });

  it('runs many events one after another', () => {
    const many = new Map([['a', Float64Array.of(1, 2, 10, 20)], ['b', Float64Array.of(-3, 0.5, 1, 1)]]);
    expect(evaluateBatch(graph, catalogue, many, 2).get('all')).toEqual(Float64Array.of(-1, 4.5, 21, 41));
  });

  it('says which input does not fit, and by how much', () => {
    expect(messageOf(() => evaluateGraph(graph, catalogue, new Map([['a', Float64Array.of(1)]])))).toBe('input\na: has 1 values; one event of shape [2] has 2.');
    expect(messageOf(() => evaluateGraph(graph, catalogue, new Map([['a', Float64Array.of(1, 2)]])))).toBe('input\nb: has no values.');
    expect(messageOf(() => evaluateBatch(graph, catalogue, one, 2))).toBe('input\na: has 2 values; 2 events of shape [2] have 4.');
  });
});
