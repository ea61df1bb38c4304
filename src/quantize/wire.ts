import type { FixedType } from '../fixed/fixedType.js';
import { castIsIdentity, rangeOf } from '../fixed/fixedType.js';
import type { ActivationParams } from '../layers/activation.js';
import type { GraphInput, ModelGraph, ModelNode } from '../model/graph.js';

/** The type of an input's wire, and of each element where they differ. */
export type WireType = Required<Pick<GraphInput, 'type'>> & Pick<GraphInput, 'elementTypes'>;

/** The graph with the wires' types set; inputs not named keep what they have. */
export function withInputTypes(graph: ModelGraph, wires: ReadonlyMap<string, WireType>): ModelGraph {
  const inputs = graph.inputs.map((input): GraphInput => {
    const wire = wires.get(input.name);
    if (wire === undefined) return input;
    const { elementTypes: _, ...others } = input;
    return { ...others, ...wire };
  });
  return { ...graph, inputs };
}

/**
 * Casts an input to `type` right behind its wire, or behind the scaling of an I/O schema: a node `<input>_quantised` that
 * all its users read instead. Where the wire's own type loses nothing in that cast, the graph stays as it is.
 */
export function quantiseInput(graph: ModelGraph, input: GraphInput, type: FixedType): ModelGraph {
  const tensor = input.scaled ?? input.name;
  if (input.scaled === undefined && input.type !== undefined && castIsIdentity(rangeOf(input.type), type)) return graph;
  const name = freeName(graph, `${input.name}_quantised`);
  const node: ModelNode<ActivationParams> = {
    name,
    kind: 'activation',
    params: { function: 'linear' },
    inputs: [tensor],
    output: name,
    shape: input.shape,
    precision: { result: type, source: 'config' },
  };
  const rename = (other: string): string => (other === tensor ? name : other);
  const nodes = graph.nodes.map((other) => ({ ...other, inputs: other.inputs.map(rename) }));
  const at = graph.nodes.findIndex((other) => other.output === tensor) + 1;
  return {
    ...graph,
    nodes: [...nodes.slice(0, at), node, ...nodes.slice(at)],
    outputs: graph.outputs.map((output) => ({ ...output, tensor: rename(output.tensor) })),
  };
}

/** The name, with a number behind it where the graph has it already. */
function freeName(graph: ModelGraph, wanted: string): string {
  const taken = new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.constants.keys(),
    ...graph.nodes.flatMap((node) => [node.name, node.output]),
  ]);
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
  return name;
}
