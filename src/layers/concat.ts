import { z } from 'zod';
import { stridesOf, sizeOf } from '../model/tensor.js';
import { formatShape, normalAxis } from './indexing.js';
import { axisSchema } from './schemas.js';
import { structuralLayer } from './structural.js';

export interface ConcatParams {
  readonly axis: number;
}

/** Tensors joined along one axis. With a result type every element is cast to it (hls4ml's Concatenate). */
export const concatLayer = structuralLayer<ConcatParams>({
  kind: 'concat',
  params: z.strictObject({ axis: axisSchema }),
  casts: true,
  hls4mlClass: () => 'Concatenate',
  shape: ({ axis }, inputs) => {
    const first = inputs[0];
    if (first === undefined) return 'concat needs at least one input';
    const at = normalAxis(axis, first.length);
    if (at === undefined) return `axis ${axis} is outside ${formatShape(first)}`;
    const fits = inputs.every((x) => x.length === first.length && x.every((n, i) => i === at || n === first[i]));
    if (!fits) return `shapes ${inputs.map(formatShape).join(', ')} differ in more than axis ${at}`;
    return first.map((n, i) => (i === at ? inputs.reduce((sum, x) => sum + (x[i] as number), 0) : n));
  },
  indices: ({ axis }, inputs, output) => {
    const at = normalAxis(axis, output.length) as number;
    const indices = new Int32Array(sizeOf(output));
    const block = (shape: readonly number[]): number => (shape[at] as number) * (stridesOf(shape)[at] as number);
    const row = block(output);
    let from = 0;
    let to = 0;
    for (const shape of inputs) {
      const length = block(shape);
      for (let i = 0; i < sizeOf(shape); i++) indices[Math.floor(i / length) * row + to + (i % length)] = from + i;
      from += sizeOf(shape);
      to += length;
    }
    return indices;
  },
});
