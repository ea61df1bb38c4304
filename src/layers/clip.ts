/** Clamps to [min, max]; null leaves a side open. */
export interface ClipParams {
  readonly min: number | null;
  readonly max: number | null;
}
