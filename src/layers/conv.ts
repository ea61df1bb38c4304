import type { Tensor } from '../model/tensor.js';

/** N-d convolution, channels first: input `[1, C, …spatial]`, output `[1, F, …spatial]`. */
export interface ConvParams {
  /** `[F, C / groups, …kernel]` */
  readonly weight: Tensor;
  /** `[F]` */
  readonly bias: Tensor | null;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin of every spatial axis, then end of every spatial axis (as ONNX). */
  readonly pads: readonly number[];
  readonly groups: number;
}
