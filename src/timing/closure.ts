/** Capacity that no flow reaches: more than all weights together. */
const UNBOUNDED = 2 ** 30;

/**
 * The heaviest closed set: of nodes with weights of either sign, those to take so that with each node everything that it
 * requires is taken too, and the sum of weights is largest. Picard 1976: the source side of a minimum cut, found here by
 * Dinic's maximum flow, which goes on where it stopped when requirements are added.
 */
export class ClosureProblem {
  private readonly source: number;
  private readonly sink: number;
  private readonly head: Int32Array;
  private next = new Int32Array(64);
  private to = new Int32Array(64);
  private room = new Int32Array(64);
  private arcs = 0;
  private readonly level: Int32Array;
  private readonly queue: Int32Array;
  private readonly current: Int32Array;
  /** Sum of the positive weights. */
  private readonly most: number;
  private flow = 0;

  /** `weights` are integers; the sum of their sizes is below 2^30. */
  constructor(weights: Int32Array) {
    const n = weights.length;
    this.source = n;
    this.sink = n + 1;
    this.head = new Int32Array(n + 2).fill(-1);
    this.level = new Int32Array(n + 2);
    this.queue = new Int32Array(n + 2);
    this.current = new Int32Array(n + 2);
    let most = 0;
    for (let node = 0; node < n; node++) {
      const weight = weights[node] as number;
      if (weight > 0) this.addArc(this.source, node, weight);
      else if (weight < 0) this.addArc(node, this.sink, -weight);
      most += Math.max(0, weight);
    }
    this.most = most;
  }

  /** Taking `node` takes `needed` too. */
  require(node: number, needed: number): void {
    this.addArc(node, needed, UNBOUNDED);
  }

  /** The smallest heaviest closed set, as 1 for each node taken, and its weight. */
  solve(): { readonly taken: Uint8Array; readonly weight: number } {
    while (this.findLevels()) {
      this.current.set(this.head);
      this.flow += this.pushAll();
    }
    const taken = new Uint8Array(this.source);
    for (let node = 0; node < this.source; node++) taken[node] = (this.level[node] as number) >= 0 ? 1 : 0;
    return { taken, weight: this.most - this.flow };
  }

  private addArc(from: number, to: number, room: number): void {
    if (this.arcs + 2 > this.to.length) {
      this.next = doubled(this.next);
      this.to = doubled(this.to);
      this.room = doubled(this.room);
    }
    this.addHalf(from, to, room);
    this.addHalf(to, from, 0);
  }

  private addHalf(from: number, to: number, room: number): void {
    this.to[this.arcs] = to;
    this.room[this.arcs] = room;
    this.next[this.arcs] = this.head[from] as number;
    this.head[from] = this.arcs++;
  }

  /** Breadth-first distances from the source over arcs with room; whether the sink is reached. */
  private findLevels(): boolean {
    const { level, queue, head, next, to, room } = this;
    level.fill(-1);
    level[this.source] = 0;
    queue[0] = this.source;
    let end = 1;
    for (let k = 0; k < end; k++) {
      const node = queue[k] as number;
      for (let arc = head[node] as number; arc >= 0; arc = next[arc] as number) {
        const other = to[arc] as number;
        if (room[arc] === 0 || level[other] !== -1) continue;
        level[other] = (level[node] as number) + 1;
        queue[end++] = other;
      }
    }
    return level[this.sink] !== -1;
  }

  /** A blocking flow along levels, path by path, each from where the last one was full. */
  private pushAll(): number {
    const { level, current, next, to, room } = this;
    const path: number[] = [];
    let total = 0;
    for (let node = this.source; ; ) {
      if (node === this.sink) {
        let least = UNBOUNDED;
        for (const arc of path) least = Math.min(least, room[arc] as number);
        total += least;
        let full = path.length;
        for (let k = path.length - 1; k >= 0; k--) {
          const arc = path[k] as number;
          room[arc]! -= least;
          room[arc ^ 1]! += least;
          if (room[arc] === 0) full = k;
        }
        node = to[(path[full] as number) ^ 1] as number;
        path.length = full;
        continue;
      }
      let arc = current[node] as number;
      while (arc >= 0 && (room[arc] === 0 || level[to[arc] as number] !== (level[node] as number) + 1)) arc = next[arc] as number;
      current[node] = arc;
      if (arc >= 0) {
        path.push(arc);
        node = to[arc] as number;
        continue;
      }
      // Nothing leads on from here.
      const back = path.pop();
      if (back === undefined) return total;
      node = to[back ^ 1] as number;
      current[node] = next[current[node] as number] as number;
    }
  }
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}
