import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { userEvents } from '../../src/compile/prove.js';
import { compile } from '../../src/compile.js';
import type { CompileRequest } from '../../src/compile/request.js';
import { arraysOf } from '../helpers/hgq2.js';
import { designOf, mismatchesByForm } from '../helpers/chain.js';

/** Trigger networks and trees: every form of each gives the same bits. A recurrent network and several inputs: test/e2e/chain.test.ts. */
const MODELS = join(import.meta.dirname, '../../../shared/models');
const root = mkdtempSync(join(tmpdir(), 'trigforge-chain-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const CASES: readonly (readonly [folder: string, file: string, options: Partial<CompileRequest>])[] = [
  ['deployed/axol1tl_v4', 'float.onnx', {}],
  ['deployed/axol1tl_v5', 'float.onnx', {}],
  ['deployed/cicada_v1', 'float.onnx', {}],
  ['trees/xgb_zmumuq8_100x4', 'model.json', { inputType: 'ufixed<8,8>' }],
];

describe.runIf(existsSync(MODELS))('every form has the same bits', () => {
  it.each(CASES)('%s', async (name, file, options) => {
    const folder = join(MODELS, name);
    const precision = existsSync(join(folder, 'precision.yml')) ? { precision: { text: readFileSync(join(folder, 'precision.yml'), 'utf8'), file: 'precision.yml' } } : {};
    const result = await compile({
      model: { name: file, bytes: readFileSync(join(folder, file)) }, readSide: () => undefined, ...precision, ...options, name: 'model',
      clockMHz: 320, latency: { mode: 'shortest' }, stated: { text: '' },
      part: 'xcvu13p', effort: 'fast', modelVersion: 1, verify: 'none', seed: 1, jobs: 2, command: [], toolVersion: '0',
    });
    const design = designOf(result);
    const { circuit } = design.schedule;
    const arrays = arraysOf(folder, 'inputs')!;
    const ports = circuit.inputs.map((port) => ({ name: port.name, shape: port.shape }));
    const found = await mismatchesByForm(design, join(root, name), 1000, userEvents(circuit, ports, { arrays, file: 'inputs' }).events);
    expect(found).toEqual({ 'fast emulator': 0, TypeScript: 0, 'C++': 0, 'HLS C++': 0, 'Verilog, ports and VHDL': 0, 'AXI4-Stream': 0 });
  });
});
