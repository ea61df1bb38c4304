import { z } from 'zod';
import { assertNever } from '../errors.js';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { linear } from '../optimize/cmvm.js';
import { accumulateValues } from './accumulate.js';
import { balanced } from './arithmetic.js';
import { average, extreme } from './average.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import type { Groups } from './indexing.js';
import { formatShape, normalAxis, reductionGroups } from './indexing.js';
import { lowerElements } from './lowering.js';
import type { Bounds, TensorRange } from './ranges.js';
import { powerOfTwo, productGrid } from './ranges.js';
import { axesSchema } from './schemas.js';

const OPERATIONS = ['sum', 'mean', 'max', 'min', 'prod'] as const;

/** Reduction over axes (never the batch axis); global pooling is mean or max over the spatial axes. */
export interface ReduceParams {
  readonly operation: (typeof OPERATIONS)[number];
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** Which elements become which; the axes must have passed the shape rule. */
export function reduceGroups({ axes, keepDims }: ReduceParams, input: readonly number[]): Groups {
  return reductionGroups(input, axes.map((axis) => normalAxis(axis, input.length) as number), keepDims);
}

function fold(operation: ReduceParams['operation'], values: Float64Array): number {
  switch (operation) {
    case 'sum':
      return values.reduce((a, b) => a + b, 0);
    case 'mean':
      return values.reduce((a, b) => a + b, 0) / values.length;
    case 'prod':
      return values.reduce((a, b) => a * b, 1);
    case 'max':
      return values.reduce((a, b) => Math.max(a, b), -Infinity);
    case 'min':
      return values.reduce((a, b) => Math.min(a, b), Infinity);
    default:
      return assertNever(operation);
  }
}

function lowerReduce(params: ReduceParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const groups = reduceGroups(params, input.shape);
  return lowerElements(context, groups.shape, (g) => {
    const terms = Array.from(groups.members.subarray(g * groups.size, (g + 1) * groups.size), (i) => input.ops[i] as number);
    switch (params.operation) {
      case 'sum':
        return accumulateValues(context.builder, terms, context.precision?.accum);
      case 'prod':
        return balanced(terms, (a, b) => linear.multiplyVariables(context.builder, a, b));
      case 'mean':
        return average(context, terms, groups.size);
      case 'max':
      case 'min':
        return extreme(context, params.operation, terms);
      default:
        return assertNever(params.operation);
    }
  });
}

/** Products of intervals; the others rise with their terms. */
function boundsOf(params: ReduceParams, [x]: readonly TensorRange[]): Bounds {
  const range = x as TensorRange;
  const groups = reduceGroups(params, range.shape);
  const members = (g: number): number[] => [...groups.members.subarray(g * groups.size, (g + 1) * groups.size)];
  const ends = Array.from({ length: groups.count }, (_, g): readonly [number, number] => {
    if (params.operation === 'prod') {
      return members(g).reduce<readonly [number, number]>(([low, high], i) => {
        const corners = [low, high].flatMap((v) => [v * (range.low[i] as number), v * (range.high[i] as number)]);
        return [Math.min(...corners), Math.max(...corners)];
      }, [1, 1]);
    }
    const at = (end: Float64Array): number => fold(params.operation, Float64Array.from(members(g), (i) => end[i] as number));
    return [at(range.low), at(range.high)];
  });
  return { low: Float64Array.from(ends, ([low]) => low), high: Float64Array.from(ends, ([, high]) => high) };
}

/** Sum, mean, maximum, minimum or product over axes. */
export const reduceLayer: LayerDefinition<ReduceParams> = {
  kind: 'reduce',
  params: z.strictObject({ operation: z.enum(OPERATIONS), axes: axesSchema, keepDims: z.boolean() }),
  hls4mlClass: ({ operation, axes }) => {
    if (operation === 'mean') return `GlobalAveragePooling${axes.length}D`;
    return operation === 'max' ? `GlobalMaxPooling${axes.length}D` : 'Reduce';
  },
  shape: (params, [input = []]) => {
    const wrong = params.axes.find((axis) => !((normalAxis(axis, input.length) ?? 0) > 0));
    if (wrong !== undefined) return `axis ${wrong} is no axis of one event in ${formatShape(input)}`;
    if (new Set(params.axes.map((axis) => normalAxis(axis, input.length))).size !== params.axes.length) return `axes ${formatShape(params.axes)} repeat`;
    return reduceGroups(params, input).shape;
  },
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const groups = reduceGroups(params, input.shape);
    const values = Float64Array.from({ length: groups.count }, (_, g) =>
      fold(params.operation, Float64Array.from(groups.members.subarray(g * groups.size, (g + 1) * groups.size), (i) => input.data[i] as number)),
    );
    return tensor(groups.shape, values);
  },
  lower: lowerReduce,
  homogeneous: ({ operation }) => operation !== 'prod',
  bounds: boundsOf,
  grid: ({ operation, axes }, [x]) => {
    const count = axes.reduce((n, axis) => n * (x?.shape.at(axis) ?? 1), 1);
    if (operation === 'prod') return x?.exp === undefined ? undefined : x.exp * count;
    return operation === 'mean' ? productGrid(x?.exp, powerOfTwo(1 / count)) : x?.exp;
  },
  precision: { looked: () => ['accum', 'result'] },
};
