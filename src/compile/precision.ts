import type { Circuit } from '../circuit/circuit.js';
import { compileEmulator } from '../emulator/emulator.js';
import { CompileError } from '../errors.js';
import { catalogue } from '../layers/registry.js';
import type { ActivationParams } from '../layers/activation.js';
import { matchArrays } from '../io/arrays.js';
import type { GraphOutput, ModelGraph, ModelNode } from '../model/graph.js';
import type { GrowOptions } from '../quantize/grow.js';
import type { Events } from '../quantize/search/fixedEvaluate.js';
import { scoresOf, takeRows } from '../quantize/search/fixedEvaluate.js';
import type { MetricName, MetricOptions } from '../quantize/search/metrics.js';
import { makeMetric } from '../quantize/search/metrics.js';
import type { SearchResult } from '../quantize/search/search.js';
import { searchPrecision } from '../quantize/search/search.js';
import type { Report } from '../report/schema.js';
import { deviceOf } from '../timing/device.js';
import { quickCost } from './quickCost.js';
import { scoreCurves } from './curves.js';
import type { CompileHooks, CompileRequest, Effort } from './request.js';

/** What may be lost where nothing is said. */
export const DEFAULT_MAX_LOSS = 0.005;

/** Events beyond these are not looked at, evenly left out: the search's time is for widths, not for statistics past need. */
const MOST_EVENTS = 2000;

/** Rounds through all widths, and the LUTs lowered on the way: a million take about two seconds. */
const SEARCH: Readonly<Record<Effort, { readonly sweeps: number; readonly work: number }>> = { fast: { sweeps: 0, work: 0 }, normal: { sweeps: 12, work: 2e7 }, best: { sweeps: 24, work: 2e8 } };

/** The user's events and how they judge. */
export interface Evaluation {
  readonly events: Events;
  readonly metric: MetricOptions;
  readonly maxLoss: number;
}

/** @throws CompileError (`config`, `input`): data or labels that do not fit the model, or are not finite */
export function evaluationOf(model: ModelGraph, request: Pick<CompileRequest, 'data' | 'labels' | 'metric' | 'maxLoss'>, most = MOST_EVENTS): Evaluation | undefined {
  const { data } = request;
  if (data === undefined) return undefined;
  const ports = model.inputs.map((input) => ({ name: input.name, shape: input.shape.slice(1) }));
  const { inputs, count } = matchArrays(data.arrays, ports, data.file);
  if (count === 0) throw new CompileError('config', { code: 'no-events', where: ['--data', data.file], what: 'holds no events.' });
  inputs.forEach((values, i) => checkFinite(values, count, ports[i]?.name ?? '', data.file));
  const labels = labelsOf(request, count);
  const kept = Math.min(count, most);
  const rows = Array.from({ length: kept }, (_, k) => Math.floor((k * count) / kept));
  const take = (values: Float64Array): Float64Array => takeRows(values, count, rows);
  return {
    events: { inputs: new Map(ports.map((port, i) => [port.name, take(inputs[i] as Float64Array)])), count: kept },
    metric: metricOf(model, request.metric, labels === undefined ? undefined : take(labels)),
    maxLoss: request.maxLoss ?? DEFAULT_MAX_LOSS,
  };
}

function checkFinite(values: Float64Array, count: number, input: string, file: string): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const event = Math.floor(at / (values.length / count));
  throw new CompileError('input', { code: 'not-finite', where: ['--data', file, input], what: `event ${event} holds ${values[at]}: precision cannot be judged on it.`, mend: 'Leave such events out.' });
}

/** The values of `--labels`, whole rows an event. */
export function labelsOf({ labels }: Pick<CompileRequest, 'labels'>, count: number): Float64Array | undefined {
  if (labels === undefined) return undefined;
  const [array, ...others] = labels.arrays;
  if (array === undefined || others.length > 0) throw new CompileError('config', { code: 'labels-shape', where: ['--labels', labels.file], what: `holds ${labels.arrays.length} arrays; one is expected.` });
  const width = array.data.length / count;
  if (!Number.isInteger(width) || width < 1) throw new CompileError('config', { code: 'labels-shape', where: ['--labels', labels.file], what: `has ${array.data.length} values for the ${count} events of --data.`, mend: 'Give one label an event, in the same order.' });
  return array.data;
}

/** The metric that was asked for, else the one that fits the model and the labels. */
export function metricOf(model: ModelGraph, asked: MetricName | undefined, labels: Float64Array | undefined): MetricOptions {
  const last = lastLayer(model, model.outputs[0]);
  const width = model.outputs.reduce((sum, output) => sum + output.shape.reduce((a, b) => a * b, 1), 0);
  const isProbability = last?.kind === 'activation' && (last.params as ActivationParams).function === 'sigmoid';
  const decides = model.outputs.length === 1 && (isProbability || last?.kind === 'softmax' || last?.kind === 'forest');
  const classes = labels === undefined ? 0 : new Set(labels).size;
  const whole = labels?.every((label) => Number.isInteger(label)) === true && labels.length > 0 && classes <= Math.max(2, width);
  const fitting: MetricName = whole ? (width === 1 ? 'auc' : 'accuracy') : labels === undefined && decides ? 'agreement' : 'mse';
  const name = asked ?? fitting;
  return { name, threshold: isProbability ? 0.5 : 0, ...(labels === undefined ? {} : { labels: name === 'mse' || name === 'agreement' ? labels : classNumbers(labels, width) }) };
}

/** One class number an event, of one-hot rows too. */
function classNumbers(labels: Float64Array, width: number): Float64Array {
  const isOneHot = width > 1 && labels.length % width === 0 && labels.every((label) => label === 0 || label === 1) && rowsOf(labels, width).every((row) => row.reduce((a, b) => a + b, 0) === 1);
  return isOneHot ? Float64Array.from(rowsOf(labels, width), (row) => row.indexOf(1)) : labels;
}

function rowsOf(values: Float64Array, width: number): Float64Array[] {
  return Array.from({ length: values.length / width }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

/** The layer behind an output, past those that only move elements. */
export function lastLayer(model: ModelGraph, output: GraphOutput | undefined): ModelNode | undefined {
  const makers = new Map(model.nodes.map((node) => [node.output, node]));
  let node = makers.get(output?.tensor ?? '');
  while (node !== undefined && catalogue.structural(node.kind)) node = makers.get(node.inputs[0] ?? '');
  return node;
}

/** Searches widths for all that `graph` leaves open. */
export async function searchTypes(graph: ModelGraph, evaluation: Evaluation, grow: GrowOptions, request: Pick<CompileRequest, 'effort' | 'part'>, hooks: CompileHooks): Promise<SearchResult> {
  const device = deviceOf(request.part);
  return searchPrecision(graph, { ...evaluation, ...SEARCH[request.effort], grow }, catalogue, {
    cost: (typed) => quickCost(typed, device),
    onProgress: (text) => hooks.onStep?.(`choosing types: ${text}`),
    pause: () => new Promise((resolve) => setImmediate(() => resolve(hooks.signal?.aborted === true))),
  });
}

/** What the circuit itself gives on the user's events, judged against the float model. */
export function accuracyOf(model: ModelGraph, circuit: Circuit, { events, metric, maxLoss }: Evaluation): NonNullable<Report['accuracy']> {
  const float = scoresOf(model, catalogue, events);
  const judge = makeMetric(float, metric);
  const outputs = compileEmulator(circuit).run(circuit.inputs.map((port) => events.inputs.get(port.name) as Float64Array), events.count);
  const widths = outputs.map((values) => values.length / events.count);
  const width = widths.reduce((a, b) => a + b, 0);
  const data = new Float64Array(events.count * width);
  for (let event = 0; event < events.count; event++) {
    let at = event * width;
    outputs.forEach((values, k) => {
      const own = widths[k] as number;
      data.set(values.subarray(event * own, (event + 1) * own), at);
      at += own;
    });
  }
  const fixed = { events: events.count, width, data };
  const { value, loss } = judge.measure(fixed);
  const names = model.outputs.flatMap((output) => elementNames(output.name, output.shape.reduce((a, b) => a * b, 1)));
  const classes = metric.name === 'mse' || metric.name === 'agreement' ? undefined : metric.labels;
  const curves = scoreCurves(float, fixed, names, classes);
  return { metric: metric.name, float: judge.float, fixed: value, loss, maxLoss, events: events.count, curves };
}

function elementNames(name: string, elements: number): string[] {
  return elements === 1 ? [name] : Array.from({ length: elements }, (_, i) => `${name}[${i}]`);
}
