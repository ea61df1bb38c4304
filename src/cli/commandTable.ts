import { PACKAGE_KINDS } from '../compile/packageKinds.js';
import { PATTERN_FORMATS } from '../io/patterns/pattern.js';
import { SYNTHESIS_FLOWS } from '../verify/synthesis.js';
import type { OptionDefinition } from './optionTable.js';
import { OPTIONS } from './optionTable.js';

/** An option of a command other than compiling. */
export interface CommandOption extends OptionDefinition {
  readonly required?: true;
  /** The value where none is given; `default` only describes. */
  readonly value?: string;
}

/** A command as data: help and the parser both read this table. */
export interface CommandDefinition {
  /** What stands behind the name: `<out> <capture>`. */
  readonly words: string;
  readonly describe: string;
  readonly options: Readonly<Record<string, CommandOption>>;
}

export const USAGE = `compile-model MODEL [options]

Compiles a trained trigger model (Keras, QKeras, HGQ, PyTorch, ONNX, QONNX, hls4ml projects; XGBoost, LightGBM, CatBoost, scikit-learn, TMVA, conifer) into Verilog with a proof that it is bit-exact.

  compile-model model.onnx --clock 320MHz --latency 50ns
  compile-model float.onnx --precision hls4ml.yml --vectors events.npy
  compile-model bdt.json --input-type 'ufixed<8,8>' -o build/bdt
  compile-model ./conf.yaml`;

export const EPILOGUE = 'Exit codes: 0 good, 1 wrong input or unsupported, 2 budget not met, 3 mismatch, 4 internal error, 5 tool missing, 6 gate of ci failed.';

export const MODEL_WORD = 'model, or a YAML or JSON file of options';

/** Options of every command. */
export const COMMON_OPTIONS: Readonly<Record<string, CommandOption>> = {
  json: { flag: true, describe: 'machine-readable events, one a line' },
  quiet: { flag: true, describe: 'less' },
};

const weights: CommandOption = { describe: OPTIONS.weights.describe };

/** Every command but compiling itself, in the order of the help. */
export const COMMANDS = {
  inspect: { words: '<model>', describe: 'layers, shapes, parameters, what is unsupported', options: { weights } },
  emulate: {
    words: '<target>',
    describe: 'bit-exact emulation of a compiled model (OUT), or with --float the float reference of a MODEL',
    options: {
      inputs: { required: true, describe: 'events: .npy, .npz or .csv' },
      outputs: { required: true, describe: 'where to write: .npy, .npz or .csv' },
      float: { flag: true, describe: 'run the model in float64' },
      weights,
    },
  },
  verify: {
    words: '<out>',
    describe: 'proves the emitted Verilog in Verilator, cycle by cycle',
    options: {
      inputs: { describe: 'your events, besides corners and random ones' },
      expect: { describe: 'your own numbers for these events' },
      junit: { describe: 'write JUnit XML' },
      seed: { value: '1', describe: 'seed of the random events' },
      jobs: { value: '2', describe: 'threads' },
    },
  },
  explain: {
    words: '<out>',
    describe: 'one event, layer by layer: float and firmware side by side, what each layer loses and why',
    options: {
      inputs: { required: true, describe: 'events: .npy, .npz or .csv' },
      event: { describe: 'which event, from 0', default: 'the one whose outputs are furthest off' },
      layer: { describe: 'every element of this layer' },
    },
  },
  compare: {
    words: '<out> <capture>',
    describe: 'a capture of a board or simulator against the emulator: finds format and latency itself',
    options: {
      format: { choices: PATTERN_FORMATS, describe: `format of the capture: ${PATTERN_FORMATS.join(', ')}`, default: 'by its content' },
      inputs: { describe: 'the events that went in: an array or pattern file', default: 'those of OUT/testbench/patterns' },
      links: { describe: 'links of the capture that hold the outputs: 60,61', default: "the layout's" },
    },
  },
  synth: {
    words: '<out>',
    describe: 'Yosys, and nextpnr where there is one, on the emitted Verilog: LUT, FF, carry, Fmax',
    options: { flow: { choices: SYNTHESIS_FLOWS, describe: `${SYNTHESIS_FLOWS.join(' or ')}: whose cells`, default: "the part's" }, seed: { value: '1', describe: 'seed of placement' } },
  },
  report: {
    words: '<out>',
    describe: 'text report; with --against what changed',
    options: {
      against: { describe: 'another output folder' },
      inputs: { describe: 'events on which decisions are compared', default: "OUT's own" },
      threshold: { describe: 'where a single score decides', default: "the last layer's" },
      open: { flag: true, describe: 'open report.html' },
    },
  },
  package: {
    words: '<out> <dir>',
    describe: 'what an experiment or a vendor tool needs of OUT, ready to use, into DIR',
    options: { for: { required: true, choices: PACKAGE_KINDS, describe: `${PACKAGE_KINDS.slice(0, -1).join(', ')} or ${PACKAGE_KINDS.at(-1)}` } },
  },
  ci: {
    words: '<out>',
    describe: 'for hardware CI: proves OUT, compares with a baseline, writes JUnit XML and Markdown',
    options: {
      baseline: { describe: 'report.json to compare with, or the folder it is in' },
      junit: { describe: 'where to write JUnit XML', default: 'OUT/ci/junit.xml' },
      summary: { describe: 'where to write Markdown', default: 'OUT/ci/summary.md' },
      'max-area-growth': { value: '10%', describe: 'what LUT, FF, DSP and BRAM may each grow by' },
      'max-accuracy-drop': { value: '0.5%', describe: 'what the metric may get worse by' },
      allow: { describe: 'gates that may fail: budget, latency, interface, area, accuracy' },
      inputs: { describe: 'your events, besides corners and random ones' },
      expect: { describe: 'your own numbers for these events' },
      init: { describe: 'write GitHub Actions and GitLab CI files and the baseline into this repository, and do no more' },
      seed: { value: '1', describe: 'seed of the random events' },
      jobs: { value: '2', describe: 'threads' },
    },
  },
  sweep: {
    words: '<model>',
    describe: 'a grid of compilations: lists of budgets, clocks, precisions, …; the Pareto front as table and plot; run again, it goes on',
    options: {
      ...OPTIONS,
      out: { ...OPTIONS.out, default: 'build/<model name>-sweep' },
      clock: { describe: 'frequencies: 160MHz,320MHz', default: '320MHz' },
      latency: { describe: "budgets: '50ns,100ns,4 BX'", default: 'shortest that meets the clock' },
      part: { describe: 'devices: xcvu13p,xcku115', default: 'xcvu13p' },
      'input-type': { describe: "types, separated by ;: 'ap_fixed<16,6>;ap_fixed<12,6>'", default: "the model's" },
      precision: { path: true, describe: "files of types in hls4ml's form: wide.yml,narrow.yml" },
      'max-loss': { describe: 'how much quantisation may lose: 0.1%,0.5%,2%', default: '0.5%' },
      'score-type': { describe: "forests: types of the score: 'ap_fixed<16,6>,ap_fixed<8,4>'", default: 'searched with --data, else grown' },
      effort: { describe: 'fast,normal,best', default: 'normal' },
      verify: { ...OPTIONS.verify, default: 'emulator; verify OUT proves what you choose' },
      jobs: { describe: 'compilations at a time', default: 'all cores; of a cluster, no limit' },
      cluster: { choices: ['slurm'], describe: 'slurm: as a job array, a task a compilation' },
      'cluster-options': { describe: "further words for sbatch, joined to the option by =: '--partition=short --time=1:00:00'" },
    },
  },
  completion: { words: '<shell>', describe: 'the completion script of bash, zsh or fish: eval "$(compile-model completion bash)"', options: {} },
  doctor: { words: '', describe: 'which tools are there, what lacks and how to get it', options: {} },
} as const satisfies Readonly<Record<string, CommandDefinition>>;

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];
