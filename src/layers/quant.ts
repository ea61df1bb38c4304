import type { Tensor } from '../model/tensor.js';

/** QONNX Quant: clamp(x / scale + zeroPoint), round, − zeroPoint, · scale. */
export interface QuantParams {
  /** Scalar or broadcastable to the input. */
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
  readonly bitWidth: number;
  readonly signed: boolean;
  readonly narrow: boolean;
  readonly rounding: 'ROUND' | 'CEIL' | 'FLOOR' | 'UP' | 'DOWN' | 'HALF_UP' | 'HALF_DOWN';
}
