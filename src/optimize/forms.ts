import type { CircuitBuilder } from '../circuit/builder.js';
import type { Int } from '../fixed/integer.js';
import { add, dyadicOf, mul, neg, shift } from '../fixed/integer.js';
import type { Term } from './linear.js';

/** An affine form over the inputs: Σ coefficient · input + offset, all on the tracker's grids. */
interface Form {
  readonly coefficients: ReadonlyMap<number, Int>;
  readonly offset: Int;
}

/**
 * Remembers every op of a linear region as an exact affine form of the region's inputs, and tells the builder the range
 * that follows. Interval arithmetic along a tree forgets that 4x − x is 3x; the form does not.
 */
export class FormTracker {
  private readonly forms = new Map<number, Form>();
  private readonly lo = new Map<number, Int>();
  private readonly hi = new Map<number, Int>();
  /** Inputs are integers · 2^inputExp, coefficients integers · 2^weightExp. */
  private readonly inputExp: number;
  private readonly weightExp: number;

  /** `leastShift`: the smallest power of two by which a term is ever multiplied. */
  constructor(
    private readonly builder: CircuitBuilder,
    inputs: readonly number[],
    leastShift: number,
    offsets: readonly number[] = [],
  ) {
    const intervals = inputs.map((op) => builder.intervalOf(op));
    this.inputExp = Math.min(0, ...intervals.map((interval) => interval.exp));
    // Offsets must be whole on the product grid.
    const offsetExp = Math.min(...offsets.map((offset) => (offset === 0 ? 0 : dyadicOf(offset).exp)), 0);
    this.weightExp = Math.min(leastShift, 0, offsetExp - this.inputExp);
    inputs.forEach((op, i) => {
      const { lo, hi, exp } = intervals[i] as { lo: Int; hi: Int; exp: number };
      this.lo.set(op, shift(lo, exp - this.inputExp));
      this.hi.set(op, shift(hi, exp - this.inputExp));
      this.forms.set(op, { coefficients: new Map([[op, shift(1, -this.weightExp)]]), offset: 0 });
    });
  }

  /** A constant op is the form without inputs. */
  constant(op: number, value: number): void {
    const { n, exp } = dyadicOf(value);
    this.forms.set(op, { coefficients: new Map(), offset: shift(n, exp - this.inputExp - this.weightExp) });
  }

  /** Says that `op` is ±x ± y, and tightens its range. Terms that are no forms of the inputs are left alone. */
  combine(op: number, x: Term, y: Term): void {
    if (this.forms.has(op)) return;
    const a = this.scaled(x);
    const b = this.scaled(y);
    if (a === undefined || b === undefined) return;
    const coefficients = new Map(a.coefficients);
    for (const [input, coefficient] of b.coefficients) {
      const sum = add(coefficients.get(input) ?? 0, coefficient);
      if (sum === 0) coefficients.delete(input);
      else coefficients.set(input, sum);
    }
    const form = { coefficients, offset: add(a.offset, b.offset) };
    this.forms.set(op, form);
    this.claim(op, form);
  }

  /** The form of ± op · 2^shift; undefined if unknown, or if the shift leaves the grid. */
  private scaled(term: Term): Form | undefined {
    const form = this.forms.get(term.op);
    if (form === undefined) return undefined;
    if (term.shift === 0 && !term.negative) return form;
    const scale = (n: Int): Int => {
      const moved = shift(n, term.shift);
      return term.negative ? neg(moved) : moved;
    };
    if (term.shift < 0 && ![...form.coefficients.values(), form.offset].every((n) => shift(shift(n, term.shift), -term.shift) === n)) return undefined;
    return { coefficients: new Map([...form.coefficients].map(([input, n]) => [input, scale(n)])), offset: scale(form.offset) };
  }

  private claim(op: number, { coefficients, offset }: Form): void {
    let lo = offset;
    let hi = offset;
    for (const [input, coefficient] of coefficients) {
      const low = mul(coefficient, this.lo.get(input) as Int);
      const high = mul(coefficient, this.hi.get(input) as Int);
      lo = add(lo, coefficient > 0 ? low : high);
      hi = add(hi, coefficient > 0 ? high : low);
    }
    this.builder.claim(op, { lo, hi, exp: this.inputExp + this.weightExp });
  }
}
