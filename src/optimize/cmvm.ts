import type { CircuitBuilder } from '../circuit/builder.js';
import type { Int } from '../fixed/integer.js';
import { dyadicOf, neg, shift, toNumber, trailingZeros } from '../fixed/integer.js';
import { intervalWidth } from '../fixed/interval.js';
import type { MatrixProblem } from './composition.js';
import { sumColumns } from './columns.js';
import { compose, rememberOutputs } from './composition.js';
import { digitsOf } from '../fixed/signedDigits.js';
import { depthOf } from './depth.js';
import type { LinearOptimizer, Term } from './linear.js';
import { divideFloor } from './divide.js';
import { FormTracker } from './forms.js';
import { multiplyVariables, sumProducts } from './multiply.js';
import { solveOnce } from './replay.js';
import type { ColumnTerm, Definition } from './subexpressions.js';
import { extractPairs } from './subexpressions.js';
import { minimalDepth, sumTree } from './sum.js';

/**
 * Constant matrix-vector products as shift-add graphs: canonical signed digits, shared two-term subexpressions, sums
 * ordered by arrival time and width. Everything is exact; only the number and depth of adders is a matter of choice
 * (the builder's `depthSlack`).
 */
export const linear: LinearOptimizer = { multiplyMatrix, multiplyConstants, sumTerms, multiplyVariables: multiply, sumProducts: multiplyPairs, divideFloor: divide };

/**
 * Where inputs are themselves outputs of a matrix with no quantiser between, the product of both matrices is tried too:
 * with no slack for depth the shallower wins, else the smaller if it is no deeper.
 */
function multiplyMatrix(builder: CircuitBuilder, inputs: ArrayLike<number>, weight: ArrayLike<number>, nOut: number, bias?: ArrayLike<number>): Int32Array {
  const problem: MatrixProblem = {
    inputs: Array.from(inputs), weight: Float64Array.from(weight), nOut,
    bias: Float64Array.from({ length: nOut }, (_, j) => bias?.[j] ?? 0),
  };
  const composed = builder.quick ? undefined : compose(builder, problem);
  const start = builder.size;
  let result = composed === undefined ? solveOnce(builder, problem, () => solveMatrix(builder, problem)) : solveMatrix(builder, problem);
  if (composed !== undefined) {
    const middle = builder.size;
    const other = solveMatrix(builder, composed);
    const deeper = deepest(builder, other) - deepest(builder, result);
    const isBetter = builder.depthSlack === 0 ? deeper < 0 : deeper <= 0 && builder.size - middle < middle - start;
    if (isBetter) result = other;
  }
  rememberOutputs(builder, composed ?? problem, result);
  return result;
}

function deepest(builder: CircuitBuilder, ops: Int32Array): number {
  return ops.reduce((most, op) => Math.max(most, depthOf(builder, op)), 0);
}

function solveMatrix(builder: CircuitBuilder, { inputs, weight, nOut, bias }: MatrixProblem): Int32Array {
  const columns: { digits: ColumnTerm[]; factor: number }[] = [];
  for (let j = 0; j < nOut; j++) columns.push(columnOf(inputs.length, (i) => weight[i * nOut + j] as number));
  const digits = columns.map((column) => column.digits);
  const forms = trackerOf(builder, inputs, digits, bias);
  const offsets = columns.map(({ factor }, j) => (factor === 1 ? (bias[j] as number) : 0));
  const reduced = columnTerms(builder, inputs, digits, offsets, forms);
  const result = new Int32Array(nOut);
  for (let j = 0; j < nOut; j++) {
    const factor = (columns[j] as { factor: number }).factor;
    const offset = bias[j] as number;
    const terms = reduced[j] as Term[];
    if (factor === 1) {
      result[j] = sumTree(builder, terms, builder.depthSlack, forms);
    } else {
      const product = multiplyConstants(builder, sumTree(builder, terms, builder.depthSlack, forms), [factor])[0] as number;
      result[j] = offset === 0 ? product : builder.add(product, builder.constantOf(offset));
    }
  }
  return result;
}

function multiplyConstants(builder: CircuitBuilder, x: number, constants: ArrayLike<number>): Int32Array {
  const columns = Array.from(constants, (constant) => digitsOf(constant).map((digit) => ({ variable: 0, ...digit })));
  const forms = trackerOf(builder, [x], columns);
  return Int32Array.from(columnTerms(builder, [x], columns, columns.map(() => 0), forms), (terms) => sumTree(builder, terms, builder.depthSlack, forms));
}

function sumTerms(builder: CircuitBuilder, terms: readonly Term[]): number {
  return sumTree(builder, terms, builder.depthSlack);
}

function multiply(builder: CircuitBuilder, x: number, y: number): number {
  return multiplyVariables(builder, x, y, sumTerms);
}

function multiplyPairs(builder: CircuitBuilder, pairs: readonly (readonly [number, number])[]): number {
  return sumProducts(builder, pairs, sumTerms);
}

function divide(builder: CircuitBuilder, x: number, divisor: number, exp: number): number {
  return divideFloor(builder, x, divisor, exp, multiplyConstants);
}

/** Beyond this many inputs, forms cost more than they bring. */
const TRACKED_INPUTS = 512;

function trackerOf(builder: CircuitBuilder, inputs: readonly number[], columns: readonly (readonly ColumnTerm[])[], offsets?: ArrayLike<number>): FormTracker | undefined {
  if (inputs.length > TRACKED_INPUTS) return undefined;
  let least = Infinity;
  let most = -Infinity;
  for (const column of columns) {
    for (const term of column) {
      least = Math.min(least, term.shift);
      most = Math.max(most, term.shift);
    }
  }
  return least > most || builder.quick ? undefined : new FormTracker(builder, inputs, Math.min(least, least - most), Array.from(offsets ?? []));
}

/**
 * Signed digits of a column. Where all weights share an odd factor m (a float scale of the quantiser) that costs fewer
 * digits when applied once to the sum, the column is divided by it.
 */
function columnOf(nIn: number, weightAt: (i: number) => number): { digits: ColumnTerm[]; factor: number } {
  const digits: ColumnTerm[] = [];
  const dyadics: { n: Int; exp: number }[] = [];
  let largest = 0;
  for (let i = 0; i < nIn; i++) {
    const value = weightAt(i);
    for (const digit of digitsOf(value)) digits.push({ variable: i, ...digit });
    const dyadic = dyadicOf(value);
    dyadics.push(dyadic);
    largest = Math.max(largest, Math.abs(Number(dyadic.n)));
  }
  if (largest < 8) return { digits, factor: 1 };
  const gcd = oddGcd(dyadics.map((dyadic) => dyadic.n));
  if (gcd <= 1n) return { digits, factor: 1 };
  const divided: ColumnTerm[] = [];
  dyadics.forEach(({ n, exp }, i) => {
    if (n === 0) return;
    const quotient = BigInt(n) / gcd;
    for (const digit of digitsOf(toNumber(shift(quotient, 0), exp))) divided.push({ variable: i, ...digit });
  });
  const factor = Number(gcd);
  return divided.length + digitsOf(factor).length - 1 < digits.length ? { digits: divided, factor } : { digits, factor: 1 };
}

/** The terms of each column, offset included, with what columns share computed once: one term where all of the sum is shared. */
function columnTerms(builder: CircuitBuilder, inputs: readonly number[], columns: readonly (readonly ColumnTerm[])[], offsets: readonly number[], forms: FormTracker | undefined): Term[][] {
  const whole = sumColumns(builder, inputs, columns, offsets, forms);
  if (whole !== undefined) return whole.map((term) => (term === undefined ? [] : [term]));
  const reduced = reduceColumns(builder, inputs, columns, forms);
  offsets.forEach((offset, j) => {
    if (offset === 0) return;
    const op = builder.constantOf(offset);
    forms?.constant(op, offset);
    (reduced[j] as Term[]).push({ op, shift: 0, negative: false });
  });
  return reduced;
}

/** At most this many pairs of digits are looked at together: larger matrices are cut into bands of inputs. */
const PAIRS_AT_ONCE = 3_000_000;

/** Shares subexpressions and gives each column's remaining terms. */
function reduceColumns(builder: CircuitBuilder, inputs: readonly number[], columns: readonly (readonly ColumnTerm[])[], forms: FormTracker | undefined): Term[][] {
  const result: Term[][] = columns.map(() => []);
  for (const [from, to] of bandsOf(inputs.length, columns)) {
    const band = columns.map((column) => column.filter((term) => term.variable >= from && term.variable < to).map((term) => ({ ...term, variable: term.variable - from })));
    const terms = reduceBand(builder, inputs.slice(from, to), band, forms);
    terms.forEach((list, j) => (result[j] as Term[]).push(...list));
  }
  return result;
}

function bandsOf(nIn: number, columns: readonly (readonly ColumnTerm[])[]): [number, number][] {
  let pairs = 0;
  for (const column of columns) pairs += (column.length * column.length) / 2;
  const count = Math.min(nIn, Math.max(1, Math.ceil(pairs / PAIRS_AT_ONCE)));
  const bands: [number, number][] = [];
  for (let k = 0; k < count; k++) bands.push([Math.floor((nIn * k) / count), Math.floor((nIn * (k + 1)) / count)]);
  return bands;
}

function reduceBand(builder: CircuitBuilder, inputs: readonly number[], columns: readonly (readonly ColumnTerm[])[], forms: FormTracker | undefined): Term[][] {
  if (builder.quick) return columns.map((terms) => terms.map((term) => ({ op: inputs[term.variable] as number, shift: term.shift, negative: term.negative })));
  const depths = inputs.map((op) => depthOf(builder, op));
  let limit = 0;
  for (const column of columns) {
    if (column.length > 0) limit = Math.max(limit, minimalDepth(column.map((term) => depths[term.variable] as number)));
  }
  const base = Math.min(...depths);
  const widths = inputs.map((op) => intervalWidth(builder.intervalOf(op)));
  const { definitions, columns: rest } = extractPairs(
    depths.map((depth) => depth - base),
    columns,
    limit - base + builder.depthSlack,
    (left, right, s) => -Math.abs(s) - 0.01 * Math.abs((widths[left] ?? 0) - (widths[right] ?? 0)),
  );
  const ops = [...inputs];
  for (const definition of definitions) ops.push(define(builder, ops, definition, forms));
  return rest.map((terms) => terms.map((term) => ({ op: ops[term.variable] as number, shift: term.shift, negative: term.negative })));
}

function define(builder: CircuitBuilder, ops: readonly number[], { left, right, shift: s, negative }: Definition, forms: FormTracker | undefined): number {
  const a = ops[left] as number;
  const b = ops[right] as number;
  const op = negative ? builder.sub(a, b, s) : builder.add(a, b, s);
  forms?.combine(op, { op: a, shift: 0, negative: false }, { op: b, shift: s, negative });
  return op;
}

/** Greatest common divisor of the odd parts of the absolute values; 0 where all are 0. */
function oddGcd(values: readonly Int[]): bigint {
  let gcd = 0n;
  for (const value of values) {
    if (value === 0) continue;
    const odd = shift(value < 0 ? neg(value) : value, -trailingZeros(value));
    let a = BigInt(odd);
    let b = gcd;
    while (b !== 0n) [a, b] = [b, a % b];
    gcd = a;
    if (gcd === 1n) return 1n;
  }
  return gcd;
}
