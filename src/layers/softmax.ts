import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { formatShape, normalAxis, reductionGroups } from './indexing.js';
import { SOFTMAX_TYPE, TABLE_TYPE } from './precisionRules.js';
import type { TensorRange } from './ranges.js';
import { constantBounds } from './ranges.js';
import { axisSchema } from './schemas.js';
import { lowerSoftmax } from './softmaxLowering.js';

export interface SoftmaxParams {
  readonly axis: number;
}

function evaluateSoftmax({ axis }: SoftmaxParams, [x]: readonly Tensor[]): Tensor {
  const input = x as Tensor;
  const groups = reductionGroups(input.shape, [normalAxis(axis, input.shape.length) as number], true);
  const data = new Float64Array(input.data.length);
  for (let g = 0; g < groups.count; g++) {
    const members = groups.members.subarray(g * groups.size, (g + 1) * groups.size);
    const top = members.reduce((m, i) => Math.max(m, input.data[i] as number), -Infinity);
    let sum = 0;
    for (const i of members) sum += data[i] = Math.exp((input.data[i] as number) - top);
    for (const i of members) data[i] = (data[i] as number) / sum;
  }
  return tensor(input.shape, data);
}

/** Softmax along one axis. */
export const softmaxLayer: LayerDefinition<SoftmaxParams> = {
  kind: 'softmax',
  params: z.strictObject({ axis: axisSchema }),
  hls4mlClass: () => 'Softmax',
  shape: ({ axis }, [input = []]) => {
    const at = normalAxis(axis, input.length);
    return at === undefined || at === 0 ? `axis ${axis} is no axis of one event in ${formatShape(input)}` : input;
  },
  evaluate: evaluateSoftmax,
  lower: lowerSoftmax,
  bounds: (_, [x]) => constantBounds((x as TensorRange).low.length, 0, 1),
  grid: () => undefined,
  precision: {
    looked: () => ['result'],
    fixed: () => ({ table: TABLE_TYPE, exp_table: SOFTMAX_TYPE, inv_table: SOFTMAX_TYPE, inv_inp: SOFTMAX_TYPE, accum: SOFTMAX_TYPE }),
    hasImplementation: true,
  },
  resolution: () => 'table',
};
