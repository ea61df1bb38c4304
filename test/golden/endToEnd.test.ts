import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { circuitFromText } from '../../src/circuit/text.js';
import type { CompileResult } from '../../src/compile.js';
import { compile } from '../../src/compile.js';
import { readModel } from '../../src/compile/model.js';
import type { CompileRequest } from '../../src/compile/request.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import type { NamedArray } from '../../src/io/arrays.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import { graphToJson } from '../../src/model/json.js';

/**
 * The recipe as users run it, on production CMS trigger networks and forests that lie beside the repository: emulator
 * and Verilog against the firmware's (the library's) own outputs, every row.
 */
const SHARED = join(import.meta.dirname, '../../../shared');
const DEPLOYED = join(SHARED, 'models/deployed');
const TREES = join(SHARED, 'models/trees');
const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

/** Several hundred thousand wide operations: too long for Verilator in a test, see the positions below. */
const HUGE = 'l1metml_v1';

function arraysOf(folder: string, stem: string): { arrays: NamedArray[]; file: string } {
  const file = existsSync(join(folder, `${stem}.npz`)) ? `${stem}.npz` : `${stem}.npy`;
  return { arrays: readArrays(readFileSync(join(folder, file)), file), file };
}

function request(folder: string, file: string, changes: Partial<CompileRequest> = {}): CompileRequest {
  return {
    model: { name: file, bytes: readFileSync(join(folder, file)) },
    readSide: () => undefined,
    clockMHz: 320, latency: { mode: 'atMost', cycles: 16 }, stated: { text: '50 ns at 320 MHz', latencyNs: 50 },
    part: 'xcvu13p', effort: 'fast', modelVersion: 1, verify: 'none', seed: 1, jobs: 2, command: [], toolVersion: '0',
    ...changes,
  };
}

function precisionOf(folder: string): Partial<CompileRequest> {
  return { precision: { text: readFileSync(join(folder, 'precision.yml'), 'utf8'), file: 'precision.yml' } };
}

/** Outputs of the compiled circuit for all events, as the folder's circuit file gives them. */
function emulate(result: CompileResult, given: { arrays: NamedArray[]; file: string }): { values: Float64Array; count: number } {
  const circuit = circuitFromText(result.files.find((file) => file.path === 'circuit.txt')!.text);
  const { inputs, count } = matchArrays(given.arrays, circuit.inputs, given.file);
  return { values: compileEmulator(circuit).run(inputs, count)[0]!, count };
}

/** Rows whose values are not all equal. */
function wrongRows(got: Float64Array, wanted: Float64Array, count: number): number[] {
  const width = wanted.length / count;
  expect(got.length).toBe(wanted.length);
  return Array.from({ length: count }, (_, row) => row).filter((row) => {
    for (let i = row * width; i < (row + 1) * width; i++) if (got[i] !== wanted[i]) return true;
    return false;
  });
}

describe.runIf(existsSync(DEPLOYED))('deployed networks', () => {
  it.each(list(DEPLOYED))('%s with its types: emulator and Verilog equal the firmware on every row', async (name) => {
    const folder = join(DEPLOYED, name);
    const inputs = arraysOf(folder, 'inputs');
    const result = await compile(request(folder, 'float.onnx', { ...precisionOf(folder), vectors: inputs, verify: name === HUGE ? 'emulator' : 'verilator' }));
    const { values, count } = emulate(result, inputs);
    expect(wrongRows(values, arraysOf(folder, 'outputs').arrays[0]!.data, count)).toEqual([]);
    const { verification } = result.report;
    expect(verification?.checks.filter((check) => check.mismatches > 0)).toEqual([]);
    if (name !== HUGE) expect(verification?.checks.find((check) => check.name === 'back-to-back')?.vectors).toBeGreaterThanOrEqual(count);
  });

  it.each(list(DEPLOYED))('%s as QONNX alone: every row that is marked exact', async (name) => {
    const folder = join(DEPLOYED, name);
    const inputs = arraysOf(folder, 'inputs');
    const { values, count } = emulate(await compile(request(folder, 'model.onnx')), inputs);
    const exact = arraysOf(folder, 'qonnx_exact').arrays[0]!.data;
    expect(wrongRows(values, arraysOf(folder, 'outputs').arrays[0]!.data, count).filter((row) => exact[row] === 1)).toEqual([]);
  });

  it.runIf(existsSync(join(DEPLOYED, HUGE)))('three of the hundred positions of l1metml_v1 in Verilator', async () => {
    const folder = join(DEPLOYED, HUGE);
    const model = readModel({ name: 'float.onnx', bytes: readFileSync(join(folder, 'float.onnx')) }, () => undefined);
    const few = (shape: readonly number[]): number[] => shape.map((n) => (n === 100 ? 3 : n));
    const small = graphToJson({
      ...model,
      inputs: model.inputs.map((input) => ({ ...input, shape: few(input.shape) })),
      nodes: model.nodes.map((node) => ({ ...node, shape: few(node.shape), params: node.kind === 'reshape' ? { shape: few((node.params as { shape: number[] }).shape) } : node.params })),
    });
    const all = arraysOf(folder, 'inputs');
    const cut = all.arrays.map((array) => {
      const rest = array.shape.slice(2).reduce((a, b) => a * b, 1);
      const rows = 60;
      const data = new Float64Array(rows * 3 * rest);
      for (let row = 0; row < rows; row++) data.set(array.data.subarray(row * 100 * rest, row * 100 * rest + 3 * rest), row * 3 * rest);
      return { name: array.name, shape: [rows, 3, ...array.shape.slice(2)], data };
    });
    const result = await compile({
      ...request(folder, 'float.onnx', { ...precisionOf(folder), vectors: { arrays: cut, file: 'inputs.npz' }, verify: 'verilator' }),
      model: { name: 'l1metml_positions.json', bytes: new TextEncoder().encode(small) },
    });
    expect(result.report.verification?.checks.filter((check) => check.mismatches > 0)).toEqual([]);
    expect(result.report.verification?.checks.find((check) => check.name === 'back-to-back')?.vectors).toBeGreaterThan(60);
  });
});

describe.runIf(existsSync(TREES))('forests on gridded features', () => {
  it.each(['xgb_zmumuq8_100x4', 'xgb_jets5q8_15x5_d4'])('%s: within the stated bound of XGBoost on all rows, no decision flipped beyond it', async (name) => {
    const folder = join(TREES, name);
    const inputs = arraysOf(folder, 'inputs');
    const result = await compile(request(folder, 'model.json', { inputType: 'ufixed<8,8>', vectors: inputs, verify: 'verilator' }));
    expect(result.report.verification?.mismatches).toBe(0);
    const { values, count } = emulate(result, inputs);
    const wanted = arraysOf(folder, 'outputs').arrays[0]!.data;
    const classes = wanted.length / count;
    const stated = /within ±([0-9.e-]+)/.exec(JSON.stringify(result.report.precision));
    const bound = Number(stated?.[1]);
    expect(bound).toBeGreaterThan(0);
    let largest = 0;
    const flipped: number[] = [];
    for (let row = 0; row < count; row++) {
      const own = values.subarray(row * classes, (row + 1) * classes);
      const library = wanted.subarray(row * classes, (row + 1) * classes);
      own.forEach((value, k) => (largest = Math.max(largest, Math.abs(value - library[k]!))));
      const [best, second] = classes === 1 ? [Math.abs(library[0]!), 0] : [...library].sort((a, b) => b - a) as [number, number];
      const sameDecision = classes === 1 ? own[0]! >= 0 === library[0]! >= 0 : own.indexOf(Math.max(...own)) === library.indexOf(Math.max(...library));
      if (!sameDecision && best - second > 2 * bound) flipped.push(row);
    }
    expect(largest).toBeLessThanOrEqual(bound);
    expect(flipped).toEqual([]);
  });
});
