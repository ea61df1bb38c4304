import type { DesignInfo } from '../backends/backend.js';
import type { Circuit } from '../circuit/circuit.js';
import { elementCount, kindOf, Op } from '../circuit/circuit.js';
import type { TypedModel } from './model.js';
import type { CompileRequest } from './request.js';
import { formatFixedType, typeOfInterval } from '../fixed/fixedType.js';
import type { LoweredLayer } from '../layers/lower.js';
import type { ModelGraph } from '../model/graph.js';
import type { PassRecord } from '../passes/pass.js';
import type { Report, ReportDraft, ReportLayer, ReportPort } from '../report/schema.js';
import type { Device } from '../timing/device.js';
import type { PipelineResult } from '../timing/pipeline.js';
import { criticalPath, layerFacts, reportPort, rounded, stageFacts } from './facts.js';
import type { LayerOverflow } from './overflow.js';
import { numbersOf } from './overflow.js';
import type { VerificationOutcome } from './prove.js';

/** All that a compilation found out. */
export interface Findings {
  readonly request: CompileRequest;
  /** `model.sha256`. */
  readonly sha256: string;
  readonly model: ModelGraph;
  readonly typed: TypedModel;
  readonly info: DesignInfo;
  readonly design: {
    readonly result: PipelineResult;
    readonly device: Device;
    readonly layers: readonly LoweredLayer[];
    readonly overflows: readonly LayerOverflow[];
    readonly passes: readonly PassRecord[];
    readonly suggestions: NonNullable<Report['suggestions']>;
  };
  readonly proof: VerificationOutcome;
  readonly accuracy: Report['accuracy'];
  /** What each layer gave on the user's events, by layer. */
  readonly observed: ReadonlyMap<string, readonly [number, number]> | undefined;
  readonly verilog: string;
  readonly artifacts: Report['artifacts'];
}

const AREA_MODEL = 'A LUT a carry position of each adder and an output bit of other logic, registers counted bit by bit; tables as if nothing in them repeated. Against Yosys 0.23 on five networks and forests: LUTs 8 to 14 % too many (Yosys: LUTs and inverters), registers 4 % too few to 7 % too many. --synth measures.';

/** report.json's content, but for what `finishReport` decides. */
export function draftReport(findings: Findings): ReportDraft {
  const { request, model, info, design, proof } = findings;
  const { schedule } = design.result;
  const facts = layerFacts(schedule);
  const critical = criticalPath(schedule);
  const { latencyCycles } = schedule;
  const criticalPathNs = rounded(schedule.criticalPathNs);
  return {
    tool: { name: 'trigforge', version: request.toolVersion },
    model: {
      name: info.modelName,
      format: model.format,
      sha256: findings.sha256,
      parameters: model.parameters,
      inputs: schedule.circuit.inputs.map((port) => ({ ...reportPort(port), ...missingFacts(findings.typed.graph, port.name) })),
      outputs: schedule.circuit.outputs.map(reportPort),
      version: info.modelVersion,
      top: info.top,
      operations: schedule.circuit.size,
    },
    device: { part: design.device.part, family: design.device.family, ...(design.device.capacity === undefined ? {} : { capacity: design.device.capacity }) },
    budget: budgetOf(request),
    latency: {
      cycles: latencyCycles,
      ns: rounded((latencyCycles * 1000) / request.clockMHz),
      initiationInterval: 1,
      combinational: latencyCycles === 0,
    },
    timing: {
      criticalPathNs,
      ...(criticalPathNs > 0 ? { fmaxMHz: Math.floor(10_000 / schedule.criticalPathNs) / 10 } : {}),
      source: 'estimated',
      delayModel: design.device.source,
      criticalStage: critical.stage,
    },
    resources: { estimated: facts.total, areaModel: AREA_MODEL },
    layers: layerRows(findings, facts.byLayer),
    ...(findings.accuracy === undefined ? {} : { accuracy: findings.accuracy }),
    overflow: overflowOf(design.overflows),
    ...(proof.verification === undefined ? {} : { verification: proof.verification }),
    passes: design.passes.map((pass) => ({ ...pass, seconds: rounded(pass.seconds) })),
    artifacts: findings.artifacts,
    precision: precisionRows(findings),
    warnings: [...proof.warnings, ...deadEdges(schedule.circuit)],
    options: { command: [...request.command], seed: request.seed },
    criticalPath: critical.path,
    ...(latencyCycles > 0 ? { pipeline: stageFacts(schedule) } : {}),
    ...(design.suggestions.length > 0 ? { suggestions: design.suggestions } : {}),
  };
}

/** How an input says that values are missing. */
function missingFacts(graph: ModelGraph, name: string): Pick<ReportPort, 'flagsOf' | 'missingCode'> {
  const { flagsOf, missingCode } = graph.inputs.find((input) => input.name === name) ?? {};
  return { ...(flagsOf === undefined ? {} : { flagsOf }), ...(missingCode === undefined ? {} : { missingCode }) };
}

/** Outputs that never change and inputs that nothing depends on: usually not what was meant. */
function deadEdges(circuit: Circuit): NonNullable<Report['warnings']>[number][] {
  const warnings: NonNullable<Report['warnings']>[number][] = [];
  for (const port of circuit.outputs) {
    const fixed = port.ops.filter((op) => circuit.lo[op] === circuit.hi[op]).length;
    if (fixed > 0) warnings.push({ code: 'constant-output', where: [port.name], what: `${fixed === port.ops.length ? 'every element is' : `${fixed} of ${port.ops.length} elements are`} constant, whatever the inputs.`, mend: 'Check the weights and types before it.' });
  }
  const read = new Set<string>();
  for (let op = 0; op < circuit.size; op++) if (kindOf(circuit, op) === Op.input) read.add(`${circuit.a[op]}:${circuit.b[op]}`);
  circuit.inputs.forEach((port, p) => {
    const n = elementCount(port);
    const unread = Array.from({ length: n }, (_, i) => i).filter((i) => !read.has(`${p}:${i}`));
    if (unread.length === 0) return;
    const shown = unread.slice(0, 8).join(', ') + (unread.length > 8 ? ', …' : '');
    warnings.push({ code: 'unread-input', where: [port.name], what: `${unread.length} of ${n} elements have no effect on any output (${shown}).` });
  });
  return warnings;
}

function budgetOf(request: CompileRequest): ReportDraft['budget'] {
  const { latency, stated, clockMHz } = request;
  return {
    clockMHz,
    stated: stated.text,
    ...(stated.latencyNs === undefined ? {} : { latencyNs: stated.latencyNs }),
    ...(request.maxLut === undefined ? {} : { maxLut: request.maxLut }),
    ...(latency.mode === 'shortest' ? {} : { latencyCycles: latency.cycles, locked: latency.mode === 'exactly' }),
  };
}

function layerRows({ design, observed, typed, verilog }: Findings, byLayer: ReturnType<typeof layerFacts>['byLayer']): ReportLayer[] {
  const makers = new Map([...typed.graph.inputs.map((input) => [input.name, input.name] as const), ...design.layers.map(({ node }) => [node.output, node.name] as const)]);
  const places = layerLines(verilog);
  return design.layers.map(({ node, type, range }) => {
    const own = byLayer.get(node.name);
    const [lo, hi] = numbersOf(range);
    const seen = observed?.get(node.name);
    const lines = places.get(`${node.name} (${node.kind})`);
    return {
      name: node.name,
      kind: node.kind,
      outputType: formatFixedType(type ?? typeOfInterval(range)),
      outputShape: node.shape.slice(1),
      resources: own?.resources ?? { lut: 0, ff: 0, dsp: 0, bram: 0 },
      cycles: own?.stages === undefined ? 0 : own.stages[1] - own.stages[0],
      ...(own?.stages === undefined ? {} : { stages: own.stages }),
      ...(own === undefined ? {} : { operations: own.operations }),
      range: { proven: [lo, hi], ...(seen === undefined ? {} : { observed: [...seen] as const }) },
      inputs: node.inputs.flatMap((tensor) => makers.get(tensor) ?? []),
      ...(lines === undefined ? {} : { verilogLines: lines }),
    };
  });
}

function overflowOf(overflows: readonly LayerOverflow[]): ReportDraft['overflow'] {
  const rows = (wraps: boolean): ReportDraft['overflow']['wraps'] =>
    overflows.filter((o) => o.wraps === wraps).map(({ layer, type, proven, holds, elements }) => ({ layer, type, proven: [...proven], holds: [...holds], elements }));
  const wraps = rows(true);
  return { provenSafe: wraps.length === 0, wraps, saturates: rows(false) };
}

function precisionRows({ typed, design, request }: Findings): NonNullable<Report['precision']> {
  const { circuit } = design.result.schedule;
  const named = new Set(typed.graph.inputs.filter((input) => input.objects !== undefined).map((input) => input.name));
  const inputs = circuit.inputs.map((port) => ({
    layer: port.name,
    role: 'input',
    type: reportPort(port).type,
    source: request.inputType !== undefined || named.has(port.name) ? ('option' as const) : request.precision !== undefined ? ('config' as const) : request.data !== undefined ? ('data' as const) : ('model' as const),
  }));
  const types = new Map(design.layers.map((layer) => [layer.node.name, formatFixedType(layer.type ?? typeOfInterval(layer.range))]));
  const layers = typed.statements.map((statement) => ({
    layer: statement.layer,
    role: 'result',
    type: types.get(statement.layer) ?? '',
    source: statement.source,
    note: statement.text,
  }));
  return [...inputs, ...layers];
}

/** First and last line of each layer's logic in the Verilog, by the headings that stand over it. */
function layerLines(verilog: string): Map<string, [number, number]> {
  const places = new Map<string, [number, number]>();
  let current: string | undefined;
  verilog.split('\n').forEach((line, i) => {
    const heading = /^  \/\/ (.+ \(\w+\))$/.exec(line)?.[1];
    if (heading !== undefined) current = heading;
    else if (/^(?:  always |  assign out|endmodule)/.test(line)) current = undefined;
    if (current === undefined || line === '') return;
    const known = places.get(current);
    places.set(current, [known?.[0] ?? i + 1, i + 1]);
  });
  return places;
}
