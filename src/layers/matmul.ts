/** Product of two variable tensors, numpy's matmul with batch broadcasting. */
export interface MatmulParams {
  readonly [key: string]: never;
}
