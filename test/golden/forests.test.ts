import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { arrayPorts } from '../../src/compile/arrayPorts.js';
import { typeModel } from '../../src/compile/model.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fixedType, formatFixedType } from '../../src/fixed/fixedType.js';
import { parseModel } from '../../src/frontends/registry.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import type { ForestParams } from '../../src/layers/forest.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { gridOfData } from '../../src/quantize/inputTypes.js';
import { missingCode } from '../../src/quantize/missing.js';

const ROOT = '../shared/models/trees';
const present = existsSync(ROOT);

/** Every file form of every model. */
const files = present ? readdirSync(ROOT).flatMap((name) => readdirSync(`${ROOT}/${name}`).filter((file) => /^model\./.test(file)).map((file) => ({ name, file }))) : [];

function parse(path: string): ModelGraph {
  return parseModel({ name: path, bytes: new Uint8Array(readFileSync(`${ROOT}/${path}`)) }, { catalogue, readSide: () => undefined });
}

function load(path: string): ReturnType<typeof readArrays>[number] {
  return readArrays(new Uint8Array(readFileSync(`${ROOT}/${path}`)), path)[0] as ReturnType<typeof readArrays>[number];
}

/** The library's outputs; the base score of 0.5 that the _b05 models' own outputs lack is added. */
function expectedOf(name: string): Float64Array {
  const { data } = load(`${name}/outputs.npy`);
  return name.endsWith('_b05') ? data.map((value) => Math.fround(value + 0.5)) : data;
}

/** Files that are recognised and refused with what to do. */
const REFUSED = /\.cbm$/;

/** Where float32 sums or fewer digits of the outputs make more than the usual noise: TMVA's class.C prints 6 digits. */
const NOISE: Readonly<Record<string, number>> = {
  'tmva_bdtg_800x3/model.xml': 5e-6,
  // ONNX holds float32 of the leaves that CatBoost sums in float64.
  'cat_zmumu_100x4/model.onnx': 4e-6,
  'cat_bcnan/model.onnx': 4e-6,
};

const worst = (found: Float64Array, expected: Float64Array): number => found.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))), 0);

describe.runIf(present)('forests in float', () => {
  it.each(files.filter(({ file }) => !REFUSED.test(file)).map(({ name, file }) => `${name}/${file}`))('%s gives the library\'s outputs', (path) => {
    const name = path.slice(0, path.indexOf('/'));
    const graph = parse(path);
    const x = load(`${name}/inputs.npy`);
    const events = x.shape[0] as number;
    const outputs = evaluateBatch(graph, catalogue, new Map([[graph.inputs[0]?.name as string, x.data]]), events);
    const found = outputs.get(graph.outputs[0]?.name as string) as Float64Array;
    const expected = expectedOf(name);
    const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const error = worst(found, expected);
    const missing = x.data.some(Number.isNaN);
    console.log(`${path}: ${events} rows${missing ? ', NaN among them' : ''}, ${found.length / events} outputs, worst ${error === 0 ? 'exact' : error.toExponential(1)}`);
    expect(found.length).toBe(expected.length);
    expect(error).toBeLessThanOrEqual((NOISE[path] ?? 2e-6) * scale);
  });

  it.each(files.filter(({ file }) => REFUSED.test(file)).map(({ name, file }) => `${name}/${file}`))('%s is refused with what to do', (path) => {
    expect(() => parse(path)).toThrow(/Save it as JSON/);
  });
});

/** A 24-bit type that holds all values of the data, on a grid that float32 holds exactly. */
function inputTypeOf(data: Float64Array): FixedType {
  const grid = gridOfData(data, true);
  if (grid !== undefined) return grid;
  const most = data.reduce((m, v) => (Number.isNaN(v) ? m : Math.max(m, Math.abs(v))), 1);
  return fixedType(true, 24, Math.ceil(Math.log2(most + 1)) + 2, 'RND', 'SAT');
}

describe.runIf(present)('forests in firmware', () => {
  const models = files.filter(({ name, file }, i) => !REFUSED.test(file) && files.findIndex((other) => other.name === name && !REFUSED.test(other.file)) === i && name !== 'xgb_bc_gblinear');
  it.each(models.map(({ name, file }) => `${name}/${file}`))('%s decides as in float on the grid, missing values as flags and as codes', async (path) => {
    const name = path.slice(0, path.indexOf('/'));
    const graph = parse(path);
    const x = load(`${name}/inputs.npy`);
    const events = x.shape[0] as number;
    const width = x.data.length / events;
    const type = inputTypeOf(x.data);
    const step = 2 ** (type.integer - type.width);
    const code = missingCode(type);
    const onGrid = x.data.map((value) => (Number.isNaN(value) ? NaN : Math.max(Math.round(value / step) * step, type.signed ? code + step : 0)));
    const input = graph.inputs[0]?.name as string;
    const expected = evaluateBatch(graph, catalogue, new Map([[input, onGrid]]), events).get(graph.outputs[0]?.name as string) as Float64Array;
    const outputs = expected.length / events;
    const forest = graph.nodes.find((node) => node.kind === 'forest')?.params as ForestParams;
    const lines: string[] = [];
    for (const missing of onGrid.some(Number.isNaN) ? (['flag', 'code'] as const) : (['none'] as const)) {
      const request = { inputType: formatFixedType(type), missing, effort: 'fast', part: 'xcvu13p' } as const;
      const typed = (await typeModel(graph, request, {})).graph;
      const circuit = lowerGraph(typed);
      const matched = matchArrays([{ name: input, shape: [events, width], data: onGrid }], arrayPorts(typed), path);
      const found = compileEmulator(circuit).run(matched.inputs, events)[0] as Float64Array;
      const rounded = typed.nodes.find((node) => node.kind === 'forest')?.params as ForestParams;
      const half = rounded.trees.reduce((most, tree, t) => tree.value.reduce((m, v, i) => ((tree.feature[i] as number) < 0 ? Math.max(m, Math.abs(v - (forest.trees[t]?.value[i] as number))) : m), most), 0);
      const error = worst(found, expected);
      const best = (data: Float64Array, row: number): number => (outputs === 1 ? Math.sign(data[row] as number) : data.subarray(row * outputs, (row + 1) * outputs).reduce((m, v, k, all) => (v > (all[m] as number) ? k : m), 0));
      const agree = Array.from({ length: events }, (_, row) => best(found, row) === best(expected, row)).filter(Boolean).length;
      lines.push(`--missing ${missing}: worst ${error.toExponential(1)}, at most ${(half * (forest.trees.length + 1)).toExponential(1)}; decisions equal on ${agree} of ${events}`);
      // Layers behind the trees only pick and add scores here: they stay within the leaves' rounding, or have a step of their own.
      const leaves = half * (forest.trees.length + 1) + 1e-5 * expected.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
      expect(error, lines.at(-1)).toBeLessThanOrEqual(graph.nodes.length === 1 ? leaves : Math.max(5e-3, leaves));
      expect(agree / events).toBeGreaterThan(0.99);
    }
    console.log(`${path} ${formatFixedType(type)}: ${lines.join('; ')}`);
  });

  it.each(models.map(({ name, file }) => `${name}/${file}`))('%s keeps every decision with --max-loss 0', async (path) => {
    const name = path.slice(0, path.indexOf('/'));
    const graph = parse(path);
    if (graph.nodes.length !== 1) return console.log(`${path}: layers behind the trees`);
    const raw = load(`${name}/inputs.npy`);
    const events = raw.shape[0] as number;
    const type = inputTypeOf(raw.data);
    const step = 2 ** (type.integer - type.width);
    const x = { ...raw, data: raw.data.map((value) => Math.round(value / step) * step) };
    const data = { arrays: [x], file: path };
    const missing = x.data.some(Number.isNaN) ? ('flag' as const) : ('none' as const);
    const typed = await typeModel(graph, { inputType: formatFixedType(type), missing, data, maxLoss: 0, effort: 'fast', part: 'xcvu13p' }, {});
    const found = compileEmulator(lowerGraph(typed.graph)).run(matchArrays([x], arrayPorts(typed.graph), path).inputs, events)[0] as Float64Array;
    const expected = evaluateBatch(graph, catalogue, new Map([[graph.inputs[0]?.name as string, x.data]]), events).get(graph.outputs[0]?.name as string) as Float64Array;
    const outputs = expected.length / events;
    const best = (scores: Float64Array, row: number): number => (outputs === 1 ? Number((scores[row] as number) >= 0) : scores.subarray(row * outputs, (row + 1) * outputs).reduce((m, v, k, all) => (v > (all[m] as number) ? k : m), 0));
    const flips = Array.from({ length: events }, (_, row) => row).filter((row) => best(found, row) !== best(expected, row));
    console.log(`${path}: ${typed.statements[0]?.text}; worst ${worst(found, expected).toExponential(1)}; other decisions ${flips.length}`);
    expect(flips).toEqual([]);
  });
});
