import type { Tree } from '../../layers/forest.js';

/** Grows the arrays of one tree node by node; the first is the root. */
export class TreeArrays {
  private readonly feature: number[] = [];
  private readonly value: number[] = [];
  private readonly whenTrue: number[] = [];
  private readonly whenFalse: number[] = [];
  private readonly missingTrue: boolean[] = [];
  private readonly edges: (readonly number[] | null)[] = [];

  /** Nodes so far. */
  get size(): number {
    return this.feature.length;
  }

  leaf(value: number): number {
    return this.node(-1, value, false);
  }

  /** A node whose children come later; with `edges`, its condition is theirs and the threshold is not used. */
  node(feature: number, threshold: number, missingTrue: boolean, edges: readonly number[] | null = null): number {
    this.feature.push(feature);
    this.value.push(threshold + 0);
    this.whenTrue.push(-1);
    this.whenFalse.push(-1);
    this.missingTrue.push(missingTrue);
    return this.edges.push(edges) - 1;
  }

  setChildren(node: number, whenTrue: number, whenFalse: number): void {
    this.whenTrue[node] = whenTrue;
    this.whenFalse[node] = whenFalse;
  }

  build(output: number): Tree {
    const { feature, value, whenTrue, whenFalse, missingTrue, edges } = this;
    return { output, feature, value, whenTrue, whenFalse, missingTrue, ...(edges.some((bounds) => bounds !== null) ? { edges } : {}) };
  }
}
