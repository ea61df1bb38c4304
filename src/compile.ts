import { createHash } from 'node:crypto';
import type { DesignInfo, OutputFile } from './backends/backend.js';
import { elementNames } from './backends/objects.js';
import { topName } from './backends/verilog/names.js';
import { circuitToText } from './circuit/text.js';
import { findDesign, typedModelOf } from './compile/design.js';
import { draftReport } from './compile/draft.js';
import { sha256 } from './compile/folder.js';
import { arrayPorts } from './compile/arrayPorts.js';
import { observedRanges } from './compile/layerValues.js';
import { accuracyOf } from './compile/precision.js';
import { modelSha256, recordReads } from './compile/modelHash.js';
import type { VerificationOutcome } from './compile/prove.js';
import { prove } from './compile/prove.js';
import type { CompileHooks, CompileRequest } from './compile/request.js';
import { flowOf, withSynthesis } from './compile/synthFolder.js';
import { scheduleToText } from './compile/scheduleText.js';
import { proposals } from './compile/suggest.js';
import { emitTargets } from './compile/targets.js';
import { CompileError, didYouMean, invariant } from './errors.js';
import type { IoSchemaText } from './io/ioSchema.js';
import type { ModelGraph } from './model/graph.js';
import { graphToJson } from './model/json.js';
import { defaultPasses } from './passes/pipeline.js';
import { htmlReport } from './report/html.js';
import { layoutModel } from './report/html/layout.js';
import { thresholdName } from './quantize/head.js';
import { finishReport, serializeReport } from './report/parse.js';
import type { Report } from './report/schema.js';
import { deviceOf } from './timing/device.js';
import type { Schedule } from './timing/schedule.js';
import { dutOf } from './verify/dut.js';
import { linkMaps } from './verify/links.js';
import { patternFiles } from './verify/patternFiles.js';
import type { SynthesisFlow } from './verify/synthesis.js';
import { synthesise } from './verify/synthesis.js';

export interface CompileResult {
  readonly report: Report;
  /** The output folder; the caller writes it, or nothing. */
  readonly files: readonly OutputFile[];
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
  const flow = request.synth === true ? flowOf(device) : undefined;
  const reads = recordReads(request.readSide);
  const stages = await typedModelOf({ ...request, readSide: reads.readSide }, hooks);
  const { io, headed, model, typed, evaluation } = stages;
  const design = findDesign(typed.graph, request, hooks);
  const { schedule } = design.result;
  step('writing Verilog and emulators');
  const info = { ...designInfo(request, model), ...(headed.port === true ? { threshold: thresholdName(model) } : {}) };
  const files: OutputFile[] = [
    ...(await emitTargets(request.targets, schedule, info)),
    { path: 'model.json', text: graphToJson(typed.graph) },
    { path: 'float.json', text: graphToJson(model) },
    { path: 'circuit.txt', text: circuitToText(schedule.circuit) },
    { path: 'circuit.schedule.json', text: scheduleToText(schedule, info) },
    ...(design.dump === undefined ? [] : [design.dump]),
  ];
  const verilog = files[0]?.text ?? '';
  const proof = await prove(request, schedule, arrayPorts(typed.graph), info, verilog, hooks);
  files.push(...proof.files, ...patterns(schedule, info, io, proof));
  const accuracy = evaluation === undefined ? undefined : accuracyOf(model, schedule.circuit, evaluation);
  const observed = evaluation === undefined || schedule.circuit.size > OBSERVED_OPS ? undefined : observedRanges(typed.graph, evaluation.events.inputs, evaluation.events.count);
  step('writing the report');
  if (!design.result.met) step('trying what would fit');
  const suggestions = await proposals(design, stages, request, accuracy?.fixed);
  const estimated = finishReport(draftReport({ request, sha256: modelSha256(request.model, reads.hashes), model, typed, info, design: { ...design, device, suggestions }, proof, accuracy, observed, verilog, artifacts: files.map(artifact) }));
  const report = flow === undefined ? estimated : await synthesised(estimated, flow, schedule, info.top, verilog, request, hooks);
  const page = htmlReport(report, await layoutModel(report));
  files.push({ path: 'report.json', text: serializeReport(report) }, { path: 'report.html', text: page });
  return { report, files };
}

async function synthesised(report: Report, flow: SynthesisFlow, schedule: Schedule, top: string, verilog: string, request: CompileRequest, hooks: CompileHooks): Promise<Report> {
  hooks.onWait?.();
  const { synthesis, warnings } = await synthesise({
    flow, family: schedule.device.family, dut: dutOf(schedule, top, verilog), clockMHz: schedule.clockMHz, seed: request.seed, onStep: hooks.onStep, signal: hooks.signal,
  });
  const said = warnings.map((what) => ({ code: 'synthesis', where: ['--synth'], what }));
  return withSynthesis({ ...report, warnings: [...(report.warnings ?? []), ...said] }, synthesis);
}

/** Pattern files of the events that were verified with, laid on links as the I/O schema says. */
function patterns(schedule: Schedule, info: DesignInfo, io: IoSchemaText | undefined, { vectors }: VerificationOutcome): OutputFile[] {
  const dut = dutOf(schedule, info.top, '');
  const { inputs, outputs } = linkMaps(dut.inputs, dut.outputs, io?.schema.patterns ?? {});
  if (typeof inputs === 'string') io?.problem(['patterns', 'inputs'], 'pattern-links', `${inputs}.`);
  if (typeof outputs === 'string') io?.problem(['patterns', 'outputs'], 'pattern-links', `${outputs}.`);
  io?.check();
  invariant(typeof inputs !== 'string' && typeof outputs !== 'string', 'events fit on links that nobody chose');
  const names = new Map([...(info.objects ?? [])].map(([port, objects]) => [port, elementNames(objects)]));
  return patternFiles(dut, { inputs, outputs }, names, vectors.events, vectors.expected);
}

function checkPassName(name: string | undefined): void {
  const names = defaultPasses.map((pass) => pass.name);
  if (name === undefined || names.includes(name)) return;
  throw new CompileError('config', { code: 'unknown-pass', where: ['--dump-after'], what: `there is no pass '${name}'.`, mend: didYouMean(name, names) });
}

/** Of circuits of up to this many operations, what each layer gives on the user's events is looked at. */
const OBSERVED_OPS = 100_000;

function designInfo(request: CompileRequest, model: ModelGraph): DesignInfo {
  // The graph stands for side files and folders too.
  const hash = createHash('sha256').update(request.model.bytes).update(graphToJson(model));
  const { head, precision, inputType, scoreType, missing, metric, maxLoss, clockMHz, latency, part, modelVersion, effort, primitives } = request;
  hash.update(JSON.stringify({ head, precision, inputType, scoreType, missing, metric, maxLoss, clockMHz, latency, part, modelVersion, effort, primitives }));
  const objects = new Map([...model.inputs, ...model.outputs].flatMap((port) => (port.objects === undefined ? [] : [[port.name, port.objects] as const])));
  return {
    top: topName(request.name ?? model.name),
    modelName: request.name ?? model.name,
    modelVersion,
    hash: hash.digest('hex'),
    ...(primitives === undefined ? {} : { primitives }),
    ...(objects.size === 0 ? {} : { objects }),
  };
}

function artifact(file: OutputFile): { readonly path: string; readonly sha256: string } {
  return { path: file.path, sha256: sha256(file.text) };
}
