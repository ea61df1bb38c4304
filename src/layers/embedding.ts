import type { Tensor } from '../model/tensor.js';

/**
 * Rows of a constant table picked by a variable integer (ONNX Gather with constant data, axis 0): output shape is
 * `[…index shape, …table shape after the first axis]`. An index outside the table is clamped to its ends.
 */
export interface EmbeddingParams {
  readonly table: Tensor;
}
