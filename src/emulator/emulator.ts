import type { Int } from '../fixed/integer.js';

/**
 * Bit-exact batch execution of a circuit. Float64 arrays hold `count` events, element-minor (`[event, element]`).
 */
export interface Emulator {
  /** Values in (rounded and overflowed by each input element's type), exact values out (nearest float64 beyond 53 bits). */
  readonly run: (inputs: readonly Float64Array[], count: number) => Float64Array[];
  /** Raw integers of the ports' types in and out, one event; any width. */
  readonly runRaw: (inputs: readonly (readonly Int[])[]) => Int[][];
}
