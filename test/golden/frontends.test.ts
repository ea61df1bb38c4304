import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { parseModel } from '../../src/frontends/registry.js';
import { readArrays } from '../../src/io/arrays.js';
import type { ForestParams } from '../../src/layers/forest.js';
import { forestBound, forestFractionBits } from '../../src/layers/forestLowering.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { QuantParams } from '../../src/layers/quant.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { sizeOf } from '../../src/model/tensor.js';
import { ignoreMissing } from '../../src/quantize/missing.js';

const ROOT = '../shared/models';
const present = existsSync(ROOT);

/** Events a model is checked on: all where that is quick. */
const MAX_EVENTS = 100;

function parse(path: string): ModelGraph {
  return parseModel({ name: path.slice(path.lastIndexOf('/') + 1), bytes: new Uint8Array(readFileSync(`${ROOT}/${path}`)) }, { catalogue, readSide: () => undefined });
}

function arrays(path: string): ReturnType<typeof readArrays> {
  return readArrays(new Uint8Array(readFileSync(`${ROOT}/${path}`)), path);
}

function first(path: string): ReturnType<typeof readArrays>[number] {
  return arrays(path)[0] as ReturnType<typeof readArrays>[number];
}

/** The outputs of the first events of an array file. */
function outputsOf(graph: ModelGraph, inputsPath: string, limit: number): { readonly events: number; readonly outputs: Map<string, Float64Array> } {
  const given = arrays(inputsPath);
  const events = Math.min(limit, given[0]?.shape[0] ?? 0);
  const inputs = new Map(graph.inputs.map((input, i) => {
    const array = (given.find((a) => a.name === input.name) ?? given[i]) as (typeof given)[number];
    return [input.name, array.data.subarray(0, events * sizeOf(input.shape))] as const;
  }));
  return { events, outputs: evaluateBatch(graph, catalogue, inputs, events) };
}

/** Rows that are not exactly the expected ones, of those that are marked. */
function wrongRows(found: Float64Array, expected: Float64Array, mask: Float64Array, events: number): number[] {
  const width = found.length / events;
  const rows: number[] = [];
  for (let row = 0; row < events; row++) {
    if (mask[row] === 0) continue;
    for (let k = row * width; k < (row + 1) * width; k++) if (found[k] !== expected[k]) rows.push(row);
  }
  return rows;
}

const names = (group: string, file: RegExp): string[] =>
  present ? readdirSync(`${ROOT}/${group}`).flatMap((name) => readdirSync(`${ROOT}/${group}/${name}`).filter((f) => file.test(f)).map((f) => `${group}/${name}/${f}`)) : [];

describe.runIf(present)('deployed networks', () => {
  it.each(names('deployed', /^(float|model|full)\.onnx$/))('%s is read', (path) => {
    expect(parse(path).nodes.length).toBeGreaterThan(3);
  });

  it.each(names('deployed', /^model\.onnx$/))('%s in float64 is the firmware where that can be', (path) => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const input = existsSync(`${ROOT}/${folder}/inputs.npz`) ? 'inputs.npz' : 'inputs.npy';
    const graph = parse(path);
    const { events, outputs } = outputsOf(graph, `${folder}/${input}`, folder.endsWith('l1metml_v1') ? 6 : MAX_EVENTS);
    const mask = first(`${folder}/qonnx_exact.npy`).data;
    expect(wrongRows(outputs.get(graph.outputs[0]?.name as string) as Float64Array, first(`${folder}/outputs.npy`).data, mask, events)).toEqual([]);
  });

  it.each(names('deployed', /^full\.onnx$/))('%s gives the firmware\'s loss from raw integers', (path) => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const { events, outputs } = outputsOf(parse(path), `${folder}/full_inputs.npy`, MAX_EVENTS);
    expect(wrongRows(outputs.get('loss') as Float64Array, first(`${folder}/full_loss.npy`).data, first(`${folder}/full_exact.npy`).data, events)).toEqual([]);
  });
});

/** Files whose own library computes in float32 what lies between quantisers, and how many of its decisions that may turn. */
const QUANTISED = /\/(qdq_|brv_|qz_)/;

/** How near a tie float32 may decide otherwise, in parts of a quantiser's range: some 2^-24 a term of a sum. */
const TIE = 1e-6;

/** Whether an event has a value that near half way between two steps of one of its quantisers. */
function hasTie(graph: ModelGraph, event: ReadonlyMap<string, Float64Array>): boolean {
  const quantisers = graph.nodes.filter((node) => node.kind === 'quant' || node.kind === 'bipolarQuant');
  const watched = { ...graph, outputs: quantisers.map((node, i) => ({ name: `q${i}`, tensor: node.inputs[0]!, shape: graph.nodes.find((other) => other.output === node.inputs[0])?.shape ?? node.shape })) };
  const values = evaluateBatch(watched, catalogue, event, 1);
  return quantisers.some((node, i) => {
    const { scale, bitWidth = 1 } = node.params as QuantParams;
    const near = TIE * 2 ** bitWidth;
    return values.get(`q${i}`)!.some((x, e) => {
      const steps = Math.abs(x / scale.data[scale.data.length === 1 ? 0 : e % scale.data.length]!);
      return node.kind === 'bipolarQuant' ? steps < near : Math.abs(steps - Math.floor(steps) - 0.5) < near;
    });
  });
}

/** Rows beyond the tolerance that all models state, and the largest distance. */
function strayRows(graph: ModelGraph, folder: string): { readonly rows: number[]; readonly largest: number; readonly inputs: readonly Float64Array[]; readonly events: number } {
  const { events, outputs } = outputsOf(graph, `${folder}/inputs.npy`, Infinity);
  const rows = new Set<number>();
  let largest = 0;
  graph.outputs.forEach((output, i) => {
    const own = [`outputs_${output.name}.npy`, `outputs_${['pi', 'mu', 'sigma'][i]}.npy`, 'outputs.npy'].find((name) => existsSync(`${ROOT}/${folder}/${name}`))!;
    const expected = first(`${folder}/${own}`).data;
    const found = outputs.get(output.name)!;
    expect(found.length).toBe(expected.length);
    found.forEach((value, k) => {
      const distance = Math.abs(value - expected[k]!);
      largest = Math.max(largest, distance);
      if (!(distance <= 1e-5 * Math.max(1, Math.abs(value)))) rows.add(Math.floor((k * events) / found.length));
    });
  });
  return { rows: [...rows], largest, inputs: [first(`${folder}/inputs.npy`).data], events };
}

describe.runIf(present)('networks of other tools', () => {
  it.each([...names('networks', /\.(onnx|pt2)$/), ...names('networks', /^two_layer_model\.pt$/)])('%s within float32 of its library on every row, but for ties of quantisers', (path) => {
    const graph = parse(path);
    const { rows, largest, inputs, events } = strayRows(graph, path.slice(0, path.lastIndexOf('/')));
    console.info(`${path}: largest distance ${largest.toExponential(1)}, ${rows.length} of ${events} rows differ by a tie`);
    if (!QUANTISED.test(path)) return expect(rows).toEqual([]);
    const width = inputs[0]!.length / events;
    const event = (row: number) => new Map(graph.inputs.map((input) => [input.name, inputs[0]!.subarray(row * width, (row + 1) * width)]));
    expect(rows.filter((row) => !hasTie(graph, event(row)))).toEqual([]);
    expect(rows.length).toBeLessThan(events / 2);
  });
});

/** XGBoost's own margins of these two have 0.5 more than outputs.npy, which leaves the base score out. */
const WITHOUT_BASE = /_b05\//;

describe.runIf(present)('XGBoost forests', () => {
  it.each(names('trees', /^model\.json$/).filter((path) => /\/xgb_/.test(path) && !/xgb_cat|gblinear/.test(path)))('%s to the last bit of float32', (path) => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const { outputs } = outputsOf(parse(path), `${folder}/inputs.npy`, Infinity);
    const expected = first(`${folder}/outputs.npy`).data;
    const base = WITHOUT_BASE.test(path) ? 0.5 : 0;
    const limit = base === 0 ? 0 : 1e-6;
    expect(Math.max(...(outputs.get('margin') as Float64Array).map((n, k) => Math.abs(n - base - (expected[k] as number))))).toBeLessThanOrEqual(limit);
  });

  it.each(['xgb_zmumuq8_100x4', 'xgb_jets5q8_15x5_d4'])('%s as a circuit on ufixed<8,8> is within its bound on every row', (name) => {
    const graph = parse(`trees/${name}/model.json`);
    const params = graph.nodes[0]?.params as ForestParams;
    const circuit = lowerGraph(ignoreMissing({ ...graph, inputs: graph.inputs.map((input) => ({ ...input, type: fixedType(false, 8, 8) })) }));
    const bits = forestFractionBits(params);
    const bound = forestBound(params, bits);
    const x = first(`trees/${name}/inputs.npy`);
    const expected = first(`trees/${name}/outputs.npy`).data;
    const [rows, width] = x.shape as [number, number];
    let largest = 0;
    for (let row = 0; row < rows; row++) {
      const [raw] = evaluateCircuit(circuit, [[...x.data.subarray(row * width, (row + 1) * width)]]);
      (raw as number[]).forEach((n, j) => {
        const type = circuit.outputs[0]?.types[0] as { width: number; integer: number };
        largest = Math.max(largest, Math.abs(n * 2 ** (type.integer - type.width) - (expected[row * params.nOutputs + j] as number)));
      });
    }
    expect(rows).toBe(1000);
    expect(largest).toBeLessThanOrEqual(bound);
    console.info(`${name}: ${circuit.size} ops, ${bits} fraction bits, largest error ${largest.toFixed(5)}, bound ${bound.toFixed(5)}`);
  });
});
