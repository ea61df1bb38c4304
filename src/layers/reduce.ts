/** Reduction over axes (never the batch axis); global pooling is mean or max over the spatial axes. */
export interface ReduceParams {
  readonly operation: 'sum' | 'mean' | 'max' | 'min';
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}
