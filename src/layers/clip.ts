import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { clamp } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { lowerElements } from './lowering.js';
import { finestGrid, gridOfUsed } from './ranges.js';
import { isOnSmallGrid, roundToGrid, UNROUNDED } from './rounding.js';

/** Clamps to [min, max]; null leaves a side open. */
export interface ClipParams {
  readonly min: number | null;
  readonly max: number | null;
}

function lowerClip({ min, max }: ClipParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder } = context;
  const input = x as LoweredTensor;
  const bound = (value: number | null): number | undefined => (value === null || !Number.isFinite(value) ? undefined : builder.constantOf(value));
  return lowerElements(context, input.shape, (e) => clamp(builder, input.ops[e] as number, bound(min), bound(max)));
}

/** min(max(x, lo), hi): also ReLU6 and any ReLU with a maximum. */
export const clipLayer: LayerDefinition<ClipParams> = {
  kind: 'clip',
  params: z.strictObject({ min: z.number().nullable(), max: z.number().nullable() }),
  hls4mlClass: () => 'Clip',
  shape: ({ min, max }, [input = []]) => (min !== null && max !== null && min > max ? `the lower bound ${min} is above the upper bound ${max}` : input),
  evaluate: ({ min, max }, [x]) => {
    const input = x as Tensor;
    return tensor(input.shape, input.data.map((v) => Math.min(Math.max(v, min ?? -Infinity), max ?? Infinity)));
  },
  lower: lowerClip,
  cuts: () => true,
  grid: ({ min, max }, [x]) => finestGrid(x?.exp, gridOfUsed([min ?? 0, max ?? 0])),
  /** Bounds go to the grid of what they clip, where they are finer. */
  roundParameters: (params, { inputExp }) => {
    const fit = (bound: number | null): number | null => (bound === null || inputExp === undefined || isOnSmallGrid([bound]) ? bound : roundToGrid(bound, inputExp));
    const rounded: ClipParams = { min: fit(params.min), max: fit(params.max) };
    if (rounded.min === params.min && rounded.max === params.max) return { params, ...UNROUNDED };
    return { params: rounded, statements: ['constants rounded'], plain: false };
  },
};
