import { CompileError } from '../../src/errors.js';
import type { FrontendContext } from '../../src/frontends/frontend.js';
import { parseModel } from '../../src/frontends/registry.js';
import { catalogue } from '../../src/layers/registry.js';
import { evaluateGraph } from '../../src/model/evaluate.js';
import type { ModelGraph } from '../../src/model/graph.js';
import type { FileSpec, NodeSpec, TensorSpec } from './onnxFile.js';
import { onnxFile } from './onnxFile.js';

/** A context whose side files are these. */
export function contextWith(files: Readonly<Record<string, Uint8Array>> = {}): FrontendContext {
  return { catalogue, readSide: (path) => (Object.hasOwn(files, path) ? files[path] : undefined) };
}

export function parseFile(spec: FileSpec, files: Readonly<Record<string, Uint8Array>> = {}): ModelGraph {
  return parseModel({ name: 'model.onnx', bytes: onnxFile(spec) }, contextWith(files));
}

export function parseText(text: string, name = 'model.json'): ModelGraph {
  return parseModel({ name, bytes: new TextEncoder().encode(text) }, contextWith());
}

/** One operator on one input `x`, constants by name, and its result `y`. */
export function single(node: Omit<NodeSpec, 'inputs' | 'outputs'> & { readonly inputs?: readonly string[]; readonly outputs?: readonly string[] }, shape: readonly number[], constants: readonly TensorSpec[] = [], opset = 17): ModelGraph {
  return parseFile({
    inputs: [{ name: 'x', shape: ['N', ...shape] }],
    outputs: ['y'],
    nodes: [{ inputs: ['x', ...constants.map((c) => c.name ?? '')], outputs: ['y'], ...node }],
    constants,
    opset,
  });
}

/** The outputs of one event; inputs in the graph's order. */
export function run(graph: ModelGraph, ...inputs: readonly (readonly number[])[]): number[][] {
  const values = new Map(graph.inputs.map((input, i) => [input.name, Float64Array.from(inputs[i] as readonly number[])]));
  const outputs = evaluateGraph(graph, catalogue, values);
  return graph.outputs.map((output) => [...(outputs.get(output.name) as Float64Array)]);
}

/** The message of the CompileError that a step throws, with its kind. */
export function messageOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    if (error instanceof CompileError) return `${error.kind}\n${error.message}`;
    throw error;
  }
  return 'nothing thrown';
}
