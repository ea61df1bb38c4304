import { z } from 'zod';
import type { CircuitBuilder } from '../circuit/builder.js';
import { Op } from '../circuit/circuit.js';
import { assertNever, CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { fractionBits } from '../fixed/fixedType.js';
import { dyadicOf } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, broadcastShapes, tensor } from '../model/tensor.js';
import { linear } from '../optimize/cmvm.js';
import { divideRounded, maximum, minimum, timesConstant } from './arithmetic.js';
import { divideVariables } from './divide.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { inferCommon, inferProduct, inferSum } from './hls4mlInference.js';
import { formatShape } from './indexing.js';
import { lowerElements, needsResult } from './lowering.js';
import type { InferenceInput } from './precisionRules.js';
import type { Bounds, TensorRange } from './ranges.js';
import { corners, finestGrid, powerOfTwo, productGrid, products } from './ranges.js';

const OPERATIONS = ['add', 'sub', 'mul', 'div', 'max', 'min', 'average'] as const;

/** Two inputs, numpy broadcasting; either may be a constant. The quotient of two variables is rounded once into the result
 * type; by 0 it is that by one step of the divisor. `average` is (a + b) / 2. */
export interface ElementwiseParams {
  readonly operation: (typeof OPERATIONS)[number];
}

function combine(operation: ElementwiseParams['operation'], a: number, b: number): number {
  switch (operation) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'div':
      return a / b;
    case 'max':
      return Math.max(a, b);
    case 'min':
      return Math.min(a, b);
    case 'average':
      return (a + b) / 2;
    default:
      return assertNever(operation);
  }
}

/** x / c for a constant c = ±m · 2^e: exact where m = 1, else rounded into the result type as the infinitely precise quotient. */
function divideByConstant(x: number, divisor: number, context: LoweringContext): number {
  const { builder, layer } = context;
  if (divisor === 0) {
    throw new CompileError('unsupported', {
      code: 'division',
      where: [layer],
      what: 'division by zero.',
      mend: 'Divide by a constant other than zero.',
    });
  }
  const { n, exp } = dyadicOf(Math.abs(divisor));
  const positive = divisor < 0 ? builder.sub(builder.constant(0), x) : x;
  const scaled = builder.shift(positive, -exp);
  if (n === 1) return scaled;
  const result = needsResult(context, 'a division by a constant that is no power of two');
  return divideRounded(builder, scaled, Number(n), fractionBits(result), result.rounding);
}

function lowerElementwise({ operation }: ElementwiseParams, [a, b]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder } = context;
  const [x, y] = [a as LoweredTensor, b as LoweredTensor];
  const shape = broadcastShapes(x.shape, y.shape) as number[];
  const left = broadcastIndices(x.shape, shape);
  const right = broadcastIndices(y.shape, shape);
  return lowerElements(context, shape, (e) => {
    const [i, j] = [left[e] as number, right[e] as number];
    const [u, v] = [x.ops[i] as number, y.ops[j] as number];
    switch (operation) {
      case 'add':
        return sumOfTwo(builder, u, v, 1);
      case 'sub':
        return sumOfTwo(builder, u, v, -1);
      case 'average':
        return builder.shift(builder.add(u, v), -1);
      case 'max':
        return maximum(builder, u, v);
      case 'min':
        return minimum(builder, u, v);
      case 'mul':
        if (y.constant !== undefined) return timesConstant(builder, u, y.constant.data[j] as number);
        if (x.constant !== undefined) return timesConstant(builder, v, x.constant.data[i] as number);
        return linear.multiplyVariables(builder, u, v);
      case 'div':
        if (y.constant !== undefined) return divideByConstant(u, y.constant.data[j] as number, context);
        return divideVariables(builder, u, v, fractionBits(needsResult(context, 'a quotient of two variables')));
      default:
        return assertNever(operation);
    }
  });
}

/** u ± v; as a matrix, so that it can join the sums that u and v are. */
function sumOfTwo(builder: CircuitBuilder, u: number, v: number, sign: 1 | -1): number {
  const isPlain = u === v || builder.kindOf(u) === Op.const || builder.kindOf(v) === Op.const;
  if (isPlain) return sign === 1 ? builder.add(u, v) : builder.sub(u, v);
  return linear.multiplyMatrix(builder, [u, v], [1, sign], 1)[0] as number;
}

/** A divisor, 0 being one step. */
function awayFromZero(v: number, step: number): number {
  return v === 0 ? step : v;
}

function boundsOf({ operation }: ElementwiseParams, [a, b]: readonly TensorRange[]): Bounds {
  const [x, y] = [a as TensorRange, b as TensorRange];
  if (operation === 'mul') return products(x, y);
  if (operation !== 'div') return corners(x, y, (u, v) => combine(operation, u, v));
  // A divisor that may be 0 comes as near to it as one step, on either side.
  const step = 2 ** (y.exp ?? -24);
  const nearest = corners(x, { ...y, low: y.low.map((v) => awayFromZero(v, step)), high: y.high.map((v) => awayFromZero(v, step)) }, (u, v) => u / v);
  const least = corners(x, { ...y, low: y.low.map((v, i) => (v < 0 && (y.high[i] as number) >= 0 ? -step : awayFromZero(v, step))), high: y.high.map((v, i) => (v > 0 && (y.low[i] as number) <= 0 ? step : awayFromZero(v, step))) }, (u, v) => u / v);
  return { low: nearest.low.map((v, i) => Math.min(v, least.low[i] as number)), high: nearest.high.map((v, i) => Math.max(v, least.high[i] as number)) };
}

function gridOfElementwise({ operation }: ElementwiseParams, [a, b]: readonly TensorRange[]): number | undefined {
  const finest = finestGrid(a?.exp, b?.exp);
  switch (operation) {
    case 'add':
    case 'sub':
    case 'max':
    case 'min':
      return finest;
    case 'average':
      return productGrid(finest, -1);
    case 'mul':
      return productGrid(a?.exp, b?.exp);
    case 'div':
      if (b === undefined || b.low.some((v, i) => v !== b.high[i])) return undefined;
      return b.exp === undefined ? undefined : productGrid(a?.exp, finestGrid(0, ...Array.from(b.low, (divisor) => powerOfTwo(1 / Math.abs(divisor)))));
  }
}

function inferElementwise({ operation }: ElementwiseParams, { operands: [a, b] }: InferenceInput): FixedType | undefined {
  if (a === undefined || b === undefined) return undefined;
  switch (operation) {
    case 'add':
    case 'average':
      return inferSum(a, b, false);
    case 'sub':
      return inferSum(a, b, true);
    case 'mul':
      return inferProduct(a, b);
    case 'max':
    case 'min':
      return inferCommon([a, b], false) ?? a;
    case 'div':
      return undefined;
  }
}

/** One value of two, element by element. */
export const elementwiseLayer: LayerDefinition<ElementwiseParams> = {
  kind: 'elementwise',
  params: z.strictObject({ operation: z.enum(OPERATIONS) }),
  hls4mlClass: () => 'Merge',
  shape: (_, [a = [], b = []]) => broadcastShapes(a, b) ?? `shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`,
  evaluate: ({ operation }, [a, b]) => {
    const [x, y] = [a as Tensor, b as Tensor];
    const shape = broadcastShapes(x.shape, y.shape) as number[];
    const left = broadcastIndices(x.shape, shape);
    const right = broadcastIndices(y.shape, shape);
    return tensor(shape, Float64Array.from(left, (i, e) => combine(operation, x.data[i] as number, y.data[right[e] as number] as number)));
  },
  lower: lowerElementwise,
  bounds: boundsOf,
  grid: gridOfElementwise,
  precision: { looked: () => ['result'], infer: { result: inferElementwise } },
  constantRole: ({ operation }, position) => {
    if (operation === 'div' && position === 1) return undefined;
    return operation === 'mul' || operation === 'div' ? 'factor' : 'term';
  },
};
