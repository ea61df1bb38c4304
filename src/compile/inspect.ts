import { formatFixedType } from '../fixed/fixedType.js';
import type { ModelSource } from '../frontends/frontend.js';
import type { ModelNode } from '../model/graph.js';
import { readModel } from './model.js';

/** What a frontend understood of a model, as plain data. Shapes are without the batch axis. */
export interface ModelSummary {
  readonly name: string;
  readonly format: string;
  readonly parameters: number;
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly type?: string }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly layers: readonly LayerSummary[];
}

export interface LayerSummary {
  readonly name: string;
  readonly kind: string;
  readonly inputs: readonly string[];
  readonly shape: readonly number[];
  readonly parameters: number;
  /** The plain parameters, short. */
  readonly details: string;
}

/** Throws CompileError with everything that is wrong or unsupported at once. */
export function inspectModel(source: ModelSource, readSide: (path: string) => Uint8Array | undefined): ModelSummary {
  const graph = readModel(source, readSide);
  return {
    name: graph.name,
    format: graph.format,
    parameters: graph.parameters,
    inputs: graph.inputs.map((input) => ({ name: input.name, shape: input.shape.slice(1), ...(input.type === undefined ? {} : { type: formatFixedType(input.type) }) })),
    outputs: graph.outputs.map((output) => ({ name: output.name, shape: output.shape.slice(1) })),
    layers: graph.nodes.map((node) => ({
      name: node.name, kind: node.kind, inputs: node.inputs, shape: node.shape.slice(1), parameters: parametersOf(node.params), details: detailsOf(node),
    })),
  };
}

function isTensor(value: unknown): value is { readonly shape: readonly number[]; readonly data: Float64Array } {
  return typeof value === 'object' && value !== null && 'data' in value && value.data instanceof Float64Array;
}

/** Numbers in the layer's tensors. */
function parametersOf(params: unknown): number {
  if (typeof params !== 'object' || params === null) return 0;
  return Object.values(params).reduce<number>((sum, value) => sum + (isTensor(value) ? value.data.length : 0), 0);
}

function detailsOf(node: ModelNode): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(node.params as Readonly<Record<string, unknown>>)) {
    if (value === null || value === undefined) continue;
    if (isTensor(value)) parts.push(value.data.length === 1 ? `${key} ${value.data[0]}` : `${key} [${value.shape.join(', ')}]`);
    else if (Array.isArray(value)) parts.push(value.length <= 8 && value.every((item) => typeof item !== 'object') ? `${key} ${value.join(',')}` : `${value.length} ${key}`);
    else parts.push(`${key} ${String(value)}`);
  }
  return parts.join('; ');
}
