import type { ColumnTerm } from '../subexpressions.js';
import { extractPairs } from '../subexpressions.js';
import type { AdderGraph } from './graph.js';
import { takeCensus } from './graph.js';
import type { Site } from './rebuild.js';
import { depthOfSum, rebuildAlone } from './rebuild.js';
import { reorder } from './reorder.js';
import { improve } from './search.js';
import type { Constant, Reference, Source } from './values.js';
import { Values } from './values.js';

/** Columns as signed digits of sources; variables from `sources.length` on are the constants. */
export interface AdderProblem {
  readonly sources: readonly Source[];
  readonly constants: readonly Constant[];
  readonly columns: readonly (readonly ColumnTerm[])[];
  /** Adder levels that every column should keep to, those before the sources included. */
  readonly limit: number;
  /** Whether adders of three operands will be made of two. */
  readonly ternary?: boolean;
}

/** How long a problem is searched; the result depends on nothing else. */
export interface SearchBudget {
  /** Greedy solutions that are tried, the cheapest is kept. */
  readonly starts: number;
  /** Attempts of the local search behind it, for each adder. */
  readonly attempts: number;
  /** Most attempts times adders: an attempt looks at all of them. */
  readonly work?: number;
}

/** Attempts an adder, below which there is no search. */
const FEWEST_ATTEMPTS = 0.02;

/** A graph of adders for all columns: shared pairs, trees in the order of their tops, then a local search. */
export function solveAdders(problem: AdderProblem, { starts, attempts, work = Infinity }: SearchBudget): AdderGraph {
  let best = solveGreedily(problem, 0);
  for (let start = 1; start < starts; start++) {
    const other = solveGreedily(problem, start);
    if (takeCensus(other).cost < takeCensus(best).cost) best = other;
  }
  const adders = takeCensus(best).order.length;
  const most = Math.min(attempts * adders, work / Math.max(1, adders));
  // A few attempts on a large graph find nothing.
  if (most >= FEWEST_ATTEMPTS * adders) improve(best, problem.limit, Math.ceil(most));
  return best;
}

/** Start 0 prefers pairs of near shifts among equally frequent ones; others are shaken. */
function solveGreedily({ sources, constants, columns, limit, ternary }: AdderProblem, start: number): AdderGraph {
  const values = new Values(sources, constants);
  const sourceDepths = [...sources.map(({ depth }) => depth), ...constants.map(() => 0)];
  const graph: AdderGraph = { values, ...(ternary === undefined ? {} : { ternary }), sourceDepths, sums: sourceDepths.map(() => undefined), roots: [] };
  const widthOf = (variable: number): number => (values.top[variable] ?? 0) - (values.low[variable] ?? 0);
  const { definitions, columns: rest } = extractPairs(sourceDepths, columns, limit, (left, right, shift) =>
    -Math.abs(shift) - 0.01 * Math.abs(widthOf(left) - widthOf(right)) + (start === 0 ? 0 : noiseOf(left, right, shift, start)));
  const depth = [...sourceDepths];
  const site: Site = { graph, depth, noise: 0, treeNoise: 0, tabu: undefined, random: () => 0, find: () => undefined };
  // Variables are numbered as nodes are: sources, constants, definitions.
  const referTo = ({ variable, shift, negative }: ColumnTerm): Reference => ({ node: variable, shift, negative });
  for (const { left, right, shift, negative } of definitions) {
    const x = referTo({ variable: left, shift: 0, negative: false });
    const y = referTo({ variable: right, shift, negative });
    const node = values.combine(x, y);
    graph.sums[node] = { left: x, right: y };
    depth[node] = depthOfSum(site, x, y);
  }
  for (const terms of rest) graph.roots.push(rebuildAlone(site, { terms: terms.map(referTo), limit }));
  for (let sweep = 0; sweep < 2; sweep++) reorder(graph, limit);
  return graph;
}

/** A number in [0, 1) that depends on its arguments only. */
function noiseOf(left: number, right: number, shift: number, seed: number): number {
  let h = Math.imul(left + 1, 0x9e3779b1) ^ Math.imul(right + 1, 0x85ebca6b) ^ Math.imul(shift + 300, 0xc2b2ae35) ^ Math.imul(seed, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}
