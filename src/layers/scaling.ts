import { z } from 'zod';
import { assertNever } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castValue, fractionBits, parseFixedType, rangeOf } from '../fixed/fixedType.js';
import { toNumber } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import { linear } from '../optimize/cmvm.js';
import { castTo, plusConstant, sum, timesConstant } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { broadcastsTo, entriesOf, formatShape } from './indexing.js';
import type { Bounds, TensorRange } from './ranges.js';
import { between, constantBounds, finestGrid, gridOf } from './ranges.js';
import { tensorSchema } from './schemas.js';

const OPERATIONS = ['subtract', 'multiply', 'square', 'sum', 'cast'] as const;

/**
 * One step of what an I/O schema puts around a model (docs/io.md): exact, then a cast if it has a type. `sum` is over all
 * elements of an event, the others are element by element.
 */
export interface ScalingParams {
  readonly operation: (typeof OPERATIONS)[number];
  /** What `subtract` and `multiply` take, broadcast to the input. */
  readonly values?: Tensor;
  /** `ap_fixed<…>` text; `cast` has one. */
  readonly type?: string;
}

function typeOf({ type }: ScalingParams): FixedType | undefined {
  const parsed = type === undefined ? undefined : parseFixedType(type);
  return typeof parsed === 'string' ? undefined : parsed;
}

function isTyped(text: string): boolean {
  return typeof parseFixedType(text) !== 'string';
}

/** The values as one an element; what steps without values never read. */
function valuesOf({ values }: ScalingParams, shape: readonly number[]): Float64Array {
  return values === undefined ? new Float64Array(sizeOf(shape)) : Float64Array.from(entriesOf(values, shape));
}

function exactValues(params: ScalingParams, shape: readonly number[], data: Float64Array): Float64Array {
  const values = valuesOf(params, shape);
  switch (params.operation) {
    case 'subtract':
      return data.map((v, e) => v - (values[e] as number));
    case 'multiply':
      return data.map((v, e) => v * (values[e] as number));
    case 'square':
      return data.map((v) => v * v);
    case 'sum':
      return Float64Array.of(data.reduce((total, v) => total + v, 0));
    case 'cast':
      return data;
    default:
      return assertNever(params.operation);
  }
}

function outputShape({ operation }: ScalingParams, input: readonly number[]): readonly number[] {
  return operation === 'sum' ? [1, 1] : input;
}

function lowerScaling(params: ScalingParams, [x]: readonly LoweredTensor[], { builder }: LoweringContext): LoweredTensor {
  const { shape, ops } = x as LoweredTensor;
  const values = valuesOf(params, shape);
  const type = typeOf(params);
  const exact = (op: number, e: number): number => {
    switch (params.operation) {
      case 'subtract':
        return plusConstant(builder, op, -(values[e] as number));
      case 'multiply':
        return timesConstant(builder, op, values[e] as number);
      case 'square':
        return linear.multiplyVariables(builder, op, op);
      case 'sum':
      case 'cast':
        return op;
      default:
        return assertNever(params.operation);
    }
  };
  const made = params.operation === 'sum' ? [sum(builder, [...ops])] : Array.from(ops, (op, e) => {
    builder.setElement(e);
    return exact(op, e);
  });
  const result = Int32Array.from(made, (op, e) => {
    builder.setElement(e);
    return type === undefined ? op : castTo(builder, op, type);
  });
  return { shape: outputShape(params, shape), ops: result, ...(type && { type }) };
}

function boundsOf(params: ScalingParams, [x]: readonly TensorRange[]): Bounds {
  const range = x as TensorRange;
  const type = typeOf(params);
  if (type !== undefined) {
    const { lo, hi, exp } = rangeOf(type);
    return constantBounds(sizeOf(outputShape(params, range.shape)), toNumber(lo, exp), toNumber(hi, exp));
  }
  const ends = between(exactValues(params, range.shape, range.low), exactValues(params, range.shape, range.high));
  if (params.operation !== 'square') return ends;
  return { ...ends, low: ends.low.map((v, e) => ((range.low[e] as number) < 0 && (range.high[e] as number) > 0 ? 0 : v)) };
}

function gridOfResult(params: ScalingParams, [x]: readonly TensorRange[]): number | undefined {
  const type = typeOf(params);
  if (type !== undefined) return -fractionBits(type);
  const exp = (x as TensorRange).exp;
  const own = params.values === undefined ? 0 : gridOf(params.values.data);
  switch (params.operation) {
    case 'subtract':
      return finestGrid(exp, own);
    case 'multiply':
      return exp === undefined ? undefined : exp + own;
    case 'square':
      return exp === undefined ? undefined : 2 * exp;
    case 'sum':
    case 'cast':
      return exp;
    default:
      return assertNever(params.operation);
  }
}

/** A step of an I/O schema; no precision file has a say in it. */
export const scalingLayer: LayerDefinition<ScalingParams> = {
  kind: 'scaling',
  params: z.strictObject({
    operation: z.enum(OPERATIONS),
    values: tensorSchema.exactOptional(),
    type: z.string().max(100).refine(isTyped, 'is no type').exactOptional(),
  }),
  hls4mlClass: () => 'Scaling',
  shape: (params, [input = []]) => {
    const { operation, values, type } = params;
    const takesValues = operation === 'subtract' || operation === 'multiply';
    if (takesValues !== (values !== undefined)) return `${operation} ${takesValues ? 'needs' : 'takes no'} values`;
    if (operation === 'cast' && type === undefined) return 'a cast needs a type';
    if (values !== undefined && !broadcastsTo(values.shape, input)) return `values of ${formatShape(values.shape)} do not broadcast to ${formatShape(input)}`;
    if (values?.data.some((v) => !Number.isFinite(v)) === true) return 'its values must be finite';
    return outputShape(params, input);
  },
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const type = typeOf(params);
    const exact = exactValues(params, input.shape, input.data);
    return tensor(outputShape(params, input.shape), type === undefined ? exact : exact.map((v) => castValue(v, type)), type !== undefined);
  },
  lower: lowerScaling,
  bounds: boundsOf,
  grid: gridOfResult,
  precision: 'none',
  quantiser: (params) => (params.operation === 'cast' ? typeOf(params) : undefined),
};
