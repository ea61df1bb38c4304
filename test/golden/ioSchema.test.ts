import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { elementCount } from '../../src/circuit/circuit.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { parseModel } from '../../src/frontends/registry.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import { readIoSchema } from '../../src/io/ioSchema.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { applyIoSchema } from '../../src/quantize/applyIoSchema.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { applyPrecision } from '../../src/quantize/applyPrecision.js';
import { growTypes } from '../../src/quantize/grow.js';
import { parsePrecisionConfig } from '../../src/quantize/precisionConfig.js';

/**
 * AXOL1TL from raw hardware integers to the score, the bare network and an I/O schema around it: every row as the
 * firmware's C++ gives it, those too that wrap in its scaling (where full.onnx, whose quantisers clip, differs). Offsets and
 * shifts are read from full.onnx.
 */
const MODELS = join(import.meta.dirname, '../../../shared/models/deployed');
const SCORES = {
  // The sum of squares of mu, each in the score's type.
  axol1tl_v4: ['{do: square, type: "ap_ufixed<18,14>"}', '{do: sum, type: "ap_ufixed<18,14>"}'],
  axol1tl_v5: ['{do: cast, type: "ap_ufixed<18,14>"}'],
};
const present = Object.keys(SCORES).filter((name) => existsSync(join(MODELS, name, 'full.onnx')));

function read(name: string, file: string): Uint8Array {
  return readFileSync(join(MODELS, name, file));
}

function model(name: string, file: string): ModelGraph {
  return parseModel({ name: file, bytes: read(name, file) }, { catalogue, readSide: () => undefined });
}

/** The schema that says what full.onnx does in front of the network. */
function schemaOf(name: keyof typeof SCORES, input: string, type: string): string {
  const full = model(name, 'full.onnx');
  const constant = (operation: string): readonly number[] => {
    const node = full.nodes.find(({ kind, params }) => kind === 'elementwise' && (params as { operation: string }).operation === operation);
    const values = node?.inputs.map((own) => full.constants.get(own)).find((own) => own !== undefined);
    return [...(values?.data ?? [])];
  };
  const [offsets, factors] = [constant('sub'), constant('mul')];
  const object = (label: string, from: number, count: number): string => {
    const column = (values: readonly number[], at: number): string => `[${Array.from({ length: count }, (_, k) => values[from + 3 * k + at]).join(', ')}]`;
    const fields = ['pt', 'eta', 'phi'].map((field, i) => `{name: ${field}, type: "ap_fixed<18,13>", offset: ${column(offsets, i)}, shift: ${column(factors.map((f) => -Math.log2(f)), i)}}`);
    return `      - {name: ${label}, count: ${count}, fields: [${fields.join(', ')}]}`;
  };
  return [
    'version: 1', 'inputs:', `  ${input}:`, '    arithmetic: ap_fixed<18,13>', ...(type === '' ? [] : [`    type: ${type}`]), '    objects:',
    object('met', 0, 1), object('egamma', 3, 4), object('muon', 15, 4), object('jet', 27, 10),
    'outputs:', '  loss:', '    steps:', ...SCORES[name].map((step) => `      - ${step}`),
  ].join('\n');
}

describe.each(present as (keyof typeof SCORES)[])('%s through an I/O schema', (name) => {
  const raw = readArrays(read(name, 'full_inputs.npy'), 'full_inputs.npy');
  const expected = readArrays(read(name, 'full_loss.npy'), 'full_loss.npy')[0]?.data;

  it.each(['model.onnx', 'float.onnx'])('%s gives the loss of the firmware on every row', (file) => {
    const bare = model(name, file);
    const io = readIoSchema(schemaOf(name, bare.inputs[0]?.name ?? '', ''), 'io.yml');
    const graph = applyIoSchema(bare, io, catalogue);
    const configured = file === 'float.onnx' ? applyPrecision(graph, parsePrecisionConfig(new TextDecoder().decode(read(name, 'precision.yml')), 'precision.yml'), catalogue) : graph;
    const circuit = lowerGraph(growTypes(applyInputTypes(configured, {}, catalogue), {}, catalogue).graph);
    expect(circuit.inputs.map(elementCount)).toEqual([57]);
    const matched = matchArrays(raw, circuit.inputs, 'full_inputs.npy');
    expect(matched.count).toBe(802);
    expect([...(compileEmulator(circuit).run(matched.inputs, matched.count)[0] ?? [])]).toEqual([...(expected ?? [])]);
  });
});
