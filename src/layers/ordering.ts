import type { CircuitBuilder } from '../circuit/builder.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Groups } from './indexing.js';
import { normalAxis, reductionGroups } from './indexing.js';
import { maximum, minimum } from './arithmetic.js';

/** The lines of a tensor along one axis: flat indices, one row a line. */
export function linesOf(shape: readonly number[], axis: number): Groups {
  return reductionGroups(shape, [normalAxis(axis, shape.length) as number], true);
}

/** The problem with an axis along which one event is ordered, if any. */
export function axisProblem(shape: readonly number[], axis: number): string | undefined {
  const at = normalAxis(axis, shape.length);
  return at === undefined || at === 0 ? `axis ${axis} is no axis of one event in [${shape.join(', ')}]` : undefined;
}

/**
 * Batcher's odd-even merge sort of n values as pairs to be exchanged, in order; the smaller value goes to the first
 * (Knuth, The Art of Computer Programming 5.2.2, algorithm M). About n · log²(n) / 4 exchanges.
 */
export function sortingNetwork(n: number): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  const top = n < 2 ? 0 : 2 ** (Math.ceil(Math.log2(n)) - 1);
  for (let p = top; p >= 1; p /= 2) {
    let q = top;
    let r = 0;
    for (let d = p; d > 0; d = q - p, q /= 2, r = p) {
      for (let i = 0; i + d < n; i++) if ((i & p) === r) pairs.push([i, i + d]);
      if (q === p) break;
    }
  }
  return pairs;
}

/** Sorts ops by a network, ascending or descending. */
export function sortOps(builder: CircuitBuilder, ops: readonly number[], descending: boolean): number[] {
  const sorted = [...ops];
  for (const [i, j] of sortingNetwork(ops.length)) {
    const [a, b] = [sorted[i] as number, sorted[j] as number];
    const [least, most] = [minimum(builder, a, b), maximum(builder, a, b)];
    sorted[i] = descending ? most : least;
    sorted[j] = descending ? least : most;
  }
  return sorted;
}

/** Bits that hold the indices below n. */
export function indexBits(n: number): number {
  return Math.max(1, Math.ceil(Math.log2(n)));
}

/**
 * Keys that are all different and in the order of the values, ties by index: the value, and below its last bit the index
 * (wires, no logic). Of equal values the one with the lower index has the greater key if `firstIsGreater`.
 */
export function orderKeys(builder: CircuitBuilder, ops: readonly number[], firstIsGreater: boolean): { readonly keys: number[]; readonly indexOf: (key: number) => number } {
  const bits = indexBits(ops.length);
  const exp = ops.reduce((least, op) => Math.min(least, builder.intervalOf(op).exp), Infinity);
  const rank = (i: number): number => (firstIsGreater ? ops.length - 1 - i : i);
  return {
    keys: ops.map((op, i) => builder.add(op, builder.constant(rank(i)), exp - bits)),
    indexOf: (key) => {
      const low = builder.shift(builder.cast(key, fixedType(false, bits, exp)), bits - exp);
      // Never below 0: of n ranks none is above n − 1.
      return firstIsGreater ? builder.cast(builder.sub(builder.constant(ops.length - 1), low), fixedType(false, bits, bits)) : low;
    },
  };
}
