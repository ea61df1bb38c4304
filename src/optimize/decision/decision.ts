import type { Int } from '../../fixed/integer.js';

/** A decision over 0/1 operations of a circuit; equal decisions of one store are the same object. */
export type Decision = DecisionLeaf | DecisionSplit;

export interface DecisionLeaf {
  readonly kind: 'leaf';
  readonly id: number;
  readonly value: Int;
}

export interface DecisionSplit {
  readonly kind: 'split';
  readonly id: number;
  /** The op that decides. */
  readonly key: number;
  readonly whenTrue: Decision;
  readonly whenFalse: Decision;
}

/** Makes decisions by hash-consing: what looks equal is equal, within a tree and across trees. */
export class DecisionStore {
  private readonly leaves = new Map<Int, DecisionLeaf>();
  private readonly splits = new Map<string, DecisionSplit>();
  private count = 0;

  leaf(value: Int): DecisionLeaf {
    const known = this.leaves.get(value);
    if (known !== undefined) return known;
    const made: DecisionLeaf = { kind: 'leaf', id: this.count++, value };
    this.leaves.set(value, made);
    return made;
  }

  /** The decision `key ? whenTrue : whenFalse`; the key is asked for only if the branches differ. */
  split(key: () => number, whenTrue: Decision, whenFalse: Decision): Decision {
    if (whenTrue === whenFalse) return whenTrue;
    const op = key();
    const name = `${op}:${whenTrue.id}:${whenFalse.id}`;
    const known = this.splits.get(name);
    if (known !== undefined) return known;
    const made: DecisionSplit = { kind: 'split', id: this.count++, key: op, whenTrue, whenFalse };
    this.splits.set(name, made);
    return made;
  }
}
