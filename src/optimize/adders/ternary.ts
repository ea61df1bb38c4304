import type { Sum } from './graph.js';
import { CARRY_ONLY } from './price.js';
import type { Reference, Values } from './values.js';

/** What there is to know of a graph of adders whose costs are known one by one. */
export interface PricedAdders {
  readonly values: Values;
  readonly sums: readonly (Sum | undefined)[];
  /** Live sums, operands first. */
  readonly order: readonly number[];
  readonly costs: Float64Array;
  readonly negated: Uint8Array;
  readonly isInner: (node: number) => boolean;
}

/**
 * The LUTs saved where adders that only one other adder reads become part of it, three operands a LUT, each at most with one
 * other: the most that any choice saves, by dynamic programming over each tree (as the scheduler chooses later).
 */
export function joiningSaves(adders: PricedAdders): number {
  const { sums, order, costs, isInner } = adders;
  // What the tree under a node saves more if the node may take in another one.
  const gain = new Float64Array(sums.length);
  let saved = 0;
  for (const node of order) {
    const { left, right } = sums[node] as Sum;
    let best = 0;
    for (const [part, other] of [[left, right], [right, left]] as const) {
      const inner = sums[part.node];
      // No adder at all, but wires.
      if (inner === undefined || costs[part.node] === 0 || costs[node] === 0 || part.node === other.node || !isInner(part.node)) continue;
      const own = (costs[node] as number) + (costs[part.node] as number) - jointCost(adders, node, part, inner, other) - (gain[part.node] as number);
      if (own > best) best = own;
    }
    gain[node] = best;
    saved += best;
  }
  return saved;
}

/** Sites from where the second term begins (the first, if it is subtracted) to the top or behind the end of the second last. */
function jointCost({ values, negated }: PricedAdders, node: number, part: Reference, inner: Sum, other: Reference): number {
  const turned = negated[node] === 1;
  let lowest = Infinity;
  let second = Infinity;
  let isLowestNegative = false;
  // The two ends of operands that come first.
  let first = Infinity;
  let later = Infinity;
  let highest = -Infinity;
  const see = (reference: Reference, shift: number, negative: boolean): void => {
    const at = reference.node;
    const low = (values.low[at] as number) + reference.shift + shift;
    const isNegative = (reference.negative !== negative) !== ((negated[at] === 1) !== turned);
    if (low < lowest || (low === lowest && isNegative)) {
      second = lowest;
      lowest = low;
      isLowestNegative = isNegative;
    } else if (low < second) second = low;
    const ownTop = (values.top[at] as number) + reference.shift + shift;
    highest = Math.max(highest, ownTop);
    const top = values.signed[at] === true || isNegative ? Infinity : ownTop;
    if (top < first) {
      later = first;
      first = top;
    } else if (top < later) later = top;
  };
  see(inner.left, part.shift, part.negative);
  see(inner.right, part.shift, part.negative);
  see(other, 0, false);
  const top = values.top[node] as number;
  const start = isLowestNegative ? lowest : second;
  // Where one operand is left there is the carry alone; above all of their signs the positions repeat.
  const end = Math.min(later, highest) + 1;
  return Math.max(1, Math.min(top, end) - start) + CARRY_ONLY * Math.max(0, top - Math.max(start, end));
}
