import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../src/frontends/registry.js';
import { readArrays } from '../../src/io/arrays.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';

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
