import type { Tensor } from '../model/tensor.js';

/** y = x · scale[c] + bias[c] along `axis`; the frontend folds gamma, beta, mean, variance and epsilon in float64. */
export interface BatchNormalizationParams {
  readonly scale: Tensor;
  readonly bias: Tensor;
  readonly axis: number;
}
