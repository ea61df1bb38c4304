/** ONNX Cast to an integer type: drops the fraction toward zero. */
export interface ToIntegerParams {
  readonly [key: string]: never;
}
