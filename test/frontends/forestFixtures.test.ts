import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { CompileResult } from '../../src/compile.js';
import { compile } from '../../src/compile.js';
import { emulateFloat, emulateFolder } from '../../src/compile/emulate.js';
import type { CompiledFolder } from '../../src/compile/folder.js';
import { openFolder } from '../../src/compile/folder.js';
import { readModel } from '../../src/compile/model.js';
import type { ModelSource } from '../../src/frontends/frontend.js';
import type { NamedArray } from '../../src/io/arrays.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import type { ActivationParams } from '../../src/layers/activation.js';
import type { ForestParams } from '../../src/layers/forest.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { buildHost, make, mustRun, results, runArguments, writeFiles } from '../backends/cpp/build.js';

/** Forests as their libraries save them, with the libraries' own outputs: test/fixtures/make_forests.py. */
const FIXTURES = join(import.meta.dirname, '../fixtures/forests');
const names = readdirSync(FIXTURES).sort();

const scratch = mkdtempSync(join(tmpdir(), 'trigforge-forests-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const noSide = (): undefined => undefined;

function modelOf(name: string): ModelSource {
  const file = readdirSync(join(FIXTURES, name)).find((entry) => entry.startsWith('model.')) as string;
  return { name: file, bytes: readFileSync(join(FIXTURES, name, file)) };
}

function load(name: string, stem: string): NamedArray {
  return readArrays(readFileSync(join(FIXTURES, name, `${stem}.npy`)), `${stem}.npy`)[0] as NamedArray;
}

/** skl2onnx writes float32 of what scikit-learn adds in float64; all others hold what the library computes with. */
const noiseOf = (name: string): number => (name.startsWith('sklearn') ? 1e-6 : 0);

const float = (name: string, inputs: NamedArray): Float64Array => emulateFloat(modelOf(name), noSide, { arrays: [inputs], file: 'inputs.npy' }).results[0]?.data as Float64Array;

describe('forests of real libraries in float', () => {
  it.each(names)('%s: every row is the library\'s, missing values and unknown categories too', (name) => {
    const inputs = load(name, 'inputs');
    const found = float(name, inputs);
    const { data } = load(name, 'outputs');
    expect(found.length).toBe(data.length);
    const errors = found.map((value, i) => Math.abs(value - (data[i] as number)));
    expect(Math.max(...errors)).toBeLessThanOrEqual(noiseOf(name) * Math.max(1, ...data.map(Math.abs)));
  });
});

/** The rows of integers, which the firmware's inputs hold exactly. */
function gridRows({ name, shape, data }: NamedArray): NamedArray {
  const width = shape[1] as number;
  const rows = Array.from({ length: shape[0] as number }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]).filter((row) => row.every((value) => Number.isNaN(value) || Number.isInteger(value)));
  return { name, shape: [rows.length, width], data: Float64Array.from(rows.flat()) };
}

async function compiled(name: string, targets: readonly string[]): Promise<{ readonly result: CompileResult; readonly folder: CompiledFolder }> {
  const result = await compile({
    model: modelOf(name), readSide: noSide, name: 'forest', inputType: 'fixed<8,8>', targets, ...(load(name, 'inputs').data.some(Number.isNaN) ? { missing: 'flag' } : {}),
    clockMHz: 320, latency: { mode: 'atMost', cycles: 12 }, stated: { text: '12 cycles' }, part: 'xcvu13p', effort: 'fast', modelVersion: 1,
    verify: 'none', seed: 1, jobs: 1, command: [], toolVersion: '0',
  });
  const read = (path: string): string | undefined => result.files.find((file) => file.path === path)?.text;
  return { result, folder: openFolder({ path: name, read }) };
}

/** The widest gap between scores in the middle half of a model's: a cut there is passed or not without doubt of rounding. */
function workingPoint(scores: Float64Array): number {
  const sorted = [...scores].sort((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  const middle = sorted.slice(quarter, sorted.length - quarter);
  const gaps = middle.slice(1).map((score, i) => score - (middle[i] as number));
  const widest = gaps.indexOf(Math.max(...gaps));
  return ((middle[widest] as number) + (middle[widest + 1] as number)) / 2;
}

/** Of one output its sign and whether it passes the cut, of several the largest. */
function decisions(data: Float64Array, events: number, cut: number): (string | number)[] {
  const outputs = data.length / events;
  const rows = Array.from({ length: events }, (_, i) => data.subarray(i * outputs, (i + 1) * outputs));
  return rows.map((row) => (outputs === 1 ? `${Math.sign(row[0] as number)} ${(row[0] as number) > cut}` : row.indexOf(Math.max(...row))));
}

const forestsOf = (graph: ModelGraph): readonly ForestParams[] => graph.nodes.filter(({ kind }) => kind === 'forest').map(({ params }) => params as ForestParams);

/** What rounding the leaves and bases may change: every tree at most by what its farthest leaf moved. */
function roundingOf(model: ModelGraph, typed: ModelGraph): number {
  const rounded = forestsOf(typed);
  const bounds = forestsOf(model).map(({ trees, base }, f) => {
    const other = rounded[f] as ForestParams;
    const moved = trees.map((tree, t) => tree.value.reduce((most, value, i) => ((tree.feature[i] as number) < 0 ? Math.max(most, Math.abs(value - (other.trees[t]?.value[i] as number))) : most), 0));
    return moved.reduce((sum, most) => sum + most, 0) + Math.max(...base.map((value, k) => Math.abs(value - (other.base[k] as number))));
  });
  return bounds.reduce((sum, bound) => sum + bound, 0);
}

describe('forests of real libraries in firmware', () => {
  it.each(names)('%s: the circuit decides as the model does on every row of the grid', async (name) => {
    const { result, folder } = await compiled(name, ['verilog']);
    const inputs = gridRows(load(name, 'inputs'));
    const { results: [found], count } = emulateFolder(folder, { arrays: [inputs], file: 'inputs.npy' });
    const data = found?.data as Float64Array;
    const wanted = float(name, inputs);
    const cut = workingPoint(wanted);
    expect(count).toBeGreaterThanOrEqual(100);
    expect(folder.circuit.inputs.length).toBe(inputs.data.some(Number.isNaN) ? 2 : 1);
    expect(new Set(decisions(wanted, count, cut)).size).toBeGreaterThan(1);
    expect(decisions(data, count, cut)).toEqual(decisions(wanted, count, cut));
    const text = result.files.find((file) => file.path === 'model.json')?.text as string;
    const models = [modelOf(name), { name: 'model.json', bytes: new TextEncoder().encode(text) }].map((source) => readModel(source, noSide)) as [ModelGraph, ModelGraph];
    const error = Math.max(...data.map((value, i) => Math.abs(value - (wanted[i] as number))));
    // Behind layers that compute with trees, a leaf's rounding is no longer what bounds the score's.
    const plain = models[0].nodes.every(({ kind, params }) => kind === 'forest' || (kind === 'activation' && (params as ActivationParams).function === 'linear'));
    expect(error).toBeLessThanOrEqual(plain ? roundingOf(...models) + 1e-6 : 5e-3);
  });
});

describe('C++ emulators of forests of real libraries', () => {
  const chosen = ['lightgbm_categories', 'catboost_multiclass', 'sklearn_hist_gradient_boosting', 'xgboost_vector_leaves', 'conifer_sklearn'];
  it('give every bit of the emulator, rows with missing values among them', { timeout: 180_000 }, async () => {
    const host = await buildHost(scratch);
    for (const name of chosen) {
      const { result, folder } = await compiled(name, ['cpp']);
      const own = join(scratch, name);
      writeFiles(own, result.files);
      await make(own, ['all'], '-O0');
      const { inputs, count } = matchArrays([gridRows(load(name, 'inputs'))], folder.inputs, 'inputs.npy');
      const printed = await mustRun(host, ['open', join(own, 'emulator/cpp/libforest_v1.so'), 'forest_v1', ...runArguments(own, 0, 'dd', folder.circuit, count, inputs, 'rows')], own);
      expect(printed).toContain('status 0');
      const { results: [wanted] } = emulateFolder(folder, { arrays: [gridRows(load(name, 'inputs'))], file: 'inputs.npy' });
      expect([...results(own, 'rows')], name).toEqual([...(wanted?.data as Float64Array)]);
    }
  });
});
