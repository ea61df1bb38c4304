import type { AdderGraph, Census, Sum } from './graph.js';
import { compact, requiredDepths, sortPair, takeCensus } from './graph.js';
import type { Move } from './moves.js';
import { differenceMove, ruinMove } from './moves.js';
import type { Site } from './rebuild.js';
import { keyOf, rebuild } from './rebuild.js';
import type { Reference } from './values.js';

/** A rise of cost of about this many LUTs is accepted at first, none at the end. */
const FIRST_TEMPERATURE = 0.75;
/** Share of attempts that build a node from another one and the difference. */
const DIFFERENCES = 0.15;
/** Nodes that no root depends on any more are kept up to this many times the live ones. */
const MOST_DEAD = 2;

/**
 * Ruin and recreate: a few adders are inlined into the sums that read them, which are built anew, with shared pairs
 * and trees chosen with some noise, and kept if the whole graph is no dearer (or, early on, hardly dearer). It ends
 * after a number of attempts, not after a time: the same seed gives the same graph.
 */
export function improve(graph: AdderGraph, limit: number, attempts: number, seed = 1): void {
  const search = new Search(graph, limit, seed);
  for (let k = 0; k < attempts; k++) search.attempt(k / attempts);
  search.finish();
}

class Search {
  private census: Census;
  private required: Float64Array;
  private isRoot: ReadonlySet<number | undefined>;
  private readonly byPair = new Map<number, number>();
  private readonly random: () => number;
  private best: { readonly sums: readonly (Sum | undefined)[]; readonly roots: readonly (Reference | undefined)[]; readonly cost: number };

  constructor(
    private readonly graph: AdderGraph,
    private readonly limit: number,
    seed: number,
  ) {
    this.random = generator(seed);
    this.census = takeCensus(graph);
    this.required = requiredDepths(graph, this.census, limit);
    this.isRoot = rootsOf(graph);
    for (const node of this.census.order) this.index(node);
    this.best = this.snapshot();
  }

  /** `progress` goes from 0 to 1. */
  attempt(progress: number): void {
    const { graph, census, required, isRoot, random } = this;
    if (census.order.length < 2) return;
    const scene = { graph, census, required, isRoot, random };
    const move = random() < DIFFERENCES ? differenceMove(scene) : ruinMove(scene);
    if (move === undefined) return;
    const size = graph.values.size;
    const oldRoots = [...graph.roots];
    const made = rebuild(this.siteOf(move), move.columns);
    const changed = new Map<number, Sum | undefined>();
    const after = this.adopt(move.users, made, changed) ? takeCensus(graph) : undefined;
    const temperature = FIRST_TEMPERATURE * (1 - progress) ** 2;
    if (after !== undefined && after.deepest <= Math.max(this.limit, census.deepest) && after.cost <= census.cost - temperature * Math.log(1 - random())) {
      this.accept(after, [...move.users, ...changed.keys()], size);
      return;
    }
    for (const [node, sum] of changed) graph.sums[node] = sum;
    oldRoots.forEach((root, j) => (graph.roots[j] = root));
    graph.sums.length = size;
    graph.values.truncate(size);
  }

  /** Leaves the graph at the best that was seen. */
  finish(): void {
    this.best.sums.forEach((sum, node) => (this.graph.sums[node] = sum));
    this.best.roots.forEach((root, j) => (this.graph.roots[j] = root));
  }

  private accept(after: Census, changed: readonly number[], size: number): void {
    this.census = after;
    if (after.cost < this.best.cost - 1e-9) this.best = this.snapshot();
    this.isRoot = rootsOf(this.graph);
    this.required = requiredDepths(this.graph, after, this.limit);
    for (const node of changed) this.index(node);
    for (let node = size; node < this.graph.values.size; node++) this.index(node);
    if (after.cost <= this.best.cost && this.graph.values.size > (1 + MOST_DEAD) * after.order.length + 200) this.forgetDead();
  }

  private forgetDead(): void {
    compact(this.graph, this.census);
    this.census = takeCensus(this.graph);
    this.required = requiredDepths(this.graph, this.census, this.limit);
    this.isRoot = rootsOf(this.graph);
    this.byPair.clear();
    for (const node of this.census.order) this.index(node);
    this.best = this.snapshot();
  }

  private snapshot(): Search['best'] {
    return { sums: [...this.graph.sums], roots: [...this.graph.roots], cost: this.census.cost };
  }

  private index(node: number): void {
    const sum = this.graph.sums[node];
    if (sum === undefined || this.census.live[node] !== 1) return;
    const [left, right] = sortPair(sum);
    this.byPair.set(keyOf(left, right), node);
  }

  private siteOf({ barred, tabu }: Move): Site {
    const { graph, census, random } = this;
    return {
      graph, depth: Array.from(census.depth), noise: 2 * random(), treeNoise: random() < 0.5 ? 0 : random(), tabu, random,
      find: (x, y) => {
        const [left, right] = sortPair({ left: x, right: y });
        const key = keyOf(left, right);
        const node = this.byPair.get(key);
        const sum = node === undefined || barred.has(node) || census.live[node] !== 1 ? undefined : graph.sums[node];
        if (node === undefined || sum === undefined) return undefined;
        const [own, other] = sortPair(sum);
        if (keyOf(own, other) !== key) return undefined;
        return { node, shift: left.shift - own.shift, negative: left.negative !== own.negative };
      },
    };
  }

  /** Puts the rebuilt sums in the place of the users; what it replaces is noted in `changed`. */
  private adopt(users: readonly number[], made: readonly (Reference | undefined)[], changed: Map<number, Sum | undefined>): boolean {
    if (made.some((result) => result === undefined)) return false;
    const { sums, roots } = this.graph;
    const moved = new Map<number, Reference>();
    users.forEach((node, k) => {
      const result = made[k] as Reference;
      const own = sums[result.node];
      const isNew = result.node >= this.census.live.length && own !== undefined && !moved.has(result.node);
      if (!isNew) {
        moved.set(node, result);
        return;
      }
      // The new node's sum moves here, and it becomes a name for this one.
      const take = (part: Reference): Reference => ({ node: part.node, shift: part.shift + result.shift, negative: part.negative !== result.negative });
      changed.set(node, sums[node]);
      sums[node] = { left: take(own.left), right: take(own.right) };
      moved.set(result.node, { node, shift: -result.shift, negative: result.negative });
    });
    const rename = (part: Reference): Reference => {
      let at = part;
      for (let to = moved.get(at.node); to !== undefined; to = moved.get(at.node)) at = { node: to.node, shift: at.shift + to.shift, negative: at.negative !== to.negative };
      return at;
    };
    const visit = (node: number): void => {
      const sum = sums[node];
      if (sum === undefined || (!moved.has(sum.left.node) && !moved.has(sum.right.node))) return;
      if (!changed.has(node)) changed.set(node, sum);
      sums[node] = { left: rename(sum.left), right: rename(sum.right) };
    };
    for (const node of this.census.order) visit(node);
    for (let node = this.census.live.length; node < sums.length; node++) visit(node);
    roots.forEach((root, j) => (roots[j] = root === undefined ? undefined : rename(root)));
    return true;
  }
}

function rootsOf(graph: AdderGraph): ReadonlySet<number | undefined> {
  return new Set(graph.roots.map((root) => root?.node));
}

/** mulberry32: uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
