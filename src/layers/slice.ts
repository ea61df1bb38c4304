import { z } from 'zod';
import { stridesOf } from '../model/tensor.js';
import { formatShape, normalAxis, stridedIndices } from './indexing.js';
import { axesSchema } from './schemas.js';
import { structuralLayer } from './structural.js';

/** ONNX Slice with constant bounds, already normalised: 0 ≤ start, step ≠ 0. One entry per axis in `axes`. */
export interface SliceParams {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  /** Exclusive; −1 lets a negative step run down to element 0. */
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}

/** A strided part of every axis named. */
export const sliceLayer = structuralLayer<SliceParams>({
  kind: 'slice',
  params: z.strictObject({ axes: axesSchema, starts: z.array(z.int()), ends: z.array(z.int()), steps: z.array(z.int()) }),
  hls4mlClass: () => 'Slice',
  shape: ({ axes, starts, ends, steps }, [input = []]) => {
    const shape = [...input];
    for (let k = 0; k < axes.length; k++) {
      const axis = normalAxis(axes[k] as number, input.length);
      if (axis === undefined) return `axis ${axes[k]} is outside ${formatShape(input)}`;
      const [start, end, step] = [starts[k] as number, ends[k] as number, steps[k] as number];
      const size = input[axis] as number;
      if (!Number.isInteger(step) || step === 0) return `a step of ${step} is not allowed`;
      const count = Math.max(0, Math.ceil((end - start) / step));
      if (count === 0) return `axis ${axis} of ${formatShape(input)} cut from ${start} to ${end} by ${step} leaves no element`;
      if (!(start >= 0 && start < size && start + (count - 1) * step >= 0 && start + (count - 1) * step < size)) {
        return `axis ${axis} of ${formatShape(input)} cannot be cut from ${start} to ${end} by ${step}`;
      }
      shape[axis] = count;
    }
    return shape;
  },
  indices: ({ axes, starts, steps }, [input = []], output) => {
    const own = stridesOf(input);
    const strides = [...own];
    let offset = 0;
    axes.forEach((a, k) => {
      const axis = normalAxis(a, input.length) as number;
      strides[axis] = (own[axis] as number) * (steps[k] as number);
      offset += (own[axis] as number) * (starts[k] as number);
    });
    return stridedIndices(output, strides, offset);
  },
});
