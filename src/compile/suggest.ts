import { formatFixedType, parseFixedType } from '../fixed/fixedType.js';
import type { Report } from '../report/schema.js';
import type { LatencyRequest, PipelineResult } from '../timing/pipeline.js';
import { pipelineCircuit } from '../timing/pipeline.js';
import type { ModelGraph } from '../model/graph.js';
import type { Design, ModelStages } from './design.js';
import { findDesign, typedModelOf } from './design.js';
import { layerFacts, rounded } from './facts.js';
import { accuracyOf } from './precision.js';
import type { CompileRequest } from './request.js';
import { CompileError } from '../errors.js';

type Suggestion = NonNullable<Report['suggestions']>[number];

/** Clocks that are common in triggers, MHz. */
const CLOCKS_MHZ = [40, 80, 120, 160, 200, 240, 280, 320, 360, 400];

/** Circuits of up to this many operations are built again with other options; up to the other, searched for longer too. */
const REBUILT_OPS = 20_000;
const SEARCHED_OPS = 600;

/** Another request that may fit. */
interface Trial {
  readonly change: string;
  readonly request: Partial<CompileRequest>;
  /** `same`: types do not depend on what changes; `anew`: they might, and come out the same; `other`: the outputs change. */
  readonly types: 'same' | 'anew' | 'other';
}

/**
 * What would fit instead of a budget that is not met: other latencies, clocks, devices and widths, each one scheduled or
 * built, not guessed; what fits first. Empty where the budget is met. `fixed` is the accuracy as it is.
 */
export async function proposals(design: Design, { typed }: Pick<ModelStages, 'typed'>, request: CompileRequest, fixed: number | undefined): Promise<Suggestion[]> {
  const { schedule } = design.result;
  const lut = layerFacts(schedule).total.lut;
  const limit = request.maxLut ?? schedule.device.capacity?.lut ?? Infinity;
  if (design.result.met && lut <= limit) return [];
  const list = design.result.met ? [] : [...otherTimes(design, request, limit)];
  if (schedule.circuit.size > REBUILT_OPS) return list;
  for (const trial of trialsOf(request, design)) {
    const tried = trial.types === 'same' ? built(typed.graph, { ...request, ...trial.request }, trial, limit) : await attempt({ ...request, ...trial.request }, trial, limit, fixed);
    if (tried !== undefined) list.push(tried);
  }
  return [...list.filter((tried) => tried.met), ...list.filter((tried) => !tried.met)];
}

/** The same circuit with another latency or clock. */
function otherTimes({ result: { schedule: { circuit, device } } }: Design, request: CompileRequest, limit: number): Suggestion[] {
  const place = (clockMHz: number, latency: LatencyRequest): PipelineResult => pipelineCircuit(circuit, device, clockMHz, latency, { ternary: request.primitives === 'xilinx' });
  const list: Suggestion[] = [];
  const relaxed = place(request.clockMHz, { mode: 'shortest' });
  const cycles = relaxed.schedule.latencyCycles;
  list.push({ ...suggestionOf(`--latency '${cycles} cycles'`, relaxed, limit), ...(relaxed.met ? {} : { note: 'one operation alone is slower than the period' }) });
  const latencyNs = request.stated.latencyNs;
  if (latencyNs === undefined) return list;
  for (const clockMHz of CLOCKS_MHZ) {
    const allowed = Math.floor((latencyNs * clockMHz) / 1000 + 1e-9);
    if (clockMHz === request.clockMHz || allowed < 1) continue;
    const tried = suggestionOf(`--clock ${clockMHz}MHz`, place(clockMHz, { mode: 'atMost', cycles: allowed }), limit);
    if (tried.met) list.push(tried);
  }
  return list;
}

function suggestionOf(change: string, result: PipelineResult, limit: number): Suggestion {
  const { schedule } = result;
  const { lut } = layerFacts(schedule).total;
  return {
    change, met: result.met && lut <= limit, cycles: schedule.latencyCycles, ns: rounded((schedule.latencyCycles * 1000) / schedule.clockMHz),
    criticalPathNs: rounded(schedule.criticalPathNs), lut,
  };
}

/** The changes worth building: those that make the circuit shallower, smaller or the device faster. */
function trialsOf(request: CompileRequest, design: Design): Trial[] {
  const { circuit, device } = design.result.schedule;
  const list: Trial[] = [];
  const add = (types: Trial['types'], change: string, changes: Partial<CompileRequest>): number => list.push({ change, request: changes, types });
  const other = (change: string, changes: Partial<CompileRequest>): number => add('other', change, changes);
  // With events types are searched, which takes long, by effort and device: once more is enough.
  const isSearched = request.data !== undefined;
  if (request.effort !== 'best' && circuit.size <= SEARCHED_OPS && !isSearched) add('same', '--effort best', { effort: 'best' });
  if (request.primitives === undefined && /series|UltraScale/.test(device.family)) add('same', '--primitives xilinx', { primitives: 'xilinx' });
  if (device.family !== 'UltraScale+' && !isSearched) add('anew', '--part xcvu13p', { part: 'xcvu13p' });
  for (const bits of isSearched ? [] : [1, 2]) {
    const inputType = request.inputType === undefined ? undefined : narrower(request.inputType, bits);
    if (inputType !== undefined) other(`--input-type '${inputType}'`, { inputType });
  }
  if (request.data !== undefined && request.maxLoss !== undefined && request.maxLoss <= 0.1) other(`--max-loss ${rounded(200 * request.maxLoss)}%`, { maxLoss: 2 * request.maxLoss });
  if (request.precision !== undefined) {
    const { text, file } = request.precision;
    for (const role of ['weight', 'result']) {
      const changed = narrowerInFile(text, role);
      if (changed !== text) other(`${role} types of the precision file one bit narrower`, { precision: { text: changed, file } });
    }
    const layer = slowestLayer(design);
    const inLayer = layer === undefined ? text : inBlock(text, layer, (block) => ['weight', 'accum', 'result'].reduce(narrowerInFile, block));
    if (inLayer !== text) other(`weight, accum, result of ${layer} one bit narrower`, { precision: { text: inLayer, file } });
  }
  return list;
}

function built(graph: ModelGraph, request: CompileRequest, { change }: Trial, limit: number): Suggestion {
  return suggestionOf(change, findDesign(graph, request, {}).result, limit);
}

async function attempt(request: CompileRequest, { change, types }: Trial, limit: number, fixed: number | undefined): Promise<Suggestion | undefined> {
  try {
    const { model, typed, evaluation } = await typedModelOf(request, {});
    const { result } = findDesign(typed.graph, request, {});
    const tried = suggestionOf(change, result, limit);
    if (types !== 'other') return tried;
    if (evaluation === undefined) return { ...tried, note: 'other numbers: look at the accuracy' };
    const accuracy = accuracyOf(model, result.schedule.circuit, evaluation);
    return { ...tried, note: `${accuracy.metric} ${rounded(accuracy.fixed)}${fixed === undefined ? '' : ` instead of ${rounded(fixed)}`}` };
  } catch (error) {
    // A change that makes no model, for example a type too narrow for what is fixed elsewhere, is no suggestion.
    if (error instanceof CompileError && error.kind !== 'internal') return undefined;
    throw error;
  }
}

/** The layer that spans the most stages. */
function slowestLayer({ result }: Design): string | undefined {
  const layers = [...layerFacts(result.schedule).byLayer].filter(([name, facts]) => name !== '' && facts.stages !== undefined);
  const span = ([, { stages }]: (typeof layers)[number]): number => (stages === undefined ? 0 : stages[1] - stages[0]);
  return layers.sort((a, b) => span(b) - span(a))[0]?.[0];
}

/** A type with fewer bits below; undefined where there are several types or too few bits. */
function narrower(text: string, bits: number): string | undefined {
  const type = parseFixedType(text);
  if (typeof type === 'string' || type.width - bits < 2) return undefined;
  return formatFixedType({ ...type, width: type.width - bits });
}

/** Every `role: fixed<W,…>` with W − 1. */
function narrowerInFile(text: string, role: string): string {
  return text.replace(new RegExp(`(\\b${role}["']?\\s*:\\s*["']?(?:ap_)?u?fixed<\\s*)(\\d+)`, 'g'), (all, head: string, width: string) => (Number(width) > 2 ? `${head}${Number(width) - 1}` : all));
}

/** Changes the lines of a YAML block: those under `name:` that are indented more. */
function inBlock(text: string, name: string, change: (block: string) => string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === `${name}:`);
  if (start < 0) return text;
  const indent = (line: string): number => line.length - line.trimStart().length;
  let end = start + 1;
  while (end < lines.length && (lines[end]?.trim() === '' || indent(lines[end] as string) > indent(lines[start] as string))) end++;
  return [...lines.slice(0, start), change(lines.slice(start, end).join('\n')), ...lines.slice(end)].join('\n');
}
