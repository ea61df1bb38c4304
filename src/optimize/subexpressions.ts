import { BucketQueue } from './bucketQueue.js';

/** A term of a column: variable, shift, sign. */
export interface ColumnTerm {
  readonly variable: number;
  readonly shift: number;
  readonly negative: boolean;
}

/** variable = left ± right · 2^shift */
export interface Definition {
  readonly left: number;
  readonly right: number;
  readonly shift: number;
  readonly negative: boolean;
}

export interface Extraction {
  /** New variables, numbered from the number of inputs on. */
  readonly definitions: readonly Definition[];
  /** What is left of each column. */
  readonly columns: readonly (readonly ColumnTerm[])[];
}

const SHIFT_SPAN = 128;
/** Depths may be fractions of a level; their powers of two are rounded. */
const ROUNDING = 1e-6;
const VARIABLE_SPAN = 2 ** 22;

/**
 * Greedy elimination of two-term common subexpressions over signed digits (Hosangadi, Fallah, Kastner 2005, as in
 * da4ml): the pair x ± y·2^s that occurs most often over all columns becomes a variable, until none occurs twice.
 * A pair is only replaced in a column while the column can still be summed within `limit` levels (Kraft's inequality
 * over the depths of its terms), so depth trades against adders continuously.
 */
export function extractPairs(inputDepths: readonly number[], columns: readonly (readonly ColumnTerm[])[], limit: number, weightOf: (left: number, right: number, shift: number) => number): Extraction {
  const state = new State(inputDepths, columns, limit, weightOf);
  for (;;) {
    const key = state.queue.popBest();
    if (key === undefined) break;
    state.replaceAll(key);
  }
  return {
    definitions: state.definitions,
    columns: state.columns.map((column) => column.live()),
  };
}

/** Terms of one column with tombstones, so that indices stay valid. */
class Column {
  readonly variable: number[] = [];
  readonly shift: number[] = [];
  readonly negative: boolean[] = [];
  readonly alive: boolean[] = [];
  /** 2^limit − Σ 2^depth: what may still be wasted. */
  budget = 0;

  push(term: ColumnTerm): number {
    this.variable.push(term.variable);
    this.shift.push(term.shift);
    this.negative.push(term.negative);
    return this.alive.push(true) - 1;
  }

  live(): ColumnTerm[] {
    const terms: ColumnTerm[] = [];
    this.alive.forEach((alive, i) => {
      if (alive) terms.push({ variable: this.variable[i] as number, shift: this.shift[i] as number, negative: this.negative[i] as boolean });
    });
    return terms;
  }
}

class State {
  readonly columns: Column[];
  readonly definitions: Definition[] = [];
  readonly depths: number[];
  readonly queue: BucketQueue;
  private readonly nInputs: number;
  private readonly limit: number;
  /** Columns in which a pair may occur (with repeats, checked again on use). */
  private readonly places = new Map<number, number[]>();

  constructor(inputDepths: readonly number[], columns: readonly (readonly ColumnTerm[])[], limit: number, weightOf: (left: number, right: number, shift: number) => number) {
    this.nInputs = inputDepths.length;
    this.depths = [...inputDepths];
    this.limit = limit;
    this.queue = new BucketQueue((key) => {
      const pair = this.decode(key);
      return weightOf(pair.left, pair.right, pair.shift);
    });
    this.columns = columns.map((terms, index) => {
      const column = new Column();
      column.budget = 2 ** limit;
      for (const term of terms) {
        const at = column.push(term);
        column.budget -= 2 ** (this.depths[term.variable] as number);
        this.countPairs(index, column, at, 1);
      }
      return column;
    });
  }

  private encode(left: number, right: number, shift: number, negative: boolean): number {
    return ((left * VARIABLE_SPAN + right) * (2 * SHIFT_SPAN) + shift + SHIFT_SPAN) * 2 + (negative ? 1 : 0);
  }

  decode(key: number): Definition {
    const negative = key % 2 === 1;
    let rest = (key - (negative ? 1 : 0)) / 2;
    const shift = (rest % (2 * SHIFT_SPAN)) - SHIFT_SPAN;
    rest = Math.floor(rest / (2 * SHIFT_SPAN));
    return { left: Math.floor(rest / VARIABLE_SPAN), right: rest % VARIABLE_SPAN, shift, negative };
  }

  /** The normal form of a pair: lower variable first, for equal variables lower shift first. */
  private keyOf(column: Column, i: number, j: number): number | undefined {
    const vi = column.variable[i] as number;
    const vj = column.variable[j] as number;
    const si = column.shift[i] as number;
    const sj = column.shift[j] as number;
    const [left, right, shift] = vi < vj || (vi === vj && si < sj) ? [vi, vj, sj - si] : [vj, vi, si - sj];
    if (shift >= SHIFT_SPAN || shift < -SHIFT_SPAN) return undefined;
    return this.encode(left, right, shift, column.negative[i] !== column.negative[j]);
  }

  /** Adds or removes the pairs of term `at` with every other live term of its column. */
  private countPairs(index: number, column: Column, at: number, change: 1 | -1): void {
    for (let k = 0; k < column.alive.length; k++) {
      if (k === at || column.alive[k] !== true) continue;
      const key = this.keyOf(column, at, k);
      if (key === undefined) continue;
      this.queue.change(key, change);
      if (change === 1) {
        const list = this.places.get(key);
        if (list === undefined) this.places.set(key, [index]);
        else if (list[list.length - 1] !== index) list.push(index);
      }
    }
  }

  replaceAll(key: number): void {
    const pair = this.decode(key);
    const leftDepth = this.depths[pair.left] as number;
    const rightDepth = this.depths[pair.right] as number;
    const depth = Math.max(leftDepth, rightDepth) + 1;
    const cost = 2 ** depth - 2 ** leftDepth - 2 ** rightDepth;
    const matches: { index: number; i: number; j: number }[] = [];
    const budgets = new Map<number, number>();
    for (const index of new Set(this.places.get(key) ?? [])) {
      const column = this.columns[index] as Column;
      for (const [i, j] of occurrences(column, pair)) {
        const budget = budgets.get(index) ?? column.budget;
        if (cost > budget + ROUNDING || depth > this.limit + ROUNDING) continue;
        budgets.set(index, budget - cost);
        matches.push({ index, i, j });
      }
    }
    this.places.delete(key);
    if (matches.length < 2) {
      this.queue.retire(key);
      return;
    }
    const variable = this.nInputs + this.definitions.push(pair) - 1;
    this.depths.push(depth);
    for (const { index, i, j } of matches) {
      const column = this.columns[index] as Column;
      column.budget -= cost;
      column.alive[i] = false;
      this.countPairs(index, column, i, -1);
      column.alive[j] = false;
      this.countPairs(index, column, j, -1);
      const at = column.push({ variable, shift: column.shift[i] as number, negative: column.negative[i] as boolean });
      this.countPairs(index, column, at, 1);
    }
    // What is left of this pair could not be replaced within the limit, and never can be later.
    this.queue.retire(key);
  }
}

/** Disjoint occurrences (i, j) of the pair in the column, i being the left term. */
function occurrences(column: Column, pair: Definition): [number, number][] {
  const used = new Set<number>();
  const found: [number, number][] = [];
  const rights = new Map<number, number>();
  for (let k = 0; k < column.alive.length; k++) {
    if (column.alive[k] === true && column.variable[k] === pair.right) rights.set(column.shift[k] as number, k);
  }
  for (let i = 0; i < column.alive.length; i++) {
    if (column.alive[i] !== true || column.variable[i] !== pair.left || used.has(i)) continue;
    const j = rights.get((column.shift[i] as number) + pair.shift);
    if (j === undefined || j === i || used.has(j)) continue;
    if ((column.negative[i] !== column.negative[j]) !== pair.negative) continue;
    used.add(i);
    used.add(j);
    found.push([i, j]);
  }
  return found;
}
