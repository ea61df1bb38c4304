import type { CircuitBuilder } from '../circuit/builder.js';
import { dyadicOf } from '../fixed/integer.js';
import { takeCensus } from './adders/graph.js';
import type { AdderGraph } from './adders/graph.js';
import { solveAdders } from './adders/solve.js';
import type { Source } from './adders/values.js';
import { depthOf } from './depth.js';
import type { FormTracker } from './forms.js';
import type { Term } from './linear.js';
import type { ColumnTerm } from './subexpressions.js';
import { minimalDepth } from './sum.js';

/** The adder graph of larger problems is found by pairs alone: its trees and search would take longer than they bring. */
const MOST_INPUTS = 512;
const MOST_DIGITS = 40_000;
/** Forms have a number an input, and a digit is at most one adder. */
const MOST_NUMBERS = 4_000_000;
/** Float64 holds the forms that steer the search exactly below this, and nothing overflows. */
const LARGEST_EXPONENT = 200;

/**
 * Each column Σ ± input · 2^shift + offset as one term, through a graph of shared adders within the builder's depth slack;
 * undefined where the problem is too large, or out of the range in which float64 can steer it.
 */
export function sumColumns(builder: CircuitBuilder, inputs: readonly number[], columns: readonly (readonly ColumnTerm[])[], offsets: ArrayLike<number>, forms: FormTracker | undefined): (Term | undefined)[] | undefined {
  const digits = columns.reduce((sum, terms) => sum + terms.length, 0);
  if (builder.quick || inputs.length > MOST_INPUTS || digits > MOST_DIGITS || inputs.length * digits > MOST_NUMBERS) return undefined;
  const depths = inputs.map((op) => depthOf(builder, op));
  const base = Math.min(...depths);
  const sources = inputs.map((op, i) => sourceOf(builder, op, (depths[i] as number) - base));
  if (sources.some((source) => source === undefined) || columns.some((terms) => terms.some(({ shift }) => Math.abs(shift) > LARGEST_EXPONENT))) return undefined;
  const known = sources as readonly Source[];
  const magnitudes = [...new Set(Array.from(offsets, Math.abs))].filter((value) => value !== 0);
  const constants = magnitudes.map((value) => ({ value, exp: dyadicOf(value).exp }));
  if (constants.some(({ exp }) => Math.abs(exp) > LARGEST_EXPONENT)) return undefined;
  const full = columns.map((terms, j): readonly ColumnTerm[] => {
    const offset = offsets[j] as number;
    return offset === 0 ? terms : [...terms, { variable: inputs.length + magnitudes.indexOf(Math.abs(offset)), shift: 0, negative: offset < 0 }];
  });
  const depthOfVariable = (variable: number): number => known[variable]?.depth ?? 0;
  const limit = full.reduce((most, terms) => Math.max(most, minimalDepth(terms.map(({ variable }) => depthOfVariable(variable)))), 0) + builder.depthSlack;
  const graph = solveAdders({ sources: known, constants, columns: full, limit, ternary: builder.search.ternary === true }, builder.search);
  const ops = [...inputs];
  for (const value of magnitudes) {
    const op = builder.constantOf(value);
    forms?.constant(op, value);
    ops.push(op);
  }
  return layOut(builder, graph, ops, forms);
}

function sourceOf(builder: CircuitBuilder, op: number, depth: number): Source | undefined {
  const { lo, hi, exp } = builder.intervalOf(op);
  return typeof lo === 'number' && typeof hi === 'number' && Math.abs(exp) <= LARGEST_EXPONENT ? { lo, hi, exp, depth } : undefined;
}

/** Adds the graph's adders to the builder; `ops` are those of its sources and constants. */
function layOut(builder: CircuitBuilder, graph: AdderGraph, ops: readonly number[], forms: FormTracker | undefined): (Term | undefined)[] {
  const { order, negated } = takeCensus(graph);
  const made = new Map<number, Term>(ops.map((op, node) => [node, { op, shift: 0, negative: false }]));
  const termOf = ({ node, shift, negative }: { readonly node: number; readonly shift: number; readonly negative: boolean }): Term => {
    const own = made.get(node) as Term;
    return { op: own.op, shift: own.shift + shift, negative: own.negative !== negative };
  };
  for (const node of order) {
    const { left, right } = graph.sums[node] as NonNullable<AdderGraph['sums'][number]>;
    made.set(node, addTerms(builder, termOf(left), termOf(right), negated[node] === 1, forms));
  }
  return graph.roots.map((root) => (root === undefined ? undefined : termOf(root)));
}

/** x + y as one adder; of two signs, `negated` asks for the op of −(x + y). */
function addTerms(builder: CircuitBuilder, x: Term, y: Term, negated: boolean, forms: FormTracker | undefined): Term {
  const isSum = x.negative === y.negative;
  const [a, b] = isSum || x.negative === negated ? [x, y] : [y, x];
  const right = { op: b.op, shift: b.shift - a.shift, negative: !isSum };
  const op = isSum ? builder.add(a.op, b.op, right.shift) : builder.sub(a.op, b.op, right.shift);
  forms?.combine(op, { op: a.op, shift: 0, negative: false }, right);
  return { op, shift: a.shift, negative: isSum ? x.negative : negated };
}
