import type { CircuitBuilder } from '../circuit/builder.js';
import { dyadicOf, toNumber } from '../fixed/integer.js';

/** y[j] = Σ_i inputs[i] · weight[i · nOut + j] + bias[j] */
export interface MatrixProblem {
  readonly inputs: readonly number[];
  readonly weight: Float64Array;
  readonly nOut: number;
  readonly bias: Float64Array;
}

/** An op as an exact affine combination of others. */
interface AffineForm {
  readonly inputs: readonly number[];
  readonly row: Float64Array;
  readonly offset: number;
}

/** Forms are kept for matrices of up to this many weights, and up to this many numbers a circuit. */
const LARGEST_MATRIX = 4096;
const MOST_NUMBERS = 1_000_000;

const memory = new WeakMap<CircuitBuilder, { readonly forms: Map<number, AffineForm>; numbers: number }>();

/** Remembers what the outputs of a matrix are, so that a matrix behind it (no quantiser between) can skip it. */
export function rememberOutputs(builder: CircuitBuilder, problem: MatrixProblem, outputs: Int32Array): void {
  const { inputs, weight, nOut, bias } = problem;
  let known = memory.get(builder);
  if (known === undefined) memory.set(builder, (known = { forms: new Map(), numbers: 0 }));
  if (weight.length > LARGEST_MATRIX || known.numbers + weight.length > MOST_NUMBERS) return;
  known.numbers += weight.length;
  for (let j = 0; j < nOut; j++) {
    const op = outputs[j] as number;
    if (inputs.includes(op) || known.forms.has(op)) continue;
    known.forms.set(op, { inputs, row: Float64Array.from(inputs, (_, i) => weight[i * nOut + j] as number), offset: bias[j] as number });
  }
}

/**
 * The same outputs straight from the inputs of the matrices before, or undefined if no input is an output of one, or if
 * the composed weights would not be exact in float64.
 */
export function compose(builder: CircuitBuilder, problem: MatrixProblem): MatrixProblem | undefined {
  const forms = memory.get(builder)?.forms;
  if (forms === undefined || !problem.inputs.some((op) => forms.has(op))) return undefined;
  const own = (op: number): AffineForm => forms.get(op) ?? { inputs: [op], row: new Float64Array([1]), offset: 0 };
  const inner = problem.inputs.map(own);
  const inputs = [...new Set(inner.flatMap((form) => form.inputs))];
  const at = new Map(inputs.map((op, i) => [op, i]));
  const { nOut } = problem;
  const weight = new Float64Array(inputs.length * nOut);
  const bias = Float64Array.from(problem.bias);
  const exact = new ExactSums([...inner.flatMap((form) => [...form.row, form.offset])], [...problem.weight]);
  for (let j = 0; j < nOut; j++) {
    const sums = new Float64Array(inputs.length);
    inner.forEach((form, i) => {
      const outer = problem.weight[i * nOut + j] as number;
      if (outer === 0) return;
      form.inputs.forEach((op, k) => (sums[at.get(op) as number]! += outer * (form.row[k] as number)));
      bias[j]! += outer * form.offset;
    });
    sums.forEach((value, i) => (weight[i * nOut + j] = value));
  }
  return exact.holds([...weight]) && exact.holds([...bias], [...problem.bias]) ? { inputs, weight, nOut, bias } : undefined;
}

/** Sums of products in float64 are exact while all are whole multiples of one unit and below 2^53 of it. */
class ExactSums {
  private readonly unit: number;
  private readonly bound: number;

  constructor(inner: readonly number[], outer: readonly number[]) {
    this.unit = leastExp(inner) + leastExp(outer);
    const largest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    this.bound = largest(inner) * largest(outer) * outer.length;
  }

  holds(values: readonly number[], addends: readonly number[] = []): boolean {
    const unit = Math.min(this.unit, leastExp(addends));
    const most = addends.reduce((sum, value) => Math.max(sum, Math.abs(value)), this.bound) + this.bound;
    return most < toNumber(1, unit + 52) && values.every(Number.isFinite);
  }
}

/** The largest power of two of which all values are whole multiples. */
function leastExp(values: readonly number[]): number {
  return values.reduce((least, value) => (value === 0 ? least : Math.min(least, dyadicOf(value).exp)), 0);
}
