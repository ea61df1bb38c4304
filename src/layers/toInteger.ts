import { tensor } from '../model/tensor.js';
import type { Tensor } from '../model/tensor.js';
import type { LayerMeaning } from './definition.js';

/** ONNX Cast to an integer type: drops the fraction toward zero. */
export interface ToIntegerParams {
  readonly [key: string]: never;
}

/** The whole part of each element. */
export const toIntegerLayer: LayerMeaning<ToIntegerParams> = {
  kind: 'toInteger',
  hls4mlClass: () => 'Cast',
  shape: (_, [input = []]) => input,
  evaluate: (_, [x]) => {
    const input = x as Tensor;
    return tensor(input.shape, input.data.map((v) => Math.trunc(v) + 0), input.quantised === true);
  },
};
