import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frontends } from '../../src/frontends/registry.js';
import { compileModel, complaints, enterTempFolder } from '../helpers/commandLine.js';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const WIRE = ['--input-type', 'ap_fixed<10,4>'];

/**
 * One small model of every format, as a user compiles it: the command, the file, nothing else where the model has its own
 * types. Verilator must see the emulator's bits.
 */
const MODELS: readonly (readonly [format: string, path: string, options: readonly string[]])[] = [
  ['onnx', 'torch_mlp/dynamo.onnx', WIRE],
  ['qonnx', 'brevitas_mlp/model.onnx', []],
  ['keras', 'keras3_mlp/model.keras', WIRE],
  ['keras', 'keras3_mlp/model.h5', WIRE],
  ['keras', 'keras3_mlp/model.json', ['--weights', 'keras3_mlp/model.weights.h5', ...WIRE]],
  ['keras', 'keras2_mlp/model.json', WIRE],
  ['keras', 'qkeras_mlp/model.h5', []],
  ['keras', 'hgq1_proxy/model.h5', []],
  ['keras', 'hgq2_dense/model.keras', []],
  ['pt2', 'torch_programs/orders.pt2', WIRE],
  ['pt', 'torch_programs/sequential.pt', [...WIRE, '--clock', '100MHz']],
  ['hls4ml-project', 'hls4ml_project_mlp', []],
  ['xgboost-json', 'xgboost_binary/model.json', ['--input-type', 'ap_ufixed<8,8>']],
];

/** Where fixtures name their inputs and outputs. */
function arrayOf(path: string, stem: string): string | undefined {
  const folder = existsSync(join(FIXTURES, path, 'firmware')) ? path : path.slice(0, path.lastIndexOf('/'));
  return ['npy', 'npz'].map((ending) => join(FIXTURES, folder, `${stem}.${ending}`)).find(existsSync);
}

describe('every format, from the file to proven Verilog', () => {
  let temp: { readonly path: string; readonly leave: () => void };
  beforeAll(() => (temp = enterTempFolder()));
  afterAll(() => temp.leave());

  it.each(MODELS)('%s: %s', async (format, path, options) => {
    const words = options.map((word) => (word.startsWith('keras') ? join(FIXTURES, word) : word));
    const inputs = arrayOf(path, 'inputs');
    const vectors = inputs === undefined || format.startsWith('pt') ? [] : ['--vectors', inputs];
    const { code, stderr } = await compileModel(join(FIXTURES, path), ...words, ...vectors, '--verify', 'verilator', '--target', 'verilog', '--effort', 'fast', '-o', 'out', '--quiet');
    expect([code, complaints(stderr).replace(/^warning:.*$/gm, '').trim()]).toEqual([0, '']);
    const report = JSON.parse(readFileSync('out/report.json', 'utf8')) as { model: { format: string }; verification: { mismatches: number; checks: { name: string; vectors: number }[] } };
    expect(report.model.format).toMatch(new RegExp(`^(${format}|qkeras|hgq.*)`));
    expect(report.verification.mismatches).toBe(0);
    expect(report.verification.checks.find((check) => check.name === 'back-to-back')?.vectors).toBeGreaterThan(50);
  });

  it('an output folder is a model again: the same circuit', async () => {
    await compileModel(join(FIXTURES, 'brevitas_mlp/model.onnx'), '--verify', 'none', '-o', 'first', '--quiet');
    const { code } = await compileModel('first', '--verify', 'none', '-o', 'second', '--quiet');
    expect(code).toBe(0);
    expect(readFileSync('second/circuit.txt', 'utf8')).toBe(readFileSync('first/circuit.txt', 'utf8'));
  });

  it('names every format but forests', () => {
    const forests = /^(xgboost-ubj|lightgbm|catboost-json|tmva|conifer-json)$/;
    const named = new Set([...MODELS.map(([format]) => format), 'trigforge-model']);
    expect(frontends.map((frontend) => frontend.name).filter((name) => !forests.test(name) && !named.has(name))).toEqual([]);
  });
});
