/** Σ over `axis` of a · b (equal shapes): hls4ml's Dot; the frontend makes it of Mul + ReduceSum. */
export interface DotParams {
  readonly axis: number;
  readonly keepDims: boolean;
}
