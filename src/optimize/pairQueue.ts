/** The shift-and-sign pattern of two variables: left ± right · 2^shift. */
export interface Pair {
  readonly left: number;
  readonly right: number;
  readonly shift: number;
  readonly negative: boolean;
}

/**
 * Counts of pairs, and the pair with the highest count. Pairs are numbered as they are first seen; all that is known of
 * one lies in flat arrays by its number, since a matrix has millions of them. Counts change by ±1 all the time, so
 * numbers are kept in heaps by count, and a pair that lost some stays where it is until it comes to the top there. The heaps
 * are made when the first pair is asked for.
 * Ties go to the highest weight, then to the lowest (left, right, shift, sign), so the order does not depend on history.
 */
export class PairQueue {
  private size = 0;
  private slots = new Int32Array(1 << 12).fill(-1);
  private lefts = new Int32Array(1 << 10);
  private rights = new Int32Array(1 << 10);
  /** shift · 2 + (negative ? 1 : 0) */
  private patterns = new Int32Array(1 << 10);
  private weights = new Float64Array(1 << 10);
  /** −1 for retired pairs. */
  private counts = new Int32Array(1 << 10);
  /** Newest place of a pair in the lists below, −1 for none. */
  private lastPlace = new Int32Array(1 << 10);
  private placeCount = 0;
  private placeColumn = new Int32Array(1 << 10);
  private placeBefore = new Int32Array(1 << 10);
  /** The count in whose heap a pair stands, at least its own; 0 for none. In lower ones it may have been forgotten. */
  private queued = new Int32Array(1 << 10);
  private heaps: (Heap | undefined)[] | undefined;
  private readonly weightOf: (left: number, right: number, shift: number) => number;

  constructor(weightOf: (left: number, right: number, shift: number) => number) {
    this.weightOf = weightOf;
  }

  /** One occurrence more, in this column. */
  increase(left: number, right: number, shift: number, negative: boolean, column: number): void {
    const pair = this.numberOf(left, right, shift * 2 + (negative ? 1 : 0));
    const last = this.lastPlace[pair] as number;
    if (last < 0 || this.placeColumn[last] !== column) this.addPlace(pair, column);
    this.setCount(pair, 1);
  }

  /** One occurrence less. */
  decrease(left: number, right: number, shift: number, negative: boolean): void {
    this.setCount(this.numberOf(left, right, shift * 2 + (negative ? 1 : 0)), -1);
  }

  /** The number of the best pair with a count of at least 2, −1 if there is none. */
  popBest(): number {
    const heaps = (this.heaps ??= this.makeHeaps());
    for (let count = heaps.length - 1; count >= 2; count--) {
      const heap = heaps[count];
      while (heap !== undefined && heap.size > 0) {
        const pair = heap.pop(this.before);
        if (this.queued[pair] !== count) continue;
        this.queued[pair] = 0;
        const own = this.counts[pair] as number;
        if (own === count) return pair;
        if (own >= 2) this.enqueue(heaps, pair, own);
      }
      heaps.length = count;
    }
    return -1;
  }

  private makeHeaps(): (Heap | undefined)[] {
    const heaps: (Heap | undefined)[] = [];
    for (let pair = 0; pair < this.size; pair++) {
      const count = this.counts[pair] as number;
      if (count >= 2) this.enqueue(heaps, pair, count);
    }
    return heaps;
  }

  private enqueue(heaps: (Heap | undefined)[], pair: number, count: number): void {
    if ((this.queued[pair] as number) >= count) return;
    this.queued[pair] = count;
    if (Number.isNaN(this.weights[pair])) this.weights[pair] = this.weightOf(this.lefts[pair] as number, this.rights[pair] as number, (this.patterns[pair] as number) >> 1);
    (heaps[count] ??= new Heap()).push(pair, this.before);
  }

  pairAt(pair: number): Pair {
    const pattern = this.patterns[pair] as number;
    return { left: this.lefts[pair] as number, right: this.rights[pair] as number, shift: pattern >> 1, negative: (pattern & 1) === 1 };
  }

  /** Columns in which the pair may occur, in the order in which it was first seen there; a column may come again. */
  placesOf(pair: number): number[] {
    const columns: number[] = [];
    for (let at = this.lastPlace[pair] as number; at >= 0; at = this.placeBefore[at] as number) columns.push(this.placeColumn[at] as number);
    return columns.reverse();
  }

  /** Never offered again. */
  retire(pair: number): void {
    this.counts[pair] = -1;
    this.lastPlace[pair] = -1;
  }

  private setCount(pair: number, by: 1 | -1): void {
    const old = this.counts[pair] as number;
    if (old < 0) return;
    const count = old + by;
    this.counts[pair] = count;
    if (count >= 2 && this.heaps !== undefined) this.enqueue(this.heaps, pair, count);
  }

  private readonly before = (x: number, y: number): boolean => {
    const wx = this.weights[x] as number;
    const wy = this.weights[y] as number;
    if (wx !== wy) return wx > wy;
    const left = (this.lefts[x] as number) - (this.lefts[y] as number);
    if (left !== 0) return left < 0;
    const right = (this.rights[x] as number) - (this.rights[y] as number);
    return right === 0 ? (this.patterns[x] as number) < (this.patterns[y] as number) : right < 0;
  };

  private numberOf(left: number, right: number, pattern: number): number {
    const mask = this.slots.length - 1;
    let slot = hashOf(left, right, pattern) & mask;
    for (;;) {
      const pair = this.slots[slot] as number;
      if (pair < 0) break;
      if (this.lefts[pair] === left && this.rights[pair] === right && this.patterns[pair] === pattern) return pair;
      slot = (slot + 1) & mask;
    }
    if (this.size === this.lefts.length) this.growPairs();
    const pair = this.size++;
    this.lefts[pair] = left;
    this.rights[pair] = right;
    this.patterns[pair] = pattern;
    this.weights[pair] = NaN;
    this.lastPlace[pair] = -1;
    this.slots[slot] = pair;
    if (this.size * 2 > this.slots.length) this.growSlots();
    return pair;
  }

  private addPlace(pair: number, column: number): void {
    if (this.placeCount === this.placeColumn.length) {
      this.placeColumn = doubled(this.placeColumn);
      this.placeBefore = doubled(this.placeBefore);
    }
    const at = this.placeCount++;
    this.placeColumn[at] = column;
    this.placeBefore[at] = this.lastPlace[pair] as number;
    this.lastPlace[pair] = at;
  }

  private growPairs(): void {
    this.lefts = doubled(this.lefts);
    this.rights = doubled(this.rights);
    this.patterns = doubled(this.patterns);
    this.weights = doubled(this.weights);
    this.counts = doubled(this.counts);
    this.queued = doubled(this.queued);
    this.lastPlace = doubled(this.lastPlace);
  }

  private growSlots(): void {
    const slots = new Int32Array(this.slots.length * 4).fill(-1);
    const mask = slots.length - 1;
    for (let pair = 0; pair < this.size; pair++) {
      let slot = hashOf(this.lefts[pair] as number, this.rights[pair] as number, this.patterns[pair] as number) & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = pair;
    }
    this.slots = slots;
  }
}

function hashOf(left: number, right: number, pattern: number): number {
  let h = Math.imul(left, 0x9e3779b1) ^ Math.imul(right + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ pattern, 0xc2b2ae35);
  return h ^ (h >>> 13);
}

function doubled<T extends Int32Array | Float64Array>(from: T): T {
  const to = new (from.constructor as new (length: number) => T)(from.length * 2);
  to.set(from as never);
  return to;
}

type Before = (x: number, y: number) => boolean;

/** A binary heap of numbers; the order comes with every call. */
class Heap {
  size = 0;
  private items = new Int32Array(16);

  push(item: number, before: Before): void {
    if (this.size === this.items.length) this.items = doubled(this.items);
    const { items } = this;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as number;
      if (!before(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  /** The first; the heap must not be empty. */
  pop(before: Before): number {
    const { items } = this;
    const first = items[0] as number;
    const last = items[--this.size] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && before(items[child + 1] as number, items[child] as number)) child++;
      if (!before(items[child] as number, last)) break;
      items[at] = items[child] as number;
      at = child;
    }
    items[at] = last;
    return first;
  }
}
