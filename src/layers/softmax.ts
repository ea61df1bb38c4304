export interface SoftmaxParams {
  readonly axis: number;
}
