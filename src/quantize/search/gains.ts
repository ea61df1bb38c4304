import { definitionOf } from '../../layers/registry.js';
import type { LayerCatalogue } from '../../model/catalogue.js';
import { evaluateTensors } from '../../model/evaluate.js';
import type { ModelGraph, ModelNode } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import { sizeOf } from '../../model/tensor.js';
import type { Events } from './fixedEvaluate.js';
import { eventOf } from './fixedEvaluate.js';
import type { WeightSite } from './sites.js';

/** Events that are disturbed; every element of an output is disturbed by itself, so that few do. */
const MOST_EVENTS = 24;

/** A disturbance, in root mean squares of what is disturbed. */
const DISTURBANCE = 0.05;

/** Multiplications that all evaluations together may take; beyond, a layer's channels are disturbed at once. */
const MOST_WORK = 2e8;

/** No channel matters less than this share of its layer's mean: what is flat on some events need not be on others. */
const LEAST_SHARE = 0.01;

/**
 * How much the model's outputs change with each channel of each site, in the float model: mean squared change of the outputs over
 * their variance, by the variance of a disturbance of the channel. Measured, so that any layer may stand behind.
 */
export function channelGains(graph: ModelGraph, catalogue: LayerCatalogue, events: Events, sites: readonly WeightSite[]): readonly Float64Array[] {
  const rows = rowsOf(events);
  const reference = rows.map((row) => evaluateTensors(graph, catalogue, row));
  const variances = outputVariances(graph, reference);
  const change = (nodes: ReadonlyMap<string, { readonly axis: number; readonly size: number }>, channel: number | undefined): number => {
    let random = 1;
    const sign = (): number => ((random = (Math.imul(random, 1103515245) + 12345) >>> 0) & 65536 ? 1 : -1);
    let sum = 0;
    rows.forEach((row, r) => {
      const found = evaluateTensors(graph, catalogue, row, (name, value) => {
        const at = nodes.get(name);
        return at === undefined ? value : disturbed(value, at, channel, sign);
      });
      graph.outputs.forEach((output, k) => {
        const [own, float] = [(found.get(output.tensor) as Tensor).data, (reference[r]?.get(output.tensor) as Tensor).data];
        own.forEach((y, i) => (sum += (y - (float[i] as number)) ** 2 / (variances[k]?.[i] as number)));
      });
    });
    const width = graph.outputs.reduce((total, output) => total + sizeOf(output.shape), 0);
    return sum / (rows.length * width);
  };
  const filters = sites.reduce((sum, { plan }) => sum + plan.groups * plan.filtersPerGroup, 0);
  const macs = graph.parameters + sites.reduce((sum, { nodes, plan }) => sum + nodes.length * plan.positions * plan.factors * plan.groups * plan.filtersPerGroup, 0);
  const apart = filters * rows.length * macs <= MOST_WORK;
  return sites.map(({ nodes, plan }) => {
    const count = plan.groups * plan.filtersPerGroup;
    const where = new Map(nodes.map((node) => [node.output, { axis: channelAxis(node), size: scaleOf(node, reference) }]));
    const { size } = [...where.values()][0] as { size: number };
    const of = (channel: number | undefined): number => change(where, channel) / (size * size);
    const gains = apart ? Float64Array.from({ length: count }, (_, channel) => of(channel)) : new Float64Array(count).fill(of(undefined) / count);
    const mean = gains.reduce((a, b) => a + b, 0) / count;
    return gains.map((gain) => Math.max(gain, LEAST_SHARE * mean, Number.MIN_VALUE));
  });
}

/** Some events, evenly left out. */
function rowsOf(events: Events): ReadonlyMap<string, Float64Array>[] {
  const count = Math.min(events.count, MOST_EVENTS);
  return Array.from({ length: count }, (_, k) => eventOf(events, Math.floor((k * events.count) / count)));
}

/** Of each output element; where one hardly varies, a part of what the others do. */
function outputVariances(graph: ModelGraph, reference: readonly ReadonlyMap<string, Tensor>[]): readonly Float64Array[] {
  const all = graph.outputs.map((output) => {
    const rows = reference.map((tensors) => (tensors.get(output.tensor) as Tensor).data);
    return Float64Array.from({ length: sizeOf(output.shape) }, (_, i) => {
      const mean = rows.reduce((sum, row) => sum + (row[i] as number), 0) / rows.length;
      return rows.reduce((sum, row) => sum + ((row[i] as number) - mean) ** 2, 0) / rows.length;
    });
  });
  const most = Math.max(...all.map((values) => values.reduce((a, b) => Math.max(a, b), 0)));
  return all.map((values) => values.map((value) => Math.max(value, 1e-3 * most, Number.MIN_VALUE)));
}

function channelAxis(node: ModelNode): number {
  return definitionOf(node.kind).weighted?.(node.params, node.shape.length)?.outputAxis ?? node.shape.length - 1;
}

/** The disturbance of a site: one for all its channels and time steps. */
function scaleOf(node: ModelNode, reference: readonly ReadonlyMap<string, Tensor>[]): number {
  let [sum, count] = [0, 0];
  for (const tensors of reference) for (const value of (tensors.get(node.output) as Tensor).data) [sum, count] = [sum + value * value, count + 1];
  return DISTURBANCE * Math.sqrt(sum / count) || DISTURBANCE;
}

/** One channel, or all, with ±size added to every element. */
function disturbed(value: Tensor, { axis, size }: { readonly axis: number; readonly size: number }, channel: number | undefined, sign: () => number): Tensor {
  const inner = value.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channels = value.shape[axis] as number;
  return { ...value, data: value.data.map((x, i) => (channel === undefined || Math.floor(i / inner) % channels === channel ? x + size * sign() : x)) };
}
