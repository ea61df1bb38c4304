/** Max or average pooling over windows, channels first. Pads as ONNX. */
export interface PoolParams {
  readonly mode: 'max' | 'average';
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly countIncludePad: boolean;
  readonly ceilMode: boolean;
}
