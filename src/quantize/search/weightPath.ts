import { digitCount } from '../../fixed/signedDigits.js';
import type { LayerCatalogue } from '../../model/catalogue.js';
import type { ModelGraph, ModelNode } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import type { GrownGraph } from '../grow.js';
import type { Column, Elimination } from './cheapColumn.js';
import { beginColumn, cheapen, eliminationOf, errorOf, objectiveOf, settle } from './cheapColumn.js';
import type { Events } from './fixedEvaluate.js';
import { channelGains } from './gains.js';
import type { InputMoments, WeightSite } from './sites.js';
import { columnOf, weightSites, withWeights } from './sites.js';

/** The loss at which a climb begins, if every weight costs one signed digit. */
const LEAST_LOSS = 1e-6;

/** Weights of a whole model that become cheaper step by step. */
export class WeightPath {
  private last: number;
  private readonly sites: readonly { readonly site: WeightSite; readonly columns: readonly Column[]; readonly eliminations: readonly Elimination[]; readonly gains: Float64Array; readonly uses: number }[];

  constructor(
    private readonly graph: ModelGraph,
    catalogue: LayerCatalogue,
    events: Events,
  ) {
    const sites = weightSites(graph, catalogue, events);
    const gains = channelGains(graph, catalogue, events, sites);
    this.sites = sites.map((site, k) => {
      const count = site.plan.groups * site.plan.filtersPerGroup;
      const columns = Array.from({ length: count }, (_, filter) => beginColumn(columnOf(site, filter), (site.inputs[Math.floor(filter / site.plan.filtersPerGroup)] as InputMoments).covariance));
      return { site, columns, eliminations: site.inputs.map(({ covariance }) => eliminationOf(covariance)), gains: gains[k] as Float64Array, uses: site.nodes.length * site.plan.positions };
    });
    const digits = this.sites.reduce((sum, { columns, uses }) => sum + uses * columns.reduce((own, { chosen }) => own + chosen.length, 0), 0);
    this.last = LEAST_LOSS / Math.max(1, digits);
  }

  /** Whether there is anything to choose. */
  get isEmpty(): boolean {
    return this.sites.length === 0;
  }

  /** What the errors of all weights together are expected to do to the outputs: mean square over variance. */
  expected(): number {
    return this.sites.reduce((sum, { columns, gains }) => sum + columns.reduce((own, column, filter) => own + (gains[filter] as number) * errorOf(column), 0), 0);
  }

  /** The price that the weights have now; at first one at which they hardly change the outputs. */
  get price(): number {
    return this.last;
  }

  /** Goes on to weights of a higher price: the loss, of the outputs' variance, that one signed digit of the circuit may cost. */
  advance(price: number): void {
    this.last = price;
    for (const { site, columns, eliminations, gains, uses } of this.sites) {
      columns.forEach((column, filter) => better(column, eliminations[Math.floor(filter / site.plan.filtersPerGroup)] as Elimination, (price * uses) / (gains[filter] as number)));
    }
  }

  /** The weights as they are now, to come back to. */
  state(): readonly Float64Array[] {
    return [Float64Array.of(this.last), ...this.sites.flatMap(({ columns }) => columns.flatMap(({ chosen, gradient }) => [chosen.slice(), gradient.slice()]))];
  }

  restore(state: readonly Float64Array[]): void {
    this.last = (state[0] as Float64Array)[0] as number;
    let at = 1;
    for (const { columns } of this.sites) {
      for (const { chosen, gradient } of columns) {
        chosen.set(state[at++] as Float64Array);
        gradient.set(state[at++] as Float64Array);
      }
    }
  }

  /** The model with these weights, as quantised ones. */
  graphNow(): ModelGraph {
    const params = new Map<ModelNode, unknown>();
    for (const { site, columns } of this.sites) {
      const own = withWeights(site, columns.map(({ chosen }) => chosen));
      for (const node of site.nodes) params.set(node, { ...(node.params as object), ...own });
    }
    return { ...this.graph, nodes: this.graph.nodes.map((node) => (params.has(node) ? { ...node, params: params.get(node) } : node)) };
  }
}

/** The better of two: the last weights made cheaper, or all settled anew. */
function better(column: Column, elimination: Elimination, price: number): void {
  const [before, slope] = [column.chosen.slice(), column.gradient.slice()];
  settle(column, elimination, price);
  cheapen(column, price);
  const anew = { cost: objectiveOf(column, price), chosen: column.chosen.slice(), gradient: column.gradient.slice() };
  column.chosen.set(before);
  column.gradient.set(slope);
  cheapen(column, price);
  if (anew.cost >= objectiveOf(column, price)) return;
  column.chosen.set(anew.chosen);
  column.gradient.set(anew.gradient);
}

/** The grown graph with what is said of weights that were chosen one by one. */
export function withWeightStatements(grown: GrownGraph, before: ModelGraph): GrownGraph {
  const own = new Map(before.nodes.map((node) => [node.name, weightOf(node)]));
  const texts = new Map(grown.graph.nodes.flatMap((node) => {
    const weight = weightOf(node);
    if (weight?.quantised !== true || own.get(node.name)?.quantised !== false) return [];
    const used = [...weight.data].filter((value) => value !== 0);
    const digits = used.reduce((sum, value) => sum + digitCount(value), 0);
    return [[node.name, `${used.length} of ${weight.data.length} weights kept, ${(digits / Math.max(1, used.length)).toFixed(1)} signed digits each`] as const];
  }));
  return { ...grown, statements: grown.statements.map((statement) => (texts.has(statement.layer) ? { ...statement, text: `${texts.get(statement.layer) as string}; ${statement.text}` } : statement)) };
}

function weightOf(node: ModelNode): { readonly data: Float64Array; readonly quantised: boolean } | undefined {
  const { weight } = node.params as { readonly weight?: Tensor };
  return weight === undefined ? undefined : { data: weight.data, quantised: weight.quantised === true };
}
