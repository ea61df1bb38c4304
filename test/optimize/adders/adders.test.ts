import { describe, expect, it } from 'vitest';
import type { AdderGraph, Census } from '../../../src/optimize/adders/graph.js';
import { compact, takeCensus } from '../../../src/optimize/adders/graph.js';
import { differenceCost, pairCost, sumCost } from '../../../src/optimize/adders/price.js';
import { improve } from '../../../src/optimize/adders/search.js';
import { solveAdders } from '../../../src/optimize/adders/solve.js';
import { joiningSaves } from '../../../src/optimize/adders/ternary.js';
import type { Reference } from '../../../src/optimize/adders/values.js';
import { Values } from '../../../src/optimize/adders/values.js';
import { digitCount, digitsOf } from '../../../src/fixed/signedDigits.js';
import type { ColumnTerm } from '../../../src/optimize/subexpressions.js';
import { minimalDepth } from '../../../src/optimize/sum.js';
import { Random } from '../../helpers/random.js';

interface Case {
  readonly weights: readonly (readonly number[])[];
  readonly offsets: readonly number[];
  readonly slack: number;
}

function randomCase(seed: number, nIn: number, nOut: number, slack: number): Case {
  const random = new Random(seed);
  const fraction = random.int(0, 3);
  const weights = Array.from({ length: nOut }, () => Array.from({ length: nIn }, () => (random.chance(0.2) ? 0 : random.int(-127, 127) * 2 ** -fraction)));
  return { weights, offsets: weights.map(() => (random.chance(0.5) ? 0 : random.int(-9, 9))), slack };
}

function solve({ weights, offsets, slack }: Case, attempts: number, starts = 1, ternary = false, work = Infinity) {
  const nIn = weights[0]!.length;
  const sources = weights[0]!.map((_, i) => ({ lo: i % 2 === 0 ? -128 : 0, hi: 127, exp: 0, depth: i % 3 === 0 ? 0.5 : 0 }));
  const magnitudes = [...new Set(offsets.map(Math.abs))].filter((value) => value !== 0);
  const columns = weights.map((row, j): ColumnTerm[] => [
    ...row.flatMap((w, i) => digitsOf(w).map((digit) => ({ variable: i, ...digit }))),
    ...(offsets[j] === 0 ? [] : [{ variable: nIn + magnitudes.indexOf(Math.abs(offsets[j]!)), shift: 0, negative: offsets[j]! < 0 }]),
  ]);
  const limit = slack + Math.max(...columns.map((terms) => minimalDepth(terms.map(({ variable }) => sources[variable]?.depth ?? 0))));
  const graph = solveAdders({ sources, constants: magnitudes.map((value) => ({ value, exp: 0 })), columns, limit, ternary }, { starts, attempts, work });
  return { graph, limit, magnitudes };
}

/** LUTs of one adder that is joined to none. */
function costOfNode(graph: AdderGraph, { negated }: Census, node: number): number {
  const { left, right } = graph.sums[node]!;
  const top = graph.values.top[node]!;
  const isNegative = (part: Reference): boolean => part.negative !== (negated[part.node] === 1);
  if (isNegative(left) === isNegative(right)) return sumCost(graph.values, left, right, top);
  const [minuend, subtrahend] = isNegative(left) === (negated[node] === 1) ? [left, right] : [right, left];
  return differenceCost(graph.values, minuend, subtrahend, top);
}

/** Every root as coefficients of inputs and an offset, from the sums alone. */
function formsOf(graph: AdderGraph, nIn: number, magnitudes: readonly number[]): number[][] {
  const known = new Map<number, number[]>();
  const form = (node: number): number[] => {
    const sum = graph.sums[node];
    const own = known.get(node) ?? (sum === undefined ? leaf(node) : add(scaled(sum.left), scaled(sum.right)));
    known.set(node, own);
    return own;
  };
  const leaf = (node: number): number[] => Array.from({ length: nIn + 1 }, (_, i) => (node < nIn ? Number(i === node) : i === nIn ? magnitudes[node - nIn]! : 0));
  const scaled = ({ node, shift, negative }: Reference): number[] => form(node).map((c) => c * 2 ** shift * (negative ? -1 : 1));
  const add = (x: number[], y: number[]): number[] => x.map((c, i) => c + y[i]!);
  return graph.roots.map((root) => (root === undefined ? new Array<number>(nIn + 1).fill(0) : scaled(root)).map((c) => c + 0));
}

describe('adder graphs', () => {
  it.each([[1, 4, 3, 0], [2, 9, 7, 1], [3, 16, 5, 3], [4, 1, 12, 2], [5, 12, 12, 2], [6, 2, 2, 0]])('seed %d, %d × %d, slack %d: every output is its linear form, within the limit, before and after the search', (seed, nIn, nOut, slack) => {
    const given = randomCase(seed, nIn, nOut, slack);
    for (const attempts of [0, 4]) {
      const { graph, limit, magnitudes } = solve(given, attempts);
      expect(formsOf(graph, nIn, magnitudes).map((form) => form.map((c) => c + 0))).toEqual(given.weights.map((row, j) => [...row, given.offsets[j]!].map((c) => c + 0)));
      // An output whose terms are all subtracted needs one adder more.
      expect(takeCensus(graph).deepest).toBeLessThanOrEqual(limit + 1);
    }
  });

  it('columns that are each other, shifted or negated, end up as one', () => {
    const row = [23, -45, 7, 0, 99, -12];
    const given = { weights: [row, row.map((w) => -w), row.map((w) => 4 * w), row.map((w) => w * -0.5)], offsets: [0, 0, 0, 0], slack: 3 };
    const { graph } = solve(given, 25);
    expect(formsOf(graph, 6, []).map((form) => form.map((c) => c + 0))).toEqual(given.weights.map((weights) => [...weights, 0].map((c) => c + 0)));
    expect(new Set(graph.roots.map((root) => root?.node)).size).toBe(1);
  });

  it('a sum that is there with the other sign is found', () => {
    const sources = [0, 1, 2].map(() => ({ lo: -128, hi: 127, exp: 0, depth: 0 }));
    const values = new Values(sources, []);
    const plus = (node: number, shift = 0): Reference => ({ node, shift, negative: false });
    const minus = (node: number, shift = 0): Reference => ({ node, shift, negative: true });
    const graph: AdderGraph = { values, sourceDepths: [0, 0, 0], sums: [undefined, undefined, undefined], roots: [] };
    const sum = (left: Reference, right: Reference): number => {
      const node = values.combine(left, right);
      graph.sums[node] = { left, right };
      return node;
    };
    const first = sum(plus(0), minus(1, 1));
    const second = sum(plus(1, 3), minus(0, 2));
    graph.roots.push(plus(first), plus(sum(plus(second, 1), plus(2))));
    const before = formsOf(graph, 3, []);
    improve(graph, 3, 60);
    expect(formsOf(graph, 3, [])).toEqual(before);
    expect(takeCensus(graph).order).toHaveLength(2);
  });

  it('the search makes them smaller, the same way each time', () => {
    const given = randomCase(11, 10, 10, 3);
    const greedy = takeCensus(solve(given, 0).graph).cost;
    const searched = solve(given, 6).graph;
    expect(takeCensus(searched).cost).toBeLessThan(0.99 * greedy);
    expect(solve(given, 6).graph.sums).toEqual(searched.sums);
    expect(takeCensus(solve(given, 0, 4).graph).cost).toBeLessThanOrEqual(greedy);
    // The work allowed is for the whole matrix: none is no search, some is less of it.
    expect(solve(given, 6, 1, false, 0).graph.sums).toEqual(solve(given, 0).graph.sums);
    const some = takeCensus(solve(given, 6, 1, false, 3000).graph).cost;
    expect([some < greedy, some > takeCensus(searched).cost]).toEqual([true, true]);
  });

  it('of three operands: no choice of what joins what saves more, and a search that counts them finds a cheaper graph', () => {
    for (const seed of [31, 32, 33, 34, 35, 36]) {
      const { graph } = solve(randomCase(seed, 4, 2, 2), 1);
      const apart = takeCensus(graph);
      const isRoot = new Set(graph.roots.map((root) => root?.node));
      const pairs = apart.order.flatMap((node) => [graph.sums[node]!.left.node, graph.sums[node]!.right.node].map((part) => [part, node] as const))
        .filter(([part]) => graph.sums[part] !== undefined && apart.uses[part] === 1 && !isRoot.has(part));
      // The saving of one pair alone: that of the graph in which no other adder is known to be read once.
      const costs = Float64Array.from(apart.live, (_, node) => (graph.sums[node] === undefined ? 0 : costOfNode(graph, apart, node)));
      const saves = (own: readonly number[]): number => joiningSaves({ values: graph.values, sums: graph.sums, order: apart.order, costs, negated: apart.negated, isInner: (node) => own.includes(node) });
      let most = 0;
      for (let choice = 0; choice < 2 ** pairs.length; choice++) {
        const chosen = pairs.filter((_, k) => ((choice >> k) & 1) === 1);
        const nodes = chosen.flat();
        if (new Set(nodes).size === nodes.length) most = Math.max(most, chosen.reduce((sum, [part]) => sum + saves([part]), 0));
      }
      expect(takeCensus({ ...graph, ternary: true }).cost).toBeCloseTo(apart.cost - most, 6);
      expect(most).toBeGreaterThan(0);
    }
    const given = randomCase(13, 8, 8, 2);
    const cost = (ternary: boolean): number => takeCensus({ ...solve(given, 6, 1, ternary).graph, ternary: true }).cost;
    expect(cost(true)).toBeLessThan(cost(false));
  });

  it('keep values and cost when nodes that nobody needs are dropped', () => {
    const given = randomCase(12, 8, 6, 2);
    const { graph, magnitudes } = solve(given, 3);
    const before = { cost: takeCensus(graph).cost, forms: formsOf(graph, 8, magnitudes) };
    compact(graph, takeCensus(graph));
    expect(takeCensus(graph).cost).toBeCloseTo(before.cost, 9);
    expect(formsOf(graph, 8, magnitudes)).toEqual(before.forms);
    expect(graph.sums.length).toBe(8 + magnitudes.length + takeCensus(graph).order.length);
  });

  it('vanish where all weights are 0', () => {
    const { graph } = solve({ weights: [[0, 0], [4, 0]], offsets: [0, 0], slack: 0 }, 2);
    expect(graph.roots).toEqual([undefined, { node: 0, shift: 2, negative: false }]);
  });
});

describe('prices of adders', () => {
  const values = new Values([{ lo: -128, hi: 127, exp: 0, depth: 0 }, { lo: 0, hi: 15, exp: 0, depth: 0 }], []);
  const x = (shift: number, negative = false): Reference => ({ node: 0, shift, negative });
  const y = (shift: number, negative = false): Reference => ({ node: 1, shift, negative });

  it.each([
    ['equal shifts: the 8 bits of both, the top is carry', sumCost(values, x(0), x(0), 9), 8.15],
    ['from where the higher one begins', sumCost(values, x(0), x(3), 12), 8.15],
    ['what begins above all bits of a value that is never negative is wires', sumCost(values, x(4), y(0), 12), 0],
    ['a value that is never negative ends', sumCost(values, x(0), y(0), 9), 4 + 5 * 0.15],
    ['a difference begins with the subtrahend', differenceCost(values, x(0), x(3), 12), 8.15],
    ['… even below the minuend', differenceCost(values, x(3), x(0), 12), 11.15],
    ['of a pair of unlike signs the cheaper difference', pairCost(values, x(3), x(0, true)), 8.15],
  ])('%s', (_, price, expected) => {
    expect(price).toBeCloseTo(expected, 9);
  });
});

it('digits are counted as they are made', () => {
  for (const value of [0, 1, 3, -5, 7, 0.375, 1023, -1365, 2 ** 28 - 1, 2 ** 40]) expect(digitCount(value)).toBe(digitsOf(value).length);
});
