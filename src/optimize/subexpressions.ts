import type { Pair } from './pairQueue.js';
import { PairQueue } from './pairQueue.js';

/** A term of a column: variable, shift, sign. */
export interface ColumnTerm {
  readonly variable: number;
  readonly shift: number;
  readonly negative: boolean;
}

/** variable = left ± right · 2^shift */
export type Definition = Pair;

export interface Extraction {
  /** New variables, numbered from the number of inputs on. */
  readonly definitions: readonly Definition[];
  /** What is left of each column. */
  readonly columns: readonly (readonly ColumnTerm[])[];
}

/** Digits further apart are not looked at as a pair. */
const SHIFT_SPAN = 128;
/** Depths may be fractions of a level; their powers of two are rounded. */
const ROUNDING = 1e-6;

/**
 * Greedy elimination of two-term common subexpressions over signed digits (Hosangadi, Fallah, Kastner 2005, as in
 * da4ml): the pair x ± y·2^s that occurs most often over all columns becomes a variable, until none occurs twice.
 * A pair is only replaced in a column while the column can still be summed within `limit` levels (Kraft's inequality
 * over the depths of its terms), so depth trades against adders continuously.
 */
export function extractPairs(inputDepths: readonly number[], columns: readonly (readonly ColumnTerm[])[], limit: number, weightOf: (left: number, right: number, shift: number) => number): Extraction {
  const state = new State(inputDepths, columns, limit, weightOf);
  for (;;) {
    const pair = state.queue.popBest();
    if (pair < 0) break;
    state.replaceAll(pair);
  }
  return {
    definitions: state.definitions,
    columns: state.columns.map((column) => column.live()),
  };
}

/** Terms of one column; dead ones are dropped when they are more than the living. */
class Column {
  length = 0;
  variable: Int32Array;
  shift: Int32Array;
  /** 1 for negative terms. */
  sign: Uint8Array;
  alive: Uint8Array;
  private dead = 0;
  /** 2^limit − Σ 2^depth: what may still be wasted. */
  budget = 0;

  constructor(capacity: number) {
    this.variable = new Int32Array(capacity);
    this.shift = new Int32Array(capacity);
    this.sign = new Uint8Array(capacity);
    this.alive = new Uint8Array(capacity);
  }

  push(variable: number, shift: number, sign: number): number {
    const at = this.length++;
    this.variable[at] = variable;
    this.shift[at] = shift;
    this.sign[at] = sign;
    this.alive[at] = 1;
    return at;
  }

  kill(at: number): void {
    this.alive[at] = 0;
    this.dead++;
  }

  /** Terms keep their order, not their places. */
  compact(): void {
    if (this.dead * 2 < this.length) return;
    let to = 0;
    for (let at = 0; at < this.length; at++) {
      if (this.alive[at] === 0) continue;
      this.variable[to] = this.variable[at] as number;
      this.shift[to] = this.shift[at] as number;
      this.sign[to] = this.sign[at] as number;
      this.alive[to++] = 1;
    }
    this.length = to;
    this.dead = 0;
  }

  live(): ColumnTerm[] {
    const terms: ColumnTerm[] = [];
    for (let i = 0; i < this.length; i++) {
      if (this.alive[i] === 1) terms.push({ variable: this.variable[i] as number, shift: this.shift[i] as number, negative: this.sign[i] === 1 });
    }
    return terms;
  }
}

class State {
  readonly columns: Column[];
  readonly definitions: Definition[] = [];
  readonly depths: number[];
  readonly queue: PairQueue;
  private readonly nInputs: number;
  private readonly limit: number;

  constructor(inputDepths: readonly number[], columns: readonly (readonly ColumnTerm[])[], limit: number, weightOf: (left: number, right: number, shift: number) => number) {
    this.nInputs = inputDepths.length;
    this.depths = [...inputDepths];
    this.limit = limit;
    this.queue = new PairQueue(weightOf);
    this.columns = columns.map((terms, index) => {
      // Two terms die for every new one.
      const column = new Column(terms.length + (terms.length >> 1) + 1);
      column.budget = 2 ** limit;
      for (const term of terms) {
        const at = column.push(term.variable, term.shift, term.negative ? 1 : 0);
        column.budget -= 2 ** (this.depths[term.variable] as number);
        this.countPairs(index, column, at, true);
      }
      return column;
    });
  }

  /** Adds or removes the pairs of term `at` with every other live term of its column. */
  private countPairs(index: number, column: Column, at: number, more: boolean): void {
    const { variable, shift, sign, alive, length } = column;
    const v = variable[at] as number;
    const s = shift[at] as number;
    const negative = sign[at] as number;
    for (let k = 0; k < length; k++) {
      if (alive[k] === 0 || k === at) continue;
      const vk = variable[k] as number;
      const sk = shift[k] as number;
      // The normal form of a pair: lower variable first, for equal variables lower shift first.
      const isFirst = v < vk || (v === vk && s < sk);
      const apart = isFirst ? sk - s : s - sk;
      if (apart >= SHIFT_SPAN || apart < -SHIFT_SPAN) continue;
      const left = isFirst ? v : vk;
      const right = isFirst ? vk : v;
      if (more) this.queue.increase(left, right, apart, negative !== sign[k], index);
      else this.queue.decrease(left, right, apart, negative !== sign[k]);
    }
  }

  replaceAll(number: number): void {
    const pair = this.queue.pairAt(number);
    const leftDepth = this.depths[pair.left] as number;
    const rightDepth = this.depths[pair.right] as number;
    const depth = Math.max(leftDepth, rightDepth) + 1;
    const cost = 2 ** depth - 2 ** leftDepth - 2 ** rightDepth;
    const matches: { index: number; i: number; j: number }[] = [];
    if (depth <= this.limit + ROUNDING) {
      for (const index of new Set(this.queue.placesOf(number))) {
        const column = this.columns[index] as Column;
        column.compact();
        let { budget } = column;
        for (const [i, j] of occurrences(column, pair)) {
          if (cost > budget + ROUNDING) break;
          budget -= cost;
          matches.push({ index, i, j });
        }
      }
    }
    // What is left of this pair cannot be replaced within the limit, and never can be later.
    this.queue.retire(number);
    if (matches.length < 2) return;
    const variable = this.nInputs + this.definitions.push(pair) - 1;
    this.depths.push(depth);
    for (const { index, i, j } of matches) {
      const column = this.columns[index] as Column;
      column.budget -= cost;
      column.kill(i);
      this.countPairs(index, column, i, false);
      column.kill(j);
      this.countPairs(index, column, j, false);
      const at = column.push(variable, column.shift[i] as number, column.sign[i] as number);
      this.countPairs(index, column, at, true);
    }
  }
}

/** Disjoint occurrences (i, j) of the pair in the column, i being the left term. */
function occurrences({ length, alive, variable, shift, sign }: Column, pair: Definition): [number, number][] {
  const rights = new Map<number, number>();
  for (let k = 0; k < length; k++) if (alive[k] === 1 && variable[k] === pair.right) rights.set(shift[k] as number, k);
  const found: [number, number][] = [];
  const used = new Set<number>();
  for (let i = 0; i < length; i++) {
    if (alive[i] === 0 || variable[i] !== pair.left || used.has(i)) continue;
    const j = rights.get((shift[i] as number) + pair.shift);
    if (j === undefined || j === i || used.has(j)) continue;
    if ((sign[i] !== sign[j]) !== pair.negative) continue;
    used.add(i);
    used.add(j);
    found.push([i, j]);
  }
  return found;
}
