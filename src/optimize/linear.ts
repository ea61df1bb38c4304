import type { CircuitBuilder } from '../circuit/builder.js';

/** One summand: ± op · 2^shift. */
export interface Term {
  readonly op: number;
  readonly shift: number;
  readonly negative: boolean;
}

/** What the callers of the linear optimiser rely on. */
export interface LinearOptimizer {
  /** y[j] = Σ_i inputs[i] · weight[i·nOut + j] + bias[j], exactly; weights are any finite float64 (dyadic). */
  readonly multiplyMatrix: (builder: CircuitBuilder, inputs: ArrayLike<number>, weight: ArrayLike<number>, nOut: number, bias?: ArrayLike<number>) => Int32Array;
  /** x · constants[k] for each k, exactly, with shared subexpressions. */
  readonly multiplyConstants: (builder: CircuitBuilder, x: number, constants: ArrayLike<number>) => Int32Array;
  /** Exact sum as an adder tree ordered by arrival time; the constant 0 for no terms. */
  readonly sumTerms: (builder: CircuitBuilder, terms: readonly Term[]) => number;
  /** x · y of two variables, exactly, as partial products that can be pipelined. */
  readonly multiplyVariables: (builder: CircuitBuilder, x: number, y: number) => number;
  /** Σ x · y over pairs of variables, exactly, as one adder tree. */
  readonly sumProducts: (builder: CircuitBuilder, pairs: readonly (readonly [number, number])[]) => number;
  /** floor(x / divisor) on the grid 2^exp: the largest k · 2^exp ≤ x / divisor, exactly, for a positive integer divisor. */
  readonly divideFloor: (builder: CircuitBuilder, x: number, divisor: number, exp: number) => number;
}
