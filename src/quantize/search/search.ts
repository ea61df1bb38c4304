import { CompileError } from '../../errors.js';
import type { LayerCatalogue } from '../../model/catalogue.js';
import type { ModelGraph, ModelNode } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import type { GrowOptions, GrownGraph, Observed, Resolution } from '../grow.js';
import { growTypes } from '../grow.js';
import type { Calibration } from './calibrate.js';
import { calibrate } from './calibrate.js';
import { typeOfObserved } from './inputType.js';
import type { Events } from './fixedEvaluate.js';
import { scoresOf, takeRows } from './fixedEvaluate.js';
import type { Metric, MetricOptions, Scores } from './metrics.js';
import { errorOfMean, expectedFlips, makeMetric } from './metrics.js';
import { withInputTypes } from '../wire.js';
import { WeightPath, withWeightStatements } from './weightPath.js';

/** A width that the search may change; `input:x`, `weights:dense_1`, `result:dense_1`. Time steps of a recurrence share theirs. */
type Knob = string;

/** Bits of each knob. */
type Plan = ReadonlyMap<Knob, number>;

/** One plan that was tried: a point of the front. */
export interface SearchPoint {
  readonly plan: Plan;
  /** The model, its weights chosen where they were. */
  readonly graph: ModelGraph;
  readonly grown: GrownGraph;
  /** Estimated LUTs, without shared subexpressions: comparable among points only. */
  readonly cost: number;
  /** On all events, and on a quarter of them alone: a loss that sits in few events is seen there. */
  readonly loss: number;
  readonly partLoss: number;
}

export interface SearchRequest {
  readonly events: Events;
  readonly metric: MetricOptions;
  readonly maxLoss: number;
  /** How often the whole set of knobs is gone through, beyond the best uniform width. */
  readonly sweeps: number;
  /** The LUTs that all trials together may be estimated at: what bounds the search's time, the same on every machine. */
  readonly work: number;
  readonly grow: GrowOptions;
}

export interface SearchHooks {
  /** LUTs of a typed graph, roughly and quickly. */
  readonly cost: (graph: ModelGraph) => number;
  readonly onProgress?: (text: string) => void;
  /** Lets signals be handled between trials; the best so far is kept when it says stop. */
  readonly pause: () => Promise<boolean>;
}

export interface SearchResult {
  readonly best: SearchPoint;
  /** The smallest of one width for all that keeps the loss. */
  readonly uniform: SearchPoint;
  /** All points that were kept, most expensive first. */
  readonly front: readonly SearchPoint[];
  readonly metric: Metric;
  readonly calibration: Calibration;
  readonly trials: number;
  /** Whether the best point keeps the loss. */
  readonly met: boolean;
}

/** The widest and narrowest widths that are tried. */
const MOST_BITS = 18;
const LEAST_BITS = 1;
const UNIFORM_START = 8;

/** Bits more than the narrowest single width, for all but weights, while weights are chosen. */
const WIDER = [1, 2, 3];

/** The part of the loss that weights may have before widths are looked at. */
const FIRST_SHARE = 0.8;

/** The part that is looked at alone: every fourth event. */
const PART = 4;

/**
 * Numbers for everything the model leaves open: first the narrowest single width that keeps the loss; then weights one by
 * one, as cheap as the loss allows; then widths bit by bit, wherever that saves most LUTs for what it loses, until nothing can
 * be taken away any more. Deterministic.
 */
export async function searchPrecision(graph: ModelGraph, request: SearchRequest, catalogue: LayerCatalogue, hooks: SearchHooks): Promise<SearchResult> {
  const search = new Search(graph, request, catalogue, hooks);
  const uniform = await search.uniform();
  if (request.sweeps > 0) {
    const cheap = await search.cheapWeights(uniform);
    const refined = await search.refine(cheap ?? uniform);
    if (cheap !== undefined && !search.isOver()) await search.cheaperWeights(refined);
  }
  return search.result(uniform);
}

class Search {
  private readonly calibration: Calibration;
  private readonly metric: Metric;
  private readonly part: Int32Array;
  private readonly points: SearchPoint[] = [];
  private trials = 0;
  private work = 0;
  private failure: CompileError | undefined;
  private path: WeightPath | undefined;
  private stopped = false;

  constructor(
    private readonly graph: ModelGraph,
    private readonly request: SearchRequest,
    private readonly catalogue: LayerCatalogue,
    private readonly hooks: SearchHooks,
  ) {
    this.calibration = calibrate(graph, catalogue, request.events);
    this.metric = makeMetric(this.calibration.reference, request.metric);
    this.part = Int32Array.from({ length: Math.floor(request.events.count / PART) }, (_, k) => PART * k + PART - 1);
  }

  /** The narrowest width that all knobs can share. */
  async uniform(): Promise<SearchPoint> {
    let bits = UNIFORM_START;
    let point = await this.tryPlan(bits, new Map());
    while (!this.keeps(point) && bits < MOST_BITS && !this.stopped) point = await this.tryPlan(++bits, new Map());
    if (point === undefined) throw this.failure as CompileError;
    if (bits > UNIFORM_START) return this.keep(point);
    for (;;) {
      if (bits <= LEAST_BITS || this.stopped) return this.keep(point);
      const narrower = await this.tryPlan(bits - 1, new Map());
      if (!this.keeps(narrower)) return this.keep(point);
      bits--;
      point = narrower;
    }
  }

  /** Weights chosen one by one, with all else a few bits wider than the narrowest single width, of which the cheapest is taken. */
  async cheapWeights(uniform: SearchPoint): Promise<SearchPoint | undefined> {
    if (!this.keeps(uniform)) return undefined;
    const path = new WeightPath(this.graph, this.catalogue, this.learned());
    if (path.isEmpty) return undefined;
    this.path = path;
    const start = path.state();
    let best: { readonly point: SearchPoint; readonly state: readonly Float64Array[] } | undefined;
    for (const wider of WIDER) {
      path.restore(start);
      const plan = new Map([...uniform.plan].map(([knob, bits]) => [knob, knob.startsWith('weights:') ? bits : bits + wider]));
      const point = await this.climb(plan, this.request.maxLoss * FIRST_SHARE);
      if (point === undefined) break;
      if (best !== undefined && point.cost >= best.point.cost) break;
      best = { point, state: path.state() };
      if (this.isOver()) break;
    }
    if (best === undefined || best.point.cost >= uniform.cost) return undefined;
    path.restore(best.state);
    return this.keep(best.point);
  }

  /** Events that are not looked at alone: what weights are chosen on, so that the others can tell whether it holds. */
  private learned(): Events {
    const { inputs, count } = this.request.events;
    const rows = Array.from({ length: count }, (_, event) => event).filter((event) => event % PART !== PART - 1);
    return { inputs: new Map([...inputs].map(([name, values]) => [name, takeRows(values, count, rows)])), count: rows.length };
  }

  /** The same further, at the widths that were found. */
  async cheaperWeights(from: SearchPoint): Promise<void> {
    const point = await this.climb(from.plan, this.request.maxLoss);
    if (point !== undefined && point.cost < from.cost) this.keep(point);
  }

  /** Raises the price of signed digits until the loss is reached; the path is left at the point that is given. */
  private async climb(plan: Plan, limit: number): Promise<SearchPoint | undefined> {
    const path = this.path as WeightPath;
    let best: SearchPoint | undefined;
    let state = path.state();
    let price = path.price;
    for (let factor = 4; factor > 1.1 && !this.isOver(); factor = Math.sqrt(factor)) {
      for (;;) {
        path.advance(price * factor);
        const next = await this.tryPlan(undefined, plan, path.graphNow());
        if (!this.keeps(next, limit) || this.isOver()) break;
        [best, state, price] = [next, path.state(), path.price];
      }
      path.restore(state);
    }
    return best;
  }

  /** Takes bits away one knob at a time, the most saving for the least loss first. */
  async refine(from: SearchPoint): Promise<SearchPoint> {
    let current = from;
    if (!this.keeps(from)) return from;
    const stuck = new Set<Knob>();
    for (let sweep = 0; sweep < this.request.sweeps && !this.isOver(); sweep++) {
      const offers = await this.offers(current, stuck);
      if (offers.length === 0) break;
      for (const knob of offers) {
        if (this.isOver()) break;
        // What another knob's step has made exact has no width any more.
        if (!current.plan.has(knob)) continue;
        const next = await this.tryPlan(undefined, lowered(current.plan, knob), current.graph);
        if (this.keeps(next) && next.cost < current.cost) current = this.keep(next);
        else stuck.add(knob);
      }
    }
    return current;
  }

  /** Stopped, or the work is done that was allowed. */
  isOver(): boolean {
    return this.stopped || this.work > this.request.work;
  }

  /** Knobs that can go one bit down from here, best first. */
  private async offers(current: SearchPoint, stuck: Set<Knob>): Promise<readonly Knob[]> {
    const offers: { readonly knob: Knob; readonly value: number }[] = [];
    for (const knob of current.plan.keys()) {
      if (this.isOver()) break;
      if (stuck.has(knob) || (current.plan.get(knob) as number) <= LEAST_BITS) continue;
      const next = await this.tryPlan(undefined, lowered(current.plan, knob), current.graph);
      if (!this.keeps(next) || next.cost >= current.cost) stuck.add(knob);
      else offers.push({ knob, value: (current.cost - next.cost) / Math.max(next.loss - current.loss, this.request.maxLoss / 100) });
    }
    return offers.sort((a, b) => b.value - a.value).map((offer) => offer.knob);
  }

  private keeps(point: SearchPoint | undefined, limit = this.request.maxLoss): point is SearchPoint {
    return point !== undefined && point.loss <= limit && point.partLoss <= this.partLimit();
  }

  /** Few events say little: one of them, or a standard deviation of as many as may be lost, is not held against a plan. */
  private partLimit(): number {
    const { maxLoss, metric } = this.request;
    if (this.part.length === 0) return Infinity;
    if (metric.name === 'mse') return maxLoss;
    return Math.max(maxLoss + Math.sqrt((maxLoss * Math.max(0, 1 - maxLoss)) / this.part.length), 1 / this.part.length);
  }

  private keep(point: SearchPoint): SearchPoint {
    this.points.push(point);
    this.hooks.onProgress?.(`trial ${this.trials}: ${Math.round(point.cost)} LUT before sharing, loss ${(100 * point.loss).toFixed(2)} %`);
    return point;
  }

  /** A plan as a typed graph, its cost and loss; undefined where no types are that narrow (a divisor that becomes 0). */
  private async tryPlan(uniformBits: number | undefined, plan: Plan, graph = this.graph): Promise<SearchPoint | undefined> {
    this.trials++;
    const used = new Map<Knob, number>();
    const bitsOf = (knob: Knob): number => {
      const bits = plan.get(knob) ?? uniformBits ?? UNIFORM_START;
      used.set(knob, bits);
      return bits;
    };
    this.stopped ||= await this.hooks.pause();
    try {
      const grown = this.grow(graph, bitsOf);
      const scores = scoresOf(grown.graph, this.catalogue, this.request.events);
      const cost = this.hooks.cost(grown.graph);
      this.work += cost;
      return { plan: this.realKnobs(used, graph, grown), graph, grown, cost, ...this.losses(scores) };
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      this.failure = error;
      return undefined;
    }
  }

  /** The larger of the measured loss and, for decisions, what errors of this size lose on average, for means, their standard error more: few events say little. */
  private losses(scores: Scores): { readonly loss: number; readonly partLoss: number } {
    const measured = this.metric.measure(scores).loss;
    const expected = this.expectedLoss(scores, measured);
    return { loss: Math.max(measured, expected), partLoss: this.part.length === 0 ? measured : this.metric.measure(scores, this.part).loss };
  }

  private expectedLoss(scores: Scores, measured: number): number {
    const { name, labels, threshold } = this.request.metric;
    if (name === 'agreement') return expectedFlips(this.calibration.reference, scores, threshold);
    return name === 'mse' && labels === undefined ? measured + errorOfMean(this.calibration.reference, scores) : 0;
  }

  private grow(graph: ModelGraph, bitsOf: (knob: Knob) => number): GrownGraph {
    const types = new Map(graph.inputs.filter((input) => input.type === undefined).map((input) => [input.name, { type: typeOfObserved(this.calibration.observed.get(input.name) as Observed, bitsOf(`input:${input.name}`)) }]));
    const resolutionOf = (node: ModelNode): Resolution => {
      const group = groupOf(node.name);
      const result = bitsOf(`result:${group}`);
      return { weightBits: bitsOf(`weights:${group}`), resultBits: result, tableBits: result };
    };
    return growTypes(withInputTypes(graph, types), { ...this.request.grow, resolutionOf, observed: this.calibration.observed }, this.catalogue);
  }

  /** Knobs that something hangs on: parameters that were rounded, results that were typed by us. */
  private realKnobs(used: Plan, from: ModelGraph, { graph }: GrownGraph): Plan {
    const before = new Map(from.nodes.map((node) => [node.name, node]));
    const real = new Set<Knob>(from.inputs.filter((input) => input.type === undefined).map((input) => `input:${input.name}`));
    for (const node of graph.nodes) {
      const own = before.get(node.name);
      if (own === undefined || own.precision !== undefined) continue;
      if (node.params !== own.params && !isChosen(own)) real.add(`weights:${groupOf(node.name)}`);
      if (node.precision !== undefined) real.add(`result:${groupOf(node.name)}`);
    }
    return new Map([...used].filter(([knob]) => real.has(knob)));
  }

  result(uniform: SearchPoint): SearchResult {
    const kept = this.points.filter((point) => this.keeps(point));
    const cheapest = kept.reduce((a, b) => (b.cost < a.cost ? b : a), kept[0] ?? uniform);
    const best = cheapest.graph === this.graph ? cheapest : { ...cheapest, grown: withWeightStatements(cheapest.grown, this.graph) };
    const front = this.points.toSorted((a, b) => b.cost - a.cost);
    return { best, uniform, front, metric: this.metric, calibration: this.calibration, trials: this.trials, met: this.keeps(best) };
  }
}

function lowered(plan: Plan, knob: Knob): Plan {
  return new Map(plan).set(knob, (plan.get(knob) as number) - 1);
}

/** Whether a layer's weights were chosen one by one. */
function isChosen(node: ModelNode): boolean {
  return (node.params as { readonly weight?: Tensor }).weight?.quantised === true;
}

/** Layers of all time steps of a recurrence have one name here. */
function groupOf(name: string): string {
  return name.replace(/\/t\d+(?=\/|$)/g, '/t*');
}
