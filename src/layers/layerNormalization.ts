import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { broadcastsTo, entriesOf, formatShape, normalAxis, reductionGroups } from './indexing.js';
import type { Groups } from './indexing.js';
import { lowerLayerNormalization } from './layerNormalizationLowering.js';
import type { TensorRange } from './ranges.js';
import { keeps, roundBiasField, roundGroups } from './rounding.js';
import { tensorSchema } from './schemas.js';

/**
 * (x − mean) / √(variance + epsilon) · scale + bias, mean and variance over `axes`; with `center: false` x / √(mean of x² +
 * epsilon) · scale + bias (RMS normalisation).
 */
export interface LayerNormalizationParams {
  readonly axes: readonly number[];
  readonly epsilon: number;
  /** Broadcast to the input; null for 1. */
  readonly scale: Tensor | null;
  /** Broadcast to the input; null for 0. */
  readonly bias: Tensor | null;
  readonly center?: boolean;
}

/** The elements that are normalised together. */
export function normalizedGroups({ axes }: LayerNormalizationParams, shape: readonly number[]): Groups {
  return reductionGroups(shape, axes.map((axis) => normalAxis(axis, shape.length) as number), true);
}

function shapeOf({ axes, epsilon, scale, bias }: LayerNormalizationParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  const wrong = axes.find((axis) => !((normalAxis(axis, input.length) ?? 0) > 0));
  if (wrong !== undefined || axes.length === 0) return `axes ${formatShape(axes)} are not those of one event in ${formatShape(input)}`;
  if (!(epsilon > 0)) return `epsilon must be above 0, found ${epsilon}`;
  const misfit = [scale, bias].find((x) => x !== null && !broadcastsTo(x.shape, input));
  return misfit ? `scale or bias of ${formatShape(misfit.shape)} does not broadcast to ${formatShape(input)}` : input;
}

function evaluateLayerNormalization(params: LayerNormalizationParams, [x]: readonly Tensor[]): Tensor {
  const input = x as Tensor;
  const groups = normalizedGroups(params, input.shape);
  const scale = params.scale === null ? undefined : entriesOf(params.scale, input.shape);
  const bias = params.bias === null ? undefined : entriesOf(params.bias, input.shape);
  const data = new Float64Array(input.data.length);
  for (let g = 0; g < groups.count; g++) {
    const members = groups.members.subarray(g * groups.size, (g + 1) * groups.size);
    const mean = params.center === false ? 0 : members.reduce((sum, i) => sum + (input.data[i] as number), 0) / groups.size;
    const variance = members.reduce((sum, i) => sum + ((input.data[i] as number) - mean) ** 2, 0) / groups.size;
    for (const i of members) data[i] = (((input.data[i] as number) - mean) / Math.sqrt(variance + params.epsilon)) * (scale?.[i] ?? 1) + (bias?.[i] ?? 0);
  }
  return tensor(input.shape, data);
}

/** Layer and RMS normalisation. */
export const layerNormalizationLayer: LayerDefinition<LayerNormalizationParams> = {
  kind: 'layerNormalization',
  params: z.strictObject({
    axes: z.array(z.int().min(-32).max(32)).max(32),
    epsilon: z.number(),
    scale: tensorSchema.nullable(),
    bias: tensorSchema.nullable(),
    center: z.boolean().exactOptional(),
  }),
  hls4mlClass: () => 'LayerNormalization',
  shape: shapeOf,
  evaluate: evaluateLayerNormalization,
  lower: lowerLayerNormalization,
  /** One of n normalised values is at most √(n − 1), uncentred √n, away from 0. */
  bounds: (params, [x]) => {
    const { shape } = x as TensorRange;
    const { size } = normalizedGroups(params, shape);
    const most = Math.sqrt(params.center === false ? size : size - 1);
    const ones = tensor([], [1]);
    const scale = entriesOf(params.scale ?? ones, shape).map((v) => Math.abs(v) * most);
    const bias = entriesOf(params.bias ?? tensor([], [0]), shape);
    return { low: bias.map((b, i) => b - (scale[i] as number)), high: bias.map((b, i) => b + (scale[i] as number)) };
  },
  grid: () => undefined,
  precision: { looked: () => ['result'] },
  resolution: () => 'single',
  roundParameters: (params, { weightBits }) => {
    const plain = params.scale !== null && params.scale.quantised !== true;
    if (params.scale === null || keeps(params.scale)) return { params, statements: [], plain };
    const { tensor: scale, statement } = roundGroups(params.scale, weightBits, params.scale.data.length, (i) => i);
    return { params: { ...params, scale }, statements: [`scales to ${statement}`], plain };
  },
  roundBias: roundBiasField,
};
