import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Circuit } from '../../src/circuit/circuit.js';
import { typeOfElement } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { castInteger, fractionBits } from '../../src/fixed/fixedType.js';
import { dyadicOf, toNumber } from '../../src/fixed/integer.js';
import { parseModel } from '../../src/frontends/registry.js';
import { readArrays } from '../../src/io/arrays.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { sizeOf } from '../../src/model/tensor.js';
import { applyPrecision } from '../../src/quantize/applyPrecision.js';
import { growTypes } from '../../src/quantize/grow.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { parsePrecisionConfig } from '../../src/quantize/precisionConfig.js';

/** Committed models with outputs made by hls4ml's own C++ or by qonnx: the whole path to the circuit, every row. */
const FIXTURES = join(import.meta.dirname, '../fixtures');

function circuitOf(name: string, file: string, precision: boolean, inputType = 'ap_fixed<16,6>'): Circuit {
  const bytes = readFileSync(join(FIXTURES, name, file));
  const graph = parseModel({ name: file, bytes }, { catalogue, readSide: () => undefined });
  if (!precision) return lowerGraph(growTypes(applyInputTypes(graph, { inputType }, catalogue), {}, catalogue).graph);
  const config = parsePrecisionConfig(readFileSync(join(FIXTURES, name, 'precision.yml'), 'utf8'), 'precision.yml');
  return lowerGraph(applyInputTypes(applyPrecision(graph, config, catalogue), {}, catalogue));
}

function arrays(name: string, stem: string) {
  const file = existsSync(join(FIXTURES, name, `${stem}.npz`)) ? `${stem}.npz` : `${stem}.npy`;
  return readArrays(readFileSync(join(FIXTURES, name, file)), file);
}

/** qonnx divides in float32, where x / float32(1/3) is a tie that the exact quotient just misses (make_qonnx.py). */
function isFloat32Tie(output: string, x: number): boolean {
  return output === 'scale_third' && Math.abs(Math.fround(x / Math.fround(1 / 3)) % 1) === 0.5;
}

function expectOutputs(circuit: Circuit, name: string): void {
  const [inputs] = arrays(name, 'inputs');
  const outputs = arrays(name, 'outputs');
  if (inputs === undefined) throw new Error('no inputs');
  const [port] = circuit.inputs;
  const events = inputs.shape[0] as number;
  const width = inputs.data.length / events;
  for (let row = 0; row < events; row++) {
    const raw = Array.from(inputs.data.subarray(row * width, (row + 1) * width), (value, e) => {
      const { n, exp } = dyadicOf(value);
      return castInteger(n, exp, typeOfElement(port as Circuit['inputs'][number], e));
    });
    evaluateCircuit(circuit, [raw]).forEach((list, p) => {
      const out = circuit.outputs[p] as Circuit['outputs'][number];
      const wanted = outputs.find((array) => array.name === out.name) ?? outputs[p];
      const size = sizeOf(out.shape);
      // Exact values; the libraries store float32, which a scale like 1/3 times an integer does not fit.
      const got = list.map((n, e) => Math.fround(toNumber(n, 0 - fractionBits(typeOfElement(out, e)))));
      const all = [...(wanted?.data ?? []).slice(row * size, (row + 1) * size)].map((v) => Math.fround(v) + 0);
      const kept = (values: readonly number[]) => values.filter((_, e) => !isFloat32Tie(out.name, inputs.data[row * width + e] as number));
      expect(kept(got), `${out.name}, row ${row}`).toEqual(kept(all));
    });
  }
}

describe('committed models', () => {
  it.each(['hls4ml_pool', 'hls4ml_saturate', 'hls4ml_wrap'])('%s equals hls4ml’s C++', (name) => {
    expectOutputs(circuitOf(name, 'float.onnx', true), name);
  });

  it('qonnx_quant equals qonnx', () => {
    expectOutputs(circuitOf('qonnx_quant', 'model.onnx', false, 'ap_fixed<24,12>'), 'qonnx_quant');
  });
});
