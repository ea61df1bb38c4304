import type { Circuit } from '../circuit/circuit.js';
import { compileEmulator } from '../emulator/emulator.js';
import type { LowerOptions } from '../layers/lower.js';
import { lowerGraph } from '../layers/lower.js';
import type { ModelGraph } from '../model/graph.js';

/**
 * The circuit of a typed graph with every layer's output as an output of its own, named and ordered as the nodes are:
 * what each layer gives, bit for bit. Made to be run, not built: its sums share nothing.
 */
export function layerCircuit(graph: ModelGraph, options: Pick<LowerOptions, 'maxOps' | 'onLayer'> = {}): Circuit {
  const outputs = graph.nodes.map(({ name, output, shape }) => ({ name, tensor: output, shape }));
  return lowerGraph({ ...graph, outputs }, { quick: true, ...options });
}

/** The smallest and the largest value that each layer gave on events, by layer; `inputs` by name, `[events, …]`. */
export function observedRanges(graph: ModelGraph, inputs: ReadonlyMap<string, Float64Array>, events: number): Map<string, [number, number]> {
  const circuit = layerCircuit(graph);
  const outputs = compileEmulator(circuit).run(circuit.inputs.map((port) => inputs.get(port.name) as Float64Array), events);
  return new Map(circuit.outputs.map((port, i) => [port.name, extremes(outputs[i] as Float64Array)]));
}

function extremes(values: Float64Array): [number, number] {
  let [lo, hi] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  return [lo, hi];
}
