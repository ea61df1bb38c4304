import type { ReduceParams } from '../../../layers/reduce.js';
import type { GraphBuilder } from '../builder.js';
import { foldReduce } from '../fold.js';
import type { Operator, OperatorTable } from '../operator.js';
import type { ConstantValue, OperatorNode, VariableValue } from '../values.js';
import { fail, integerList, leadOf, normalAxis, variableInput } from '../values.js';
import { emitBinary } from './arithmetic.js';

interface Reduction {
  /** In ONNX's view; undefined: the node does nothing. */
  readonly axes: readonly number[] | undefined;
  readonly keepDims: boolean;
}

/** Axes from the attribute or, in newer opsets, the input; none given means all. */
function reductionOf(node: OperatorNode, rank: number): Reduction {
  const given = integerList(node, node.inputs.length > 1 ? 1 : -1, 'axes');
  const keepDims = node.attributes.int('keepdims', 1) !== 0;
  if (given === undefined || given.length === 0) {
    if (node.attributes.int('noop_with_empty_axes', 0) === 1) return { axes: undefined, keepDims };
    return { axes: Array.from({ length: rank }, (_, axis) => axis), keepDims };
  }
  return { axes: [...new Set(given.map((axis) => normalAxis(node, axis, rank)))].sort((a, b) => a - b), keepDims };
}

function emitReduce(node: OperatorNode, builder: GraphBuilder, operation: ReduceParams['operation'], x: VariableValue): VariableValue {
  const { axes, keepDims } = reductionOf(node, x.shape.length);
  if (axes === undefined) return x;
  const lead = leadOf(x.shape);
  if (lead === 0 && axes.includes(0)) fail(node, 'unsupported', 'batch-reduction', 'reduces over axis 0, which is the batch.', 'Give the axes without 0: a trigger sees one event at a time.');
  return builder.emit(node, 'reduce', { operation, axes: axes.map((axis) => axis + lead), keepDims }, [x], { integer: x.integer && operation !== 'mean' });
}

const START: Readonly<Record<ReduceParams['operation'], number>> = { sum: 0, mean: 0, max: -Infinity, min: Infinity, prod: 1 };

function reduction(operation: ReduceParams['operation']): Operator {
  return {
    fold: (node, inputs, builder) => {
      const x = inputs[0] as ConstantValue;
      const { axes, keepDims } = reductionOf(node, x.shape.length);
      if (axes === undefined) return [x];
      const join = operation === 'max' ? Math.max : operation === 'min' ? Math.min : operation === 'prod' ? (a: number, b: number) => a * b : (a: number, b: number) => a + b;
      return [foldReduce(node, builder, x, axes, keepDims, START[operation], join, (total, count) => (operation === 'mean' ? total / count : total))];
    },
    run: (node, builder) => [emitReduce(node, builder, operation, variableInput(node, 0))],
  };
}

/** Σ |x|, √Σ x², log Σ exp x: a function of the elements, a sum, a function of it. */
function composedSum(inner: 'abs' | 'exp' | undefined, outer: 'sqrt' | 'log' | undefined): Operator {
  return {
    run: (node, builder) => {
      const x = variableInput(node, 0);
      const each = inner === undefined ? emitBinary(node, builder, 'mul', x, x, `${node.name}/square`) : builder.emit(node, 'activation', { function: inner }, [x], { shape: x.shape, name: `${node.name}/${inner}` });
      const total = emitReduce(node, builder, 'sum', each);
      return [outer === undefined ? total : builder.emit(node, 'activation', { function: outer }, [total], { shape: total.shape, name: `${node.name}/${outer}` })];
    },
  };
}

/** Σ x²: a product with itself, then the sum (which become one dot layer where there is one axis). */
const sumOfSquares: Operator = {
  run: (node, builder) => {
    const x = variableInput(node, 0);
    return [emitReduce(node, builder, 'sum', emitBinary(node, builder, 'mul', x, x, `${node.name}/square`))];
  },
};

const logOfSum: Operator = {
  run: (node, builder) => {
    const total = emitReduce(node, builder, 'sum', variableInput(node, 0));
    return [builder.emit(node, 'activation', { function: 'log' }, [total], { shape: total.shape, name: `${node.name}/log` })];
  },
};

/** Reductions over axes other than the batch. */
export const reductions: OperatorTable = {
  ReduceSum: reduction('sum'),
  ReduceMean: reduction('mean'),
  ReduceMax: reduction('max'),
  ReduceMin: reduction('min'),
  ReduceProd: reduction('prod'),
  ReduceSumSquare: sumOfSquares,
  ReduceL1: composedSum('abs', undefined),
  ReduceL2: composedSum(undefined, 'sqrt'),
  ReduceLogSumExp: composedSum('exp', 'log'),
  ReduceLogSum: logOfSum,
};
