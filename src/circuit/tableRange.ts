import type { Int } from '../fixed/integer.js';
import { max, min } from '../fixed/integer.js';
import type { Table } from './circuit.js';

const BLOCK = 32;

/** Smallest and largest of blocks i … i + 2^level − 1, for each level. */
interface BlockRanges {
  readonly lows: readonly (readonly Int[])[];
  readonly highs: readonly (readonly Int[])[];
}

const cache = new WeakMap<Table, BlockRanges>();

/**
 * Smallest and largest of values[from] … values[to]. The first call on a large table costs its length, later ones next
 * to nothing: a million lookups in one table stay linear.
 */
export function rangeOfTable(table: Table, from: number, to: number): { readonly lo: Int; readonly hi: Int } {
  const first = Math.ceil(from / BLOCK);
  const last = Math.floor((to + 1) / BLOCK) - 1;
  if (last < first) return scan(table.values, from, to, table.values[from] as Int, table.values[from] as Int);
  const ranges = cache.get(table) ?? blockRanges(table);
  const level = 31 - Math.clz32(last - first + 1);
  const lows = ranges.lows[level] as readonly Int[];
  const highs = ranges.highs[level] as readonly Int[];
  const second = last + 1 - 2 ** level;
  const lo = min(lows[first] as Int, lows[second] as Int);
  const hi = max(highs[first] as Int, highs[second] as Int);
  const head = scan(table.values, from, first * BLOCK - 1, lo, hi);
  return scan(table.values, (last + 1) * BLOCK, to, head.lo, head.hi);
}

function scan(values: readonly Int[], from: number, to: number, low: Int, high: Int): { lo: Int; hi: Int } {
  let lo = low;
  let hi = high;
  for (let i = from; i <= to; i++) {
    const value = values[i] as Int;
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  return { lo, hi };
}

function blockRanges(table: Table): BlockRanges {
  const lows: Int[][] = [[]];
  const highs: Int[][] = [[]];
  for (let from = 0; from + BLOCK <= table.values.length; from += BLOCK) {
    const { lo, hi } = scan(table.values, from, from + BLOCK - 1, table.values[from] as Int, table.values[from] as Int);
    lows[0]?.push(lo);
    highs[0]?.push(hi);
  }
  for (let half = 1; 2 * half <= (lows[0] as Int[]).length; half *= 2) {
    lows.push(combine(lows[lows.length - 1] as Int[], half, min));
    highs.push(combine(highs[highs.length - 1] as Int[], half, max));
  }
  const ranges = { lows, highs };
  cache.set(table, ranges);
  return ranges;
}

function combine(level: readonly Int[], half: number, pick: (a: Int, b: Int) => Int): Int[] {
  const next: Int[] = [];
  for (let i = 0; i + half < level.length; i++) next.push(pick(level[i] as Int, level[i + half] as Int));
  return next;
}
