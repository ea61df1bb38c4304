export interface TransposeParams {
  /** Permutation of all axes, batch included (and staying first). */
  readonly perm: readonly number[];
}
