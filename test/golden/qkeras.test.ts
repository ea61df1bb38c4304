import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { circuitFromText } from '../../src/circuit/text.js';
import { compile } from '../../src/compile.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { parseModel } from '../../src/frontends/registry.js';
import type { NamedArray } from '../../src/io/arrays.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { graphToJson } from '../../src/model/json.js';
import { carryScales } from '../../src/quantize/carryScales.js';

/**
 * Every QKeras and HGQ v1 model beside the repository, as a user compiles it: no option but an input type where the model
 * quantises no input. No row may differ where the model's own library computes exactly.
 */
const NETWORKS = join(import.meta.dirname, '../../../shared/models/networks');
const names = existsSync(NETWORKS) ? readdirSync(NETWORKS).filter((name) => /^(qk3?|em_qkeras|em_hgq)_/.test(name)).sort() : [];

/** Relative and absolute, where a scale or a function is float32. */
const TOLERANCE = 1e-5;

function toleranceOf(name: string): string {
  return (JSON.parse(readFileSync(join(NETWORKS, name, 'meta.json'), 'utf8')) as { tolerance: string }).tolerance;
}

/** Every model file of a folder: whole files, and model.json with its weights beside it. */
function modelFiles(name: string): string[] {
  return readdirSync(join(NETWORKS, name)).filter((file) => (/\.(h5|keras)$/.test(file) && !/weights\.h5$/.test(file)) || (file.endsWith('.json') && !/^(meta|config|h5_layout|model_config)\.json$/.test(file)));
}

function array(name: string, file: string): NamedArray[] {
  return readArrays(readFileSync(join(NETWORKS, name, file)), file);
}

function read(name: string, file: string): ModelGraph {
  const folder = join(NETWORKS, name);
  const readSide = (path: string): Uint8Array | undefined => (existsSync(join(folder, path)) ? readFileSync(join(folder, path)) : undefined);
  return parseModel({ name: file, bytes: readFileSync(join(folder, file)), siblings: () => readdirSync(folder) }, { catalogue, readSide });
}

/** The graph up to its logits, where the softmax behind them is float32. */
function withoutSoftmax(graph: ModelGraph): ModelGraph {
  const [output] = graph.outputs;
  const softmax = graph.nodes.find((node) => node.output === output?.tensor);
  if (output === undefined || softmax?.kind !== 'softmax') throw new Error('no softmax at the end');
  return { ...graph, nodes: graph.nodes.filter((node) => node !== softmax), outputs: [{ ...output, tensor: softmax.inputs[0] as string }] };
}

/** The layer in front of the softmax, in layer_outputs.npz: the first rows of the events. */
function logitsOf(name: string): NamedArray {
  const layers = array(name, 'layer_outputs.npz').filter((layer) => !/softmax/.test(layer.name ?? ''));
  return layers[layers.length - 1] as NamedArray;
}

function firstRows({ data, shape, ...rest }: NamedArray, rows: number): NamedArray {
  return { ...rest, shape: [rows, ...shape.slice(1)], data: data.subarray(0, (data.length / (shape[0] as number)) * rows) };
}

/** The narrowest type that holds every value. */
function typeOf(data: Float64Array): string {
  const low = data.reduce((least, v) => Math.min(least, v), 0);
  const high = data.reduce((most, v) => Math.max(most, v), 0);
  let fraction = 0;
  while (data.some((v) => !Number.isInteger(v * 2 ** fraction))) fraction++;
  const integer = Math.max(1, Math.ceil(Math.log2(Math.max(high + 2 ** -fraction, -low))));
  return low < 0 ? `fixed<${integer + 1 + fraction},${integer + 1}>` : `ufixed<${integer + fraction},${integer}>`;
}

/** Rows of the compiled circuit that are not the expected ones, exactly or within a tolerance. */
async function wrongRows(graph: ModelGraph, inputs: NamedArray[], expected: Float64Array, tolerance = 0): Promise<number[]> {
  const quantised = graph.nodes.every((node) => node.inputs.every((input) => input !== graph.inputs[0]?.name) || node.kind === 'fixedQuant');
  const result = await compile({
    model: { name: 'model.json', bytes: new TextEncoder().encode(graphToJson(graph)) },
    readSide: () => undefined,
    ...(quantised ? {} : { inputType: typeOf((inputs[0] as NamedArray).data) }),
    clockMHz: 320, latency: { mode: 'atMost', cycles: 16 }, stated: { text: '50 ns at 320 MHz', latencyNs: 50 },
    part: 'xcvu13p', effort: 'fast', modelVersion: 1, verify: 'emulator', seed: 1, jobs: 2, command: [], toolVersion: '0',
  });
  expect(result.report.verification?.mismatches).toBe(0);
  const circuit = circuitFromText((result.files.find((file) => file.path === 'circuit.txt') as { text: string }).text);
  const { inputs: values, count } = matchArrays(inputs, circuit.inputs, 'inputs.npy');
  const found = compileEmulator(circuit).run(values, count)[0] as Float64Array;
  expect(found.length).toBe(expected.length);
  const width = expected.length / count;
  return Array.from({ length: count }, (_, row) => row).filter((row) => expected.subarray(row * width, (row + 1) * width).some((v, k) => !(Math.abs((found[row * width + k] as number) - v) <= tolerance * (1 + Math.abs(v)))));
}

function reference(graph: ModelGraph, inputs: NamedArray[]): Float64Array {
  const [{ data, shape }] = inputs as [NamedArray];
  return evaluateBatch(graph, catalogue, new Map([[graph.inputs[0]?.name as string, data]]), shape[0] as number).get(graph.outputs[0]?.name as string) as Float64Array;
}

const FIXTURES = join(import.meta.dirname, '../fixtures');

describe('QKeras fixtures in Verilator', () => {
  it.each(['qkeras_mlp', 'qkeras_activations', 'qkeras_conv', 'qkeras_rnn'])('%s', async (name) => {
    const vectors = { arrays: readArrays(readFileSync(join(FIXTURES, name, 'inputs.npy')), 'inputs.npy'), file: 'inputs.npy' };
    const { report } = await compile({
      model: { name: 'model.h5', bytes: readFileSync(join(FIXTURES, name, 'model.h5')) }, readSide: () => undefined, vectors,
      clockMHz: 320, latency: { mode: 'atMost', cycles: 40 }, stated: { text: '40 cycles' }, part: 'xcvu13p', effort: 'fast', modelVersion: 1, verify: 'verilator', seed: 1, jobs: 2, command: [], toolVersion: '0',
    });
    expect(report.verification).toMatchObject({ mismatches: 0, simulator: expect.stringContaining('verilator') as string });
  });
});

/** 28 × 28 pixels, fully unrolled: minutes of compiling. Its float reference is checked like the others'. */
const TOO_LARGE = 'em_qkeras_mnist_cnn';

const exact = names.filter((name) => /bit-exact/.test(toleranceOf(name)) && name !== TOO_LARGE);

describe.runIf(names.length > 0)('QKeras and HGQ v1 models', () => {
  it.each(exact.flatMap((name) => modelFiles(name).map((file) => [name, file] as const)))('%s/%s: the circuit is its library, bit for bit', async (name, file) => {
    const whole = read(name, file);
    const [inputs] = array(name, 'inputs.npy') as [NamedArray];
    if (!toleranceOf(name).startsWith('logits')) {
      expect(await wrongRows(whole, [inputs], (array(name, 'outputs.npy')[0] as NamedArray).data)).toEqual([]);
      return;
    }
    const logits = logitsOf(name);
    expect(await wrongRows(withoutSoftmax(whole), [firstRows(inputs, logits.shape[0] as number)], logits.data)).toEqual([]);
  });

  it.each(names.flatMap((name) => modelFiles(name).map((file) => [name, file] as const)))('%s/%s: the float reference is within the tolerance', (name, file) => {
    const found = reference(read(name, file), array(name, 'inputs.npy'));
    const expected = (array(name, 'outputs.npy')[0] as NamedArray).data;
    const worst = found.reduce((most, v, k) => Math.max(most, Math.abs(v - (expected[k] as number)) / (TOLERANCE + TOLERANCE * Math.abs(expected[k] as number))), 0);
    expect(worst).toBeLessThanOrEqual(1);
  });

  it.each(names.filter((name) => !exact.includes(name) && name !== TOO_LARGE))('%s: float32 scales and tables compile', async (name) => {
    const graph = read(name, modelFiles(name)[0] as string);
    const inputs = array(name, 'inputs.npy').map((input) => firstRows(input, 32));
    // Scales that are carried past sums are rounded where a result is read as a number; everything else is exact.
    const typed = { ...graph, inputs: graph.inputs.map((input) => ({ ...input, type: input.type ?? fixedType(true, 12, 6) })) };
    const tolerance = carryScales(typed) === typed ? 0 : TOLERANCE;
    expect(await wrongRows(graph, inputs, reference(graph, inputs), tolerance)).toEqual([]);
  });
});
