import type { GraphInput, GraphOutput, ModelGraph, ModelNode } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import type { GraphBuilder } from './builder.js';
import { fuse } from './fuse.js';

/** The graph once all layers are there: rejoined, cut down to what outputs need, its parameters counted. */
export function finishGraph(builder: GraphBuilder, inputs: readonly GraphInput[], outputs: readonly GraphOutput[], { name, format }: { readonly name: string; readonly format: string }): ModelGraph {
  const nodes = fuse(builder.nodes, builder.constants, inputs, outputs);
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const constants = new Map([...builder.constants].filter(([constant]) => used.has(constant)));
  return { name, format, inputs, outputs, constants, nodes, parameters: countParameters(nodes, constants) };
}

/** Trained numbers: what layers and constants hold, quantisers' and indices' own settings aside. */
function countParameters(nodes: readonly ModelNode[], constants: ReadonlyMap<string, Tensor>): number {
  let count = 0;
  for (const value of constants.values()) count += value.data.length;
  for (const node of nodes) {
    if (['quant', 'bipolarQuant', 'trunc', 'gather'].includes(node.kind)) continue;
    for (const value of Object.values(node.params as object)) {
      if (typeof value === 'object' && value !== null && 'data' in value) count += (value as Tensor).data.length;
    }
  }
  return count;
}
