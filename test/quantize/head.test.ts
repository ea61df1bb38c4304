import { describe, expect, it } from 'vitest';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { ForestParams } from '../../src/layers/forest.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateGraph } from '../../src/model/evaluate.js';
import type { ModelGraph, OutputLink } from '../../src/model/graph.js';
import { beginHead, finishHead, parseHead } from '../../src/quantize/head.js';

const type = fixedType(true, 6, 4);

/** A score that is the input: x < 0 ? … in quarters, as a staircase of trees would be. */
function graphOf(link?: OutputLink, last?: 'tanh' | 'sigmoid'): ModelGraph {
  const steps = Array.from({ length: 7 }, (_, i) => i - 3);
  const trees = steps.map((step) => ({ output: 0, feature: [0, -1, -1], value: [step, 0, 0.75], whenTrue: [1, -1, -1], whenFalse: [2, -1, -1] }));
  const params: ForestParams = { nFeatures: 1, nOutputs: 1, comparison: 'lt', trees, base: [-2.625] };
  return {
    name: 'g', format: 'test', parameters: 0, constants: new Map(),
    inputs: [{ name: 'x', shape: [1, 1], type }],
    outputs: [{ name: 'margin', tensor: last ?? 'sum', shape: [1, 1], ...(link && { link }) }],
    nodes: [
      { name: 'sum', kind: 'forest', params, inputs: ['x'], output: 'sum', shape: [1, 1] },
      ...(last === undefined ? [] : [{ name: last, kind: 'activation', params: { function: last }, inputs: ['sum'], output: last, shape: [1, 1] }]),
    ],
  };
}

const score = (x: number): number => -2.625 + 0.75 * Array.from({ length: 7 }, (_, i) => i - 3).filter((step) => x >= step).length;
const inputs = Array.from({ length: 64 }, (_, i) => (i - 32) / 4);

/** The head's outputs of the circuit and of the float evaluator for every input. */
function bits(graph: ModelGraph, head: string): number[] {
  const begun = beginHead(graph, parseHead(head), catalogue);
  const done = finishHead(begun, () => type, catalogue);
  const circuit = lowerGraph(done);
  return inputs.map((x) => {
    const found = (evaluateCircuit(circuit, [[x * 4]])[0] as number[])[0] as number;
    expect((evaluateGraph(done, catalogue, new Map([['x', Float64Array.of(x)]])).get('margin') as Float64Array)[0]).toBe(found);
    return found;
  });
}

describe('heads', () => {
  it('are read from their text', () => {
    expect(['score', 'class', 'decision=port', 'decision=-1.5e-1', 'decision=.5'].map(parseHead)).toEqual([{ kind: 'score' }, { kind: 'class' }, { kind: 'decisionPort' }, { kind: 'decision', threshold: -0.15 }, { kind: 'decision', threshold: 0.5 }]);
    for (const text of ['decision=', 'decision=x', 'decision=1e999', 'rank']) expect(() => parseHead(text)).toThrow(/is no head/);
  });

  it('a decision is 1 where the score is above the threshold, in one bit', () => {
    for (const threshold of [-9, -1.125, 0.375, 0.3, 2.625, 9]) expect(bits(graphOf(), `decision=${threshold}`)).toEqual(inputs.map((x) => (score(x) > threshold ? 1 : 0)));
  });

  it('a monotone function at the end is dropped, the threshold taken through its inverse', () => {
    for (const threshold of [-1, -0.5, 0, 0.9, 1]) expect(bits(graphOf(undefined, 'tanh'), `decision=${threshold}`)).toEqual(inputs.map((x) => (Math.tanh(score(x)) > threshold ? 1 : 0)));
    for (const threshold of [0, 0.25, 0.9, 1]) expect(bits(graphOf(undefined, 'sigmoid'), `decision=${threshold}`)).toEqual(inputs.map((x) => (1 / (1 + Math.exp(-score(x))) > threshold ? 1 : 0)));
    expect(beginHead(graphOf(undefined, 'tanh'), { kind: 'class' }, catalogue).graph.nodes.map(({ kind }) => kind)).toEqual(['forest']);
  });

  it('a class of two is the sign of the margin, or half of a mean', () => {
    expect(bits(graphOf({ function: 'sigmoid' }), 'class')).toEqual(inputs.map((x) => (score(x) > 0 ? 1 : 0)));
    expect(bits(graphOf({ function: 'identity', scale: 0.5 }), 'class')).toEqual(inputs.map((x) => (score(x) > 1 ? 1 : 0)));
    expect(() => bits(graphOf(), 'class')).toThrow(/nothing says above which score/);
  });

  it('a threshold port is one more input of the score\'s type', () => {
    const done = finishHead(beginHead(graphOf(), { kind: 'decisionPort' }, catalogue), () => fixedType(true, 7, 4), catalogue);
    expect(done.inputs.map((input) => input.name)).toEqual(['x', 'threshold']);
    const circuit = lowerGraph(done);
    for (const x of inputs) for (const threshold of [-8, -1.125, 0.375, 0.5, 2.625]) expect(evaluateCircuit(circuit, [[x * 4], [threshold * 8]])).toEqual([[score(x) > threshold ? 1 : 0]]);
  });

  it('a probability is the link of the scaled score', () => {
    const graph = beginHead(graphOf({ function: 'sigmoid', scale: 2 }), { kind: 'probability' }, catalogue).graph;
    const found = (evaluateGraph(graph, catalogue, new Map([['x', Float64Array.of(1)]])).get('margin') as Float64Array)[0] as number;
    expect(found).toBeCloseTo(1 / (1 + Math.exp(-2 * score(1))), 12);
    expect(() => beginHead(graphOf(), { kind: 'probability' }, catalogue)).toThrow(/nothing says how the score/);
  });

  it('a class of several is the number of the largest score, the first of equals', () => {
    const tree = (output: number, threshold: number, value: number) => ({ output, feature: [0, -1, -1], value: [threshold, 0, value], whenTrue: [1, -1, -1], whenFalse: [2, -1, -1] });
    const params: ForestParams = { nFeatures: 1, nOutputs: 3, comparison: 'lt', trees: [tree(1, -1, 1), tree(2, 2, 3)], base: [0.5, 0, 0] };
    const graph: ModelGraph = {
      ...graphOf({ function: 'softmax' }),
      outputs: [{ name: 'margin', tensor: 'sum', shape: [1, 3], link: { function: 'softmax' } }],
      nodes: [{ name: 'sum', kind: 'forest', params, inputs: ['x'], output: 'sum', shape: [1, 3] }],
    };
    expect(bits(graph, 'class')).toEqual(inputs.map((x) => (x >= 2 ? 2 : x >= -1 ? 1 : 0)));
  });
});
