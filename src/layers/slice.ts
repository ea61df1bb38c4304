/** ONNX Slice with constant bounds, already normalised: 0 ≤ start, step ≠ 0. One entry per axis in `axes`. */
export interface SliceParams {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}
