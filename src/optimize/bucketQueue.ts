/** A binary heap of keys, highest weight first, ties to the lowest key. */
class KeyHeap {
  private readonly keys: number[] = [];
  private readonly weights: number[] = [];

  get size(): number {
    return this.keys.length;
  }

  push(key: number, weight: number): void {
    this.keys.push(key);
    this.weights.push(weight);
    let at = this.keys.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(at, parent)) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  top(): number {
    return this.keys[0] as number;
  }

  pop(): void {
    const lastKey = this.keys.pop() as number;
    const lastWeight = this.weights.pop() as number;
    if (this.keys.length === 0) return;
    this.keys[0] = lastKey;
    this.weights[0] = lastWeight;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      let best = at;
      if (left < this.keys.length && this.before(left, best)) best = left;
      if (left + 1 < this.keys.length && this.before(left + 1, best)) best = left + 1;
      if (best === at) return;
      this.swap(at, best);
      at = best;
    }
  }

  private before(i: number, j: number): boolean {
    const wi = this.weights[i] as number;
    const wj = this.weights[j] as number;
    return wi > wj || (wi === wj && (this.keys[i] as number) < (this.keys[j] as number));
  }

  private swap(i: number, j: number): void {
    [this.keys[i], this.keys[j]] = [this.keys[j] as number, this.keys[i] as number];
    [this.weights[i], this.weights[j]] = [this.weights[j] as number, this.weights[i] as number];
  }
}

/**
 * Counts of keys, and the key with the highest count. Counts change by ±1 all the time, so keys are kept in heaps by
 * count with lazy deletion: an entry is believed only if the key still has that count. Ties go to the highest weight,
 * then to the lowest key, so the order does not depend on history.
 */
export class BucketQueue {
  private readonly counts = new Map<number, number>();
  private readonly retired = new Set<number>();
  private readonly buckets: (KeyHeap | undefined)[] = [];
  private readonly weightOf: (key: number) => number;

  constructor(weightOf: (key: number) => number) {
    this.weightOf = weightOf;
  }

  change(key: number, by: 1 | -1): void {
    const count = (this.counts.get(key) ?? 0) + by;
    if (count <= 0) {
      this.counts.delete(key);
      return;
    }
    this.counts.set(key, count);
    if (count < 2 || this.retired.has(key)) return;
    (this.buckets[count] ??= new KeyHeap()).push(key, this.weightOf(key));
  }

  /** Never offered again. */
  retire(key: number): void {
    this.retired.add(key);
  }

  /** The best key with a count of at least 2. */
  popBest(): number | undefined {
    for (let count = this.buckets.length - 1; count >= 2; count--) {
      const heap = this.buckets[count];
      while (heap !== undefined && heap.size > 0) {
        const key = heap.top();
        heap.pop();
        if (this.counts.get(key) === count && !this.retired.has(key)) return key;
      }
      this.buckets.length = count;
    }
    return undefined;
  }
}
