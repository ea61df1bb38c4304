import type { Problem } from '../errors.js';
import type { Schedule } from '../timing/schedule.js';

/** A file of the output folder: path relative to it, text. */
export interface OutputFile {
  readonly path: string;
  readonly text: string;
}

/** What every backend may know besides the schedule. */
export interface DesignInfo {
  /** Verilog-safe name of the top module. */
  readonly top: string;
  readonly modelName: string;
  readonly modelVersion: number;
  /** sha256 of model and options, hex. */
  readonly hash: string;
  /** What logic and sums are made of: expressions (absent), or LUT6, LUT6_2, CARRY4, MUXF7 and MUXF8 cells. */
  readonly primitives?: 'xilinx';
  /** The circuit's input that a decision is made with, where it is one: `--head decision=port`. */
  readonly threshold?: string;
  /** What the elements of ports are called, by the port's name in the circuit; only of ports that an I/O schema names. */
  readonly objects?: ReadonlyMap<string, readonly ObjectLayout[]>;
}

/** Elements of a port in a row: `count` times the fields, or once where there is no count. */
export interface ObjectLayout {
  readonly name: string;
  readonly count?: number;
  readonly fields: readonly { readonly name: string; readonly lsb?: number; readonly unit?: string }[];
}

export interface Backend {
  readonly name: string;
  readonly summary: string;
  /** What of this schedule the target cannot express. */
  readonly check: (schedule: Schedule) => readonly Problem[];
  readonly emit: (schedule: Schedule, info: DesignInfo) => readonly OutputFile[];
}
