import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArrays } from '../../src/io/arrays.js';
import { writeNpy } from '../../src/io/npy.js';
import type { LayerPrecision, ModelGraph, ModelNode } from '../../src/model/graph.js';
import { graphToJson } from '../../src/model/json.js';
import { tensor } from '../../src/model/tensor.js';
import { parseFixedType } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { compileModel, enterTempFolder } from '../helpers/commandLine.js';

/** `explain`: one event layer by layer, on small models whose every value is known by hand, and on a real one. */
let place: ReturnType<typeof enterTempFolder>;
beforeAll(() => { place = enterTempFolder(); });
afterAll(() => place.leave());
const FIXTURES = join(import.meta.dirname, '../fixtures');

interface Row {
  readonly name: string;
  readonly fixed: readonly number[];
  readonly exact: readonly number[];
  readonly float?: readonly number[];
  readonly loss?: { readonly element: number; readonly most: number; readonly count: number; readonly cause: { readonly kind: string; readonly accumulator?: boolean } };
  readonly effect?: number;
}

const type = (text: string): FixedType => parseFixedType(text) as FixedType;

/** x → dense(weight, bias) → y, one element. */
function chain(weight: number, bias: number, precision: LayerPrecision | undefined): ModelGraph {
  const node: ModelNode = {
    name: 'dense', kind: 'dense', params: { weight: tensor([1, 1], [weight]), bias: tensor([1], [bias]) }, inputs: ['x'], output: 'y', shape: [1, 1],
    ...(precision === undefined ? {} : { precision }),
  };
  return { name: 'chain', format: 'test', inputs: [{ name: 'x', shape: [1, 1], type: type('ap_fixed<8,4>') }], outputs: [{ name: 'y', tensor: 'y', shape: [1, 1] }], constants: new Map(), nodes: [node], parameters: 2 };
}

async function explained(graph: ModelGraph, x: number): Promise<readonly Row[]> {
  writeFileSync('m.json', graphToJson(graph));
  writeFileSync('x.npy', writeNpy([1, 1], Float64Array.of(x)));
  expect((await compileModel('m.json', '--verify', 'none', '-o', 'out')).code).toBe(0);
  const { code, stdout } = await compileModel('explain', 'out', '--inputs', 'x.npy', '--event', '0', '--json');
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { readonly layers: readonly Row[] }).layers;
}

const wide = { weight: type('ap_fixed<16,4>'), bias: type('ap_fixed<16,4>'), accum: type('ap_fixed<32,16>'), source: 'config' } as const;

describe('a layer of which every value is known', () => {
  it.each([
    ['rounds its result', 0.75, 0, { ...wide, result: type('ap_fixed<6,4>') }, 1.5, 1.125, 1, 'rounding', undefined],
    ['saturates', 4, 0, { ...wide, result: type('ap_fixed<6,3,TRN,SAT>') }, 3.5, 14, 3.875, 'saturation', undefined],
    ['wraps', 4, 0, { ...wide, result: type('ap_fixed<6,3>') }, 3.5, 14, -2, 'wrap', undefined],
    ['has an accumulator that is too small', 4, 0, { ...wide, accum: type('ap_fixed<6,3,TRN,SAT>'), result: type('ap_fixed<16,8>') }, 3.5, 14, 3.875, 'saturation', true],
    ['has a weight that is rounded', 0.3125, 0, { ...wide, weight: type('ap_fixed<4,2>'), result: type('ap_fixed<16,4>') }, 4, 1.25, 1, 'parameters', undefined],
    ['has a bias that is rounded', 1, 0.3125, { ...wide, bias: type('ap_fixed<4,2>'), result: type('ap_fixed<16,4>') }, 4, 4.3125, 4.25, 'parameters', undefined],
  ])('%s', async (_, weight, bias, precision, x, float, fixed, cause, accumulator) => {
    // The types are those of the compiled graph only: the model as given has them too, and its float meaning has not.
    const [input, dense] = await explained(chain(weight, bias, precision), x);
    expect(input).toMatchObject({ name: 'x', fixed: [x], float: [x] });
    expect(input?.loss).toBeUndefined();
    expect(dense).toMatchObject({ name: 'dense', fixed: [fixed], exact: [float], float: [float], loss: { element: 0, most: Math.abs(float - fixed), count: 1, cause: { kind: cause } }, effect: Math.abs(float - fixed) });
    expect(dense?.loss?.cause.accumulator).toBe(accumulator);
  });

  it('loses nothing', async () => {
    const rows = await explained(chain(0.5, 1, { ...wide, result: type('ap_fixed<16,6>') }), 1.5);
    expect(rows.map((row) => [row.fixed, row.loss])).toEqual([[[1.5], undefined], [[1.75], undefined]]);
  });

  it('is given a rounded input', async () => {
    const [input, dense] = await explained(chain(2, 0, { ...wide, result: type('ap_fixed<16,6>') }), 1.53125);
    expect(input).toMatchObject({ fixed: [1.5], float: [1.53125], loss: { most: 0.03125, cause: { kind: 'rounding' } }, effect: 0.0625 });
    // What came before is not the layer's own loss.
    expect(dense).toMatchObject({ fixed: [3], exact: [3], float: [3.0625] });
    expect(dense?.loss).toBeUndefined();
  });
});

describe('a network with hls4ml types', () => {
  const fixture = join(FIXTURES, 'hls4ml_wrap');
  const inputs = join(fixture, 'inputs.npy');

  it('shows the values that emulation gives, and names the layer that wraps', async () => {
    expect((await compileModel(join(fixture, 'float.onnx'), '--precision', join(fixture, 'precision.yml'), '--verify', 'none', '-o', 'wrap')).code).toBe(0);
    await compileModel('emulate', 'wrap', '--inputs', inputs, '--outputs', 'fixed.npy');
    await compileModel('emulate', join(fixture, 'float.onnx'), '--float', '--inputs', inputs, '--outputs', 'float.npy');
    const values = (path: string): Float64Array => readArrays(readFileSync(path), path)[0]?.data as Float64Array;
    const [fixed, float] = [values('fixed.npy'), values('float.npy')];
    const apart = (event: number): number => Math.max(...[0, 1].map((i) => Math.abs((fixed[2 * event + i] as number) - (float[2 * event + i] as number))));
    const furthest = Array.from({ length: fixed.length / 2 }, (_, event) => event).reduce((a, b) => (apart(b) > apart(a) ? b : a));

    const { stdout } = await compileModel('explain', 'wrap', '--inputs', inputs, '--json');
    const found = JSON.parse(stdout) as { readonly number: number; readonly layers: readonly Row[]; readonly outputs: readonly { readonly fixed: readonly number[]; readonly float: readonly number[] }[] };
    expect(found.number).toBe(furthest);
    expect(found.outputs[0]?.fixed).toEqual([...fixed.subarray(2 * furthest, 2 * furthest + 2)]);
    expect(found.outputs[0]?.float).toEqual([...float.subarray(2 * furthest, 2 * furthest + 2)]);
    const worst = found.layers.reduce((a, b) => ((b.effect ?? 0) > (a.effect ?? 0) ? b : a));
    expect(worst).toMatchObject({ name: 'relu1', loss: { cause: { kind: 'wrap' } } });

    const shown = await compileModel('explain', 'wrap', '--inputs', inputs, '--event', String(furthest));
    expect(shown.stdout).toMatch(/^relu1 .* overflow$/m);
    expect(shown.stdout).toMatch(/First to differ: x\[\d\] should be/);
    expect(shown.stdout).toMatch(/Matters most: relu1\[\d\] .* which wraps/);
    const layer = await compileModel('explain', 'wrap', '--inputs', inputs, '--event', '0', '--layer', 'relu1');
    expect(layer.stdout.split('\n').filter((line) => /^ +\d+ /.test(line))).toHaveLength(8);
  });

  it('refuses events and layers that are not there', async () => {
    expect(await compileModel('explain', 'wrap', '--inputs', inputs, '--event', '300')).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no event 300: the file holds 300. Give a number from 0 to 299.') as string });
    expect(await compileModel('explain', 'wrap', '--inputs', inputs, '--layer', 'rellu1')).toMatchObject({ code: 1, stderr: expect.stringContaining("Did you mean 'relu1' or 'relu2'?") as string });
    expect(await compileModel('explain', 'nowhere', '--inputs', inputs)).toMatchObject({ code: 1 });
    expect(await compileModel('explain', 'wrap')).toMatchObject({ code: 1, stderr: expect.stringContaining('inputs') as string });
  });
});

it.each([
  ['xgboost_regression/model.json', 'inputs.npy', 'ap_fixed<12,6>', /^features .* overflow$/m],
  ['keras3_mlp/model.keras', 'inputs.npz', 'ap_fixed<10,4>', /(rounding|parameters|table)$/m],
  ['hgq2_functions/model.keras', 'inputs.npy', undefined, /^input_layer .* (saturation|overflow)$/m],
  ['anomaly/model.onnx', 'inputs.npy', undefined, /^Nothing is lost/m],
])('explains %s', { timeout: 60_000 }, async (model, file, inputType, line) => {
  const path = join(FIXTURES, model);
  const typed = inputType === undefined ? [] : ['--input-type', inputType];
  expect((await compileModel(path, ...typed, '--verify', 'none', '--effort', 'fast', '-o', 'kind')).code).toBe(0);
  const { code, stdout, stderr } = await compileModel('explain', 'kind', '--inputs', join(path, '..', file));
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(line);
});
