import type { FixedType } from '../fixed/fixedType.js';
import { formatFixedType } from '../fixed/fixedType.js';
import type { ActivationParams } from '../layers/activation.js';
import { isExactFunction } from '../layers/activation.js';
import type { FixedQuantParams } from '../layers/fixedQuant.js';
import { elementTypes } from '../layers/fixedQuant.js';
import type { ModelGraph, ModelNode } from '../model/graph.js';
import { sizeOf, tensor } from '../model/tensor.js';

/**
 * A function without exact values, such as tanh, is rounded once: by the quantiser that reads it. Where that has types an
 * element, this makes one function of each type from the elements that have it, already rounded, and puts their results
 * together in place of the quantiser. Functions that anything else reads, or that the user typed, stay as they are.
 */
export function splitFunctions(graph: ModelGraph): ModelGraph {
  const outputs = new Set(graph.outputs.map((output) => output.tensor));
  const readers = new Map<string, ModelNode[]>();
  for (const node of graph.nodes) for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  const functions = new Map<string, ModelNode>();
  for (const node of graph.nodes) {
    const own = readers.get(node.output) ?? [];
    if (isSplit(node) && !outputs.has(node.output) && own.length > 0 && own.every(isPlainQuantiser) && own.some(hasManyTypes)) functions.set(node.output, node);
  }
  if (functions.size === 0) return graph;
  const nodes = graph.nodes.flatMap((node): readonly ModelNode[] => {
    if (functions.has(node.output)) return [];
    const source = functions.get(node.inputs[0] ?? '');
    return source === undefined ? [node] : typedParts(source, node);
  });
  return { ...graph, nodes };
}

function isSplit({ kind, params, precision }: ModelNode): boolean {
  return kind === 'activation' && precision === undefined && !isExactFunction(params as ActivationParams);
}

function isPlainQuantiser({ kind, params }: ModelNode): boolean {
  return kind === 'fixedQuant' && ((params as FixedQuantParams).divisor ?? 1) === 1;
}

function hasManyTypes({ params, shape }: ModelNode): boolean {
  const types = elementTypes(params as FixedQuantParams, shape);
  return types.some((type) => type !== types[0]);
}

/** The elements of each type through the function, then all of them, and a zero, in the quantiser's order. */
function typedParts(source: ModelNode, quantiser: ModelNode): readonly ModelNode[] {
  const types = elementTypes(quantiser.params as FixedQuantParams, quantiser.shape);
  const count = sizeOf(quantiser.shape);
  const groups = new Map<FixedType, number[]>();
  types.forEach((type, e) => {
    if (type !== undefined) groups.set(type, [...(groups.get(type) ?? []), e]);
  });
  const name = quantiser.name;
  const nodes: ModelNode[] = [];
  const add = (kind: string, params: unknown, inputs: readonly string[], own: string, shape: readonly number[], result?: FixedType): string => {
    nodes.push({ name: own, kind, params, inputs, output: own, shape, ...(result === undefined ? {} : { precision: { result, source: 'auto' as const } }) });
    return own;
  };
  const flat = add('reshape', { shape: [1, count] }, source.inputs, `${name}/flat`, [1, count]);
  const places = new Int32Array(count).fill(-1);
  let done = 0;
  const parts = [...groups].map(([type, elements]) => {
    elements.forEach((e, n) => (places[e] = done + n));
    done += elements.length;
    const text = formatFixedType(type);
    const picked = add('gather', { axis: 1, indices: tensor([elements.length], elements, true) }, [flat], `${name}/arguments ${text}`, [1, elements.length]);
    return add(source.kind, source.params, [picked], `${name}/${source.name} ${text}`, [1, elements.length], type);
  });
  const joined = parts.length === 1 ? (parts[0] as string) : add('concat', { axis: 1 }, parts, `${name}/values`, [1, done]);
  const padded = add('pad', { pads: [0, 0, 0, 1], value: 0 }, [joined], `${name}/values_and_zero`, [1, done + 1]);
  const indices = tensor(quantiser.shape.slice(1), places.map((place) => (place < 0 ? done : place)), true);
  nodes.push({ name, kind: 'gather', params: { axis: 1, indices }, inputs: [padded], output: quantiser.output, shape: quantiser.shape });
  return nodes;
}
