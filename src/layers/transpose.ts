import { z } from 'zod';
import { stridesOf } from '../model/tensor.js';
import { formatShape, stridedIndices } from './indexing.js';
import { axesSchema } from './schemas.js';
import { structuralLayer } from './structural.js';

export interface TransposeParams {
  /** Permutation of all axes, batch included (and staying first). */
  readonly perm: readonly number[];
}

/** Axes permuted: output axis i is input axis perm[i]. */
export const transposeLayer = structuralLayer<TransposeParams>({
  kind: 'transpose',
  params: z.strictObject({ perm: axesSchema }),
  hls4mlClass: () => 'Transpose',
  shape: ({ perm }, [input = []]) => {
    const isPermutation = perm.length === input.length && input.every((_, axis) => perm.includes(axis));
    if (!isPermutation) return `${formatShape(perm)} is no permutation of the ${input.length} axes of ${formatShape(input)}`;
    if (input.length > 0 && perm[0] !== 0 && input[0] !== 1) return `the batch axis must stay first, found permutation ${formatShape(perm)}`;
    return perm.map((axis) => input[axis] as number);
  },
  indices: ({ perm }, [input = []], output) => {
    const strides = stridesOf(input);
    return stridedIndices(output, perm.map((axis) => strides[axis] as number));
  },
});
