import { definitionOf } from '../../layers/registry.js';
import type { ProductPlan } from '../../layers/products.js';
import { keeps } from '../../layers/rounding.js';
import type { LayerCatalogue } from '../../model/catalogue.js';
import type { ModelGraph, ModelNode } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import type { Events } from './fixedEvaluate.js';
import { scoresOf } from './fixedEvaluate.js';

/** What layers with weights have in common. */
interface Weighted {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

/** Layers with one weight that the search may choose: time steps of a recurrence together. */
export interface WeightSite {
  readonly nodes: readonly ModelNode[];
  readonly plan: ProductPlan;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  /** One a group of the layer. */
  readonly inputs: readonly InputMoments[];
}

/** Mean and covariance of what the rows of a weight matrix are multiplied with. */
export interface InputMoments {
  readonly mean: Float64Array;
  /** `[n, n]` */
  readonly covariance: Float64Array;
}

/** Rows that are summed up, at most: more say nothing new. */
const MOST_ROWS = 4096;

/** Wider matrices keep their own rounding. */
const MOST_FACTORS = 1024;

/** The layers whose weights are plain floats, with the moments of their inputs in the float model. */
export function weightSites(graph: ModelGraph, catalogue: LayerCatalogue, events: Events): readonly WeightSite[] {
  const shapes = new Map<string, readonly number[]>([...graph.inputs.map((input) => [input.name, input.shape] as const), ...[...graph.constants].map(([name, value]) => [name, value.shape] as const), ...graph.nodes.map((node) => [node.output, node.shape] as const)]);
  const groups = new Map<Tensor, ModelNode[]>();
  for (const node of graph.nodes) if (isOpen(node)) groups.set((node.params as Weighted).weight, [...(groups.get((node.params as Weighted).weight) ?? []), node]);
  const sites = [...groups.values()].flatMap((nodes): { nodes: ModelNode[]; plan: ProductPlan; sums: readonly Sums[] }[] => {
    const [node] = nodes as [ModelNode];
    const plan = definitionOf(node.kind).products?.(node.params, shapes.get(node.inputs[0] as string) ?? []);
    if (plan === undefined || plan.factors > MOST_FACTORS || plan.factors < 2) return [];
    const every = Math.max(1, Math.ceil((events.count * plan.positions * nodes.length) / MOST_ROWS));
    const own = Array.from({ length: plan.groups }, () => new Sums(plan.factors, every));
    return [{ nodes, plan, sums: own }];
  });
  const readers = new Map<string, { readonly plan: ProductPlan; readonly sums: readonly Sums[] }[]>();
  for (const { nodes, plan, sums: own } of sites) for (const { inputs: [input] } of nodes) readers.set(input as string, [...(readers.get(input as string) ?? []), { plan, sums: own }]);
  scoresOf(graph, catalogue, events, (name, value) => {
    for (const { plan, sums: own } of readers.get(name) ?? []) for (let position = 0; position < plan.positions; position++) own.forEach((sum, group) => sum.add(value.data, plan.inputs(position, group)));
  });
  return sites.map(({ nodes, plan, sums: own }) => {
    const { weight, bias } = (nodes[0] as ModelNode).params as Weighted;
    return { nodes, plan, weight, bias, inputs: own.map((sum) => sum.moments()) };
  });
}

function isOpen(node: ModelNode): boolean {
  const definition = definitionOf(node.kind);
  if (node.precision !== undefined || definition.products === undefined) return false;
  const { weight, bias } = node.params as Weighted;
  return !keeps(weight) && bias?.quantised !== true;
}

/** Running sums of some of the rows. */
class Sums {
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private rows = 0;
  private seen = 0;

  constructor(
    private readonly n: number,
    private readonly every: number,
  ) {
    this.first = new Float64Array(n);
    this.second = new Float64Array(n * n);
  }

  add(data: Float64Array, at: Int32Array): void {
    if (this.seen++ % this.every !== 0) return;
    const { n, first, second } = this;
    const row = Float64Array.from(at, (index) => (index < 0 ? 0 : (data[index] as number)));
    this.rows++;
    for (let i = 0; i < n; i++) {
      const x = row[i] as number;
      if (x === 0) continue;
      first[i]! += x;
      for (let j = 0; j < n; j++) second[i * n + j]! += x * (row[j] as number);
    }
  }

  /** With few rows the covariances are drawn towards none: n rows halve them (after Ledoit and Wolf 2004). */
  moments(): InputMoments {
    const { n, first, second, rows } = this;
    const mean = first.map((sum) => sum / Math.max(1, rows));
    const trust = rows / (rows + n);
    const covariance = second.map((sum, k) => {
      const [i, j] = [Math.floor(k / n), k % n];
      const own = sum / Math.max(1, rows) - (mean[i] as number) * (mean[j] as number);
      return i === j ? Math.max(0, own) : trust * own;
    });
    return { mean, covariance };
  }
}

/** The layer with other weights; what they change on average the bias takes back. */
export function withWeights(site: WeightSite, chosen: readonly Float64Array[]): Weighted {
  const { plan, weight, bias, inputs } = site;
  const data = weight.data.slice();
  const shifted = bias === null ? new Float64Array(plan.groups * plan.filtersPerGroup) : bias.data.slice();
  chosen.forEach((column, filter) => {
    const [group, own] = [Math.floor(filter / plan.filtersPerGroup), filter % plan.filtersPerGroup];
    column.forEach((value, i) => {
      const at = plan.weightIndex(group, i, own);
      shifted[filter]! += ((weight.data[at] as number) - value) * ((inputs[group] as InputMoments).mean[i] as number);
      data[at] = value;
    });
  });
  return { weight: { shape: weight.shape, data, quantised: true }, bias: { shape: [shifted.length], data: shifted } };
}

/** The weights of one output. */
export function columnOf({ plan, weight }: WeightSite, filter: number): Float64Array {
  const group = Math.floor(filter / plan.filtersPerGroup);
  return Float64Array.from({ length: plan.factors }, (_, i) => weight.data[plan.weightIndex(group, i, filter % plan.filtersPerGroup)] as number);
}

