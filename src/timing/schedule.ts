import type { Circuit } from '../circuit/circuit.js';
import type { Device } from './device.js';

/**
 * A circuit with a pipeline stage for each op. Ops of stage s work between register rank s and rank s + 1; outputs are
 * registered, inputs are not, so `latencyCycles` = number of ranks on every path. 0 ranks: purely combinational.
 */
export interface Schedule {
  readonly circuit: Circuit;
  /** Stage of each op, 0 ≤ stage < max(1, latencyCycles). */
  readonly stage: Int32Array;
  readonly latencyCycles: number;
  readonly initiationInterval: number;
  readonly clockMHz: number;
  readonly device: Device;
  /** Longest modelled register-to-register (or, combinational, input-to-output) path, ns. */
  readonly criticalPathNs: number;
  /** Modelled arrival of each op within its stage, ns. */
  readonly arrivalNs: Float32Array;
  /** With three-operand adders: the adder that an op is part of, or −1; both are of one stage. Absent without such. */
  readonly partOf?: Int32Array;
}
