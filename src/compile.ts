import { createHash } from 'node:crypto';
import type { DesignInfo, OutputFile } from './backends/backend.js';
import { identifier } from './backends/verilog/names.js';
import { verilog } from './backends/verilog/verilog.js';
import { circuitToText } from './circuit/text.js';
import { draftReport } from './compile/draft.js';
import { layerOverflows } from './compile/overflow.js';
import { sha256 } from './compile/folder.js';
import { scheduleToText } from './compile/scheduleText.js';
import { proposals } from './compile/suggest.js';
import type { LayerOverflow } from './compile/overflow.js';
import type { VerifyLevel } from './compile/prove.js';
import { prove } from './compile/prove.js';
import { parseModel } from './frontends/registry.js';
import type { ModelSource } from './frontends/frontend.js';
import type { NamedArray } from './io/arrays.js';
import { matchArrays } from './io/arrays.js';
import type { LoweredLayer } from './layers/lower.js';
import { lowerGraph } from './layers/lower.js';
import { catalogue } from './layers/registry.js';
import type { ModelGraph } from './model/graph.js';
import { graphToJson } from './model/json.js';
import type { PassRecord } from './passes/pass.js';
import { runPasses } from './passes/pass.js';
import { defaultPasses } from './passes/pipeline.js';
import { applyInputTypes } from './quantize/inputTypes.js';
import { applyPrecision } from './quantize/applyPrecision.js';
import type { TypeStatement } from './quantize/grow.js';
import { growTypes } from './quantize/grow.js';
import { parsePrecisionConfig } from './quantize/precisionConfig.js';
import { CompileError, didYouMean } from './errors.js';
import type { FixedType } from './fixed/fixedType.js';
import { parseFixedType } from './fixed/fixedType.js';
import { htmlReport } from './report/html.js';
import { finishReport, serializeReport } from './report/parse.js';
import type { Report } from './report/schema.js';
import { deviceOf } from './timing/device.js';
import type { LatencyRequest, PipelineResult } from './timing/pipeline.js';
import { pipelineCircuit } from './timing/pipeline.js';

/** How long the optimisers may search. */
export type Effort = 'fast' | 'normal' | 'best';

/** Everything a compilation depends on: the same request gives the same bytes. */
export interface CompileRequest {
  readonly model: ModelSource;
  /** Reads a file beside the model, by a plain relative path. */
  readonly readSide: (relativePath: string) => Uint8Array | undefined;
  /** hls4ml-style types: the text of the file and its name for messages. */
  readonly precision?: { readonly text: string; readonly file: string };
  /** `--input-type` as written. */
  readonly inputType?: string;
  /** Events of `--data`: their grid is the wire type, where nothing else gives one. */
  readonly data?: { readonly arrays: readonly NamedArray[]; readonly file: string };
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

export interface CompileResult {
  readonly report: Report;
  /** The output folder; the caller writes it, or nothing. */
  readonly files: readonly OutputFile[];
}

/** A model whose every value has a type. */
export interface TypedModel {
  readonly graph: ModelGraph;
  readonly statements: readonly TypeStatement[];
}

/** A circuit placed in time, with what is known of its layers. */
interface Design {
  readonly result: PipelineResult;
  readonly layers: readonly LoweredLayer[];
  readonly overflows: readonly LayerOverflow[];
  readonly passes: readonly PassRecord[];
  readonly dump: OutputFile | undefined;
}

/**
 * The recipe: read, type, lower, optimise, schedule, emit, prove, report.
 *
 * @throws CompileError: wrong input, unsupported layers, a mismatch found in verification. A budget that is not met is
 * no error: the report says so.
 */
export async function compile(request: CompileRequest, hooks: CompileHooks = {}): Promise<CompileResult> {
  const step = (text: string): void => hooks.onStep?.(text);
  const device = deviceOf(request.part);
  checkPassName(request.dumpAfter);
  step('reading the model');
  const model = readModel(request.model, request.readSide);
  step('choosing types');
  const typed = typeModel(model, request);
  const design = findDesign(typed.graph, request, hooks);
  const { schedule } = design.result;
  step('writing Verilog');
  const info = designInfo(request, model);
  const files: OutputFile[] = [
    ...verilog.emit(schedule, info),
    { path: 'model.json', text: graphToJson(typed.graph) },
    { path: 'circuit.txt', text: circuitToText(schedule.circuit) },
    { path: 'circuit.schedule.json', text: scheduleToText(schedule, info) },
    ...(design.dump === undefined ? [] : [design.dump]),
  ];
  const proof = await prove(request, schedule, info, files[0]?.text ?? '', hooks);
  files.push(...proof.files);
  step('writing the report');
  const suggestions = design.result.met ? [] : proposals(schedule.circuit, device, request);
  const report = finishReport(draftReport({ request, model, typed, info, design: { ...design, device, suggestions }, proof, artifacts: files.map(artifact) }));
  files.push({ path: 'report.json', text: serializeReport(report) }, { path: 'report.html', text: htmlReport(report) });
  return { report, files };
}

function checkPassName(name: string | undefined): void {
  const names = defaultPasses.map((pass) => pass.name);
  if (name === undefined || names.includes(name)) return;
  throw new CompileError('config', { code: 'unknown-pass', where: ['--dump-after'], what: `there is no pass '${name}'.`, mend: didYouMean(name, names) });
}

/** Bytes to graph; what the frontend cannot read it lists all at once. */
export function readModel(source: ModelSource, readSide: CompileRequest['readSide']): ModelGraph {
  return parseModel(source, { catalogue, readSide });
}

/** Types from the options, the precision file, the model itself, and for the rest grown so that nothing can overflow. */
export function typeModel(model: ModelGraph, request: Pick<CompileRequest, 'precision' | 'inputType' | 'data' | 'scoreType'>): TypedModel {
  const config = request.precision === undefined ? undefined : parsePrecisionConfig(request.precision.text, request.precision.file);
  const configured = config === undefined ? model : applyPrecision(model, config, catalogue);
  const wired = applyInputTypes(
    configured,
    { ...(request.inputType === undefined ? {} : { inputType: request.inputType }), ...(request.data === undefined ? {} : { data: dataByInput(model, request.data) }) },
    catalogue,
  );
  const scoreType = request.scoreType === undefined ? undefined : scoreTypeOf(request.scoreType);
  return growTypes(wired, scoreType === undefined ? {} : { scoreType }, catalogue);
}

/** Circuits of up to this many operations are evaluated after every pass, not only verified. */
const CHECKED_OPS = 20_000;

function scoreTypeOf(text: string): FixedType {
  const type = parseFixedType(text);
  if (typeof type === 'string') throw new CompileError('config', { code: 'bad-type', where: ['--score-type'], what: `${type}.` });
  return type;
}

function dataByInput(model: ModelGraph, data: NonNullable<CompileRequest['data']>): ReadonlyMap<string, Float64Array> {
  const ports = model.inputs.map((input) => ({ name: input.name, shape: input.shape.slice(1) }));
  const { inputs } = matchArrays(data.arrays, ports, data.file);
  return new Map(ports.map((port, i) => [port.name, inputs[i] as Float64Array]));
}

/** Adder levels of slack that are tried, smallest circuit first; the first that meets the budget wins. */
const DEPTH_SLACKS: Readonly<Record<Effort, readonly number[]>> = { fast: [1], normal: [1, 0], best: [3, 2, 1, 0] };

function findDesign(graph: ModelGraph, request: CompileRequest, hooks: CompileHooks): Design {
  let best: Design | undefined;
  for (const depthSlack of DEPTH_SLACKS[request.effort]) {
    const design = buildDesign(graph, request, depthSlack, hooks);
    const better = best === undefined || design.result.neededCycles < best.result.neededCycles
      || design.result.schedule.criticalPathNs < best.result.schedule.criticalPathNs - 1e-6;
    if (best === undefined || better) best = design;
    if (design.result.met) return design;
  }
  return best as Design;
}

function buildDesign(graph: ModelGraph, request: CompileRequest, depthSlack: number, hooks: CompileHooks): Design {
  hooks.onStep?.('building the circuit');
  const layers: LoweredLayer[] = [];
  const lowered = lowerGraph(graph, { depthSlack, onLayer: (layer) => layers.push(layer) });
  hooks.onStep?.(`optimising ${lowered.size} operations`);
  let dump: OutputFile | undefined;
  const { circuit, records } = runPasses(lowered, defaultPasses, {
    check: lowered.size <= CHECKED_OPS,
    onPass: (pass, after) => {
      if (pass.name === request.dumpAfter) dump = { path: `dump/${pass.name}.txt`, text: circuitToText(after) };
    },
  });
  hooks.onStep?.(`scheduling ${circuit.size} operations`);
  const result = pipelineCircuit(circuit, deviceOf(request.part), request.clockMHz, request.latency);
  return { result, layers, overflows: layerOverflows(lowered, graph), passes: records, dump };
}

function designInfo(request: CompileRequest, model: ModelGraph): DesignInfo {
  const hash = createHash('sha256').update(request.model.bytes);
  const { precision, inputType, scoreType, clockMHz, latency, part, modelVersion, effort } = request;
  hash.update(JSON.stringify({ precision, inputType, scoreType, clockMHz, latency, part, modelVersion, effort }));
  return {
    top: identifier(request.name ?? model.name, 'model'),
    modelName: request.name ?? model.name,
    modelVersion,
    hash: hash.digest('hex'),
  };
}

function artifact(file: OutputFile): { readonly path: string; readonly sha256: string } {
  return { path: file.path, sha256: sha256(file.text) };
}
