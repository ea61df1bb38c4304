import { z } from 'zod';
import { sizeOf } from '../model/tensor.js';
import { formatShape } from './indexing.js';
import { sizesSchema } from './schemas.js';
import { structuralLayer } from './structural.js';

/** Flatten, squeeze, unsqueeze and reshape: the full output shape, batch axis 1 included, nothing left open. */
export interface ReshapeParams {
  readonly shape: readonly number[];
}

/** The same elements in the same order under another shape. */
export const reshapeLayer = structuralLayer<ReshapeParams>({
  kind: 'reshape',
  params: z.strictObject({ shape: sizesSchema }),
  hls4mlClass: () => 'Reshape',
  shape: ({ shape }, [input = []]) => {
    if (sizeOf(shape) === sizeOf(input)) return shape;
    return `${formatShape(input)} has ${sizeOf(input)} elements, ${formatShape(shape)} has ${sizeOf(shape)}`;
  },
  indices: (_, __, output) => Int32Array.from({ length: sizeOf(output) }, (___, i) => i),
});
