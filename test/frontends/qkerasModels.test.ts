import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { circuitFromText } from '../../src/circuit/text.js';
import { compile } from '../../src/compile.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { parseModel } from '../../src/frontends/registry.js';
import type { NamedArray } from '../../src/io/arrays.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateBatch } from '../../src/model/evaluate.js';

/** Small models of every QKeras layer and of HGQ v1, with their libraries' own outputs: test/fixtures/make_qkeras.py. */
const FIXTURES = join(import.meta.dirname, '../fixtures');
const models = ['qkeras_mlp', 'qkeras_activations', 'qkeras_conv', 'qkeras_rnn', 'hgq1_proxy'] as const;

const bytes = (name: string): Uint8Array => readFileSync(join(FIXTURES, name, 'model.h5'));

function arrays(name: string, stem: string): NamedArray[] {
  const file = existsSync(join(FIXTURES, name, `${stem}.npz`)) ? `${stem}.npz` : `${stem}.npy`;
  return readArrays(readFileSync(join(FIXTURES, name, file)), file);
}

/** Per output its name and how many of its values differ from the library's. */
function differing(names: readonly string[], found: readonly Float64Array[], expected: readonly NamedArray[]): [string, number][] {
  return names.map((name, i) => {
    const wanted = (expected.find((array) => array.name === name) ?? (expected[i] as NamedArray)).data;
    const own = found[i] as Float64Array;
    expect(own.length).toBe(wanted.length);
    return [name, own.reduce((count, v, k) => count + (v === wanted[k] ? 0 : 1), 0)] as [string, number];
  });
}

describe('QKeras and HGQ v1 models', () => {
  it.each(models)('%s: the reference is the library, bit for bit', (name) => {
    const graph = parseModel({ name: 'model.h5', bytes: bytes(name) }, { catalogue, readSide: () => undefined });
    const [{ data, shape }] = arrays(name, 'inputs') as [NamedArray];
    const outputs = evaluateBatch(graph, catalogue, new Map([[graph.inputs[0]?.name as string, data]]), shape[0] as number);
    const names = graph.outputs.map((output) => output.name);
    expect(differing(names, names.map((output) => outputs.get(output) as Float64Array), arrays(name, 'outputs')).filter(([, wrong]) => wrong > 0)).toEqual([]);
  });

  it.each(models)('%s: the circuit is the library, with no option but the model', async (name) => {
    const inputs = arrays(name, 'inputs');
    const result = await compile({
      model: { name: 'model.h5', bytes: bytes(name) }, readSide: () => undefined, vectors: { arrays: inputs, file: 'inputs.npy' },
      clockMHz: 320, latency: { mode: 'atMost', cycles: 40 }, stated: { text: '40 cycles' }, part: 'xcvu13p', effort: 'fast', modelVersion: 1,
      verify: name === 'hgq1_proxy' ? 'verilator' : 'emulator', seed: 1, jobs: 2, command: [], toolVersion: '0',
    });
    expect(result.report.verification?.mismatches).toBe(0);
    const circuit = circuitFromText((result.files.find((file) => file.path === 'circuit.txt') as { text: string }).text);
    const { inputs: values, count } = matchArrays(inputs, circuit.inputs, 'inputs.npy');
    const found = compileEmulator(circuit).run(values, count);
    expect(differing(circuit.outputs.map((port) => port.name), found, arrays(name, 'outputs')).filter(([, wrong]) => wrong > 0)).toEqual([]);
  });
});
