import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, stridesOf } from '../model/tensor.js';
import type { ConvPlan } from './conv.js';
import { evaluatePlan, lowerPlan } from './conv.js';
import type { LayerDefinition, LoweredTensor } from './definition.js';
import { formatShape, positionsOf } from './indexing.js';
import type { TensorRange } from './ranges.js';
import { finestGrid, gridOf, gridOfUsed, productGrid } from './ranges.js';
import { roundBiasField } from './rounding.js';
import { countSchema, sizesSchema, tensorSchema, windowFields } from './schemas.js';
import { shapeOrThrow } from './structural.js';
import { roundWeights, weightedBounds, weightedPrecision } from './weighted.js';

/** Transposed convolution of any number of spatial axes, channels first: every input value spreads over a window of the output. */
export interface ConvTransposeParams {
  /** `[cIn, cOut / groups, …kernel]` */
  readonly weight: Tensor;
  /** `[cOut]` */
  readonly bias: Tensor | null;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Cut from the begin of every spatial axis of the output, then from the end (as ONNX). */
  readonly pads: readonly number[];
  /** Added to the end of every spatial axis of the output. */
  readonly outputPads: readonly number[];
  readonly groups: number;
}

function shapeOf(params: ConvTransposeParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  const { weight, bias, strides, dilations, pads, outputPads, groups } = params;
  const rank = input.length - 2;
  if (rank < 1) return `a transposed convolution needs a batch, a channel and at least one spatial axis, found ${formatShape(input)}`;
  if (weight.shape.length !== input.length) return `the weight ${formatShape(weight.shape)} does not fit the input ${formatShape(input)}`;
  if (strides.length !== rank || dilations.length !== rank || outputPads.length !== rank || pads.length !== 2 * rank) {
    return `strides, dilations, output pads and pads must have ${rank}, ${rank}, ${rank} and ${2 * rank} entries; found ${strides.length}, ${dilations.length}, ${outputPads.length} and ${pads.length}`;
  }
  const [channels, filters, ...kernel] = weight.shape as readonly [number, number, ...number[]];
  if (input[1] !== channels || channels % groups !== 0) return `the weight ${formatShape(weight.shape)} in ${groups} groups takes ${channels} channels, found ${formatShape(input)}`;
  if (bias !== null && bias.data.length !== filters * groups) return `the bias must have ${filters * groups} elements, found ${bias.data.length}`;
  const spatial = kernel.map((size, axis) => {
    const spread = ((input[axis + 2] as number) - 1) * (strides[axis] as number) + (size - 1) * (dilations[axis] as number) + 1;
    return spread + (outputPads[axis] as number) - (pads[axis] as number) - (pads[rank + axis] as number);
  });
  if (spatial.some((n) => n < 1)) return `pads ${formatShape(pads)} leave nothing of the output`;
  return [input[0] as number, filters * groups, ...spatial];
}

/** For each output position and tap the flat spatial input index that reaches it, −1 for none: `[positions, taps]`. */
function cellsOf({ weight, strides, dilations, pads }: ConvTransposeParams, input: readonly number[], output: readonly number[]): Int32Array {
  const kernel = weight.shape.slice(2);
  const taps = positionsOf(kernel);
  const rows = stridesOf(input);
  return Int32Array.from(
    positionsOf(output).flatMap((position) =>
      taps.map((tap) => {
        let index = 0;
        for (let axis = 0; axis < input.length; axis++) {
          const reach = (position[axis] as number) + (pads[axis] as number) - (tap[axis] as number) * (dilations[axis] as number);
          const at = reach / (strides[axis] as number);
          if (!Number.isInteger(at) || at < 0 || at >= (input[axis] as number)) return -1;
          index += at * (rows[axis] as number);
        }
        return index;
      }),
    ),
  );
}

/** One small dense layer an output position and group, as for a convolution. */
function planOf(params: ConvTransposeParams, input: readonly number[]): ConvPlan {
  const { weight, groups } = params;
  const shape = shapeOrThrow(shapeOf(params, [input]));
  const [channels, filters, ...kernel] = weight.shape as readonly [number, number, ...number[]];
  const taps = sizeOf(kernel);
  const depth = channels / groups;
  const area = sizeOf(input.slice(2));
  const cells = cellsOf(params, input.slice(2), shape.slice(2));
  return {
    shape,
    positions: sizeOf(shape.slice(2)),
    groups,
    filtersPerGroup: filters,
    factors: taps * depth,
    inputs: (position, group) =>
      Int32Array.from({ length: taps * depth }, (_, i) => {
        const cell = cells[position * taps + Math.floor(i / depth)] as number;
        return cell < 0 ? -1 : (group * depth + (i % depth)) * area + cell;
      }),
    weightIndex: (group, factor, filter) => ((group * depth + (factor % depth)) * filters + filter) * taps + Math.floor(factor / depth),
  };
}

function evaluateConvTranspose(params: ConvTransposeParams, [x]: readonly Tensor[]): Tensor {
  return evaluatePlan(params, planOf(params, (x as Tensor).shape), x as Tensor);
}

/** Transposed convolution ("deconvolution"). */
export const convTransposeLayer: LayerDefinition<ConvTransposeParams> = {
  kind: 'convTranspose',
  params: z.strictObject({ weight: tensorSchema, bias: tensorSchema.nullable(), ...windowFields, outputPads: sizesSchema, groups: countSchema }),
  hls4mlClass: ({ weight }) => `Conv${weight.shape.length - 2}DTranspose`,
  shape: shapeOf,
  evaluate: evaluateConvTranspose,
  lower: (params, [x], context) => lowerPlan(params, planOf(params, (x as LoweredTensor).shape), x as LoweredTensor, context),
  bounds: (params, [x]) => weightedBounds(evaluateConvTranspose, params, x as TensorRange),
  grid: ({ weight, bias }, [x]) => finestGrid(productGrid(x?.exp, gridOf(weight.data)), bias === null ? Infinity : gridOfUsed(bias.data)),
  precision: weightedPrecision(({ weight, groups }) => sizeOf(weight.shape.slice(2)) * ((weight.shape[0] as number) / groups)),
  resolution: () => 'single',
  weighted: ({ groups }) => (groups === 1 ? { weightAxis: 1, outputAxis: 1 } : undefined),
  products: planOf,
  roundParameters: (params, { weightBits }) => roundWeights(params, weightBits, 1),
  roundBias: roundBiasField,
};
