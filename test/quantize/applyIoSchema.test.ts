import { describe, expect, it } from 'vitest';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { formatFixedType } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { readIoSchema } from '../../src/io/ioSchema.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { applyIoSchema } from '../../src/quantize/applyIoSchema.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { applyPrecision } from '../../src/quantize/applyPrecision.js';
import { growTypes } from '../../src/quantize/grow.js';
import { parsePrecisionConfig } from '../../src/quantize/precisionConfig.js';
import { activation, graphOf } from './graphs.js';

const around = (graph: ModelGraph, yaml: string): ModelGraph => applyIoSchema(graph, readIoSchema(`version: 1\n${yaml}`, 'io.yml'), catalogue);

/** a + b, two elements each, and |a|. */
const two = graphOf({ a: [1, 2], b: [1, 2] }, [{ name: 'sum', kind: 'elementwise', params: { operation: 'add' }, inputs: ['a', 'b'] }, activation('size', 'a', 'abs')], {}, ['sum', 'size']);

function run(graph: ModelGraph, event: readonly (readonly Int[])[], inputType?: string): number[] {
  const typed = applyInputTypes(graph, inputType === undefined ? {} : { inputType }, catalogue);
  const circuit = lowerGraph(growTypes(typed, {}, catalogue).graph);
  return evaluateCircuit(circuit, event).flatMap((values, p) => values.map((n) => Number(n) * 2 ** -fraction(circuit.outputs[p]?.types[0])));
}

function fraction(type: { readonly width: number; readonly integer: number } | undefined): number {
  return (type?.width ?? 0) - (type?.integer ?? 0);
}

describe('applyIoSchema', () => {
  it('leaves inputs alone that it does not name', () => {
    const graph = around(two, 'inputs: {b: {objects: [{name: o, count: 2, fields: [{name: f, width: 6, offset: [10, 20], shift: [1, -1]}]}]}}');
    expect(graph.inputs.map(({ name, type }) => [name, type && formatFixedType(type)])).toEqual([['a', undefined], ['b', 'ap_ufixed<6,6>']]);
    expect(run(graph, [[3, -4], [33, 21]], 'ap_fixed<6,6>')).toEqual([3 + 23 / 2, -4 + 2, 3, 4]);
  });

  it('scales to physical units', () => {
    const graph = around(two, 'inputs:\n  a: {objects: [{name: p, fields: [{name: pt, width: 8, lsb: 0.5, scale: lsb}, {name: q, width: 2, signed: true, scale: -3}]}]}\n  b: {objects: [{name: o, count: 2, fields: [{name: f, width: 6}]}]}');
    expect(run(graph, [[255, -2], [1, 2]])).toEqual([128.5, 8, 127.5, 6]);
  });

  it('does nothing to integers that are the values already', () => {
    const graph = around(two, 'inputs: {a: {objects: [{name: o, count: 2, fields: [{name: f, width: 6}]}]}}');
    expect(graph.nodes).toEqual(two.nodes);
    expect(graph.inputs[0]).toMatchObject({ name: 'a', objects: [{ name: 'o', count: 2, fields: [{ name: 'f' }] }] });
  });

  it('gives the outputs that are listed, in their order, and drops what they do not need', () => {
    const graph = around(two, 'outputs: {half: {from: size, steps: [{do: shift, by: 1}]}}');
    expect(graph.outputs.map(({ name }) => name)).toEqual(['half']);
    expect(graph.nodes.map(({ name }) => name)).toEqual(['size', 'half/multiply']);
    expect(around(two, 'outputs: {size: {}, sum: {}}').outputs.map(({ name }) => name)).toEqual(['size', 'sum']);
  });

  it('takes one output twice, and an input as an output', () => {
    const through = graphOf({ a: [1, 2] }, [activation('y', 'a', 'linear')]);
    const graph = around({ ...through, outputs: [{ name: 'y', tensor: 'a', shape: [1, 2] }] }, 'inputs: {a: {objects: [{name: o, count: 2, fields: [{name: f, width: 6, offset: 1}]}]}}\noutputs:\n  y: {}\n  total: {from: y, steps: [{do: multiply, by: [1, 10]}, {do: sum}]}\n  squares: {from: y, steps: [{do: square}, {do: sum, type: "ap_ufixed<6,6,TRN,SAT>"}]}');
    expect(run(graph, [[8, 4]])).toEqual([7, 3, 37, 58]);
    expect(run(graph, [[9, 5]])).toEqual([8, 4, 48, 63]);
  });

  it('steps are exact, then cast, in their order', () => {
    const graph = around(two, 'outputs:\n  sum:\n    steps:\n      - {do: subtract, by: 3}\n      - {do: cast, type: "ap_fixed<4,4>"}\n      - {do: shift, by: -2, type: "ap_fixed<5,5,TRN,SAT>"}');
    // 20 − 3 wraps to 1; −7 · 4 saturates.
    expect(run(graph, [[10, -2], [10, -2]], 'ap_fixed<6,6>')).toEqual([4, -16]);
  });

  it('puts the type of a precision file behind the scaling', () => {
    const graph = around(two, 'inputs: {a: {objects: [{name: o, count: 2, fields: [{name: f, width: 6, shift: 1}]}]}}');
    const typed = applyPrecision(graph, parsePrecisionConfig('Model: {Precision: "fixed<16,10>"}\nLayerName: {a: {Precision: {result: "fixed<4,4,RND,SAT>"}}, b: {Precision: {result: "fixed<4,4>"}}}', 'p.yml'), catalogue);
    expect(typed.inputs.map(({ type }) => type && formatFixedType(type))).toEqual(['ap_ufixed<6,6>', 'ap_fixed<4,4>']);
    expect(run(typed, [[9, 63], [1, 2]])).toEqual([6, 9, 5, 7]);
  });

  it('is kept from names that the model has', () => {
    const graph = graphOf({ a: [1, 1], 'a/multiply': [1, 1] }, [{ name: 's', kind: 'elementwise', params: { operation: 'add' }, inputs: ['a', 'a/multiply'] }]);
    const made = around(graph, 'inputs: {a: {objects: [{name: o, fields: [{name: f, width: 6, shift: 1}]}]}}');
    expect(made.nodes.map(({ name }) => name)).toEqual(['a/multiply_2', 's']);
    expect(run(made, [[7], [1]], 'a/multiply=ap_fixed<3,3>')).toEqual([4.5]);
  });
});
