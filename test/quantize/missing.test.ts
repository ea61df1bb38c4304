import { describe, expect, it } from 'vitest';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fixedType, formatFixedType } from '../../src/fixed/fixedType.js';
import type { ForestParams, Tree } from '../../src/layers/forest.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateGraph } from '../../src/model/evaluate.js';
import type { ModelGraph, ModelNode } from '../../src/model/graph.js';
import { codeMissing, flagMissing, ignoreMissing, missableInputs, missingCode, missingMode } from '../../src/quantize/missing.js';

/** Both ways of missing over comparisons and a set: x0 < 1.5 ? (x1 in {−2..0.5, 2} ? 1 : 2) : (x0 < 3 ? 4 : 8) */
const tree: Tree = {
  output: 0,
  feature: [0, 1, 0, -1, -1, -1, -1],
  value: [1.5, 0, 3, 1, 2, 4, 8],
  whenTrue: [1, 3, 5, -1, -1, -1, -1],
  whenFalse: [2, 4, 6, -1, -1, -1, -1],
  missingTrue: [false, true, true, false, false, false, false],
  edges: [null, [-2, 0.5, 2], null, null, null, null, null],
};

function graphOf(change: Partial<ForestParams> = {}, missingTrue = tree.missingTrue as readonly boolean[], type: FixedType = fixedType(true, 4, 3)): ModelGraph {
  const params: ForestParams = { nFeatures: 2, nOutputs: 1, comparison: 'lt', trees: [{ ...tree, missingTrue }], base: [0], ...change };
  return {
    name: 'g', format: 'test', parameters: 0, constants: new Map(),
    inputs: [{ name: 'x', shape: [1, 2], type }],
    outputs: [{ name: 'margin', tensor: 'margin', shape: [1, 1] }],
    nodes: [
      { name: 'swap', kind: 'gather', params: { axis: 1, indices: { shape: [2], data: Float64Array.of(1, 0) } }, inputs: ['x'], output: 'swapped', shape: [1, 2] },
      { name: 'margin', kind: 'forest', params, inputs: ['swapped'], output: 'margin', shape: [1, 1] },
    ],
  };
}

const values = [...Array.from({ length: 16 }, (_, n) => (n - 8) / 2), NaN];
const run = (graph: ModelGraph, inputs: Record<string, readonly number[]>): number =>
  (evaluateGraph(graph, catalogue, new Map(Object.entries(inputs).map(([name, list]) => [name, Float64Array.from(list)]))).get('margin') as Float64Array)[0] as number;

describe('missing values', () => {
  it('as flags decide as the model does on NaN, in the circuit too', () => {
    const graph = graphOf();
    const flagged = flagMissing(graph, catalogue);
    expect(flagged.inputs.map(({ name, flagsOf, type }) => [name, flagsOf, type && formatFixedType(type)])).toEqual([['x', undefined, 'ap_fixed<4,3>'], ['x_missing', 'x', 'ap_ufixed<1,1>']]);
    const circuit = lowerGraph(flagged);
    for (const a of values) {
      for (const b of values) {
        const expected = run(graph, { x: [a, b] });
        const known = [a, b].map((v) => (Number.isNaN(v) ? 1.5 : v));
        const flags = [a, b].map((v) => (Number.isNaN(v) ? 1 : 0));
        expect(run(flagged, { x: known, x_missing: flags })).toBe(expected);
        expect(evaluateCircuit(circuit, [known.map((v) => v * 2), flags])).toEqual([[expected]]);
      }
    }
  });

  it.each([[true, 'lt'], [true, 'le'], [false, 'lt'], [false, 'le']] as const)('as a code decide as the model does on NaN, in the circuit too (signed %s, %s)', (signed, comparison) => {
    const type = fixedType(signed, 4, 3);
    for (const missingTrue of [tree.missingTrue as boolean[], [true, false, false, false, false, false, false]]) {
      const graph = graphOf({ comparison }, missingTrue, type);
      const coded = codeMissing(graph, catalogue);
      const code = missingCode(type);
      expect(coded.inputs[0]?.missingCode).toBe(signed ? -4 : 7.5);
      const circuit = lowerGraph(coded);
      const grid = signed ? values : values.map((v) => v + 4);
      for (const a of grid) {
        for (const b of grid) {
          if (a === code || b === code) continue;
          const expected = run(graph, { x: [a, b] });
          const sent = [a, b].map((v) => (Number.isNaN(v) ? code : v));
          expect(run(coded, { x: sent })).toBe(expected);
          expect(evaluateCircuit(circuit, [sent.map((v) => v * 2)])).toEqual([[expected]]);
        }
      }
    }
  });

  it('are asked for, learned, or none; a typed graph says it itself', () => {
    expect(missingMode(graphOf(), undefined)).toBe('none');
    expect(missingMode(graphOf({ learnedMissing: true }), undefined)).toBe('flag');
    expect(missingMode(graphOf({ learnedMissing: true }), 'code')).toBe('code');
    expect(missingMode(flagMissing(graphOf(), catalogue), undefined)).toBe('settled');
    expect(missingMode(codeMissing(graphOf(), catalogue), undefined)).toBe('settled');
    const [, plain] = ignoreMissing(graphOf({ learnedMissing: true })).nodes as [ModelNode, ModelNode<ForestParams>];
    expect(plain.params.trees[0]?.missingTrue).toBeUndefined();
    expect(plain.params.trees[0]?.edges).toEqual(tree.edges);
  });

  it('are refused where other layers read the input, and where the code cannot be told from numbers', () => {
    const graph = graphOf();
    const other: ModelGraph = { ...graph, nodes: [...graph.nodes, { name: 'act', kind: 'activation', params: { function: 'relu' }, inputs: ['x'], output: 'act', shape: [1, 2] }] };
    expect([...missableInputs(graph, catalogue)]).toEqual(['x']);
    expect([...missableInputs(other, catalogue)]).toEqual([]);
    expect(() => flagMissing(other, catalogue)).toThrow(/may be missing for the forest margin, but act uses its value too/);
    expect(() => codeMissing(graphOf({}, undefined, fixedType(true, 30, 30)), catalogue)).toThrow(/wider than the float32/);
    expect(() => flagMissing({ ...graph, nodes: [] , outputs: [] }, catalogue)).toThrow(/has no decision forest/);
  });
});
