import { compileEmulator } from '../emulator/emulator.js';
import type { ModelSource } from '../frontends/frontend.js';
import type { NamedArray } from '../io/arrays.js';
import { matchArrays } from '../io/arrays.js';
import { catalogue } from '../layers/registry.js';
import { evaluateBatch } from '../model/evaluate.js';
import { arrayPorts } from './arrayPorts.js';
import { readModel } from './model.js';
import type { CompiledFolder } from './folder.js';

/** The user's events: arrays and the name of their file, for messages. */
export interface Events {
  readonly arrays: readonly NamedArray[];
  readonly file: string;
}

/** Outputs by name, `[event, …shape]`. */
export interface Emulated {
  readonly results: readonly NamedArray[];
  readonly count: number;
  readonly warnings: readonly string[];
}

/** Bit-exact emulation of a compiled model; values are exact float64. */
export function emulateFolder({ circuit, inputs }: CompiledFolder, { arrays, file }: Events): Emulated {
  const matched = matchArrays(arrays, inputs, file);
  const outputs = compileEmulator(circuit).run(matched.inputs, matched.count);
  return {
    results: circuit.outputs.map((port, i) => ({ name: port.name, shape: [matched.count, ...port.shape], data: outputs[i] as Float64Array })),
    count: matched.count,
    warnings: matched.warnings,
  };
}

/** The float reference: the model as it was trained, in float64. */
export function emulateFloat(model: ModelSource, readSide: (path: string) => Uint8Array | undefined, { arrays, file }: Events): Emulated {
  const graph = readModel(model, readSide);
  const ports = arrayPorts(graph);
  const matched = matchArrays(arrays, ports, file);
  const values = new Map(graph.inputs.map((input, i) => [input.name, matched.inputs[i] as Float64Array]));
  const outputs = evaluateBatch(graph, catalogue, values, matched.count);
  return {
    results: graph.outputs.map((output) => ({ name: output.name, shape: [matched.count, ...output.shape.slice(1)], data: outputs.get(output.name) as Float64Array })),
    count: matched.count,
    warnings: matched.warnings,
  };
}
