import { expect, it } from 'vitest';
import { verilog } from '../../src/backends/verilog/verilog.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { fromBigInt } from '../../src/fixed/integer.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { tensor } from '../../src/model/tensor.js';
import { defaultPasses } from '../../src/passes/pipeline.js';
import { runPasses } from '../../src/passes/pass.js';
import { deviceOf } from '../../src/timing/device.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import { dutOf } from '../../src/verify/dut.js';
import { formatMismatch, verifyVerilog } from '../../src/verify/verilator.js';
import { Random } from '../helpers/random.js';
import type { OneLayer } from './helpers.js';
import { graphOf, lowerGraph, randomRaw, type } from './helpers.js';

const random = new Random(0x7e5);
const x = (shape: readonly number[], text = 'fixed<6,3>') => ({ shape, type: type(text) });
const into = (text: string) => ({ source: 'auto' as const, result: type(text) });
const activation = (name: string, input: string, result: string): OneLayer => ({ kind: 'activation', params: { function: name }, operands: [x([1, 2], input)], precision: into(result) });

/** One layer of every kind and form that comparisons, orderings and functions bring. */
const LAYERS: readonly OneLayer[] = [
  { kind: 'prelu', params: { slope: tensor([2], [0.25, -1.5]) }, operands: [x([1, 2])] },
  { kind: 'compare', params: { operation: 'le' }, operands: [x([1, 3]), x([1, 3], 'ufixed<4,2>')] },
  { kind: 'logic', params: { operation: 'xor' }, operands: [x([1, 2], 'fixed<2,2>'), x([1, 2], 'uint<1>')] },
  { kind: 'where', params: {}, operands: [x([1, 2], 'uint<1>'), x([1, 2]), tensor([], [0.5])] },
  { kind: 'argmax', params: { axis: 1, keepDims: false, operation: 'max' }, operands: [x([1, 5], 'fixed<3,3>')] },
  { kind: 'sort', params: { axis: 1, descending: true }, operands: [x([1, 5])] },
  { kind: 'topK', params: { axis: 1, k: 2, largest: false, output: 'indices' }, operands: [x([1, 5], 'fixed<3,3>')] },
  { kind: 'select', params: { axis: 1, batchAxes: 1 }, operands: [x([1, 5, 2]), x([1, 2], 'fixed<4,4>')] },
  { kind: 'staircase', params: { thresholds: tensor([1, 2], [-1, 1.3]), values: tensor([1, 3], [-1, 0, 1]), axis: 1 }, operands: [x([1, 2])] },
  { kind: 'convTranspose', params: { weight: tensor([1, 2, 2], [1, -0.5, 2, 0.75]), bias: null, strides: [2], dilations: [1], pads: [0, 0], outputPads: [0], groups: 1 }, operands: [x([1, 1, 3])] },
  { kind: 'einsum', params: { equation: 'ab,cb->ac' }, operands: [x([1, 3]), tensor([2, 3], [1, 2, -3, 0.5, 0, 1])] },
  { kind: 'reduce', params: { operation: 'prod', axes: [1], keepDims: false }, operands: [x([1, 3])] },
  { kind: 'elementwise', params: { operation: 'div' }, operands: [x([1, 2]), x([1, 2], 'ufixed<4,2>')], precision: into('fixed<10,6,RND_CONV,SAT>') },
  { kind: 'layerNormalization', params: { axes: [1], epsilon: 0.001, scale: null, bias: null }, operands: [x([1, 4])], precision: into('fixed<12,3,RND,SAT>') },
  { kind: 'softmax', params: { axis: 1 }, operands: [x([1, 4], 'fixed<10,4>')], precision: into('ufixed<8,0,RND,SAT>') },
  activation('tanh', 'fixed<14,4>', 'fixed<10,1,RND,SAT>'),
  activation('gelu', 'fixed<10,5>', 'fixed<10,5,RND,SAT>'),
  activation('sigmoid', 'fixed<24,5>', 'ufixed<6,0,RND,SAT>'),
  activation('rsqrt', 'ufixed<18,10>', 'ufixed<8,5,RND,SAT>'),
  activation('sign', 'fixed<5,2>', 'fixed<2,2>'),
  activation('softshrink', 'fixed<5,2>', 'fixed<8,3>'),
];

/** All layers side by side in one graph. */
function together(layers: readonly OneLayer[]): ModelGraph {
  const graphs = layers.map((layer, k) => {
    const graph = graphOf(layer);
    const own = (name: string): string => `${name}_${k}`;
    return {
      inputs: graph.inputs.map((input) => ({ ...input, name: own(input.name) })),
      outputs: graph.outputs.map((output) => ({ ...output, name: own(output.name), tensor: own(output.tensor) })),
      constants: [...graph.constants].map(([name, value]) => [own(name), value] as const),
      nodes: graph.nodes.map((node) => ({ ...node, name: own(node.name), inputs: node.inputs.map(own), output: own(node.output) })),
    };
  });
  return {
    name: 'kinds', format: 'test', parameters: 0, constants: new Map(graphs.flatMap((graph) => graph.constants)),
    inputs: graphs.flatMap((graph) => graph.inputs), outputs: graphs.flatMap((graph) => graph.outputs), nodes: graphs.flatMap((graph) => graph.nodes),
  };
}

it('layers of every kind, optimised and pipelined, are the same in Verilator', { timeout: 240_000 }, async () => {
  const lowered = lowerGraph(together(LAYERS));
  const { circuit } = runPasses(lowered, defaultPasses, { check: true });
  const { schedule } = pipelineCircuit(circuit, deviceOf('xcvu13p'), 200, { mode: 'shortest' });
  const text = verilog.emit(schedule, { top: 'top', modelName: 'kinds', modelVersion: 1, hash: '0' })[0]?.text as string;
  const vectors = Array.from({ length: 60 }, () => LAYERS.flatMap((layer) => randomRaw(random, layer.operands).map((port) => port.map((n) => fromBigInt(n)))));
  const expected = vectors.map((event) => evaluateCircuit(lowered, event));
  const result = await verifyVerilog({ dut: dutOf(schedule, 'top', text), vectors, expected });
  expect(result.shown.map(formatMismatch)).toEqual([]);
  expect(result.mismatches).toBe(0);
  expect(result.checks.find((check) => check.name === 'back-to-back')?.vectors).toBe(60);
});
