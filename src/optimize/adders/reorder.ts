import type { AdderGraph } from './graph.js';
import { requiredDepths, takeCensus, termsOf } from './graph.js';
import type { Site } from './rebuild.js';
import { rebuildAlone } from './rebuild.js';
import type { Reference } from './values.js';

/** Sums that one other sum alone reads belong to its tree: every tree is built anew as a whole, within its depth. */
export function reorder(graph: AdderGraph, limit: number): void {
  const { sums } = graph;
  const census = takeCensus(graph);
  const required = requiredDepths(graph, census, limit);
  const isRoot = new Set(graph.roots.map((root) => root?.node));
  const isInner = (node: number): boolean => census.uses[node] === 1 && !isRoot.has(node);
  const depth = Array.from(census.depth);
  const site: Site = { graph, depth, noise: 0, treeNoise: 0, tabu: undefined, random: () => 0, find: () => undefined };
  for (const node of census.order) {
    if (isInner(node)) continue;
    const made = rebuildAlone(site, { terms: termsOf(graph, node, isInner), limit: required[node] as number });
    const sum = made === undefined ? undefined : sums[made.node];
    if (made === undefined || sum === undefined || made.node < census.live.length) continue;
    const take = (part: Reference): Reference => ({ node: part.node, shift: part.shift + made.shift, negative: part.negative !== made.negative });
    sums[node] = { left: take(sum.left), right: take(sum.right) };
    depth[node] = depth[made.node] as number;
  }
}
