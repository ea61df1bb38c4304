import type { Int } from '../fixed/integer.js';
import type { Circuit } from '../circuit/circuit.js';
import { compileModule } from './module.js';
import { fastEmulator } from './fast.js';
import { referenceEmulator } from './reference.js';

/**
 * Bit-exact batch execution of a circuit. Float64 arrays hold `count` events, element-minor (`[event, element]`).
 */
export interface Emulator {
  /**
   * Values in (rounded and overflowed by each input element's type; finite), exact values out (nearest float64 beyond
   * 53 bits). Nothing is allocated per event but the results.
   */
  readonly run: (inputs: readonly Float64Array[], count: number) => Float64Array[];
  /** Raw integers of the ports' types in and out, one event; any width. */
  readonly runRaw: (inputs: readonly (readonly Int[])[]) => Int[][];
  /** As `runRaw`, for many events at once: far faster than one by one. */
  readonly runRawBatch: (events: readonly (readonly (readonly Int[])[])[]) => Int[][][];
  /** How it runs. */
  readonly engine: EmulatorEngine;
}

/** The generated code: ops in lanes of 16, 32 and 64 bits, functions; or the reference evaluator, where 64 bits do not suffice. */
export type EmulatorEngine =
  | { readonly kind: 'wasm'; readonly least: 16 | 32 | 64; readonly ops16: number; readonly ops32: number; readonly ops64: number; readonly functions: number; readonly codeBytes: number }
  | { readonly kind: 'reference' };

export interface EmulatorOptions {
  /** Vector operations a function, about. */
  readonly chunkWeight?: number;
  /** The smallest lane to use; chosen by the size of the circuit if not given. */
  readonly least?: 16 | 32 | 64;
}

/**
 * Compiles a circuit to WebAssembly SIMD. Circuits in which some op needs more than 64 bits run by the reference
 * evaluator: the same bits, slowly. Input values must be within the intervals of the circuit's inputs.
 */
export function compileEmulator(circuit: Circuit, options: EmulatorOptions = {}): Emulator {
  const module = compileModule(circuit, options);
  return module === undefined ? referenceEmulator(circuit) : fastEmulator(circuit, module);
}
