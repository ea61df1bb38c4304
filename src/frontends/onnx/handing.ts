import type { LayerSink, TensorRef } from '../network.js';
import type { GraphBuilder } from './builder.js';
import type { Operand, OperatorNode, VariableValue } from './values.js';
import { modelShape } from './values.js';

/** Layers of one node made by code that formats share: how values get there and back. */
export interface Handing {
  readonly sink: LayerSink;
  /** With the batch in front. */
  readonly give: (value: Operand, label: string) => TensorRef;
  /** In the shape that ONNX sees. */
  readonly take: (made: TensorRef, shape: readonly number[], integer: boolean) => VariableValue;
}

export function handing(node: OperatorNode, builder: GraphBuilder): Handing {
  const sink = builder.sink(node);
  return {
    sink,
    give: (value, label) => {
      if (value.kind === 'variable') return { tensor: value.tensor, shape: modelShape(value.shape) };
      return sink.constant(`${node.name}/${label}`, { shape: modelShape(value.shape), data: value.data, quantised: value.integer || value.quantised });
    },
    take: (made, shape, integer) => builder.reshape(node, { kind: 'variable', tensor: made.tensor, shape: made.shape, integer }, shape, `${node.name}/shape`),
  };
}
