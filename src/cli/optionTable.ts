import { z } from 'zod';

/** One option of `compile-model MODEL`, as data: help, validation and the option file all read this table. */
export interface OptionDefinition {
  readonly alias?: string;
  /** Flags take no value. */
  readonly flag?: true;
  /** The value names a file or folder: in an option file, relative to that file. */
  readonly path?: true;
  readonly describe: string;
  /** For help; what it means is in `options.ts`. */
  readonly default?: string;
  readonly schema: z.ZodType<string | number | boolean>;
  /** What works today, for a value that is allowed but belongs to a later release; undefined if this one works. */
  readonly unsupported?: (value: string | number | boolean) => string | undefined;
}

/** Text that is not empty; numbers of an option file become text. */
const text = z.union([z.string(), z.number().transform(String)]).pipe(z.string().trim().min(1, 'needs a value'));
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);

function whole(least: number, most: number): z.ZodType<number> {
  const message = `must be a whole number from ${least} to ${most}`;
  const digits = z.string().trim().regex(/^-?\d{1,16}$/, message).transform(Number);
  return z.union([z.number(message), digits], message).pipe(z.int(message).min(least, message).max(most, message));
}

/** A share: `0.5%` or `0.005`. */
const share = text.pipe(z.string().regex(/^\d+(\.\d+)?\s*%?$/, 'must be a share such as 0.5% or 0.005')).transform((value) => (value.endsWith('%') ? Number(value.slice(0, -1)) / 100 : Number(value))).pipe(z.number().max(1, 'must be at most 100%'));

function oneOf(...values: readonly [string, ...string[]]): z.ZodType<string> {
  return text.pipe(z.enum(values, `must be one of ${values.join(', ')}`));
}

const onlyValue = (works: string | number, message: string) => (value: string | number | boolean): string | undefined =>
  value === works ? undefined : message;

export const TARGETS = ['verilog', 'vhdl', 'vitis', 'cpp', 'typescript'] as const;

const targets = z.union([text, z.array(text).transform((list) => list.join(','))]).pipe(
  z.string().transform((list) => list.split(',').map((name) => name.trim()).join(',')),
).refine((list) => list.split(',').every((name) => name === 'all' || (TARGETS as readonly string[]).includes(name)), `must be a list of ${TARGETS.join(', ')}`);

const MEMORIES = 'DSPs and BRAMs are not used in this release; 0 works, and everything is made of LUTs';

/** Every option of the interface, by its name. */
export const OPTIONS = {
  out: { alias: 'o', path: true, describe: 'output folder', default: 'build/<model name>', schema: text },
  clock: { describe: 'frequency or period with its unit: 320MHz, 3.125ns', default: '320MHz', schema: text },
  latency: { describe: "budget: 50ns, '16 cycles', '2 BX'; a leading = locks it exactly", default: 'shortest that meets the clock', schema: text },
  part: { describe: 'device: xcvu13p, xcku115, generic-lut6, …', default: 'xcvu13p', schema: text },
  'input-type': { describe: 'ap_fixed<16,6> for all inputs, or name=type,…', default: "the model's", schema: text },
  precision: { path: true, describe: "per-layer types in hls4ml's config form", schema: text },
  data: { path: true, describe: 'events that say what the inputs look like', schema: text },
  labels: { path: true, describe: 'labels of the events', schema: text },
  metric: { describe: 'what quantisation may not lose: auc, accuracy, mse, agreement, rate', default: 'one that fits the model', schema: oneOf('auc', 'accuracy', 'mse', 'agreement', 'rate') },
  'max-loss': { describe: 'how much of the metric quantisation may lose, 0.5% or 0.005', default: '0.5%', schema: share },
  target: { describe: 'list of verilog, vhdl, vitis, cpp, typescript', default: 'all', schema: targets },
  verify: { describe: 'none, emulator, verilator; each includes those before it', default: 'verilator where installed', schema: oneOf('none', 'emulator', 'verilator') },
  vectors: { path: true, describe: "events to verify with, besides the tool's own", schema: text },
  'score-type': { describe: "forests: type of leaves and score, e.g. 'ap_fixed<16,6>'", default: 'searched with --data, else grown', schema: text },
  missing: {
    describe: 'forests: how NaN arrives: none, flag (one more bit a feature), code (a reserved value)', default: 'flag where the model learned it, else none', schema: oneOf('none', 'flag', 'code'),
  },
  head: {
    describe: 'score, probability, class, decision=THRESHOLD (1 where the score is above it) or decision=port', default: 'score',
    schema: text.refine((value) => /^(score|probability|class|decision=\S+)$/.test(value), 'must be score, probability, class, decision=THRESHOLD or decision=port'),
  },
  ii: { describe: 'initiation interval in cycles', default: '1', schema: whole(1, 1_000_000), unsupported: onlyValue(1, 'sharing resources comes in a later release; --ii 1 works: one event every cycle') },
  primitives: { describe: 'generic or xilinx', default: 'generic', schema: oneOf('generic', 'xilinx') },
  'max-dsp': { describe: 'DSP budget', default: '0', schema: whole(0, 1_000_000), unsupported: onlyValue(0, MEMORIES) },
  'max-bram': { describe: 'BRAM budget', default: '0', schema: whole(0, 1_000_000), unsupported: onlyValue(0, MEMORIES) },
  'max-lut': { describe: 'LUT budget', default: 'the device', schema: whole(0, 1_000_000_000) },
  'io-schema': { path: true, describe: "hardware-integer fields in front of the model's inputs", schema: text },
  name: { describe: 'top module and namespace', default: "from the file's name", schema: text.refine((value) => /^[A-Za-z_]\w{0,62}$/.test(value), 'must be an identifier: letters, digits and _, not a digit first, at most 63') },
  'model-version': { describe: 'a constant in the firmware', default: '1', schema: whole(0, 0xffff_ffff) },
  weights: { path: true, describe: 'weights of a Keras model.json', default: 'beside it', schema: text },
  effort: { describe: 'how long the optimisers may search: fast, normal, best', default: 'normal', schema: oneOf('fast', 'normal', 'best') },
  synth: { flag: true, describe: 'run Yosys and put its figures in the report', schema: flag },
  seed: { describe: 'seed of the random vectors', default: '1', schema: whole(0, 0xffff_ffff) },
  jobs: { describe: 'threads', default: 'all cores', schema: whole(1, 1024) },
  quiet: { flag: true, describe: 'print only the verdict', schema: flag },
  json: { flag: true, describe: 'machine-readable events, one a line', schema: flag },
  'dump-after': { describe: 'write the circuit as it is after this pass', schema: text },
} as const satisfies Record<string, OptionDefinition>;

export type OptionName = keyof typeof OPTIONS;

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** The definition of an option, without the narrowness of the table's own type. */
export function optionOf(name: OptionName): OptionDefinition {
  return OPTIONS[name];
}
