/** Two inputs, numpy broadcasting; either may be a constant. `div` takes a constant divisor. `average` is (a + b) / 2. */
export interface ElementwiseParams {
  readonly operation: 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'average';
}
