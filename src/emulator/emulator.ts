import type { Int } from '../fixed/integer.js';
import type { Circuit } from '../circuit/circuit.js';
import { compileModule } from './module.js';
import { fastEmulator } from './fast.js';
import { referenceEmulator } from './reference.js';
import { splitCircuit, splitEmulator } from './split.js';

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

/** Generated code with ops in lanes of 16, 32 and 64 bits; that and the reference semantics for the rest; or those alone. */
export type EmulatorEngine =
  | { readonly kind: 'wasm'; readonly least: 16 | 32 | 64; readonly ops16: number; readonly ops32: number; readonly ops64: number; readonly functions: number; readonly codeBytes: number }
  | { readonly kind: 'split'; readonly fast: EmulatorEngine; readonly slowOps: number }
  | { readonly kind: 'reference' };

export interface EmulatorOptions {
  /** Vector operations a function, about. */
  readonly chunkWeight?: number;
  /** The smallest lane to use; chosen by the size of the circuit if not given. */
  readonly least?: 16 | 32 | 64;
}

/**
 * Compiles a circuit to WebAssembly SIMD. Ops that need more than 64 bits, and those that depend on them, run by the
 * reference semantics: the same bits, slowly. Input values must be within the intervals of the circuit's inputs.
 */
export function compileEmulator(circuit: Circuit, options: EmulatorOptions = {}): Emulator {
  const module = compileModule(circuit, options);
  if (module !== undefined) return fastEmulator(circuit, module);
  const split = splitCircuit(circuit);
  const fast = split === undefined ? undefined : compileModule(split.fast, options);
  if (split === undefined || fast === undefined) return referenceEmulator(circuit);
  return splitEmulator(circuit, split, fastEmulator(split.fast, fast));
}
