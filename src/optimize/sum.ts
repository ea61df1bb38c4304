import type { CircuitBuilder } from '../circuit/builder.js';
import { bitLength } from '../fixed/integer.js';
import { depthOf } from './depth.js';
import type { FormTracker } from './forms.js';
import type { Term } from './linear.js';

interface Item {
  readonly op: number;
  readonly shift: number;
  readonly negative: boolean;
  /** Adder levels until the value is there. */
  readonly depth: number;
  /** Position above its highest bit: merging small tops first keeps adders narrow. */
  readonly top: number;
}

function itemOf(builder: CircuitBuilder, term: Term): Item {
  const { lo, hi, exp } = builder.intervalOf(term.op);
  return {
    ...term,
    depth: depthOf(builder, term.op),
    top: Math.max(bitLength(lo), bitLength(hi)) + exp + term.shift,
  };
}

/**
 * Smallest number of levels in which values of the given depths can be summed pairwise: always the two that are there
 * first (Huffman's construction with max + 1 as the cost; Golumbic 1976). For whole depths it is ceil(log2 Σ 2^depth).
 */
export function minimalDepth(depths: readonly number[]): number {
  const leaves = [...depths].sort((x, y) => x - y);
  const merged: number[] = [];
  let leaf = 0;
  let node = 0;
  const next = (): number => {
    const fromLeaf = leaves[leaf] ?? Infinity;
    const fromNode = merged[node] ?? Infinity;
    return fromLeaf <= fromNode ? (leaf++, fromLeaf) : (node++, fromNode);
  };
  for (let left = leaves.length; left > 1; left--) merged.push(Math.max(next(), next()) + 1);
  return merged[merged.length - 1] ?? leaves[0] ?? 0;
}

/**
 * Sums terms as a tree of two-operand adders. Operands with the lowest top bit are merged first (the narrowest adders),
 * as long as the whole sum still fits within `limit` levels, by Kraft's inequality Σ 2^depth ≤ 2^limit. With `forms`,
 * every partial sum gets the exact range of its affine form.
 */
export function sumTree(builder: CircuitBuilder, terms: readonly Term[], slack: number, forms?: FormTracker): number {
  if (terms.length === 0) return builder.constant(0);
  let items = terms.map((term) => itemOf(builder, term)).sort(byTop);
  // Powers of two relative to the first value that is there, so that they stay exact enough.
  const base = items.reduce((least, item) => Math.min(least, item.depth), Infinity);
  const weigh = (depth: number): number => 2 ** (depth - base);
  let budget = weigh(minimalDepth(items.map((item) => item.depth)) + slack);
  for (const item of items) budget -= weigh(item.depth);
  while (items.length > 1) {
    const [i, j] = choosePair(items, budget, weigh);
    const x = items[i] as Item;
    const y = items[j] as Item;
    const merged = merge(builder, x, y, forms);
    budget += weigh(x.depth) + weigh(y.depth) - weigh(merged.depth);
    items = items.filter((_, k) => k !== i && k !== j);
    insertByTop(items, merged);
  }
  const last = items[0] as Item;
  if (!last.negative) return builder.shift(last.op, last.shift);
  return builder.sub(builder.constant(0), last.op, last.shift);
}

function byTop(x: Item, y: Item): number {
  return x.top - y.top || x.depth - y.depth || x.op - y.op || x.shift - y.shift;
}

function insertByTop(items: Item[], item: Item): void {
  let from = 0;
  let to = items.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (byTop(items[middle] as Item, item) <= 0) from = middle + 1;
    else to = middle;
  }
  items.splice(from, 0, item);
}

/** Powers of fractional depths are rounded. */
const ROUNDING = 1e-6;

/** How far ahead in the order by top a partner is looked for. */
const LOOK_AHEAD = 48;

function choosePair(items: readonly Item[], budget: number, weigh: (depth: number) => number): readonly [number, number] {
  const reach = Math.min(items.length, LOOK_AHEAD);
  for (let j = 1; j < reach; j++) {
    for (let i = 0; i < j; i++) {
      const x = items[i] as Item;
      const y = items[j] as Item;
      const waste = weigh(Math.max(x.depth, y.depth) + 1) - weigh(x.depth) - weigh(y.depth);
      if (waste <= budget + ROUNDING && (i === j - 1 || j < 8 || x.depth === y.depth)) return [i, j];
    }
  }
  // Always possible: the two of least depth, ties by top.
  let first = 0;
  for (let k = 1; k < items.length; k++) if ((items[k] as Item).depth < (items[first] as Item).depth) first = k;
  let second = first === 0 ? 1 : 0;
  for (let k = 0; k < items.length; k++) {
    if (k !== first && (items[k] as Item).depth < (items[second] as Item).depth) second = k;
  }
  return first < second ? [first, second] : [second, first];
}

function merge(builder: CircuitBuilder, x: Item, y: Item, forms: FormTracker | undefined): Item {
  if (x.negative === y.negative) {
    const right = { op: y.op, shift: y.shift - x.shift, negative: false };
    const op = builder.add(x.op, right.op, right.shift);
    forms?.combine(op, { op: x.op, shift: 0, negative: false }, right);
    return itemOf(builder, { op, shift: x.shift, negative: x.negative });
  }
  const [positive, negative] = x.negative ? [y, x] : [x, y];
  const right = { op: negative.op, shift: negative.shift - positive.shift, negative: true };
  const op = builder.sub(positive.op, right.op, right.shift);
  forms?.combine(op, { op: positive.op, shift: 0, negative: false }, right);
  return itemOf(builder, { op, shift: positive.shift, negative: false });
}
