import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Circuit } from '../../src/circuit/circuit.js';
import { typeOfElement } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { castInteger, fractionBits } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { dyadicOf, toNumber } from '../../src/fixed/integer.js';
import { parseModel } from '../../src/frontends/registry.js';
import type { NamedArray } from '../../src/io/arrays.js';
import { readArrays } from '../../src/io/arrays.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import { sizeOf } from '../../src/model/tensor.js';
import { applyPrecision } from '../../src/quantize/applyPrecision.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { growTypes } from '../../src/quantize/grow.js';
import { parsePrecisionConfig } from '../../src/quantize/precisionConfig.js';

/**
 * Deployed trigger networks through frontend, precision and lowering, in the reference evaluator: the firmware's own
 * outputs, exactly. A few rows of each (they hold realistic, full-range and corner events in this order); the emulator's
 * golden test runs them all. The models are not part of the repository; where they are absent there is nothing to run.
 */
const MODELS = join(import.meta.dirname, '../../../shared/models/deployed');
const names = existsSync(MODELS) ? readdirSync(MODELS).filter((name) => existsSync(join(MODELS, name, 'precision.yml'))) : [];

function read(name: string, file: string): Uint8Array {
  return readFileSync(join(MODELS, name, file));
}

function model(name: string, file: string) {
  return parseModel({ name: file, bytes: read(name, file) }, { catalogue, readSide: () => undefined });
}

function arrays(name: string, stem: string): NamedArray[] {
  const file = existsSync(join(MODELS, name, `${stem}.npz`)) ? `${stem}.npz` : `${stem}.npy`;
  return readArrays(read(name, file), file);
}

/** Raw integers of one event for every port, by name or, for a single array, cut in order. */
function rawInputs(circuit: Circuit, given: readonly NamedArray[], row: number): Int[][] {
  let at = 0;
  return circuit.inputs.map((port) => {
    const named = given.find((array) => array.name === port.name);
    const array = named ?? (given[0] as NamedArray);
    const perEvent = sizeOf(array.shape) / (array.shape[0] as number);
    const from = row * perEvent + (named === undefined ? at : 0);
    const elements = sizeOf(port.shape);
    if (named === undefined) at += elements;
    return Array.from(array.data.subarray(from, from + elements), (value, e) => {
      const { n, exp } = dyadicOf(value);
      return castInteger(n, exp, typeOfElement(port, e));
    });
  });
}

function outputs(circuit: Circuit, raw: readonly Int[][]): number[] {
  return evaluateCircuit(circuit, raw).flatMap((port, p) => {
    const types = circuit.outputs[p] as Circuit['outputs'][number];
    return port.map((n, e) => toNumber(n, 0 - fractionBits(typeOfElement(types, e))));
  });
}

/** Rows spread over all categories, fewer for circuits that take long. */
function rowsOf(circuit: Circuit, count: number): number[] {
  const wanted = Math.max(4, Math.min(60, Math.floor(2_000_000 / circuit.size)));
  const rows = Array.from({ length: wanted }, (_, k) => Math.floor((k * (count - 1)) / (wanted - 1)));
  return [...new Set(rows)];
}

function compare(circuit: Circuit, name: string, include: (row: number) => boolean): number {
  const inputs = arrays(name, 'inputs');
  const [expected] = arrays(name, 'outputs') as [NamedArray];
  const width = sizeOf(expected.shape) / (expected.shape[0] as number);
  const rows = rowsOf(circuit, expected.shape[0] as number).filter(include);
  for (const row of rows) {
    const wanted = [...expected.data.subarray(row * width, (row + 1) * width)];
    expect(outputs(circuit, rawInputs(circuit, inputs, row)), `${name}, row ${row}`).toEqual(wanted);
  }
  return rows.length;
}

describe.runIf(names.length > 0)('deployed networks, reference evaluator', () => {
  it.each(names)('%s: float.onnx + precision.yml gives the firmware’s outputs', { timeout: 240_000 }, (name) => {
    const config = parsePrecisionConfig(new TextDecoder().decode(read(name, 'precision.yml')), 'precision.yml');
    const graph = applyPrecision(model(name, 'float.onnx'), config, catalogue);
    const circuit = lowerGraph(applyInputTypes(graph, {}, catalogue));
    expect(compare(circuit, name, () => true)).toBeGreaterThanOrEqual(4);
  });

  it.each(names)('%s: model.onnx gives them where it is exact', { timeout: 240_000 }, (name) => {
    const typed = growTypes(applyInputTypes(model(name, 'model.onnx'), {}, catalogue), {}, catalogue);
    const circuit = lowerGraph(typed.graph);
    const [exact] = arrays(name, 'qonnx_exact') as [NamedArray];
    expect(compare(circuit, name, (row) => exact.data[row] === 1)).toBeGreaterThan(0);
  });
});
