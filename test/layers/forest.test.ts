import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { Op } from '../../src/circuit/circuit.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { ForestParams, Tree } from '../../src/layers/forest.js';
import { forestLayer, withoutMissing } from '../../src/layers/forest.js';
import { forestBound, forestFractionBits } from '../../src/layers/forestLowering.js';
import { lowerGraph } from '../../src/layers/lower.js';
import type { LayerPrecision, ModelGraph } from '../../src/model/graph.js';

const leaf = { feature: -1, whenTrue: -1, whenFalse: -1 };

/** feature, threshold, when true, when false; a number is a leaf. */
type Shape = number | readonly [number, number, Shape, Shape];

function treeOf(shape: Shape, output = 0): Tree {
  const feature: number[] = [];
  const value: number[] = [];
  const whenTrue: number[] = [];
  const whenFalse: number[] = [];
  const add = (part: Shape): number => {
    const node = feature.push(-1) - 1;
    value.push(typeof part === 'number' ? part : part[1]);
    whenTrue.push(leaf.whenTrue);
    whenFalse.push(leaf.whenFalse);
    if (typeof part === 'number') return node;
    feature[node] = part[0];
    whenTrue[node] = add(part[2]);
    whenFalse[node] = add(part[3]);
    return node;
  };
  add(shape);
  return { output, feature, value, whenTrue, whenFalse };
}

function forest(shapes: readonly Shape[], options: Partial<ForestParams> = {}): ForestParams {
  return { nFeatures: 2, nOutputs: 1, comparison: 'lt', trees: shapes.map((shape) => treeOf(shape)), base: [0], ...options };
}

function circuitOf(params: ForestParams, type: FixedType, precision?: LayerPrecision): Circuit {
  const graph: ModelGraph = {
    name: 'forest',
    format: 'test',
    inputs: [{ name: 'features', shape: [1, params.nFeatures], type }],
    outputs: [{ name: 'margin', tensor: 'margin', shape: [1, params.nOutputs] }],
    constants: new Map(),
    nodes: [{ name: 'margin', kind: 'forest', params, inputs: ['features'], output: 'margin', shape: [1, params.nOutputs], ...(precision === undefined ? {} : { precision }) }],
    parameters: 0,
  };
  return lowerGraph(graph);
}

function flagCircuit(params: ForestParams, type: FixedType): Circuit {
  return lowerGraph({
    name: 'forest',
    format: 'test',
    inputs: [{ name: 'x', shape: [1, params.nFeatures], type }, { name: 'missing', shape: [1, params.nFeatures], type: fixedType(false, 1, 1) }],
    outputs: [{ name: 'margin', tensor: 'margin', shape: [1, params.nOutputs] }],
    constants: new Map(),
    nodes: [{ name: 'margin', kind: 'forest', params, inputs: ['x', 'missing'], output: 'margin', shape: [1, params.nOutputs] }],
    parameters: 0,
  });
}

/** Scores of the circuit for raw integers of the input type. */
function scores(circuit: Circuit, raw: readonly number[]): number[] {
  const port = circuit.outputs[0] as Circuit['outputs'][number];
  return (evaluateCircuit(circuit, [raw])[0] as number[]).map((n, i) => {
    const type = (port.types.length === 1 ? port.types[0] : port.types[i]) as FixedType;
    return n * 2 ** (type.integer - type.width);
  });
}

const reference = (params: ForestParams, x: readonly number[]): number[] => [...forestLayer.evaluate(params, [{ shape: [1, x.length], data: Float64Array.from(x) }]).data];
const count = (circuit: Circuit, kind: number): number => circuit.kind.filter((k) => k === kind).length;

describe('comparisons', () => {
  it.each(['lt', 'le'] as const)('by %s are decided exactly for every value of the grid, thresholds on it, between and beyond', (comparison) => {
    const type = fixedType(true, 6, 3);
    for (const threshold of [-4, -3.9, -0.125, -0.1, 0, 1e-30, -1e-30, 0.125, 0.3, 3.875, 3.9, 100, -100]) {
      const params = forest([[0, threshold, 1, -1]], { comparison, nFeatures: 1 });
      const circuit = circuitOf(params, type);
      for (let n = -32; n < 32; n++) expect([threshold, n, scores(circuit, [n])[0]]).toEqual([threshold, n, reference(params, [n / 8])[0]]);
    }
  });

  it('that fall between the same two grid points are one op; decided ones none', () => {
    const type = fixedType(false, 4, 4);
    expect(count(circuitOf(forest([[0, 2.2, 1, 2], [0, 2.8, 3, 5], [0, 3, 0, 7]]), type), Op.lt)).toBe(1);
    expect(count(circuitOf(forest([[0, 0, 1, 2], [0, 15.5, 3, 5]]), type), Op.lt)).toBe(0);
  });

  it('that the path has decided already are not built again', () => {
    const type = fixedType(false, 4, 4);
    const circuit = circuitOf(forest([[0, 8, [0, 9, 1, 2], [0, 4, 3, 5]]]), type);
    expect(count(circuit, Op.lt)).toBe(1);
    for (let n = 0; n < 16; n++) expect(scores(circuit, [n, 0])).toEqual([n < 8 ? 1 : 5]);
  });

  it('on inputs wider than the library\'s floats round as it does', () => {
    const threshold = 2 ** 40 + 2 ** 20;
    for (const features of ['float32', 'float64'] as const) {
      for (const comparison of ['lt', 'le'] as const) {
        const params = forest([[0, threshold, 1, 2]], { nFeatures: 1, features, comparison });
        const circuit = circuitOf(params, fixedType(true, 60, 60));
        const seen = new Set<number>();
        for (const step of [-(2 ** 17), -(2 ** 16) - 1, -(2 ** 16), -(2 ** 16) + 1, -1, 0, 1, 2 ** 16 - 1, 2 ** 16, 2 ** 16 + 1, 2 ** 17]) {
          const [found] = scores(circuit, [threshold + step]);
          seen.add(found as number);
          expect([features, comparison, step, found]).toEqual([features, comparison, step, reference(params, [threshold + step])[0]]);
        }
        expect(seen.size).toBe(2);
      }
    }
  });

  it('with several bounds are sets: categories, and windows around zero', () => {
    const edges = [[-1.5, 0.3, 1, 2, 4.1], [0, 1], [2]];
    for (const bounds of edges) {
      const tree: Tree = { ...treeOf([0, 0, 1, 2]), edges: [bounds, null, null] };
      const params = forest([], { trees: [tree], nFeatures: 1 });
      const circuit = circuitOf(params, fixedType(true, 6, 4));
      for (let n = -32; n < 32; n++) {
        const even = bounds.filter((bound) => bound <= n / 4).length % 2 === 0;
        expect(reference(params, [n / 4])).toEqual([even ? 1 : 2]);
        expect(scores(circuit, [n])).toEqual([even ? 1 : 2]);
      }
    }
  });

  it('of a flagged feature go where the tree sends missing ones', () => {
    const shape: Shape = [0, 1, [1, 0, 1, 2], [0, 3, 4, 8]];
    const tree: Tree = { ...treeOf(shape), missingTrue: [false, true, false, false, true, false, false] };
    const params = forest([], { trees: [tree], missing: 'flag' });
    const circuit = flagCircuit(params, fixedType(true, 4, 4));
    for (let x = -8; x < 8; x++) {
      for (const y of [-1, 0]) {
        for (const flags of [[0, 0], [1, 0], [0, 1], [1, 1]]) {
          const holed = [x, y].map((value, i) => (flags[i] === 1 ? NaN : value));
          const tensors = [[x, y], flags].map((data) => ({ shape: [1, 2], data: Float64Array.from(data) }));
          const expected = reference({ ...params }, holed);
          expect([...forestLayer.evaluate(params, tensors).data]).toEqual(expected);
          expect((evaluateCircuit(circuit, [[x, y], flags])[0] as number[])).toEqual(expected);
        }
      }
    }
  });
});

describe('sums', () => {
  it('of random forests on every input are within the bound, exactly the rounded leaves\' sum', () => {
    const type = fixedType(true, 3, 2);
    // Coarse enough that float32 sums are exact, fine enough that the leaves' grid rounds them.
    const value = fc.integer({ min: -49152, max: 49152 }).map((n) => n / 2 ** 14);
    const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
      shape: fc.oneof({ maxDepth: 4, depthSize: 'large' }, value, fc.tuple(fc.integer({ min: 0, max: 1 }), fc.double({ min: -2.2, max: 2.2, noNaN: true }), tie('shape'), tie('shape'))),
    }));
    fc.assert(
      fc.property(fc.array(shape, { minLength: 1, maxLength: 6 }), value, (shapes, base) => {
        const params = forest(shapes, { base: [base] });
        const bits = forestFractionBits(params);
        const grid = 2 ** bits;
        const circuit = circuitOf(params, type);
        const even = (n: number): number => (Math.abs(n % 1) === 0.5 ? 2 * Math.round(n / 2) : Math.round(n)) / grid;
        const rounded = { ...params, base: params.base.map((n) => even(n * grid)), trees: params.trees.map((tree) => ({ ...tree, value: tree.value.map((n, node) => (tree.feature[node] === -1 ? even(n * grid) : n)) })) };
        for (let a = -4; a < 4; a++) {
          for (let b = -4; b < 4; b++) {
            const found = scores(circuit, [a, b])[0] as number;
            expect(Math.abs(found - (reference(params, [a / 2, b / 2])[0] as number))).toBeLessThanOrEqual(forestBound(params, bits));
            expect(found).toBe(reference(rounded, [a / 2, b / 2])[0]);
          }
        }
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  it('keep outputs apart and add the base once', () => {
    const params: ForestParams = { nFeatures: 2, nOutputs: 3, comparison: 'lt', trees: [treeOf([0, 1, 1, 2], 0), treeOf([1, 1, 4, 8], 2), treeOf([0, 1, 16, 16], 2)], base: [0.5, 0.25, 32] };
    const circuit = circuitOf(params, fixedType(false, 2, 2), { result: fixedType(true, 16, 10), source: 'config' });
    for (const [a, b] of [[0, 0], [1, 0], [0, 3], [3, 3]] as const) expect(scores(circuit, [a, b])).toEqual(reference(params, [a, b]));
    expect(scores(circuit, [0, 0])).toEqual([1.5, 0.25, 52]);
  });

  it('take the grid of the result type, round leaves half to even, and saturate only at the end', () => {
    const result = fixedType(true, 4, 3, 'TRN', 'SAT');
    const circuit = circuitOf(forest([[0, 1, 0.25, 0.75], [1, 1, 3, -9]], { base: [1] }), fixedType(false, 1, 1), { result, source: 'config' });
    // 0.25 → 0 and 0.75 → 1 by halves; 1 + 0 + 3 = 4 saturates at 3.5, 1 + 1 − 9 at −4.
    expect(scores(circuit, [0, 0])).toEqual([3.5]);
    expect(scores(circuit, [1, 1])).toEqual([-4]);
  });
});

describe('resolution', () => {
  it('is the coarsest with which all half steps are at most 2^−7 of the score\'s range', () => {
    const leaf = 1 + 2 ** -23;
    const params = forest([[0, 1, -leaf, leaf], [1, 1, -leaf, leaf], [0, 2, -leaf, leaf]]);
    const bits = forestFractionBits(params);
    const halfSteps = (k: number): number => 4 * 2 ** (-k - 1);
    expect(halfSteps(bits)).toBeLessThanOrEqual((6 * leaf) / 128);
    expect(halfSteps(bits - 1)).toBeGreaterThan((6 * leaf) / 128);
    expect(forestBound(params, bits)).toBeLessThan(1e-6);
  });

  it('keeps leaves that are on a coarse grid already, so that nothing is rounded twice', () => {
    const params = forest([[0, 1, -1.25, 1.5], [1, 1, -1, 1]]);
    expect(forestFractionBits(params)).toBe(2);
    expect(forestBound(params, 2)).toBeLessThan(1e-6);
    expect(forestBound(forest([[0, 1, 0.3, 1]]), 1)).toBeCloseTo(0.2, 6);
  });
});

describe('shapes', () => {
  const params = forest([[0, 1, 1, 2]]);
  it('are checked with the trees', () => {
    expect(forestLayer.shape(params, [[1, 2]])).toEqual([1, 1]);
    expect(forestLayer.shape(params, [[1, 3]])).toBe('a forest on 2 features takes [1, 2], found [1, 3]');
    expect(forestLayer.shape({ ...params, base: [] }, [[1, 2]])).toBe('0 base scores for 1 outputs');
    expect(forestLayer.shape(forest([[5, 1, 1, 2]]), [[1, 2]])).toBe('tree 0: node 0 asks for feature 5 of 2');
    expect(forestLayer.shape({ ...params, missing: 'flag' }, [[1, 2]])).toBe('a forest with missing flags takes 2 inputs, found 1');
    expect(forestLayer.shape({ ...params, base: [Infinity] }, [[1, 2]])).toBe('its base score is Infinity');
    expect(forestLayer.shape({ ...params, trees: [{ ...treeOf([0, 1, 1, 2]), edges: [[2, 2], null, null] }] }, [[1, 2]])).toBe('tree 0: the bounds of node 0 do not ascend');
  });
  it('forests that know missing values are refused in firmware', () => {
    const tree = { ...treeOf([0, 1, 1, 2]), missingTrue: [true, false, false] };
    expect(() => circuitOf({ ...params, trees: [tree] }, fixedType(true, 4, 4))).toThrow(/trained with missing values, and nothing says/);
    expect(scores(circuitOf(withoutMissing({ ...params, trees: [tree] }), fixedType(true, 4, 4)), [0, 0])).toEqual([1]);
  });
});
