import type { ConvParams } from '../../layers/conv.js';
import type { DenseParams } from '../../layers/dense.js';
import type { ElementwiseParams } from '../../layers/elementwise.js';
import type { ReduceParams } from '../../layers/reduce.js';
import type { GraphInput, GraphOutput, ModelNode } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import type { LayerParams } from '../../layers/registry.js';

/** Rejoins what exporters take apart, so that layers are the ones a user knows; drops what no output needs. */
export function fuse(nodes: readonly ModelNode[], constants: ReadonlyMap<string, Tensor>, inputs: readonly GraphInput[], outputs: readonly GraphOutput[]): readonly ModelNode[] {
  const uses = countUses(nodes, outputs);
  const producers = new Map(nodes.map((node) => [node.output, node]));
  const shapes = new Map<string, readonly number[]>([...inputs.map((input) => [input.name, input.shape] as const), ...nodes.map((node) => [node.output, node.shape] as const)]);
  const replaced = new Map<ModelNode, ModelNode | null>();
  for (const node of nodes) {
    const before = node.inputs.map((input) => producers.get(input));
    const single = (i: number): ModelNode | undefined => {
      const from = before[i];
      const found = from === undefined || replaced.get(from) === null ? undefined : from;
      return found !== undefined && uses.get(found.output) === countOf(node.inputs, found.output) ? found : undefined;
    };
    const fused = fuseBias(node, single, constants) ?? fuseDot(node, single, shapes);
    if (fused === undefined) continue;
    replaced.set(fused.consumed, null);
    replaced.set(node, fused.result);
  }
  const merged = nodes.flatMap((node) => {
    const other = replaced.get(node);
    return other === null ? [] : [other ?? node];
  });
  return dropUnused(merged, outputs);
}

interface Fusion {
  readonly consumed: ModelNode;
  readonly result: ModelNode;
}

function countOf(list: readonly string[], name: string): number {
  return list.filter((other) => other === name).length;
}

function countUses(nodes: readonly ModelNode[], outputs: readonly GraphOutput[]): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  const use = (name: string): void => void uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(use);
  for (const output of outputs) use(output.tensor);
  return uses;
}

/** Whether the node is of this kind; its parameters are typed then. */
function isKind<K extends keyof LayerParams>(node: ModelNode | undefined, kind: K): node is ModelNode<LayerParams[K]> {
  return node?.kind === kind;
}

/** dense or conv without a bias, then Add of a constant per output: one layer, named after the product. */
function fuseBias(node: ModelNode, single: (i: number) => ModelNode | undefined, constants: ReadonlyMap<string, Tensor>): Fusion | undefined {
  if (!isKind(node, 'elementwise') || (node.params as ElementwiseParams).operation !== 'add') return undefined;
  const side = constants.has(node.inputs[1] as string) ? 0 : 1;
  const offset = constants.get(node.inputs[1 - side] as string);
  const from = single(side);
  if (offset === undefined || from === undefined || !sameShape(from.shape, node.shape)) return undefined;
  if (isKind(from, 'dense') && from.params.bias === null) {
    const bias = alongAxis(offset, node.shape, node.shape.length - 1);
    if (bias === undefined) return undefined;
    const params: DenseParams = { weight: from.params.weight, bias };
    return { consumed: from, result: { ...from, params, output: node.output } };
  }
  if (isKind(from, 'conv') && from.params.bias === null) {
    const bias = alongAxis(offset, node.shape, 1);
    if (bias === undefined) return undefined;
    const params: ConvParams = { ...from.params, bias };
    return { consumed: from, result: { ...from, params, output: node.output } };
  }
  return undefined;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** A constant that varies along one axis only, as a vector of that axis's length; undefined where it varies elsewhere. */
function alongAxis(value: Tensor, shape: readonly number[], axis: number): Tensor | undefined {
  const length = shape[axis] as number;
  const own = axis - (shape.length - value.shape.length);
  if (value.data.length !== 1 && (value.data.length !== length || value.shape[own] !== length)) return undefined;
  const data = value.data.length === 1 ? new Float64Array(length).fill(value.data[0] as number) : value.data;
  return { shape: [length], data, quantised: value.quantised ?? false };
}

/** A product of two variables (constants have no entry in `shapes`) of equal shape, used only by a sum over one axis: hls4ml's Dot, named after the sum. */
function fuseDot(node: ModelNode, single: (i: number) => ModelNode | undefined, shapes: ReadonlyMap<string, readonly number[]>): Fusion | undefined {
  if (!isKind(node, 'reduce')) return undefined;
  const { operation, axes, keepDims } = node.params as ReduceParams;
  const from = single(0);
  if (operation !== 'sum' || axes.length !== 1 || !isKind(from, 'elementwise') || from.params.operation !== 'mul') return undefined;
  const variable = from.inputs.map((input) => shapes.get(input));
  if (variable.some((shape) => shape === undefined || !sameShape(shape, from.shape))) return undefined;
  return { consumed: from, result: { ...node, kind: 'dot', params: { axis: axes[0] as number, keepDims }, inputs: from.inputs } };
}

/** Nodes that some output needs, in order. */
function dropUnused(nodes: readonly ModelNode[], outputs: readonly GraphOutput[]): readonly ModelNode[] {
  const needed = new Set(outputs.map((output) => output.tensor));
  const kept: ModelNode[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as ModelNode;
    if (!needed.has(node.output)) continue;
    node.inputs.forEach((input) => needed.add(input));
    kept.push(node);
  }
  return kept.reverse();
}
