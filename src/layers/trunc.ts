import type { Tensor } from '../model/tensor.js';

/** QONNX Trunc (version 1): drops inBits − outBits low bits of the integer x / scale + zeroPoint. */
export interface TruncParams {
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
  readonly inBits: number;
  readonly outBits: number;
  readonly rounding: 'ROUND' | 'CEIL' | 'FLOOR' | 'UP' | 'DOWN' | 'HALF_UP' | 'HALF_DOWN';
}
