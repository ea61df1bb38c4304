import type { Problem } from '../errors.js';
import { typedValues } from '../layers/constants.js';
import type { ElementwiseParams } from '../layers/elementwise.js';
import type { ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import type { LayerLookup } from './lookup.js';
import { missingType } from './resolveNode.js';

/**
 * A constant operand of an elementwise layer: hls4ml makes a scale (mul, div) or a bias (the rest) of it and casts it
 * to that type. Division by a constant becomes multiplication by its reciprocal, as there. The cast constant is added
 * to `constants` under a name of its own; other nodes keep the original.
 */
export function quantiseElementwiseConstants(node: ModelNode, constants: Map<string, Tensor>, lookup: LayerLookup, problems: Problem[]): ModelNode {
  if (node.kind !== 'elementwise') return node;
  const { operation } = node.params as ElementwiseParams;
  const variable = operation === 'mul' || operation === 'div' ? 'scale' : 'bias';
  let params = node.params as ElementwiseParams;
  const inputs = node.inputs.map((name, position) => {
    const constant = constants.get(name);
    if (constant === undefined || constant.quantised === true) return name;
    const setting = lookup.type(variable);
    const type = setting === undefined || setting.type === 'auto' ? lookup.modelDefault() : setting.type;
    if (type === undefined) {
      problems.push(missingType(lookup, variable, setting !== undefined));
      return name;
    }
    const isReciprocal = operation === 'div' && position === 1;
    if (isReciprocal) params = { operation: 'mul' };
    const factor: Tensor = isReciprocal ? { shape: constant.shape, data: constant.data.map((value) => 1 / value) } : constant;
    const own = `${node.name}.${variable}${position}`;
    constants.set(own, { shape: factor.shape, data: typedValues(factor, type, 'config', node.name), quantised: true });
    return own;
  });
  return { ...node, params, inputs };
}
