import type { GraphBuilder } from './builder.js';
import type { ConstantValue, OperatorNode, Value } from './values.js';

/** What one ONNX operator becomes. */
export interface Operator {
  /** Fewest inputs; 1 where it is left out. */
  readonly least?: number;
  /** Its result where every input is a constant. */
  readonly fold?: (node: OperatorNode, inputs: readonly ConstantValue[], builder: GraphBuilder) => readonly Value[];
  /** Layers, or other names for what is there already; one value an output. */
  readonly run: (node: OperatorNode, builder: GraphBuilder) => readonly Value[];
}

/** Operators by ONNX type. */
export type OperatorTable = Readonly<Record<string, Operator>>;
