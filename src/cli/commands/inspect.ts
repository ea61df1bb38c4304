import { readModel } from '../../compile.js';
import type { ModelGraph, ModelNode } from '../../model/graph.js';
import { formatFixedType } from '../../fixed/fixedType.js';
import { table } from '../../report/table.js';
import { readInputFile, sideFilesOf } from '../files.js';
import type { Terminal } from '../terminal.js';

/** `inspect MODEL`: what was understood; what is not supported is reported all at once by the frontend. */
export function inspectCommand(model: string, terminal: Terminal): number {
  const graph = readModel({ name: model, bytes: readInputFile(model, 'a model') }, sideFilesOf(model));
  terminal.event({ event: 'model', ...summaryOf(graph) });
  terminal.print(`${graph.name}: ${graph.format}, ${graph.nodes.length} layers, ${graph.parameters.toLocaleString('en').replaceAll(',', ' ')} parameters`);
  for (const input of graph.inputs) terminal.print(`  input   ${input.name} [${input.shape.slice(1).join(', ')}]${input.type === undefined ? '' : ` ${formatFixedType(input.type)}`}`);
  for (const output of graph.outputs) terminal.print(`  output  ${output.name} [${output.shape.slice(1).join(', ')}]`);
  const columns = [{ title: 'layer', flexible: true }, { title: 'kind' }, { title: 'output shape' }, { title: 'parameters', right: true }, { title: 'details', flexible: true }];
  const rows = graph.nodes.map((node) => [node.name, node.kind, `[${node.shape.slice(1).join(', ')}]`, String(parametersOf(node.params)), detailsOf(node)]);
  for (const line of table(columns, rows, process.stdout.columns ?? 110)) terminal.print(line);
  return 0;
}

function summaryOf(graph: ModelGraph): Readonly<Record<string, unknown>> {
  return {
    name: graph.name, format: graph.format, parameters: graph.parameters,
    inputs: graph.inputs.map((input) => ({ name: input.name, shape: input.shape.slice(1), ...(input.type === undefined ? {} : { type: formatFixedType(input.type) }) })),
    outputs: graph.outputs.map((output) => ({ name: output.name, shape: output.shape.slice(1) })),
    layers: graph.nodes.map((node) => ({ name: node.name, kind: node.kind, shape: node.shape.slice(1), parameters: parametersOf(node.params), inputs: node.inputs })),
    unsupported: [],
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

/** The plain parameters of a layer, short. */
function detailsOf(node: ModelNode): string {
  const params = node.params as Readonly<Record<string, unknown>>;
  const parts: string[] = [];
  for (const [key, value] of Object.entries(params)) {
    if (value === null || value === undefined) continue;
    if (isTensor(value)) {
      parts.push(value.data.length === 1 ? `${key} ${value.data[0]}` : `${key} [${value.shape.join(', ')}]`);
    } else if (Array.isArray(value)) {
      parts.push(value.every((item) => typeof item !== 'object') && value.length <= 8 ? `${key} ${value.join(',')}` : `${value.length} ${key}`);
    } else parts.push(`${key} ${String(value)}`);
  }
  return parts.join('; ');
}
