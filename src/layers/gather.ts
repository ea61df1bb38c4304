import type { Tensor } from '../model/tensor.js';

/** Picks slices of a variable tensor at constant indices (ONNX Gather). */
export interface GatherParams {
  readonly axis: number;
  /** Any shape; negative indices count from the end. */
  readonly indices: Tensor;
}
