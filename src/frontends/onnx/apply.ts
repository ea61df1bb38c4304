import type { GraphBuilder } from './builder.js';
import { leavesThrough } from './leaves.js';
import type { Operator } from './operator.js';
import { codesThrough } from './operators/codes.js';
import type { ConstantValue, OperatorNode, Value } from './values.js';
import { fail } from './values.js';

/** What a node makes, one value an output: computed where all its inputs are constants, else layers. */
export function applyOperator(operator: Operator, node: OperatorNode, builder: GraphBuilder): readonly Value[] {
  const least = operator.least ?? 1;
  const missing = Array.from({ length: least }).findIndex((_, i) => node.inputs[i] === undefined);
  if (missing >= 0) fail(node, 'input', 'missing-input', `needs ${least} ${least === 1 ? 'input' : 'inputs'}; number ${missing + 1} is missing.`);
  const allConstant = node.inputs.every((input) => input === undefined || input.kind === 'constant');
  if (allConstant && operator.fold !== undefined) {
    return operator.fold(node, node.inputs.filter((input): input is ConstantValue => input?.kind === 'constant'), builder);
  }
  return codesThrough(operator, node, builder) ?? leavesThrough(node, builder, (other) => applyOperator(operator, other, builder)) ?? operator.run(node, builder);
}
