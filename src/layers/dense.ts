import type { Tensor } from '../model/tensor.js';

/** y[..., j] = Σ_i x[..., i] · weight[i, j] + bias[j] */
export interface DenseParams {
  /** `[nIn, nOut]` */
  readonly weight: Tensor;
  /** `[nOut]` */
  readonly bias: Tensor | null;
}
