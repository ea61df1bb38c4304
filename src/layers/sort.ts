import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { castTo } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { axisProblem, linesOf, sortOps } from './ordering.js';

/** Values in order along an axis. */
export interface SortParams {
  readonly axis: number;
  readonly descending: boolean;
}

function lowerSort({ axis, descending }: SortParams, [x]: readonly LoweredTensor[], { builder, precision }: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const lines = linesOf(input.shape, axis);
  const ops = new Int32Array(input.ops.length);
  for (let line = 0; line < lines.count; line++) {
    const members = lines.members.subarray(line * lines.size, (line + 1) * lines.size);
    builder.setElement(members[0] as number);
    sortOps(builder, Array.from(members, (i) => input.ops[i] as number), descending).forEach((op, k) => (ops[members[k] as number] = op));
  }
  const type = precision?.result ?? input.type;
  return { shape: input.shape, ops: precision?.result === undefined ? ops : ops.map((op) => castTo(builder, op, precision.result as NonNullable<typeof type>)), ...(type && { type }) };
}

/** A sorting network along one axis. */
export const sortLayer: LayerDefinition<SortParams> = {
  kind: 'sort',
  params: z.strictObject({ axis: z.int().min(-32).max(32), descending: z.boolean() }),
  hls4mlClass: () => 'Sort',
  shape: ({ axis }, [input = []]) => axisProblem(input, axis) ?? input,
  evaluate: ({ axis, descending }, [x]) => {
    const input = x as Tensor;
    const lines = linesOf(input.shape, axis);
    const data = new Float64Array(input.data.length);
    for (let line = 0; line < lines.count; line++) {
      const members = lines.members.subarray(line * lines.size, (line + 1) * lines.size);
      const sorted = Float64Array.from(members, (i) => input.data[i] as number).sort();
      if (descending) sorted.reverse();
      sorted.forEach((v, k) => (data[members[k] as number] = v));
    }
    return tensor(input.shape, data);
  },
  lower: lowerSort,
};
