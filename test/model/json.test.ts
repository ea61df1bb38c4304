import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { graphFromJson, graphToJson } from '../../src/model/json.js';
import { parseModel } from '../../src/frontends/registry.js';
import { contextWith, messageOf, parseText } from '../frontends/helpers.js';

const tensor = (shape: readonly number[], data: readonly number[], quantised?: boolean): { shape: readonly number[]; data: Float64Array; quantised?: boolean } => ({
  shape,
  data: Float64Array.from(data),
  ...(quantised === undefined ? {} : { quantised }),
});

/** Every field that can be there, and numbers that JSON is known to bend. */
const full: ModelGraph = {
  name: 'all "of" it',
  format: 'qonnx',
  inputs: [
    { name: 'x', shape: [1, 2], type: fixedType(true, 16, 6, 'RND_CONV', 'SAT') },
    { name: 'id', shape: [1, 2], integer: true },
  ],
  outputs: [{ name: 'score', tensor: 'z', shape: [1, 2] }],
  constants: new Map([['b', tensor([2], [0.1, -0, ], true)], ['a', tensor([], [5e-324])]]),
  nodes: [
    { name: 'fc', kind: 'dense', params: { weight: tensor([2, 2], [1 / 3, 1e308, 2 ** 53, -0], false), bias: null }, inputs: ['x'], output: 'y', shape: [1, 2] },
    {
      name: 'add',
      kind: 'elementwise',
      params: { operation: 'add' },
      inputs: ['y', 'b'],
      output: 'w',
      shape: [1, 2],
      precision: { result: fixedType(false, 8, 0), accum: fixedType(true, 40, 20, 'TRN_ZERO', 'SAT_SYM'), tableSize: 256, tableRange: 4, softmax: 'latency', strategy: 'resource', reuseFactor: 2, source: 'config' },
    },
    { name: 'cut', kind: 'clip', params: { min: null, max: -0 }, inputs: ['w'], output: 'z', shape: [1, 2] },
  ],
  parameters: 4,
};

describe('the JSON form', () => {
  it('gives back the graph it was given, to the last bit', () => {
    expect(graphFromJson(JSON.parse(graphToJson(full)), 'model.json')).toEqual(full);
  });

  it('is the same text every time and keeps the order of constants', () => {
    const text = graphToJson(full);
    expect(graphToJson(graphFromJson(JSON.parse(text), 'model.json'))).toBe(text);
    expect(text.indexOf('"name":"b"')).toBeLessThan(text.indexOf('"name":"a"'));
    expect(text).toMatchSnapshot();
  });

  it.each(['torch_branches/legacy.onnx', 'torch_conv2d/dynamo.onnx', 'torch_embedding/legacy.onnx', 'qonnx_quant/model.onnx', 'brevitas_conv1d/model.onnx', 'xgboost_multiclass/model.json'])('of %s is a model: reading it gives the same graph', (name) => {
    const graph = parseModel({ name, bytes: new Uint8Array(readFileSync(`test/fixtures/${name}`)) }, contextWith());
    expect(parseText(graphToJson(graph))).toEqual(graph);
  });
});

type Json = Record<string, unknown>;

/** A small good model with something changed. */
function changed(change: (model: Json & { nodes: Json[]; inputs: Json[]; outputs: Json[]; constants: Json[] }) => void): string {
  const model = {
    trigforge: 'model',
    version: 1,
    name: 'm',
    format: 'onnx',
    parameters: 2,
    inputs: [{ name: 'x', shape: [1, 2], type: 'ap_fixed<8,4>' }],
    outputs: [{ name: 'y', tensor: 'y', shape: [1, 1] }],
    constants: [] as Json[],
    nodes: [{ name: 'fc', kind: 'dense', params: { weight: { shape: [2, 1], data: [1, 2], quantised: true }, bias: null }, inputs: ['x'], output: 'y', shape: [1, 1] }] as Json[],
  };
  change(model);
  return JSON.stringify(model);
}

const params = (value: unknown) => (model: { nodes: Json[] }): void => void ((model.nodes[0] as Json)['params'] = value);

describe('a model.json that is wrong gets one clear message', () => {
  it('and the one they are made from is good', () => {
    expect(parseText(changed(() => undefined)).nodes).toHaveLength(1);
  });
  it.each<readonly [string, string]>([
    ['another version', changed((m) => (m['version'] = 2))],
    ['an unknown field', changed((m) => (m['extra'] = 1))],
    ['a missing field', changed((m) => delete m['outputs' as never])],
    ['a type that is none', changed((m) => ((m.inputs[0] as Json)['type'] = 'ap_fixed<0,4>'))],
    ['a batch other than 1', changed((m) => ((m.inputs[0] as Json)['shape'] = [2, 2]))],
    ['a huge shape', changed((m) => ((m.inputs[0] as Json)['shape'] = [1, 2 ** 28, 2 ** 28]))],
    ['an unknown layer', changed((m) => ((m.nodes[0] as Json)['kind'] = 'constructor'))],
    ['parameters of another layer', changed(params({ axis: 1 }))],
    ['a weight that is no tensor', changed(params({ weight: 5, bias: null }))],
    ['a weight of another size', changed(params({ weight: { shape: [2, 2], data: [1, 2] }, bias: null }))],
    ['a weight for another input', changed(params({ weight: { shape: [1, 1], data: [1] }, bias: null }))],
    ['a weight of text', changed(params({ weight: { shape: [2, 1], data: [1, 'NaN'] }, bias: null }))],
    ['a weight past float64', changed(() => undefined).replace('"data":[1,2]', '"data":[1,1e999]')],
    ['parameters that nest', changed(params(JSON.parse('['.repeat(50) + ']'.repeat(50))))],
    ['parameters with __proto__', changed(() => undefined).replace('"bias":null', '"bias":null,"__proto__":{"bias":1}')],
    ['a missing input', changed((m) => ((m.nodes[0] as Json)['inputs'] = ['ghost']))],
    ['itself as input', changed((m) => ((m.nodes[0] as Json)['inputs'] = ['y']))],
    ['a stated shape that is not its own', changed((m) => ((m.nodes[0] as Json)['shape'] = [1, 3]))],
    ['a missing output', changed((m) => ((m.outputs[0] as Json)['tensor'] = 'ghost'))],
    ['an output of another shape', changed((m) => ((m.outputs[0] as Json)['shape'] = [1, 2]))],
    ['a tensor made twice', changed((m) => m.constants.push({ name: 'x', value: { shape: [1], data: [1] } }))],
    ['two layers of one name', changed((m) => m.nodes.push({ ...(m.nodes[0] as Json), output: 'z' }))],
  ])('%s', (_, text) => {
    expect(messageOf(() => parseText(text))).toMatchSnapshot();
  });
});
