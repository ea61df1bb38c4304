import { lutCells } from '../backends/verilog/verilog.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
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
 * not pay dropped.
 *
 * @param trained the model before types
 * @param typed the same with types of its inputs
 * @throws CompileError (`unsupported`): forests that are not on an input alone; (`config`): nothing keeps the loss
 */
export function fitForestModel(trained: ModelGraph, typed: ModelGraph, evaluation: Evaluation, request: Pick<CompileRequest, 'effort' | 'part'>, hooks: CompileHooks): FittedGraph {
  const index = typed.nodes.findIndex((node) => node.kind === 'forest');
  const node = typed.nodes[index] as ModelGraph['nodes'][number];
  const input = typed.inputs.find(({ name }) => name === node.inputs[0]);
  const type = input?.type;
  const params = node.params as ForestParams;
  if (typed.nodes.length !== 1 || type === undefined || params.missing !== undefined) {
    throw new CompileError('unsupported', {
      code: 'forest-fit', where: ['--max-loss', node.name],
      what: 'a forest is fitted anew where it is the whole model, on one input without flags for missing values.',
      mend: 'Leave --max-loss away: leaves are then rounded, thresholds kept.',
    });
  }
  const { events, metric, maxLoss } = evaluation;
  const reference = scoresOf(trained, catalogue, events);
  const withParams = (own: ForestParams): ModelGraph => ({ ...typed, nodes: typed.nodes.map((other, i) => (i === index ? { ...node, params: own } : other)) });
  const choice = searchForest({
    params, type: type as FixedType, features: events.inputs.get(node.inputs[0] as string) as Float64Array, reference,
    metric: makeMetric(reference, metric), maxLoss, effort: request.effort,
    cost: (own) => cellsOf(withParams(own), request.part),
    onProgress: (text) => hooks.onStep?.(`fitting the forest: ${text}`),
  });
  if (choice === undefined) {
    throw new CompileError('config', {
      code: 'loss-not-kept', where: ['--max-loss', node.name], what: `no forest that was tried loses at most ${100 * maxLoss}% of ${metric.name}.`,
      mend: 'Allow more, or leave --max-loss away: leaves are then rounded, thresholds kept.',
    });
  }
  return { graph: withParams(choice.params), layer: node.name, text: textOf(choice, metric.name) };
}

function textOf(choice: ForestChoice, metric: string): string {
  return `refitted to the events of --data: leaves of ${choice.fractionBits} fraction bits, about ${choice.cost} LUT cells, ${(100 * choice.loss).toFixed(2)}% of ${metric} lost on events kept apart`;
}

/** LUT cells of a graph in one stage. */
function cellsOf(graph: ModelGraph, part: string): number {
  const { circuit } = runPasses(lowerGraph(graph), defaultPasses, { check: false });
  return lutCells(pipelineCircuit(circuit, deviceOf(part), 100, { mode: 'exactly', cycles: 0 }).schedule);
}
