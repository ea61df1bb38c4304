import { z } from 'zod';
import { sizeOf, stridesOf } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { formatShape } from './indexing.js';
import { finestGrid, gridOfUsed } from './ranges.js';
import { sizesSchema } from './schemas.js';
import { structuralLayer } from './structural.js';

/** Constant padding; pads as ONNX (begin of all axes, then end), batch axis included (0). */
export interface PadParams {
  readonly pads: readonly number[];
  readonly value: number;
}

const movement = structuralLayer<PadParams>({
  kind: 'pad',
  params: z.strictObject({ pads: sizesSchema, value: z.number() }),
  hls4mlClass: (_, [input = []]) => `ZeroPadding${Math.max(1, input.length - 2)}D`,
  shape: ({ pads, value }, [input = []]) => {
    if (pads.length !== 2 * input.length) return `${pads.length} pads for the ${input.length} axes of ${formatShape(input)}; two an axis are needed`;
    if (!Number.isFinite(value)) return `the pad value ${value} is not a finite number`;
    const shape = input.map((n, axis) => n + (pads[axis] as number) + (pads[input.length + axis] as number));
    return shape.some((n) => n < 1) ? `pads ${formatShape(pads)} leave nothing of ${formatShape(input)}` : shape;
  },
  indices: ({ pads }, [input = []], output) => {
    const from = stridesOf(input);
    const to = stridesOf(output);
    return Int32Array.from({ length: sizeOf(output) }, (_, e) => {
      let rest = e;
      let index = 0;
      for (let axis = 0; axis < output.length; axis++) {
        const at = Math.floor(rest / (to[axis] as number)) - (pads[axis] as number);
        rest %= to[axis] as number;
        if (at < 0 || at >= (input[axis] as number)) return -1;
        index += at * (from[axis] as number);
      }
      return index;
    });
  },
  fill: ({ value }) => value,
  grid: ({ value }, [x]) => finestGrid(x?.exp, gridOfUsed([value])),
});

/** A constant frame around the tensor; negative pads crop. */
export const padLayer: LayerDefinition<PadParams> = { ...movement, homogeneous: ({ value }) => value === 0 };
