/** One decision tree in arrays; node 0 is the root. */
export interface Tree {
  /** Which output the leaves add to. */
  readonly output: number;
  /** Feature per node; −1 at a leaf. */
  readonly feature: readonly number[];
  /** Threshold per node (exact float32 for XGBoost); the leaf's value at a leaf. */
  readonly value: readonly number[];
  /** Child taken when the comparison holds. */
  readonly whenTrue: readonly number[];
  readonly whenFalse: readonly number[];
}

/** Input `[1, nFeatures]`, output `[1, nOutputs]`: base + sum of leaves (the margin, before any link function). */
export interface ForestParams {
  readonly nFeatures: number;
  readonly nOutputs: number;
  /** What a node asks of its feature: x < threshold (XGBoost) or x ≤ threshold. */
  readonly comparison: 'lt' | 'le';
  readonly trees: readonly Tree[];
  /** `[nOutputs]` */
  readonly base: readonly number[];
}
