import type { NamedArray } from '../io/arrays.js';
import type { ModelSource } from '../frontends/frontend.js';
import type { MissingMode } from '../quantize/missing.js';
import type { MetricName } from '../quantize/search/metrics.js';
import type { LatencyRequest } from '../timing/pipeline.js';

/** How far to verify; each level includes those before it. `auto` is Verilator where it is installed. */
export type VerifyLevel = 'none' | 'emulator' | 'verilator' | 'auto';

/** How long the optimisers may search. */
export type Effort = 'fast' | 'normal' | 'best';

/** Everything a compilation depends on: the same request gives the same bytes. */
export interface CompileRequest {
  readonly model: ModelSource;
  /** Reads a file beside the model, by a plain relative path. */
  readonly readSide: (relativePath: string) => Uint8Array | undefined;
  /** hls4ml-style types: the text of the file and its name for messages. */
  readonly precision?: { readonly text: string; readonly file: string };
  /** Hardware integers around the model: the text of the `--io-schema` file and its name for messages. */
  readonly ioSchema?: { readonly text: string; readonly file: string };
  /** `--input-type` as written. */
  readonly inputType?: string;
  /** Events of `--data`: their grid is the wire type, where nothing else gives one. */
  readonly data?: { readonly arrays: readonly NamedArray[]; readonly file: string };
  /** `--missing`: how NaN arrives; without it, `flag` where the model learned missing values, else `none`. */
  readonly missing?: MissingMode;
  /** Labels of those events, and what is judged by them. */
  readonly labels?: { readonly arrays: readonly NamedArray[]; readonly file: string };
  readonly metric?: MetricName;
  /** What quantisation may lose of the metric, as a fraction. */
  readonly maxLoss?: number;
  /** `--head` as written; the score without it. */
  readonly head?: string;
  /** `--score-type` as written. */
  readonly scoreType?: string;
  /** The circuit as it is behind this pass joins the files, as `dump/<pass>.txt`. */
  readonly dumpAfter?: string;
  readonly clockMHz: number;
  readonly latency: LatencyRequest;
  /** The budget as the user stated it, for the report. */
  readonly stated: { readonly latencyNs?: number; readonly text: string };
  readonly part: string;
  readonly effort: Effort;
  readonly maxLut?: number;
  /** Logic and sums of vendor cells; expressions where absent. */
  readonly primitives?: 'xilinx';
  /** `--target`; all if absent. */
  readonly targets?: readonly string[];
  /** Synthesise the Verilog too. */
  readonly synth?: boolean;
  readonly name?: string;
  readonly modelVersion: number;
  readonly verify: VerifyLevel;
  /** The user's own events, besides corner and random ones. */
  readonly vectors?: { readonly arrays: readonly NamedArray[]; readonly file: string };
  readonly seed: number;
  readonly jobs: number;
  /** What to type to get this again. */
  readonly command: readonly string[];
  readonly toolVersion: string;
}

export interface CompileHooks {
  /** Called as each step begins. */
  readonly onStep?: (step: string) => void;
  /** Called before the one part that waits for other programs: only there can a handler of signals run. */
  readonly onWait?: () => void;
  readonly signal?: AbortSignal;
}
