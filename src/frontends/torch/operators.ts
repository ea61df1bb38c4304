import { applyOperator } from '../onnx/apply.js';
import type { GraphBuilder } from '../onnx/builder.js';
import { findOperator } from '../onnx/operators/index.js';
import type { ConstantValue, OperatorNode, PlainAttribute, Value } from '../onnx/values.js';
import { Attributes, constant, fail } from '../onnx/values.js';

/** The operator set whose meanings are used as a vocabulary: exporters have long agreed how PyTorch maps to it. */
const OPSET = 18;

/** ONNX operators applied one by one: what PyTorch's operators and modules are made of. */
export class Operators {
  constructor(
    readonly builder: GraphBuilder,
    private readonly fileName: string,
  ) {}

  /** The one result of an operator. `name` is the layer's, made unique. */
  one(op: string, inputs: readonly (Value | undefined)[], attributes: Readonly<Record<string, PlainAttribute>>, name: string): Value {
    return this.all(op, inputs, attributes, name, 1)[0] as Value;
  }

  all(op: string, inputs: readonly (Value | undefined)[], attributes: Readonly<Record<string, PlainAttribute>>, name: string, outputs: number): readonly Value[] {
    const node = this.node(op, inputs, attributes, name, outputs);
    const operator = findOperator('', op);
    if (operator === undefined) return fail(node, 'unsupported', 'unknown-operator', 'is not supported.');
    return applyOperator(operator, node, this.builder);
  }

  /** A node for code that emits layers itself. */
  node(op: string, inputs: readonly (Value | undefined)[], attributes: Readonly<Record<string, PlainAttribute>>, name: string, outputs = 1): OperatorNode {
    const own = this.builder.uniqueNodeName(name, op);
    return { name: own, op, inputs, outputs: Array.from({ length: outputs }, () => ''), attributes: Attributes.of(attributes), opset: OPSET, fileName: this.fileName };
  }
}

/** A list of whole numbers as a constant input. */
export function integers(list: readonly number[]): ConstantValue {
  return constant('', [list.length], list, { integer: true });
}

/** One number as a constant input: exact where it is a whole number, else as float32 has it. */
export function scalar(value: number): ConstantValue {
  return constant('', [], [Number.isInteger(value) ? value : Math.fround(value)], { quantised: Number.isInteger(value) });
}
