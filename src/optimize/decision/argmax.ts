import type { CircuitBuilder } from '../../circuit/builder.js';

interface Candidate {
  readonly value: number;
  /** The op of its index. */
  readonly index: number;
}

/**
 * The index of the greatest value, the first of equal ones (`argmin`: of the least): a tournament of neighbours. A match is
 * one carry chain of two bits a LUT and a choice; ten comparisons side by side would cost twice as much for five values.
 */
export function indexOfGreatest(builder: CircuitBuilder, values: readonly number[], options: { readonly least?: boolean; readonly last?: boolean } = {}): number {
  let round: readonly Candidate[] = values.map((value, i) => ({ value, index: builder.constant(i) }));
  while (round.length > 1) {
    const next: Candidate[] = [];
    for (let i = 0; i < round.length; i += 2) {
      const first = round[i] as Candidate;
      const second = round[i + 1];
      next.push(second === undefined ? first : winner(builder, first, second, options));
    }
    round = next;
  }
  return (round[0] as Candidate).index;
}

/** The earlier candidate wins a draw, or the later one with `last`. */
function winner(builder: CircuitBuilder, first: Candidate, second: Candidate, { least = false, last = false }: { readonly least?: boolean; readonly last?: boolean }): Candidate {
  const [low, high] = least ? [second.value, first.value] : [first.value, second.value];
  // first < second (strictly), or with `last` not (second < first).
  const secondWins = last ? builder.lt(high, low) : builder.lt(low, high);
  const choose = (whenSecond: number, whenFirst: number): number => (last ? builder.mux(secondWins, whenFirst, whenSecond) : builder.mux(secondWins, whenSecond, whenFirst));
  return { value: choose(second.value, first.value), index: choose(second.index, first.index) };
}
