import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { formatFixedType } from '../fixed/fixedType.js';
import { matchArrays } from '../io/arrays.js';
import type { ForestParams } from '../layers/forest.js';
import type { ModelGraph, ModelNode } from '../model/graph.js';
import type { LeafChoice } from '../quantize/leafWidth.js';
import { searchLeafWidth } from '../quantize/leafWidth.js';
import type { MetricOptions } from '../quantize/search/metrics.js';
import { makeMetric } from '../quantize/search/metrics.js';
import { arrayPorts } from './arrayPorts.js';
import { takeRows } from '../quantize/search/fixedEvaluate.js';
import { DEFAULT_MAX_LOSS, labelsOf, metricOf } from './precision.js';
import type { CompileRequest } from './request.js';

/** The type that was found for leaves and score, and what it keeps, in words. */
export interface FittedLeaves {
  readonly scoreType: FixedType;
  readonly layer: string;
  readonly text: string;
}

/** Leaves looked up at most, events times trees. */
const MOST_LEAVES = 2 ** 25;

/**
 * The coarsest type of leaves and score that keeps `--max-loss` on the events of `--data`, every split as it was trained.
 * At `--max-loss 0` all decisions stay (argmax, or the sign of a single score), whatever `--metric` says besides. Without
 * `--max-loss` the score itself is held to the same share of its variance, for it may be no decision that it is used for.
 *
 * @param given the model as it was read, its inputs without types
 * @param typed the same with types of its inputs
 * @returns undefined where the forest is not the only one on the model's input, or nothing asked for it and nothing keeps it
 * @throws CompileError (`config`): `--max-loss` asks for it and no type keeps it
 */
export function fitLeaves(given: ModelGraph, typed: ModelGraph, request: Pick<CompileRequest, 'data' | 'labels' | 'metric' | 'maxLoss'>): FittedLeaves | undefined {
  const { data, maxLoss = DEFAULT_MAX_LOSS } = request;
  const node = onlyForest(given);
  const types = node === undefined ? undefined : featureTypes(typed, node);
  if (data === undefined || node === undefined || types === undefined) return refuse(request, node, 'the forest is not the only one, or not on an input of the model.', 'Give the type with --score-type.');
  const { inputs, count } = matchArrays(data.arrays, arrayPorts(given), data.file);
  if (count === 0) throw new CompileError('config', { code: 'no-events', where: ['--data', data.file], what: 'holds no events.' });
  const labels = labelsOf(request, count);
  const params = node.params as ForestParams;
  const kept = Math.min(count, Math.max(1, Math.floor(MOST_LEAVES / Math.max(1, params.trees.length))));
  const rows = Array.from({ length: kept }, (_, k) => Math.floor((k * count) / kept));
  const alone: ModelGraph = { ...given, nodes: [node], outputs: [{ name: node.name, tensor: node.output, shape: node.shape }] };
  const metric = metricOf(alone, request.metric, labels === undefined ? undefined : takeRows(labels, count, rows));
  const choice = searchLeafWidth({
    params, types, features: takeRows(inputs[0] as Float64Array, count, rows), maxLoss,
    metricOf: (reference) => (maxLoss === 0 ? decisionsToo(reference, metric) : makeMetric(reference, metric)),
    ...(request.maxLoss === undefined ? { mostError: DEFAULT_MAX_LOSS } : {}),
  });
  if (choice === undefined) return refuse(request, node, `no width of its leaves loses at most ${100 * maxLoss}% of ${metric.name}.`, 'Allow more, or give the type with --score-type.');
  return { scoreType: choice.scoreType, layer: node.name, text: textOf(choice, metric.name, kept, maxLoss) };
}

function refuse({ maxLoss }: Pick<CompileRequest, 'maxLoss'>, node: ModelNode | undefined, what: string, mend: string): undefined {
  if (maxLoss === undefined) return undefined;
  throw new CompileError('config', { code: 'loss-not-kept', where: ['--max-loss', ...(node === undefined ? [] : [node.name])], what, mend });
}

function onlyForest(graph: ModelGraph): ModelNode | undefined {
  const forests = graph.nodes.filter((node) => node.kind === 'forest');
  return forests.length === 1 && (graph.inputs.length === 1 || graph.inputs.every((input) => input.flagsOf !== undefined || input.name === forests[0]?.inputs[0])) ? forests[0] : undefined;
}

/** `[nFeatures]`; undefined where the forest reads no input of the model. */
function featureTypes(graph: ModelGraph, node: ModelNode): readonly FixedType[] | undefined {
  const input = graph.inputs.find(({ name }) => name === node.inputs[0]);
  if (input?.type === undefined) return undefined;
  return input.elementTypes ?? new Array<FixedType>((node.params as ForestParams).nFeatures).fill(input.type);
}

/** The metric that was asked for, and agreement of the decisions: the greater loss of the two. */
function decisionsToo(reference: Parameters<typeof makeMetric>[0], options: MetricOptions): ReturnType<typeof makeMetric> {
  const [own, decisions] = [makeMetric(reference, options), makeMetric(reference, { name: 'agreement', threshold: options.threshold })];
  if (options.name === 'mse' && options.labels === undefined) return decisions;
  return { ...own, measure: (scores, subset) => ({ ...own.measure(scores, subset), loss: Math.max(own.measure(scores, subset).loss, decisions.measure(scores, subset).loss) }) };
}

function textOf({ scoreType, loss, lostByInputs }: LeafChoice, metric: string, events: number, maxLoss: number): string {
  const kept = maxLoss === 0 ? 'every decision kept' : `${(100 * loss).toFixed(2)}% of ${metric} lost`;
  const inputs = lostByInputs === 0 ? '' : ` (by rounding of its inputs, which no leaf brings back, ${(100 * lostByInputs).toFixed(2)}% of decisions are others)`;
  return `leaves and score ${formatFixedType(scoreType)}, the coarsest with ${kept} on ${events} events of --data${inputs}`;
}
