import { differenceCost, sumCost } from './price.js';
import { joiningSaves } from './ternary.js';
import type { Reference, Values } from './values.js';

/** A node is the sum of two references. */
export interface Sum {
  readonly left: Reference;
  readonly right: Reference;
}

/** A graph of two-operand adders over sources; nodes no root depends on are ignored. */
export interface AdderGraph {
  readonly values: Values;
  /** Whether adders of three operands will be made of it (`joiningSaves`). */
  readonly ternary?: boolean;
  readonly sourceDepths: readonly number[];
  /** Undefined for sources, and for nodes that have been dropped. */
  readonly sums: (Sum | undefined)[];
  /** One an output; undefined for the constant 0. */
  readonly roots: (Reference | undefined)[];
}

/** What a walk over the graph finds. */
export interface Census {
  /** Live sums, operands first. */
  readonly order: number[];
  readonly depth: Float64Array;
  /** 1 where the adder gives the negated node: then its users subtract instead of adding. */
  readonly negated: Uint8Array;
  /** 1 for nodes that some root depends on. */
  readonly live: Uint8Array;
  /** How many references live sums and roots have to each node. */
  readonly uses: Int32Array;
  readonly cost: number;
  /** The deepest root. */
  readonly deepest: number;
}

/**
 * Costs, depths and signs of all live nodes. An adder of two operands of opposite sign may as well give its negation:
 * the operand that begins higher becomes the subtrahend (what lies below it is wires), unless an output needs the sign.
 */
export function takeCensus(graph: AdderGraph): Census {
  const surveyor = new Surveyor(graph);
  for (const root of graph.roots) if (root !== undefined) surveyor.want(root);
  for (const root of graph.roots) if (root !== undefined) surveyor.visit(root.node);
  return surveyor.finish();
}

class Surveyor {
  private readonly order: number[] = [];
  private readonly depth: Float64Array;
  private readonly negated: Uint8Array;
  private readonly live: Uint8Array;
  private readonly uses: Int32Array;
  /** 1 or −1 where somebody needs the node as it is or negated. */
  private readonly wanted: Int8Array;
  private readonly costs: Float64Array;

  constructor(private readonly graph: AdderGraph) {
    const n = graph.values.size;
    this.depth = new Float64Array(n);
    this.negated = new Uint8Array(n);
    this.live = new Uint8Array(n);
    this.uses = new Int32Array(n);
    this.wanted = new Int8Array(n);
    this.costs = new Float64Array(n);
  }

  want(root: Reference): void {
    if (this.wanted[root.node] === 0) this.wanted[root.node] = root.negative ? -1 : 1;
  }

  visit(node: number): void {
    this.uses[node]!++;
    if (this.live[node] === 1) return;
    this.live[node] = 1;
    const sum = this.graph.sums[node];
    if (sum === undefined) {
      this.depth[node] = this.graph.sourceDepths[node] as number;
      return;
    }
    this.visit(sum.left.node);
    this.visit(sum.right.node);
    this.measure(node, sum);
    this.order.push(node);
  }

  finish(): Census {
    const { order, depth, negated, live, uses, costs } = this;
    for (const root of this.graph.roots) if (root !== undefined && this.isNegative(root)) this.turn(root, root.negative);
    let cost = 0;
    let deepest = 0;
    for (const node of order) cost += costs[node] as number;
    if (this.graph.ternary === true) {
      const isRoot = new Set(this.graph.roots.map((root) => root?.node));
      const { values, sums } = this.graph;
      cost -= joiningSaves({ values, sums, order, costs, negated, isInner: (node) => uses[node] === 1 && !isRoot.has(node) });
    }
    for (const root of this.graph.roots) {
      if (root === undefined) continue;
      const { top, low } = this.graph.values;
      const isNegative = this.isNegative(root);
      if (isNegative) cost += (top[root.node] as number) - (low[root.node] as number);
      deepest = Math.max(deepest, (depth[root.node] as number) + (isNegative ? 1 : 0));
    }
    return { order, depth, negated, live, uses, cost, deepest };
  }

  /** Whether what is made of the reference is to be subtracted. */
  private isNegative(reference: Reference): boolean {
    return reference.negative !== (this.negated[reference.node] === 1);
  }

  /** Where an output is all negative: an operand that nobody else reads, somewhere in its tree, changes sides. */
  private turn(root: Reference, negative: boolean): boolean {
    const sum = this.graph.sums[root.node];
    if (sum === undefined) return false;
    const { left, right } = sum;
    const isDifference = this.isNegative(left) !== this.isNegative(right);
    const canTurn = isDifference || [left, right].some((part) => this.uses[part.node] === 1 && this.wanted[part.node] === 0 && this.turn(part, negative !== part.negative));
    if (!canTurn) return false;
    this.wanted[root.node] = negative ? -1 : 1;
    this.measure(root.node, sum);
    return true;
  }

  private measure(node: number, { left, right }: Sum): void {
    const { values } = this.graph;
    const ready = Math.max(this.depth[left.node] as number, this.depth[right.node] as number);
    const resultTop = values.top[node] as number;
    const isLeftNegative = this.isNegative(left);
    if (isLeftNegative === this.isNegative(right)) {
      const cost = sumCost(values, left, right, resultTop);
      this.negated[node] = isLeftNegative ? 1 : 0;
      this.costs[node] = cost;
      this.depth[node] = ready + (cost === 0 ? 0 : 1);
      return;
    }
    const [positive, negative] = isLeftNegative ? [right, left] : [left, right];
    const startPositive = (values.low[positive.node] as number) + positive.shift;
    const startNegative = (values.low[negative.node] as number) + negative.shift;
    const flip = this.wanted[node] === 0 ? startNegative < startPositive : this.wanted[node] === -1;
    this.negated[node] = flip ? 1 : 0;
    this.costs[node] = flip ? differenceCost(values, negative, positive, resultTop) : differenceCost(values, positive, negative, resultTop);
    this.depth[node] = ready + 1;
  }
}

/** How late each live node may be for every root to be there at `limit`, or as late as it is if that is later. */
export function requiredDepths({ sums, roots, values }: AdderGraph, { order, depth, negated }: Census, limit: number): Float64Array {
  const required = new Float64Array(values.size).fill(limit);
  for (const root of roots) {
    if (root === undefined) continue;
    const isNegative = root.negative !== (negated[root.node] === 1);
    required[root.node] = Math.max(depth[root.node] as number, Math.min(required[root.node] as number, isNegative ? limit - 1 : limit));
  }
  for (let k = order.length - 1; k >= 0; k--) {
    const node = order[k] as number;
    const { left, right } = sums[node] as Sum;
    const latest = (required[node] as number) - 1;
    required[left.node] = Math.min(required[left.node] as number, latest);
    required[right.node] = Math.min(required[right.node] as number, latest);
  }
  return required;
}

/** The terms of a node, seen through the sums for which `isOpen` says so. */
export function termsOf({ sums }: Pick<AdderGraph, 'sums'>, node: number, isOpen: (node: number) => boolean): Reference[] {
  const terms: Reference[] = [];
  const open = (at: number, shift: number, negative: boolean): void => {
    const { left, right } = sums[at] as Sum;
    for (const part of [left, right]) {
      const term = { node: part.node, shift: part.shift + shift, negative: part.negative !== negative };
      if (sums[part.node] !== undefined && isOpen(part.node)) open(term.node, term.shift, term.negative);
      else terms.push(term);
    }
  };
  open(node, 0, false);
  return terms;
}

/** The operand of the lower node first, of the same node that of the lower shift. */
export function sortPair({ left, right }: Sum): readonly [Reference, Reference] {
  return left.node < right.node || (left.node === right.node && left.shift < right.shift) ? [left, right] : [right, left];
}

/** Renumbers the nodes without those that no root depends on; sources stay. */
export function compact(graph: AdderGraph, { order }: Census): void {
  const { values, sums, roots, sourceDepths } = graph;
  const kept = [...sourceDepths.keys(), ...order];
  const places = new Map(kept.map((node, at) => [node, at]));
  const place = (reference: Reference): Reference => ({ ...reference, node: places.get(reference.node) as number });
  const renumbered = kept.map((node) => {
    const sum = sums[node];
    return sum === undefined ? undefined : { left: place(sum.left), right: place(sum.right) };
  });
  values.keep(kept);
  sums.splice(0, sums.length, ...renumbered);
  roots.forEach((root, j) => (roots[j] = root === undefined ? undefined : place(root)));
}
