import { tensor } from '../model/tensor.js';
import type { Tensor } from '../model/tensor.js';
import type { LayerMeaning } from './definition.js';

/** Clamps to [min, max]; null leaves a side open. */
export interface ClipParams {
  readonly min: number | null;
  readonly max: number | null;
}

/** min(max(x, lo), hi): also ReLU6 and any ReLU with a maximum. */
export const clipLayer: LayerMeaning<ClipParams> = {
  kind: 'clip',
  hls4mlClass: () => 'Clip',
  shape: ({ min, max }, [input = []]) => (min !== null && max !== null && min > max ? `the lower bound ${min} is above the upper bound ${max}` : input),
  evaluate: ({ min, max }, [x]) => {
    const input = x as Tensor;
    return tensor(input.shape, input.data.map((v) => Math.min(Math.max(v, min ?? -Infinity), max ?? Infinity)));
  },
};
