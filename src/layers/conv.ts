import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import type { WeightMatrix } from './accumulate.js';
import { checkProducts, ternaryWeights, weightedSums } from './accumulate.js';
import { typedValues } from './constants.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape, windowShape, windowsOf } from './indexing.js';
import type { ProductPlan } from './products.js';
import type { TensorRange } from './ranges.js';
import { finestGrid, gridOf, gridOfUsed, productGrid } from './ranges.js';
import { roundBiasField } from './rounding.js';
import { countSchema, tensorSchema, windowFields } from './schemas.js';
import { shapeOrThrow } from './structural.js';
import { roundWeights, weightedBounds, weightedPrecision } from './weighted.js';

/** N-d convolution, channels first: input `[1, C, …spatial]`, output `[1, F, …spatial]`. */
export interface ConvParams {
  /** `[F, C / groups, …kernel]` */
  readonly weight: Tensor;
  /** `[F]` */
  readonly bias: Tensor | null;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin of every spatial axis, then end of every spatial axis (as ONNX). */
  readonly pads: readonly number[];
  readonly groups: number;
}

function convShape(params: ConvParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  const { weight, bias, groups } = params;
  if (input.length < 3) return `a convolution needs a batch, a channel and at least one spatial axis, found ${formatShape(input)}`;
  if (weight.shape.length !== input.length) return `the weight ${formatShape(weight.shape)} does not fit the input ${formatShape(input)}`;
  const [filters, depth] = weight.shape as readonly [number, number];
  if (!(groups >= 1) || input[1] !== depth * groups) {
    return `the weight ${formatShape(weight.shape)} in ${groups} groups takes ${depth * groups} channels, found ${formatShape(input)}`;
  }
  if (filters % groups !== 0) return `${filters} filters do not divide into ${groups} groups`;
  if (bias !== null && bias.data.length !== filters) return `the bias must have ${filters} elements, found ${bias.data.length}`;
  const spatial = windowShape(input.slice(2), weight.shape.slice(2), params);
  return typeof spatial === 'string' ? spatial : [input[0] as number, filters, ...spatial];
}

/** The im2col'd form of a convolution: kernel position first, channel fastest. */
export interface ConvPlan extends ProductPlan {
  readonly shape: readonly number[];
}

/** Lays a convolution out as one small dense layer per output position and group. */
export function planConv(params: ConvParams, input: readonly number[]): ConvPlan {
  const { weight, groups } = params;
  const shape = shapeOrThrow(convShape(params, [input]));
  const [filters, depth, ...kernel] = weight.shape as readonly [number, number, ...number[]];
  const windows = windowsOf(input.slice(2), kernel, params, shape.slice(2));
  const area = sizeOf(input.slice(2));
  const filtersPerGroup = filters / groups;
  return {
    shape,
    positions: windows.positions,
    groups,
    filtersPerGroup,
    factors: windows.taps * depth,
    inputs: (position, group) =>
      Int32Array.from({ length: windows.taps * depth }, (_, i) => {
        const cell = windows.cells[position * windows.taps + Math.floor(i / depth)] as number;
        return cell < 0 ? -1 : (group * depth + (i % depth)) * area + cell;
      }),
    weightIndex: (group, factor, filter) =>
      ((group * filtersPerGroup + filter) * depth + (factor % depth)) * windows.taps + Math.floor(factor / depth),
  };
}

/** What both convolutions are made of. */
export interface Kernel {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly groups: number;
}

/** The float meaning of a plan. */
export function evaluatePlan(params: Kernel, plan: ConvPlan, input: Tensor): Tensor {
  const data = new Float64Array(sizeOf(plan.shape));
  for (let position = 0; position < plan.positions; position++) {
    for (let group = 0; group < params.groups; group++) {
      const inputs = plan.inputs(position, group);
      for (let f = 0; f < plan.filtersPerGroup; f++) {
        const filter = group * plan.filtersPerGroup + f;
        let sum = params.bias?.data[filter] ?? 0;
        for (let i = 0; i < plan.factors; i++) {
          const index = inputs[i] as number;
          if (index >= 0) sum += (input.data[index] as number) * (params.weight.data[plan.weightIndex(group, i, f)] as number);
        }
        data[filter * plan.positions + position] = sum;
      }
    }
  }
  return tensor(plan.shape, data);
}

/** One matrix a group, `[factors, filters of the group]`. */
function groupMatrices(params: Kernel, plan: ConvPlan, { precision, layer }: LoweringContext): WeightMatrix[] {
  const source = precision?.source ?? 'auto';
  const weight = ternaryWeights(typedValues(params.weight, precision?.weight, source, layer), precision, layer);
  const bias = params.bias === null ? undefined : typedValues(params.bias, precision?.bias, source, layer);
  const nOut = plan.filtersPerGroup;
  return Array.from({ length: params.groups }, (_, group) => {
    const matrix = new Float64Array(plan.factors * nOut);
    for (let i = 0; i < plan.factors; i++) for (let f = 0; f < nOut; f++) matrix[i * nOut + f] = weight[plan.weightIndex(group, i, f)] as number;
    return { nIn: plan.factors, nOut, weight: matrix, bias: bias?.subarray(group * nOut, (group + 1) * nOut) };
  });
}

/** The circuit of a plan. */
export function lowerPlan(params: Kernel, plan: ConvPlan, input: LoweredTensor, context: LoweringContext): LoweredTensor {
  const { builder, precision } = context;
  checkProducts(plan.positions * params.weight.data.length, context.layer);
  const matrices = groupMatrices(params, plan, context);
  const ops = new Int32Array(sizeOf(plan.shape));
  for (let position = 0; position < plan.positions; position++) {
    matrices.forEach((matrix, group) => {
      builder.setElement(group * plan.filtersPerGroup * plan.positions + position);
      const inputs = plan.inputs(position, group).map((i) => (i < 0 ? -1 : (input.ops[i] as number)));
      const sums = weightedSums(builder, inputs, matrix, precision);
      sums.forEach((op, f) => (ops[(group * plan.filtersPerGroup + f) * plan.positions + position] = op));
    });
  }
  return { shape: plan.shape, ops, ...(precision?.result && { type: precision.result }) };
}

function evaluateConv(params: ConvParams, [x]: readonly Tensor[]): Tensor {
  return evaluatePlan(params, planConv(params, (x as Tensor).shape), x as Tensor);
}

/** Convolution of any number of spatial axes. */
export const convLayer: LayerDefinition<ConvParams> = {
  kind: 'conv',
  params: z.strictObject({ weight: tensorSchema, bias: tensorSchema.nullable(), ...windowFields, groups: countSchema }),
  hls4mlClass: ({ weight, groups }) => {
    const rank = weight.shape.length - 2;
    return groups > 1 && weight.shape[1] === 1 ? `DepthwiseConv${rank}D` : `Conv${rank}D`;
  },
  shape: convShape,
  evaluate: evaluateConv,
  lower: (params, [x], context) => lowerPlan(params, planConv(params, (x as LoweredTensor).shape), x as LoweredTensor, context),
  bounds: (params, [x]) => weightedBounds(evaluateConv, params, x as TensorRange),
  grid: ({ weight, bias }, [x]) => finestGrid(productGrid(x?.exp, gridOf(weight.data)), bias === null ? Infinity : gridOfUsed(bias.data)),
  precision: weightedPrecision(({ weight }) => sizeOf(weight.shape.slice(1))),
  resolution: () => 'single',
  weighted: () => ({ weightAxis: 0, outputAxis: 1 }),
  products: planConv,
  roundParameters: (params, { weightBits }) => roundWeights(params, weightBits, 0),
  roundBias: roundBiasField,
};
