import type { OutputFile } from '../backends/backend.js';
import type { SearchWish } from '../circuit/builder.js';
import type { OutputPort } from '../circuit/circuit.js';
import { typeOfElement } from '../circuit/circuit.js';
import { circuitToText } from '../circuit/text.js';
import type { IoSchemaText } from '../io/ioSchema.js';
import { readIoSchema } from '../io/ioSchema.js';
import type { LoweredLayer } from '../layers/lower.js';
import { lowerGraph } from '../layers/lower.js';
import { catalogue } from '../layers/registry.js';
import type { ModelGraph } from '../model/graph.js';
import { splitLongOps } from '../passes/longOps.js';
import type { PassRecord } from '../passes/pass.js';
import { runPasses } from '../passes/pass.js';
import { defaultPasses } from '../passes/pipeline.js';
import { applyIoSchema } from '../quantize/applyIoSchema.js';
import { beginHead, finishHead, parseHead } from '../quantize/head.js';
import { opLimits } from '../timing/cost.js';
import { deviceOf, stageRoomNs } from '../timing/device.js';
import type { PipelineResult } from '../timing/pipeline.js';
import { pipelineCircuit } from '../timing/pipeline.js';
import type { TypedModel } from './model.js';
import { readModel, typeModel } from './model.js';
import type { Evaluation } from './precision.js';
import type { LayerOverflow } from './overflow.js';
import { layerOverflows } from './overflow.js';
import type { CompileHooks, CompileRequest, Effort } from './request.js';

/** The model of a request on its way to a circuit. */
export interface ModelStages {
  readonly io: IoSchemaText | undefined;
  readonly headed: ReturnType<typeof beginHead>;
  /** As read, with hardware integers in front and without its head: what is judged by events. */
  readonly model: ModelGraph;
  /** With types and head. */
  readonly typed: TypedModel;
  /** The user's events, where the outputs are the scores that they judge. */
  readonly evaluation: Evaluation | undefined;
}

/** Reads the model and gives every value a type. Throws CompileError. */
export async function typedModelOf(request: CompileRequest, hooks: CompileHooks): Promise<ModelStages> {
  hooks.onStep?.('reading the model');
  const io = request.ioSchema === undefined ? undefined : readIoSchema(request.ioSchema.text, request.ioSchema.file);
  const bare = readModel(request.model, request.readSide);
  const headed = beginHead(io === undefined ? bare : applyIoSchema(bare, io, catalogue), parseHead(request.head ?? 'score'), catalogue);
  const model = headed.graph;
  hooks.onStep?.('choosing types');
  const scored = await typeModel(model, request, hooks);
  const typed = { ...scored, graph: finishHead({ ...headed, graph: scored.graph }, () => typeOfElement(lowerGraph(scored.graph).outputs[0] as OutputPort, 0), catalogue) };
  return { io, headed, model, typed, evaluation: typed.graph === scored.graph ? scored.evaluation : undefined };
}

/** A circuit placed in time, with what is known of its layers. */
export interface Design {
  readonly result: PipelineResult;
  readonly layers: readonly LoweredLayer[];
  readonly overflows: readonly LayerOverflow[];
  readonly passes: readonly PassRecord[];
  readonly dump: OutputFile | undefined;
}

/** Circuits of up to this many operations are evaluated after every pass, not only verified. */
const CHECKED_OPS = 20_000;

/** Adder levels of slack that are tried, smallest circuit first. */
const DEPTH_SLACKS: Readonly<Record<Effort, readonly number[]>> = { fast: [1], normal: [1, 0], best: [3, 2, 1, 0] };

/** How long adder graphs are searched for; it ends after attempts, not after a time, so that the result is always the same. */
const SEARCH: Readonly<Record<Effort, SearchWish>> = { fast: { starts: 1, attempts: 0 }, normal: { starts: 1, attempts: 4, work: 30_000 }, best: { starts: 8, attempts: 10 } };

/** The first, smallest design that meets the budget; without a budget, or if none meets it, the one of least latency. */
export function findDesign(graph: ModelGraph, request: CompileRequest, hooks: CompileHooks): Design {
  let best: Design | undefined;
  for (const depthSlack of DEPTH_SLACKS[request.effort]) {
    const design = buildDesign(graph, request, depthSlack, hooks);
    if (best === undefined || isBetter(design.result, best.result)) best = design;
    if (design.result.met && request.latency.mode !== 'shortest') return design;
  }
  return best as Design;
}

function isBetter(a: PipelineResult, b: PipelineResult): boolean {
  if (a.met !== b.met) return a.met;
  if (a.neededCycles !== b.neededCycles) return a.neededCycles < b.neededCycles;
  // Combinational or locked: what differs is how long the stages are.
  return !a.met && a.schedule.criticalPathNs < b.schedule.criticalPathNs - 1e-6;
}

function buildDesign(graph: ModelGraph, request: CompileRequest, depthSlack: number, hooks: CompileHooks): Design {
  hooks.onStep?.('building the circuit');
  const layers: LoweredLayer[] = [];
  const lowered = lowerGraph(graph, { depthSlack, search: { ...SEARCH[request.effort], ternary: request.primitives === 'xilinx' }, onLayer: (layer) => layers.push(layer) });
  hooks.onStep?.(`optimising ${lowered.size} operations`);
  let dump: OutputFile | undefined;
  const { circuit, records } = runPasses(lowered, defaultPasses, {
    check: lowered.size <= CHECKED_OPS,
    onPass: (pass, after) => {
      if (pass.name === request.dumpAfter) dump = { path: `dump/${pass.name}.txt`, text: circuitToText(after) };
    },
  });
  const device = deviceOf(request.part);
  const isCombinational = request.latency.mode !== 'shortest' && request.latency.cycles === 0;
  const cuttable = isCombinational ? circuit : splitLongOps(circuit, opLimits(device, stageRoomNs(device, request.clockMHz)));
  hooks.onStep?.(`scheduling ${cuttable.size} operations`);
  const result = pipelineCircuit(cuttable, device, request.clockMHz, request.latency, { ternary: request.primitives === 'xilinx' });
  return { result, layers, overflows: layerOverflows(lowered, graph), passes: records, dump };
}
