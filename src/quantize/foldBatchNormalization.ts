import type { BatchNormalizationParams } from '../layers/batchNormalization.js';
import type { ConvParams } from '../layers/conv.js';
import type { DenseParams } from '../layers/dense.js';
import type { ModelGraph, ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import type { LayerLookup } from './lookup.js';

/**
 * Folds a batch normalisation into the dense or convolution layer before it where hls4ml does: that layer's result is
 * `auto`, nothing else reads it, and its parameters are plain floats. The layer keeps its name and types.
 */
export function foldBatchNormalizations(graph: ModelGraph, lookupOf: (node: ModelNode) => LayerLookup): ModelGraph {
  const readers = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.tensor)]) {
    readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  const at = new Map<string, number>();
  const nodes: ModelNode[] = [];
  for (const node of graph.nodes) {
    const source = node.inputs[0] as string;
    const index = at.get(source);
    const before = index === undefined ? undefined : nodes[index];
    if (node.kind === 'batchNormalization' && before !== undefined && readers.get(source) === 1 && lookupOf(before).type('result')?.type === 'auto') {
      const folded = foldInto(before, node.params as BatchNormalizationParams);
      if (folded !== undefined) {
        nodes[index as number] = { ...folded, output: node.output };
        at.set(node.output, index as number);
        continue;
      }
    }
    at.set(node.output, nodes.length);
    nodes.push(node);
  }
  return nodes.length === graph.nodes.length ? graph : { ...graph, nodes };
}

/** The layer with scale and bias multiplied in, or undefined where the normalised axis is not its output channel. */
function foldInto(node: ModelNode, { scale, bias, axis }: BatchNormalizationParams): ModelNode | undefined {
  if (node.kind !== 'dense' && node.kind !== 'conv') return undefined;
  const params = node.params as DenseParams | ConvParams;
  if (params.weight.quantised === true || params.bias?.quantised === true || scale.quantised === true) return undefined;
  const rank = node.shape.length;
  const channelAxis = node.kind === 'dense' ? rank - 1 : 1;
  if ((axis + rank) % rank !== channelAxis) return undefined;
  const channels = scale.data.length;
  const perChannel = params.weight.data.length / channels;
  const channelOf = (i: number): number => (node.kind === 'dense' ? i % channels : Math.floor(i / perChannel));
  const weight = scaled(params.weight, (value, i) => value * (scale.data[channelOf(i)] as number));
  const shift: Tensor = { shape: [channels], data: bias.data.map((b, c) => (params.bias?.data[c] ?? 0) * (scale.data[c] as number) + b) };
  return { ...node, params: { ...params, weight, bias: shift } };
}

function scaled(tensor: Tensor, value: (old: number, index: number) => number): Tensor {
  return { shape: tensor.shape, data: tensor.data.map(value) };
}
