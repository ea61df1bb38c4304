import { CompileError } from '../../errors.js';
import type { LayerCatalogue } from '../../model/catalogue.js';
import type { ModelGraph, ModelNode } from '../../model/graph.js';
import type { GrowOptions, GrownGraph, Observed, Resolution } from '../grow.js';
import { growTypes } from '../grow.js';
import type { Calibration } from './calibrate.js';
import { calibrate } from './calibrate.js';
import { typeOfObserved } from './inputType.js';
import type { Events } from './fixedEvaluate.js';
import { scoresOf } from './fixedEvaluate.js';
import type { Metric, MetricOptions, Scores } from './metrics.js';
import { expectedFlips, makeMetric } from './metrics.js';
import { withInputTypes } from '../wire.js';

/** A width that the search may change; `input:x`, `weights:dense_1`, `result:dense_1`. Time steps of a recurrence share theirs. */
type Knob = string;

/** Bits of each knob. */
type Plan = ReadonlyMap<Knob, number>;

/** One plan that was tried: a point of the front. */
export interface SearchPoint {
  readonly plan: Plan;
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

/** The part that is looked at alone: every fourth event. */
const PART = 4;

/**
 * Widths for everything the model leaves open: first the narrowest single width that keeps the loss, then bit by bit
 * from wherever that saves most LUTs for what it loses, until nothing can be taken away any more. Deterministic.
 */
export async function searchPrecision(graph: ModelGraph, request: SearchRequest, catalogue: LayerCatalogue, hooks: SearchHooks): Promise<SearchResult> {
  const search = new Search(graph, request, catalogue, hooks);
  const uniform = await search.uniform();
  await search.refine(uniform);
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

  /** Takes bits away one knob at a time, the most saving for the least loss first. */
  async refine(uniform: SearchPoint): Promise<void> {
    if (!this.keeps(uniform)) return;
    let current = uniform;
    const stuck = new Set<Knob>();
    for (let sweep = 0; sweep < this.request.sweeps && !this.isOver(); sweep++) {
      const offers = await this.offers(current, stuck);
      if (offers.length === 0) return;
      for (const knob of offers) {
        if (this.isOver()) return;
        const next = await this.tryPlan(undefined, lowered(current.plan, knob));
        if (this.keeps(next) && next.cost < current.cost) current = this.keep(next);
        else stuck.add(knob);
      }
    }
  }

  private isOver(): boolean {
    return this.stopped || this.work > this.request.work;
  }

  /** Knobs that can go one bit down from here, best first. */
  private async offers(current: SearchPoint, stuck: Set<Knob>): Promise<readonly Knob[]> {
    const offers: { readonly knob: Knob; readonly value: number }[] = [];
    for (const knob of current.plan.keys()) {
      if (this.isOver()) break;
      if (stuck.has(knob) || (current.plan.get(knob) as number) <= LEAST_BITS) continue;
      const next = await this.tryPlan(undefined, lowered(current.plan, knob));
      if (!this.keeps(next) || next.cost >= current.cost) stuck.add(knob);
      else offers.push({ knob, value: (current.cost - next.cost) / Math.max(next.loss - current.loss, this.request.maxLoss / 100) });
    }
    return offers.sort((a, b) => b.value - a.value).map((offer) => offer.knob);
  }

  private keeps(point: SearchPoint | undefined): point is SearchPoint {
    return point !== undefined && point.loss <= this.request.maxLoss && point.partLoss <= this.partLimit();
  }

  /** Few events say little: one of them, or a standard deviation of as many as may be lost, is not held against a plan. */
  private partLimit(): number {
    const { maxLoss } = this.request;
    if (this.part.length === 0) return Infinity;
    return Math.max(maxLoss + Math.sqrt((maxLoss * Math.max(0, 1 - maxLoss)) / this.part.length), 1 / this.part.length);
  }

  private keep(point: SearchPoint): SearchPoint {
    this.points.push(point);
    this.hooks.onProgress?.(`trial ${this.trials}: ${Math.round(point.cost)} LUT before sharing, loss ${(100 * point.loss).toFixed(2)} %`);
    return point;
  }

  /** A plan as a typed graph, its cost and loss; undefined where no types are that narrow (a divisor that becomes 0). */
  private async tryPlan(uniformBits: number | undefined, plan: Plan): Promise<SearchPoint | undefined> {
    this.trials++;
    const used = new Map<Knob, number>();
    const bitsOf = (knob: Knob): number => {
      const bits = plan.get(knob) ?? uniformBits ?? UNIFORM_START;
      used.set(knob, bits);
      return bits;
    };
    this.stopped ||= await this.hooks.pause();
    try {
      const grown = this.grow(bitsOf);
      const scores = scoresOf(grown.graph, this.catalogue, this.request.events);
      const cost = this.hooks.cost(grown.graph);
      this.work += cost;
      return { plan: this.realKnobs(used, grown), grown, cost, ...this.losses(scores) };
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      this.failure = error;
      return undefined;
    }
  }

  /** The larger of the measured loss and, for decisions, what errors of this size lose on average: few events say little. */
  private losses(scores: Scores): { readonly loss: number; readonly partLoss: number } {
    const measured = this.metric.measure(scores).loss;
    const expected = this.metric.name === 'agreement' ? expectedFlips(this.calibration.reference, scores, this.request.metric.threshold) : 0;
    return { loss: Math.max(measured, expected), partLoss: this.part.length === 0 ? measured : this.metric.measure(scores, this.part).loss };
  }

  private grow(bitsOf: (knob: Knob) => number): GrownGraph {
    const types = new Map(this.graph.inputs.filter((input) => input.type === undefined).map((input) => [input.name, { type: typeOfObserved(this.calibration.observed.get(input.name) as Observed, bitsOf(`input:${input.name}`)) }]));
    const resolutionOf = (node: ModelNode): Resolution => {
      const group = groupOf(node.name);
      const result = bitsOf(`result:${group}`);
      return { weightBits: bitsOf(`weights:${group}`), resultBits: result, tableBits: result };
    };
    return growTypes(withInputTypes(this.graph, types), { ...this.request.grow, resolutionOf, observed: this.calibration.observed }, this.catalogue);
  }

  /** Knobs that something hangs on: parameters that were rounded, results that were typed by us. */
  private realKnobs(used: Plan, { graph }: GrownGraph): Plan {
    const before = new Map(this.graph.nodes.map((node) => [node.name, node]));
    const real = new Set<Knob>(this.graph.inputs.filter((input) => input.type === undefined).map((input) => `input:${input.name}`));
    for (const node of graph.nodes) {
      const own = before.get(node.name);
      if (own === undefined || own.precision !== undefined) continue;
      if (node.params !== own.params) real.add(`weights:${groupOf(node.name)}`);
      if (node.precision !== undefined) real.add(`result:${groupOf(node.name)}`);
    }
    return new Map([...used].filter(([knob]) => real.has(knob)));
  }

  result(uniform: SearchPoint): SearchResult {
    const kept = this.points.filter((point) => this.keeps(point));
    const best = kept.reduce((a, b) => (b.cost < a.cost ? b : a), kept[0] ?? uniform);
    const front = this.points.toSorted((a, b) => b.cost - a.cost);
    return { best, uniform, front, metric: this.metric, calibration: this.calibration, trials: this.trials, met: this.keeps(best) };
  }
}

function lowered(plan: Plan, knob: Knob): Plan {
  return new Map(plan).set(knob, (plan.get(knob) as number) - 1);
}

/** Layers of all time steps of a recurrence have one name here. */
function groupOf(name: string): string {
  return name.replace(/\/t\d+(?=\/|$)/g, '/t*');
}
