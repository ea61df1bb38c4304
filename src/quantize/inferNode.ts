import type { FixedType } from '../fixed/fixedType.js';
import type { DenseParams } from '../layers/dense.js';
import type { DotParams } from '../layers/dot.js';
import type { ElementwiseParams } from '../layers/elementwise.js';
import type { PoolParams } from '../layers/pool.js';
import type { ModelNode } from '../model/graph.js';
import { sizeOf } from '../model/tensor.js';
import { capType, inferAverageAccumulator, inferCommon, inferProduct, inferSum, inferSumOfProducts, NO_BIAS } from './inference.js';

/** What one inference reads. */
export interface InferenceInput {
  readonly node: ModelNode;
  readonly variable: 'accum' | 'result';
  /** Types of the node's inputs, in order. */
  readonly operands: readonly FixedType[];
  readonly parameter: (name: 'weight' | 'scale' | 'bias') => FixedType | undefined;
  readonly inputShape: readonly number[];
  readonly maximum: FixedType | undefined;
}

/** Whether hls4ml infers this variable of this kind of layer at all. */
export function hasRule(node: ModelNode, variable: 'accum' | 'result'): boolean {
  switch (node.kind) {
    case 'dense':
    case 'conv':
    case 'dot':
    case 'matmul':
    case 'pool':
      return true;
    case 'batchNormalization':
    case 'elementwise':
    case 'concat':
      return variable === 'result';
    default:
      return false;
  }
}

/** The type that hls4ml 1.3 infers, or `default` where it falls back to the model's default. */
export function inferNode(input: InferenceInput): FixedType | 'default' {
  const { node, variable, operands, parameter, maximum } = input;
  const [a, b] = operands;
  if (a === undefined || !hasRule(node, variable)) return 'default';
  switch (node.kind) {
    case 'dense':
    case 'conv': {
      const weight = parameter('weight');
      if (weight === undefined) return 'default';
      return capType(inferSumOfProducts(a, weight, termsOf(node.params as DenseParams, node.kind), parameter('bias') ?? NO_BIAS), maximum);
    }
    case 'batchNormalization': {
      const scale = parameter('scale');
      if (scale === undefined) return 'default';
      return capType(inferSumOfProducts(a, scale, 1, parameter('bias') ?? NO_BIAS), maximum);
    }
    case 'dot': {
      const terms = input.inputShape.at((node.params as DotParams).axis) ?? 1;
      return b === undefined ? 'default' : capType(inferProduct(a, b, terms), maximum);
    }
    case 'matmul':
      return b === undefined ? 'default' : capType(inferProduct(a, b, input.inputShape.at(-1) ?? 1), maximum);
    case 'pool':
      return inferPool(node.params as PoolParams, variable, a, maximum);
    case 'elementwise':
      return b === undefined ? 'default' : inferElementwise(node.params as ElementwiseParams, a, b, maximum);
    case 'concat': {
      const type = inferCommon(operands, true);
      return type === undefined ? 'default' : capType(type, maximum);
    }
    default:
      return 'default';
  }
}

/** Products that meet in one sum. */
function termsOf({ weight }: DenseParams, kind: 'dense' | 'conv'): number {
  return kind === 'dense' ? (weight.shape[0] ?? 1) : sizeOf(weight.shape.slice(1));
}

function inferPool({ mode, kernel }: PoolParams, variable: 'accum' | 'result', x: FixedType, maximum: FixedType | undefined): FixedType {
  if (mode === 'average' && variable === 'accum') return inferAverageAccumulator(x, sizeOf(kernel));
  return mode === 'average' ? x : capType(x, maximum);
}

function inferElementwise({ operation }: ElementwiseParams, a: FixedType, b: FixedType, maximum: FixedType | undefined): FixedType | 'default' {
  switch (operation) {
    case 'add':
    case 'average':
      return capType(inferSum(a, b, false), maximum);
    case 'sub':
      return capType(inferSum(a, b, true), maximum);
    case 'mul':
      return capType(inferProduct(a, b), maximum);
    case 'max':
    case 'min':
      return capType(inferCommon([a, b], false) ?? a, maximum);
    case 'div':
      return 'default';
  }
}
