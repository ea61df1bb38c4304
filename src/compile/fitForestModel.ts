import { lutCells } from '../backends/verilog/verilog.js';
import { CompileError } from '../errors.js';
import type { ForestParams } from '../layers/forest.js';
import { lowerGraph } from '../layers/lower.js';
import { catalogue } from '../layers/registry.js';
import type { ModelGraph } from '../model/graph.js';
import type { ForestChoice } from '../quantize/forestSearch.js';
import { searchForest } from '../quantize/forestSearch.js';
import { scoresOf } from '../quantize/search/fixedEvaluate.js';
import { makeMetric } from '../quantize/search/metrics.js';
import { runPasses } from '../passes/pass.js';
import { defaultPasses } from '../passes/pipeline.js';
import { deviceOf } from '../timing/device.js';
import { pipelineCircuit } from '../timing/pipeline.js';
import type { Evaluation } from './precision.js';
import { evaluationOf } from './precision.js';
import type { CompileHooks, CompileRequest } from './request.js';

/** A graph whose forest was fitted anew, and what was chosen. */
export interface FittedGraph {
  readonly graph: ModelGraph;
  readonly layer: string;
  /** What was chosen, in words. */
  readonly text: string;
}

/**
 * The graph with its forest made as small as `--max-loss` allows: leaves refitted, thresholds moved together, splits that do
 * not pay dropped. What stands behind the forest (a class, a decision) stays; the loss is that of its scores.
 *
 * @param typed the model with types of its inputs
 * @throws CompileError (`unsupported`): forests that are not on an input alone; (`config`): nothing keeps the loss
 */
export function fitForestModel(typed: ModelGraph, request: Pick<CompileRequest, 'effort' | 'part' | 'data' | 'labels' | 'metric' | 'maxLoss'>, hooks: CompileHooks): FittedGraph {
  const forests = typed.nodes.filter((node) => node.kind === 'forest');
  const [node] = forests;
  const type = typed.inputs.find(({ name }) => name === node?.inputs[0])?.type;
  if (node === undefined || forests.length !== 1 || typed.inputs.length !== 1 || type === undefined || (node.params as ForestParams).missing !== undefined) {
    throw new CompileError('unsupported', {
      code: 'forest-fit', where: ['--max-loss', node?.name ?? typed.name],
      what: 'a forest is fitted anew where it is the only one, on one input without flags for missing values.',
      mend: 'Leave --max-loss away: leaves are then rounded, thresholds kept.',
    });
  }
  const alone: ModelGraph = { ...typed, nodes: [node], outputs: [{ name: node.name, tensor: node.output, shape: node.shape }] };
  const { events, metric, maxLoss } = evaluationOf(alone, request, FOREST_EVENTS) as Evaluation;
  const reference = scoresOf(alone, catalogue, events);
  const withParams = (graph: ModelGraph, params: ForestParams): ModelGraph => ({ ...graph, nodes: graph.nodes.map((other) => (other === node ? { ...node, params } : other)) });
  const choice = searchForest({
    params: node.params as ForestParams, type, features: events.inputs.get(node.inputs[0] as string) as Float64Array, reference,
    metric: makeMetric(reference, metric), maxLoss, effort: request.effort,
    cost: (own) => cellsOf(withParams(alone, own), request.part),
    onProgress: (text) => hooks.onStep?.(`fitting the forest: ${text}`),
  });
  if (choice === undefined) {
    throw new CompileError('config', {
      code: 'loss-not-kept', where: ['--max-loss', node.name], what: `no forest that was tried loses at most ${100 * maxLoss}% of ${metric.name}.`,
      mend: 'Allow more, or leave --max-loss away: leaves are then rounded, thresholds kept.',
    });
  }
  return { graph: withParams(typed, choice.params), layer: node.name, text: textOf(choice, metric.name) };
}

/** Events a forest is fitted to and judged on at most. */
const FOREST_EVENTS = 60_000;

function textOf(choice: ForestChoice, metric: string): string {
  return `refitted to the events of --data: leaves of ${choice.fractionBits} fraction bits, about ${choice.cost} LUT cells, ${(100 * choice.loss).toFixed(2)}% of ${metric} lost on events kept apart`;
}

/** LUT cells of a graph in one stage. */
function cellsOf(graph: ModelGraph, part: string): number {
  const { circuit } = runPasses(lowerGraph(graph), defaultPasses, { check: false });
  return lutCells(pipelineCircuit(circuit, deviceOf(part), 100, { mode: 'exactly', cycles: 0 }, { ternary: true }).schedule);
}
