import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';

/** Schemas that the parameters of many layers share. Sizes are bounded: a model.json is not to be trusted. */

export const tensorSchema = z.custom<Tensor>(
  (value) => typeof value === 'object' && value !== null && (value as { data?: unknown }).data instanceof Float64Array,
  'expected a tensor { shape, data }',
);

export const countSchema = z.int().min(1);

/** An axis counted from the front, the batch being 0. */
export const axisSchema = z.int().min(0).max(32);

export const axesSchema = z.array(axisSchema).max(32);

export const sizesSchema = z.array(z.int().min(0)).max(32);

/** The rounding modes of QONNX. */
export const qonnxRoundingSchema = z.enum(['ROUND', 'CEIL', 'FLOOR', 'UP', 'DOWN', 'HALF_UP', 'HALF_DOWN']);

/** Of layers without parameters. */
export const nothingSchema: z.ZodType<Readonly<Record<string, never>>> = z.strictObject({});

/** Fields of the kernels of sliding windows. */
export const windowFields = {
  strides: z.array(countSchema).max(32),
  dilations: z.array(countSchema).max(32),
  pads: sizesSchema,
};
