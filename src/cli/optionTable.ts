/**
 * One option of `compile-model MODEL`, as data: help, validation and the option file all read this table. What values each
 * takes is in `optionSchemas.ts`, apart so that help needs no schema library.
 */
export interface OptionDefinition {
  readonly alias?: string;
  /** The values there are, where they can be listed. */
  readonly choices?: readonly [string, ...string[]];
  /** Flags take no value. */
  readonly flag?: true;
  /** The value names a file or folder: in an option file, relative to that file. */
  readonly path?: true;
  readonly describe: string;
  /** For help; what it means is in `options.ts`. */
  readonly default?: string;
  /** What works today, for a value that is allowed but belongs to a later release; undefined if this one works. */
  readonly unsupported?: (value: string | number | boolean) => string | undefined;
}

export const TARGETS = ['verilog', 'vhdl', 'vitis', 'cpp', 'typescript'] as const;

const onlyValue = (works: string | number, message: string) => (value: string | number | boolean): string | undefined =>
  value === works ? undefined : message;

const MEMORIES = 'DSPs and BRAMs are not used in this release; 0 works, and everything is made of LUTs';

/** Every option of the interface, by its name. */
export const OPTIONS = {
  out: { alias: 'o', path: true, describe: 'output folder', default: 'build/<model name>' },
  clock: { describe: 'frequency or period with its unit: 320MHz, 3.125ns', default: '320MHz' },
  latency: { describe: "budget: 50ns, '16 cycles', '2 BX'; a leading = locks it exactly", default: 'shortest that meets the clock' },
  part: { describe: 'device: xcvu13p, xcku115, generic-lut6, …', default: 'xcvu13p' },
  'input-type': { describe: 'ap_fixed<16,6> for all inputs, or name=type,…', default: "the model's" },
  precision: { path: true, describe: "per-layer types in hls4ml's config form" },
  data: { path: true, describe: 'events that say what the inputs look like' },
  labels: { path: true, describe: 'labels of the events' },
  metric: { choices: ['auc', 'accuracy', 'mse', 'agreement', 'rate'], describe: 'what quantisation may not lose: auc, accuracy, mse, agreement, rate', default: 'one that fits the model' },
  'max-loss': { describe: 'how much of the metric quantisation may lose, 0.5% or 0.005', default: '0.5%' },
  target: { describe: 'list of verilog, vhdl, vitis, cpp, typescript', default: 'all' },
  verify: { choices: ['none', 'emulator', 'verilator'], describe: 'none, emulator, verilator; each includes those before it', default: 'verilator where installed' },
  vectors: { path: true, describe: "events to verify with, besides the tool's own" },
  'score-type': { describe: "forests: type of leaves and score, e.g. 'ap_fixed<16,6>'", default: 'searched with --data, else grown' },
  missing: { choices: ['none', 'flag', 'code'], describe: 'forests: how NaN arrives: none, flag (one more bit a feature), code (a reserved value)', default: 'flag where the model learned it, else none' },
  head: { describe: 'score, probability, class, decision=THRESHOLD (1 where the score is above it) or decision=port', default: 'score' },
  ii: { describe: 'initiation interval in cycles', default: '1', unsupported: onlyValue(1, 'sharing resources comes in a later release; --ii 1 works: one event every cycle') },
  primitives: { choices: ['generic', 'xilinx'], describe: 'generic or xilinx', default: 'generic' },
  'max-dsp': { describe: 'DSP budget', default: '0', unsupported: onlyValue(0, MEMORIES) },
  'max-bram': { describe: 'BRAM budget', default: '0', unsupported: onlyValue(0, MEMORIES) },
  'max-lut': { describe: 'LUT budget', default: 'the device' },
  'io-schema': { path: true, describe: "hardware-integer fields in front of the model's inputs" },
  name: { describe: 'top module and namespace', default: "from the file's name" },
  'model-version': { describe: 'a constant in the firmware', default: '1' },
  weights: { path: true, describe: 'weights of a Keras model.json', default: 'beside it' },
  effort: { choices: ['fast', 'normal', 'best'], describe: 'how long the optimisers may search: fast, normal, best', default: 'normal' },
  synth: { flag: true, describe: 'run Yosys and put its figures in the report' },
  seed: { describe: 'seed of the random vectors', default: '1' },
  jobs: { describe: 'threads', default: 'all cores' },
  quiet: { flag: true, describe: 'print only the verdict' },
  json: { flag: true, describe: 'machine-readable events, one a line' },
  'dump-after': { describe: 'write the circuit as it is after this pass' },
} as const satisfies Record<string, OptionDefinition>;

export type OptionName = keyof typeof OPTIONS;

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** The definition of an option, without the narrowness of the table's own type. */
export function optionOf(name: OptionName): OptionDefinition {
  return OPTIONS[name];
}
