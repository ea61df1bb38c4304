import type { Tensor } from '../model/tensor.js';

/** x ≥ 0 ? scale : −scale */
export interface BipolarQuantParams {
  readonly scale: Tensor;
}
