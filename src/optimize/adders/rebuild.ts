import type { AdderGraph } from './graph.js';
import { pairCost, pairTop } from './price.js';
import type { Reference } from './values.js';

/** A sum to be made of adders: of what, and how many levels it may take in all. */
export interface Column {
  terms: Reference[];
  readonly limit: number;
}

/** What rebuilding asks of its surroundings. */
export interface Site {
  readonly graph: AdderGraph;
  /** Depth of each node; new ones are appended. */
  readonly depth: number[];
  /** A node that is there anyway and is x + y but for a power of two and a sign. */
  readonly find: (x: Reference, y: Reference) => Reference | undefined;
  /** The key of a pair that is not to be shared. */
  readonly tabu: number | undefined;
  /** Noise on the choice of pairs and in trees: 0 for none. */
  readonly noise: number;
  readonly treeNoise: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const ROUNDING = 1e-9;

/** Makes each column one node: shared pairs first, the most LUTs saved first, then trees. */
export function rebuild(site: Site, columns: readonly Column[]): (Reference | undefined)[] {
  for (const column of columns) column.terms = mergeEqual(column.terms);
  extractShared(site, columns);
  return columns.map((column) => buildTree(site, column));
}

/** Makes one column a node, as a tree of its own. */
export function rebuildAlone(site: Site, column: Column): Reference | undefined {
  return buildTree(site, { ...column, terms: mergeEqual(column.terms) });
}

/** Terms of the same node and shift become one or vanish. */
export function mergeEqual(terms: readonly Reference[]): Reference[] {
  const result: Reference[] = [];
  for (const term of terms) addTerm(result, term);
  return result;
}

function addTerm(terms: Reference[], term: Reference): void {
  const at = terms.findIndex((other) => other.node === term.node && other.shift === term.shift);
  if (at < 0) {
    terms.push(term);
    return;
  }
  const isSame = (terms[at] as Reference).negative === term.negative;
  terms.splice(at, 1);
  if (isSame) addTerm(terms, { ...term, shift: term.shift + 1 });
}

interface Pair {
  readonly key: number;
  readonly left: Reference;
  readonly right: Reference;
  /** A node that is this pair already. */
  readonly existing: Reference | undefined;
  readonly cost: number;
  readonly depth: number;
  /** Columns it occurs in and where the depth allows it, counted anew each round. */
  columns: number;
  lastColumn: number;
  round: number;
}

/** Depth of a new adder of two terms. */
export function depthOfSum({ graph, depth }: Pick<Site, 'graph' | 'depth'>, x: Reference, y: Reference): number {
  return Math.max(depth[x.node] as number, depth[y.node] as number) + (pairCost(graph.values, x, y) === 0 ? 0 : 1);
}

function extractShared(site: Site, columns: readonly Column[]): void {
  const pairs = new Map<number, Pair>();
  for (let round = 0; ; round++) {
    let best: Pair | undefined;
    let bestGain = 1e-6;
    for (const pair of countPairs(site, columns, pairs, round)) {
      const uses = pair.columns - (pair.existing === undefined ? 1 : 0);
      const gain = uses * (pair.cost + 0.01) * (1 + site.noise * (site.random() - 0.5));
      if (gain > bestGain) {
        best = pair;
        bestGain = gain;
      }
    }
    if (best === undefined) return;
    replace(site, columns, best);
  }
}

/** Pairs that occur in more than one column, or that are there already, where the depth allows them. */
function countPairs(site: Site, columns: readonly Column[], pairs: Map<number, Pair>, round: number): Pair[] {
  const useful: Pair[] = [];
  columns.forEach(({ terms, limit }, index) => {
    const budget = budgetOf(site, terms, limit);
    for (let i = 0; i < terms.length; i++) {
      for (let j = i + 1; j < terms.length; j++) {
        const x = terms[i] as Reference;
        const y = terms[j] as Reference;
        const key = isOrdered(x, y) ? keyOf(x, y) : keyOf(y, x);
        if (key === site.tabu) continue;
        let pair = pairs.get(key);
        if (pair === undefined) pairs.set(key, (pair = pairOf(site, key, x, y)));
        if (pair.round !== round) {
          pair.round = round;
          pair.columns = 0;
          pair.lastColumn = -1;
        }
        if (pair.lastColumn === index || !fits(site, budget, x, y, pair.depth)) continue;
        pair.lastColumn = index;
        pair.columns++;
        if (pair.columns === (pair.existing === undefined ? 2 : 1)) useful.push(pair);
      }
    }
  });
  return useful;
}

function pairOf(site: Site, key: number, x: Reference, y: Reference): Pair {
  const [left, right] = isOrdered(x, y) ? [x, y] : [y, x];
  const existing = site.find(left, right);
  const depth = existing === undefined ? depthOfSum(site, left, right) : (site.depth[existing.node] as number);
  return { key, left, right, existing, cost: pairCost(site.graph.values, left, right), depth, columns: 0, lastColumn: -1, round: -1 };
}

function replace(site: Site, columns: readonly Column[], pair: Pair): void {
  const { key, left, right } = pair;
  const made = pair.existing ?? addSum(site, left, right);
  for (const column of columns) {
    const { terms, limit } = column;
    for (let i = 0; i < terms.length; i++) {
      for (let j = i + 1; j < terms.length; j++) {
        const x = terms[i] as Reference;
        const y = terms[j] as Reference;
        const [first, second] = isOrdered(x, y) ? [x, y] : [y, x];
        if (first.node !== left.node || second.node !== right.node || keyOf(first, second) !== key || !fits(site, budgetOf(site, terms, limit), x, y, pair.depth)) continue;
        terms.splice(j, 1);
        terms.splice(i, 1);
        addTerm(terms, { node: made.node, shift: made.shift + first.shift - left.shift, negative: made.negative !== (first.negative !== left.negative) });
        i = -1;
        break;
      }
    }
  }
}

/** Powers of two of whole depths. */
const POWERS = Float64Array.from({ length: 128 }, (_, depth) => 2 ** depth);

function power(depth: number): number {
  return POWERS[depth] ?? 2 ** depth;
}

/** 2^limit − Σ 2^depth: what a column may still waste (Kraft's inequality). */
function budgetOf(site: Site, terms: readonly Reference[], limit: number): number {
  let budget = power(limit);
  for (const { node } of terms) budget -= power(site.depth[node] as number);
  return budget;
}

function fits(site: Site, budget: number, x: Reference, y: Reference, depth: number): boolean {
  return power(depth) - power(site.depth[x.node] as number) - power(site.depth[y.node] as number) <= budget + ROUNDING;
}

function isOrdered(x: Reference, y: Reference): boolean {
  return x.node < y.node || (x.node === y.node && x.shift < y.shift);
}

/** The same for pairs that are equal but for a power of two and a sign of both. */
export function keyOf(left: Reference, right: Reference): number {
  return ((left.node * 2 ** 21 + right.node) * 512 + right.shift - left.shift + 256) * 2 + (left.negative === right.negative ? 0 : 1);
}

function addSum(site: Site, left: Reference, right: Reference): Reference {
  const { values, sums } = site.graph;
  const node = values.combine(left, right);
  sums[node] = { left, right };
  site.depth[node] = depthOfSum(site, left, right);
  return { node, shift: 0, negative: false };
}

/** Pairs with the lowest resulting top are merged first, then those of cheap adders, as long as the limit can still be kept. */
function buildTree(site: Site, { terms, limit }: Column): Reference | undefined {
  const { values } = site.graph;
  const topOf = ({ node, shift }: Reference): number => (values.top[node] as number) + shift;
  const byTop = (x: Reference, y: Reference): number => topOf(x) - topOf(y);
  const items = [...terms].sort(byTop);
  while (items.length > 1) {
    const [i, j] = choosePair(site, items, budgetOf(site, items, limit)) ?? twoEarliest(site, items);
    const x = items[i] as Reference;
    const y = items[j] as Reference;
    items.splice(j, 1);
    items.splice(i, 1);
    addTerm(items, site.find(x, y) ?? addSum(site, x, y));
    items.sort(byTop);
  }
  return items[0];
}

/** How much a LUT of the adder counts against a bit of its top. */
const COST_WEIGHT = 0.1;

/** How far in the order of tops a partner is looked for. */
const LOOK_AHEAD = 32;

function choosePair(site: Site, items: readonly Reference[], budget: number): readonly [number, number] | undefined {
  const { values } = site.graph;
  let best: readonly [number, number] | undefined;
  let bestScore = Infinity;
  for (let j = 1; j < Math.min(items.length, LOOK_AHEAD); j++) {
    const y = items[j] as Reference;
    // Those that follow end no lower.
    if ((values.top[y.node] as number) + y.shift + 1 > bestScore) break;
    for (let i = 0; i < j; i++) {
      const x = items[i] as Reference;
      const cost = pairCost(values, x, y);
      if (!fits(site, budget, x, y, Math.max(site.depth[x.node] as number, site.depth[y.node] as number) + (cost === 0 ? 0 : 1))) continue;
      const score = pairTop(values, x, y) + COST_WEIGHT * cost + (site.treeNoise > 0 ? site.treeNoise * site.random() : 0);
      if (score < bestScore) {
        bestScore = score;
        best = [i, j];
      }
    }
  }
  return best;
}

/** Always possible if the limit can be kept at all. */
function twoEarliest(site: Site, items: readonly Reference[]): readonly [number, number] {
  const byDepth = [...items.keys()].sort((i, j) => (site.depth[(items[i] as Reference).node] as number) - (site.depth[(items[j] as Reference).node] as number) || i - j);
  const [i, j] = byDepth as [number, number];
  return i < j ? [i, j] : [j, i];
}
