import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { compile } from '../../src/compile.js';
import { emitTargets } from '../../src/compile/targets.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { deviceOf } from '../../src/timing/device.js';
import { pipelineCircuit } from '../../src/timing/pipeline.js';
import { designOf, mismatchesByForm } from '../helpers/chain.js';
import { mergeCircuits } from '../helpers/mergeCircuits.js';

/**
 * One circuit, many forms: reference evaluator, fast emulator, generated TypeScript, C++, HLS C++, Verilog, its wrappers and
 * the VHDL entity give the same bits of the same thousand events. Whole trigger networks: test/golden/chain.test.ts.
 */
const root = mkdtempSync(join(tmpdir(), 'trigforge-chain-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const FIXTURES = join(import.meta.dirname, '../fixtures');

async function circuitOf(file: string, inputType?: string): Promise<Circuit> {
  const result = await compile({
    model: { name: file, bytes: readFileSync(join(FIXTURES, file)) }, readSide: () => undefined, targets: [],
    clockMHz: 320, latency: { mode: 'shortest' }, stated: { text: '' }, ...(inputType === undefined ? {} : { inputType }),
    part: 'xcvu13p', effort: 'fast', modelVersion: 1, verify: 'none', seed: 1, jobs: 2, command: [], toolVersion: '0',
  });
  return designOf(result).schedule.circuit;
}

it('a network of two inputs, a recurrent one and decision trees, side by side, have the same bits in every form', { timeout: 300_000 }, async () => {
  const circuits = [await circuitOf('torch_branches/legacy.onnx', 'ap_fixed<5,3>'), await circuitOf('hgq2_recurrent/model.keras'), await circuitOf('xgboost_multiclass/model.json', 'ufixed<8,8>')];
  const { schedule } = pipelineCircuit(mergeCircuits(circuits), deviceOf('xcvu13p'), 320, { mode: 'shortest' });
  expect([schedule.circuit.inputs.length, schedule.circuit.outputs.length]).toEqual([4, 3]);
  const files = await emitTargets(undefined, schedule, { top: 'many', modelName: 'three models', modelVersion: 1, hash: '0'.repeat(64) });
  const found = await mismatchesByForm({ top: 'many', schedule, files }, root, 1000);
  expect(found).toEqual(Object.fromEntries(Object.keys(found).map((form) => [form, 0])));
  expect(Object.keys(found).length).toBeGreaterThanOrEqual(5);
});
