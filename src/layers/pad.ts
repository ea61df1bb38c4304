/** Constant padding; pads as ONNX (begin of all axes, then end), batch axis included (0). */
export interface PadParams {
  readonly pads: readonly number[];
  readonly value: number;
}
