/** A layer with constant weights as one small matrix a group and position: what is multiplied with what. */
export interface ProductPlan {
  /** How often the matrices are applied: rows of a dense layer, output positions of a convolution. */
  readonly positions: number;
  readonly groups: number;
  readonly filtersPerGroup: number;
  /** Products an output. */
  readonly factors: number;
  /** Per position and group: flat input index of each factor, −1 for padding. */
  readonly inputs: (position: number, group: number) => Int32Array;
  /** Flat weight index of factor i for filter f (counted within the group). */
  readonly weightIndex: (group: number, factor: number, filter: number) => number;
}
