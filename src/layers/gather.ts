import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { sizeOf } from '../model/tensor.js';
import { formatShape, normalAxis } from './indexing.js';
import { axisSchema, tensorSchema } from './schemas.js';
import { structuralLayer } from './structural.js';

/** Picks slices of a variable tensor at constant indices (ONNX Gather). */
export interface GatherParams {
  readonly axis: number;
  /** Any shape; negative indices count from the end. */
  readonly indices: Tensor;
}

/** Slices at constant indices: no logic at all. */
export const gatherLayer = structuralLayer<GatherParams>({
  kind: 'gather',
  params: z.strictObject({ axis: axisSchema, indices: tensorSchema }),
  hls4mlClass: () => 'Gather',
  shape: ({ axis, indices }, [input = []]) => {
    const at = normalAxis(axis, input.length);
    if (at === undefined) return `axis ${axis} is outside ${formatShape(input)}`;
    const size = input[at] as number;
    const wrong = indices.data.find((i) => normalAxis(i, size) === undefined);
    if (wrong !== undefined) return `index ${wrong} is outside axis ${at} of ${size}`;
    return [...input.slice(0, at), ...indices.shape, ...input.slice(at + 1)];
  },
  indices: ({ axis, indices }, [input = []]) => {
    const at = normalAxis(axis, input.length) as number;
    const size = input[at] as number;
    const inner = sizeOf(input.slice(at + 1));
    const outer = sizeOf(input.slice(0, at));
    const picked: number[] = [];
    for (let o = 0; o < outer; o++) {
      for (const i of indices.data) {
        const row = o * size + (normalAxis(i, size) as number);
        for (let k = 0; k < inner; k++) picked.push(row * inner + k);
      }
    }
    return Int32Array.from(picked);
  },
});
