import { z } from 'zod';
import { Op } from '../circuit/circuit.js';
import type { CircuitBuilder } from '../circuit/builder.js';
import { assertNever } from '../errors.js';
import { dyadicOf } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, broadcastShapes, tensor } from '../model/tensor.js';
import { isAbove, isBelow } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape } from './indexing.js';
import { lowerElements } from './lowering.js';
import type { TensorRange } from './ranges.js';
import { constantBounds } from './ranges.js';

const OPERATIONS = ['lt', 'le', 'gt', 'ge', 'eq', 'ne'] as const;

/** 1 where the comparison of two inputs holds, else 0; numpy broadcasting, either may be a constant. */
export interface CompareParams {
  readonly operation: (typeof OPERATIONS)[number];
}

type Operation = CompareParams['operation'];

function holds(operation: Operation, a: number, b: number): boolean {
  switch (operation) {
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    default:
      return assertNever(operation);
  }
}

/** The operation with its operands exchanged. */
const SWAPPED: Readonly<Record<Operation, Operation>> = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le', eq: 'eq', ne: 'ne' };

/** 1 − c for a c of 0 or 1. */
export function negated(builder: CircuitBuilder, c: number): number {
  const { lo, hi } = builder.intervalOf(c);
  return lo === hi ? builder.constant(lo === 0 ? 1 : 0) : builder.bitwise(Op.xor, c, builder.constant(1));
}

function compareOps(builder: CircuitBuilder, operation: Operation, a: number, b: number): number {
  switch (operation) {
    case 'lt':
      return builder.lt(a, b);
    case 'le':
      return negated(builder, builder.lt(b, a));
    case 'gt':
      return builder.lt(b, a);
    case 'ge':
      return negated(builder, builder.lt(a, b));
    case 'eq':
      return builder.eq(a, b);
    case 'ne':
      return negated(builder, builder.eq(a, b));
  }
}

/** A comparison with a constant, on the variable's own grid however fine the constant is. */
function compareConstant(builder: CircuitBuilder, operation: Operation, x: number, c: number): number {
  switch (operation) {
    case 'lt':
      return isBelow(builder, x, c);
    case 'le':
      return negated(builder, isAbove(builder, x, c));
    case 'gt':
      return isAbove(builder, x, c);
    case 'ge':
      return negated(builder, isBelow(builder, x, c));
    case 'eq':
    case 'ne': {
      const isReached = c === 0 || dyadicOf(c).exp >= builder.intervalOf(x).exp;
      const equal = isReached ? builder.eq(x, builder.constantOf(c)) : builder.constant(0);
      return operation === 'eq' ? equal : negated(builder, equal);
    }
  }
}

function lowerCompare({ operation }: CompareParams, [a, b]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder } = context;
  const [x, y] = [a as LoweredTensor, b as LoweredTensor];
  const shape = broadcastShapes(x.shape, y.shape) as number[];
  const [left, right] = [broadcastIndices(x.shape, shape), broadcastIndices(y.shape, shape)];
  return lowerElements(context, shape, (e) => {
    const [i, j] = [left[e] as number, right[e] as number];
    if (y.constant !== undefined) return compareConstant(builder, operation, x.ops[i] as number, y.constant.data[j] as number);
    if (x.constant !== undefined) return compareConstant(builder, SWAPPED[operation], y.ops[j] as number, x.constant.data[i] as number);
    return compareOps(builder, operation, x.ops[i] as number, y.ops[j] as number);
  });
}

/** Comparisons: 0 or 1. */
export const compareLayer: LayerDefinition<CompareParams> = {
  kind: 'compare',
  params: z.strictObject({ operation: z.enum(OPERATIONS) }),
  hls4mlClass: () => 'Compare',
  shape: (_, [a = [], b = []]) => broadcastShapes(a, b) ?? `shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`,
  evaluate: ({ operation }, [a, b]) => {
    const [x, y] = [a as Tensor, b as Tensor];
    const shape = broadcastShapes(x.shape, y.shape) as number[];
    const right = broadcastIndices(y.shape, shape);
    return tensor(shape, Array.from(broadcastIndices(x.shape, shape), (i, e) => (holds(operation, x.data[i] as number, y.data[right[e] as number] as number) ? 1 : 0)));
  },
  lower: lowerCompare,
  bounds: (_, inputs) => constantBounds(broadcastIndices([], broadcastShapes((inputs[0] as TensorRange).shape, (inputs[1] as TensorRange).shape) as number[]).length, 0, 1),
  grid: () => 0,
  precision: 'none',
};
