import { z } from 'zod';

/**
 * report.json, schema version 1: the product of a compilation as data. Text, HTML and comparison are pure functions of
 * it, so what is not here cannot be shown, and what is unknown is absent: never 0.
 *
 * Units are last in names. Each number has one source, and where it stands says which:
 *
 * | place | source |
 * |---|---|
 * | `latency`, `overflow`, `layers[].range.proven`, `layers[].cycles`, `layers[].stages` | proven (a property of the circuit itself) |
 * | `resources.estimated`, `layers[].resources`, `pipeline`, `criticalPath` | estimated (`resources.areaModel`, `timing.delayModel` say by what) |
 * | `timing` | what `timing.source` says |
 * | `layers[].range.observed`, `accuracy`, `verification` | simulated |
 * | `resources.synthesised` | synthesised, by `flow` |
 *
 * Names are never changed and fields never removed; new fields are optional. Unknown fields are dropped on reading, so
 * an older tool reads a newer report of the same schema version.
 */

/** Where a number comes from. */
export const SOURCES = ['proven', 'estimated', 'simulated', 'synthesised'] as const;
export type Source = (typeof SOURCES)[number];

const count = z.int().min(0);
const positive = z.number().positive();
const atLeastZero = z.number().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hex digits');
const range = z.tuple([z.number(), z.number()]).refine(([lo, hi]) => lo <= hi, 'a range [lo, hi] with lo ≤ hi');
const stageRange = z.tuple([count, count]).refine(([first, last]) => first <= last, 'a range [first, last] with first ≤ last');

const port = z.object({
  name: z.string(),
  /** Without the batch axis. */
  shape: z.array(count),
  /** `ap_fixed<16,6>`; where elements differ, one that holds them all. */
  type: z.string(),
  /** One type an element in C order, where they differ. */
  elementTypes: z.array(z.string()).optional(),
  /** Width of the bus. */
  bits: count.optional(),
  /** The input whose elements these bits mark as missing (NaN). */
  flagsOf: z.string().optional(),
  /** The value that stands for a missing one (NaN). */
  missingCode: z.number().optional(),
});

const area = z.object({ lut: count, ff: count, dsp: count, bram: count });

const model = z.object({
  name: z.string(),
  format: z.string(),
  sha256,
  parameters: count,
  inputs: z.array(port),
  outputs: z.array(port),
  /** `--model-version`. */
  version: count.optional(),
  /** Name of the top module. */
  top: z.string().optional(),
  /** Operations of the final circuit. */
  operations: count.optional(),
});

const device = z.object({
  part: z.string(),
  family: z.string().optional(),
  /** What the whole device has; a resource it counts in no such unit (ASIC) is left out. */
  capacity: area.partial().optional(),
});

const budget = z.object({
  clockMHz: positive,
  /** Absent where the user gave no `--latency`: the shortest that meets the clock. */
  latencyNs: atLeastZero.optional(),
  met: z.boolean(),
  /** The latency budget in whole cycles, which is what is compared with. */
  latencyCycles: count.optional(),
  /** `=16 cycles`: exactly that many, not at most. */
  locked: z.boolean().optional(),
  /** The budget as the user put it: `50 ns at 320 MHz`. */
  stated: z.string().optional(),
  maxLut: count.optional(),
  maxDsp: count.optional(),
  maxBram: count.optional(),
});

const latency = z.object({
  /** Register ranks on every path from input to output. */
  cycles: count,
  /** cycles × period; 0 where combinational, whose delay is `timing.criticalPathNs`. */
  ns: atLeastZero,
  initiationInterval: z.int().min(1),
  combinational: z.boolean(),
});

const timing = z.object({
  criticalPathNs: atLeastZero,
  /** Absent where there is no path at all (wires only). */
  fmaxMHz: positive.optional(),
  source: z.enum(SOURCES),
  /** What the delay model rests on, in a sentence. */
  delayModel: z.string().optional(),
  /** The stage that holds the critical path, counted from 0. */
  criticalStage: count.optional(),
});

const synthesised = z.object({
  /** `yosys-xilinx`, … */
  flow: z.string(),
  lut: count,
  ff: count,
  carry: count.optional(),
  dsp: count.optional(),
  bram: count.optional(),
  /** Of `lut`, those that only invert. */
  inverters: count.optional(),
  /** After place and route, register to register. */
  fmaxMHz: positive.optional(),
  /** The programs and their versions. */
  tool: z.string().optional(),
});

const resources = z.object({
  estimated: area,
  /** What the last synthesis run gave. */
  synthesised: synthesised.optional(),
  /** Runs of other flows before it, one a flow. */
  otherFlows: z.array(synthesised).optional(),
  /** What the area model rests on, in a sentence. */
  areaModel: z.string().optional(),
});

const layer = z.object({
  name: z.string(),
  kind: z.string(),
  /** Absent where the layer left no value of its own (folded into its neighbour). */
  outputType: z.string().optional(),
  outputShape: z.array(count).optional(),
  resources: area,
  /** Register ranks inside the layer; layers may share a stage, so they need not add up to the latency. */
  cycles: count,
  /** First and last pipeline stage with an operation of this layer, counted from 0. */
  stages: stageRange.optional(),
  range: z.object({ proven: range.optional(), observed: range.optional() }).optional(),
  operations: count.optional(),
  /** The layers and model inputs that it reads, in order. */
  inputs: z.array(z.string()).optional(),
  /** First and last line of its logic in `verilog/<top>.v`, counted from 1. */
  verilogLines: z.tuple([count, count]).optional(),
});

const share = z.number().min(0).max(1);
const curve = z.array(z.tuple([share, share]));

/** How one element of the outputs is distributed, and what a threshold on it selects, in float and in fixed point. */
const curves = z.object({
  /** `score`, or `score[2]` where there are several. */
  score: z.string(),
  /** Edges of the first and the last bin; all are of the same width. */
  bins: z.tuple([z.number(), z.number()]),
  /** Events a bin, of all events or of each of two classes. */
  histograms: z.array(z.object({ events: z.enum(['all', 'background', 'signal']), float: z.array(count), fixed: z.array(count) })),
  /** Shares of background and signal at or above a threshold, from (0, 0) to (1, 1). */
  roc: z.object({ float: curve, fixed: curve, background: count, signal: count }).optional(),
});

const accuracy = z.object({
  metric: z.string(),
  float: z.number(),
  fixed: z.number(),
  /** As the metric defines it, a fraction: 0.001 is 0.1%. */
  loss: z.number(),
  maxLoss: z.number().optional(),
  events: count.optional(),
  curves: z.array(curves).optional(),
});

const wrap = z.object({
  layer: z.string(),
  type: z.string(),
  /** Values that reach the type, and what it holds. */
  proven: range.optional(),
  holds: range.optional(),
  /** Elements it can happen to. */
  elements: count.optional(),
});

const overflow = z.object({
  /** No value can wrap around, whatever the inputs. */
  provenSafe: z.boolean(),
  wraps: z.array(wrap),
  /** Types that may clip because their mode asks for it: not a fault. */
  saturates: z.array(wrap).optional(),
});

const check = z.object({ name: z.string(), vectors: count, mismatches: count });

const verification = z.object({
  vectors: count,
  mismatches: count,
  /** `verilator 5.006`; absent where the Verilog was not simulated and only the emulator was checked. */
  simulator: z.string().optional(),
  checks: z.array(check),
  /** Why less was done than the default. */
  reason: z.string().optional(),
  seed: count.optional(),
});

/** Who decided a type. */
export const PRECISION_SOURCES = ['model', 'config', 'option', 'data', 'auto'] as const;

const precision = z.object({
  /** A layer, or an input or output. */
  layer: z.string(),
  /** `input`, `weight`, `bias`, `accum`, `result`, … */
  role: z.string(),
  type: z.string(),
  source: z.enum(PRECISION_SOURCES),
  /** The stated resolution of an automatic type: `2^-8`. */
  resolution: z.string().optional(),
  note: z.string().optional(),
});

const warning = z.object({
  code: z.string(),
  where: z.array(z.string()),
  what: z.string(),
  mend: z.string().optional(),
});

/** One change that was tried for an unmet budget, and what it gave. */
const suggestion = z.object({
  /** What to type: `--latency 60ns`. */
  change: z.string(),
  met: z.boolean(),
  cycles: count.optional(),
  ns: atLeastZero.optional(),
  criticalPathNs: atLeastZero.optional(),
  lut: count.optional(),
  note: z.string().optional(),
});

export const reportSchema = z.object({
  schema: z.literal(1),
  tool: z.object({ name: z.string(), version: z.string() }),
  /** One line, made from the rest by `verdictLine`. */
  verdict: z.string().optional(),
  model,
  device: device.optional(),
  budget,
  latency,
  timing,
  resources,
  layers: z.array(layer),
  accuracy: accuracy.optional(),
  overflow,
  verification: verification.optional(),
  passes: z.array(z.object({ name: z.string(), seconds: atLeastZero, opsBefore: count, opsAfter: count })),
  /** Every file of the folder but report.json and report.html themselves. */
  artifacts: z.array(z.object({ path: z.string(), sha256 })),
  precision: z.array(precision).optional(),
  warnings: z.array(warning).optional(),
  /** What to type to get the same bytes again. */
  options: z.object({ command: z.array(z.string()), seed: count.optional() }).optional(),
  /** The slowest stage, from its first register to its last: what each layer adds. */
  criticalPath: z.array(z.object({ layer: z.string(), ns: atLeastZero, operation: z.string().optional() })).optional(),
  /** Each pipeline stage in order: its longest path, and the register bits after it. */
  pipeline: z.array(z.object({ ns: atLeastZero, ff: count.optional() })).optional(),
  suggestions: z.array(suggestion).optional(),
});

type DeepReadonly<T> = T extends (infer U)[]
  ? number extends T['length']
    ? readonly DeepReadonly<U>[]
    : { readonly [K in keyof T]: DeepReadonly<T[K]> }
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** The compilation report, as report.json holds it. */
export type Report = DeepReadonly<z.infer<typeof reportSchema>>;
export type ReportLayer = Report['layers'][number];
export type ReportArea = Report['resources']['estimated'];
export type ReportSynthesis = NonNullable<Report['resources']['synthesised']>;
export type ReportCurves = NonNullable<NonNullable<Report['accuracy']>['curves']>[number];
export type ReportPort = Report['model']['inputs'][number];

/** What compile.ts fills in; `finishReport` decides `met` and words the verdict. */
export type ReportDraft = Omit<Report, 'schema' | 'verdict' | 'budget'> & { readonly budget: Omit<Report['budget'], 'met'> };
