import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verilog } from '../../src/backends/verilog/verilog.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { typeOfElement } from '../../src/circuit/circuit.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { rangeOf } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { parseModel } from '../../src/frontends/registry.js';
import * as layers from '../../src/layers/kinds.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { graphToJson } from '../../src/model/json.js';
import { sizeOf, tensor } from '../../src/model/tensor.js';
import { runPasses } from '../../src/passes/pass.js';
import { defaultPasses } from '../../src/passes/pipeline.js';
import { carryScales } from '../../src/quantize/carryScales.js';
import { growTypes } from '../../src/quantize/grow.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { ignoreMissing } from '../../src/quantize/missing.js';
import { deviceOf } from '../../src/timing/device.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import { dutOf } from '../../src/verify/dut.js';
import { formatMismatch, verifyVerilog } from '../../src/verify/verilator.js';
import { mergeCircuits } from '../helpers/mergeCircuits.js';
import { Random } from '../helpers/random.js';
import type { OneLayer } from '../layers/helpers.js';
import { graphOf, type } from '../layers/helpers.js';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const EVENTS = 50;

/** Files of other libraries, and the type of inputs that they leave open. */
const FILES: readonly (readonly [path: string, inputType?: string])[] = [
  ['brevitas_conv1d/model.onnx'],
  ['qonnx_quant/model.onnx', 'ap_fixed<10,5>'],
  ['hgq2_activated/model.keras'],
  ['hgq2_merge/model.keras'],
  ['hgq2_recurrent/model.keras'],
  ['hgq2_tables/model.keras'],
  ['keras3_choices/model.keras', 'ap_fixed<6,3>'],
  ['keras3_mlp/model.keras', 'ap_fixed<6,3>'],
  ['torch_embedding/dynamo.onnx', 'ap_ufixed<4,4>'],
  ['torch_programs/choices.pt2', 'ap_fixed<6,3>'],
  ['torch_programs/moves.pt2', 'ap_fixed<6,3>'],
  ['torch_programs/orders.pt2', 'ap_fixed<6,3>'],
  ['xgboost_binary/model.json', 'ap_ufixed<6,6>'],
];

const x = (shape: readonly number[], text = 'fixed<6,3>') => ({ shape, type: type(text) });
const one = (value: number) => tensor([1], [value]);

/** Kinds of no small file: models in our own format. */
const OWN: readonly OneLayer[] = [
  { kind: 'clip', params: { min: -1.5, max: 2.25 }, operands: [x([1, 3])] },
  { kind: 'convTranspose', params: { weight: tensor([1, 2, 2], [1, -0.5, 2, 0.75]), bias: tensor([2], [0.5, -1]), strides: [2], dilations: [1], pads: [0, 0], outputPads: [0], groups: 1 }, operands: [x([1, 1, 3])] },
  { kind: 'einsum', params: { equation: 'ab,cb->ac' }, operands: [x([1, 3]), tensor([2, 3], [1, 2, -3, 0.5, 0, 1])] },
  { kind: 'layerNormalization', params: { axes: [1], epsilon: 0.001, scale: null, bias: null }, operands: [x([1, 3], 'fixed<4,2>')] },
  { kind: 'matmul', params: {}, operands: [x([1, 2, 3]), x([1, 3, 2])] },
  { kind: 'prelu', params: { slope: tensor([2], [0.25, -1.5]) }, operands: [x([1, 2])] },
  { kind: 'scaling', params: { operation: 'multiply', values: one(0.375), type: 'ap_fixed<6,4,RND_CONV,SAT>' }, operands: [x([1, 3])] },
  { kind: 'select', params: { axis: 1, batchAxes: 1 }, operands: [x([1, 5, 2]), x([1, 2], 'fixed<4,4>')] },
  { kind: 'toInteger', params: {}, operands: [x([1, 3])] },
  { kind: 'trunc', params: { scale: one(0.125), zeroPoint: one(0), inBits: 6, outBits: 4, rounding: 'FLOOR' }, operands: [x([1, 3])] },
];

function read(path: string): ModelGraph {
  const folder = join(FIXTURES, dirname(path));
  const readSide = (file: string): Uint8Array | undefined => (existsSync(join(folder, file)) ? readFileSync(join(folder, file)) : undefined);
  return parseModel({ name: basename(path), bytes: readFileSync(join(FIXTURES, path)) }, { catalogue, readSide });
}

function reread(graph: ModelGraph): ModelGraph {
  return parseModel({ name: 'model.json', bytes: new TextEncoder().encode(graphToJson(graph)) }, { catalogue, readSide: () => undefined });
}

/** Typed as the command types it. */
function typed(graph: ModelGraph, inputType?: string): ModelGraph {
  const inputs = applyInputTypes(ignoreMissing(graph), inputType === undefined ? {} : { inputType }, catalogue);
  return growTypes(carryScales(inputs), {}, catalogue).graph;
}

/** Raw inputs: the ends of the types first, then anything. */
function eventsOf(circuit: Circuit, random: Random): Int[][][] {
  const end = (k: number): Int[][] => circuit.inputs.map((port) => Array.from({ length: sizeOf(port.shape) }, (_, e) => {
    const { lo, hi } = rangeOf(typeOfElement(port, e));
    return k === 0 ? lo : k === 1 ? hi : random.exact(lo, hi);
  }));
  return Array.from({ length: EVENTS }, (_, k) => end(k));
}

describe('every kind of layer, from a model to Verilog', () => {
  const graphs = [...FILES.map(([path, inputType]) => typed(read(path), inputType)), ...OWN.map((layer) => typed(reread(graphOf(layer))))];

  it('is in one of these models', () => {
    const found = new Set(graphs.flatMap((graph) => graph.nodes.map(({ kind }) => kind)));
    expect(Object.keys(layers).filter((kind) => !found.has(kind))).toEqual([]);
  });

  // All side by side: one build of the simulator.
  it('the emulator and Verilator give the same bits', { timeout: 300_000 }, async () => {
    const merged = mergeCircuits(graphs.map((graph) => lowerGraph(graph)));
    const { circuit } = runPasses(merged, defaultPasses, { check: true });
    const { schedule } = pipelineCircuit(circuit, deviceOf('xcvu13p'), 200, { mode: 'shortest' });
    const text = verilog.emit(schedule, { top: 'top', modelName: 'kinds', modelVersion: 1, hash: '0' })[0]?.text as string;
    const vectors = eventsOf(circuit, new Random(0x4b1d));
    const result = await verifyVerilog({ dut: dutOf(schedule, 'top', text), vectors, expected: compileEmulator(circuit).runRawBatch(vectors) });
    expect(result.shown.map(formatMismatch)).toEqual([]);
    expect(result.mismatches).toBe(0);
    expect(result.checks.find((check) => check.name === 'back-to-back')?.vectors).toBe(EVENTS);
  });
});
