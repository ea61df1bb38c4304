import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { typeOfElement } from '../../src/circuit/circuit.js';
import type { OutputPort } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { fractionBits } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fromNumber } from '../../src/fixed/integer.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { tensor } from '../../src/model/tensor.js';
import { growTypes } from '../../src/quantize/grow.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { activation, dense, evaluateTyped, graphOf, randomTensor } from './graphs.js';

/** The output of the circuit, as values, for raw input integers. */
function circuitOf(graph: ModelGraph): (raw: readonly number[]) => number[] {
  const circuit = lowerGraph(graph);
  return (raw) => {
    const [values] = evaluateCircuit(circuit, [raw.map(fromNumber)]);
    const port = circuit.outputs[0] as OutputPort;
    return (values ?? []).map((n, e) => Number(n) * 2 ** -fractionBits(typeOfElement(port, e)));
  };
}

describe('grown graphs lower', () => {
  const cases: readonly (readonly [string, ModelGraph, number])[] = [
    ['an MLP', graphOf({ x: [1, 4] }, [dense('a', 'x', 4, 6), activation('r', 'a', 'relu'), dense('b', 'r', 6, 3, 2), activation('t', 'b', 'leakyRelu', { alpha: 0.1 })]), 0],
    ['tables', graphOf({ x: [1, 4] }, [dense('a', 'x', 4, 3), activation('t', 'a', 'tanh'), dense('b', 't', 3, 2, 2), activation('s', 'b', 'sigmoid')]), 2 ** -8],
    ['softmax', graphOf({ x: [1, 4] }, [dense('a', 'x', 4, 3), { name: 'p', kind: 'softmax', params: { axis: 1 }, inputs: ['a'] }]), 2 ** -8],
    ['means and quotients', graphOf({ x: [1, 4] }, [
      { name: 'n', kind: 'batchNormalization', params: { scale: randomTensor([4], 3), bias: randomTensor([4], 4), axis: 1 }, inputs: ['x'] },
      { name: 'd', kind: 'elementwise', params: { operation: 'div' }, inputs: ['n', 'three'] },
      { name: 'i', kind: 'reshape', params: { shape: [1, 1, 4] }, inputs: ['d'] },
      { name: 'p', kind: 'pool', params: { mode: 'average', kernel: [3], strides: [1], dilations: [1], pads: [0, 0], countIncludePad: true, ceilMode: false }, inputs: ['i'] },
      { name: 'c', kind: 'clip', params: { min: -0.3, max: 0.7 }, inputs: ['p'] },
    ], { three: tensor([], [3]) }), 2 ** -12],
  ];

  it.each(cases)('%s, to the values of the typed graph', (_, graph, tolerance) => {
    const typed = growTypes(applyInputTypes(graph, { inputType: 'ap_fixed<8,4>' }, catalogue), {}, catalogue).graph;
    const run = circuitOf(typed);
    const output = typed.outputs[0]?.tensor as string;
    const type = typed.inputs[0]?.type as FixedType;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 4, maxLength: 4 }), (raw) => {
        const expected = evaluateTyped(typed, { x: Float64Array.from(raw, (n) => n * 2 ** -fractionBits(type)) }).get(output) as Float64Array;
        run(raw).forEach((value, e) => expect(Math.abs(value - (expected[e] as number))).toBeLessThanOrEqual(tolerance));
      }),
      { seed: 31, numRuns: 100 },
    );
  });
});
