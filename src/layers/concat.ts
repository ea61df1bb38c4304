export interface ConcatParams {
  readonly axis: number;
}
