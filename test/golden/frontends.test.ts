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
import type { ModelGraph } from '../../src/model/graph.js';
import { sizeOf } from '../../src/model/tensor.js';

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

/** Operators that a later issue brings. */
const LATER = /operator (ConvTranspose|GRU|LSTM|LayerNormalization|Gelu|Erf|(com\.microsoft:)?QuantizeLinear|(com\.microsoft:)?DequantizeLinear) is not supported/;

describe.runIf(present)('networks of other tools', () => {
  it.each(names('networks', /\.onnx$/))('%s within float32 of its library, or all that it lacks is named', (path) => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    let graph: ModelGraph;
    try {
      graph = parse(path);
    } catch (error) {
      expect(String(error)).toMatch(LATER);
      return;
    }
    const { events, outputs } = outputsOf(graph, `${folder}/inputs.npy`, MAX_EVENTS);
    for (const output of graph.outputs) {
      const own = `${folder}/outputs_${output.name}.npy`;
      const expected = first(existsSync(`${ROOT}/${own}`) ? own : `${folder}/outputs.npy`).data;
      const found = outputs.get(output.name) as Float64Array;
      expect(found.length).toBe(events * sizeOf(output.shape));
      found.forEach((value, k) => expect(Math.abs(value - (expected[k] as number))).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value))));
    }
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
    const circuit = lowerGraph({ ...graph, inputs: graph.inputs.map((input) => ({ ...input, type: fixedType(false, 8, 8) })) });
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
