/** Flatten, squeeze, unsqueeze and reshape: the full output shape, batch axis 1 included, nothing left open. */
export interface ReshapeParams {
  readonly shape: readonly number[];
}
