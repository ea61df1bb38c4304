import type { CircuitBuilder } from '../../circuit/builder.js';
import type { Int } from '../../fixed/integer.js';
import { sub } from '../../fixed/integer.js';
import { linear } from '../cmvm.js';
import type { Term } from '../linear.js';
import type { Code } from './code.js';
import { Encoder } from './code.js';
import type { Decision } from './decision.js';
import { sumCodes } from './sum.js';

/** Address bits of a table in the LUT of an adder's bit. */
const TABLE_BITS = 5;

/** Sums the values of decisions, as integers on the grid 2^exp. */
export class DecisionSum {
  private readonly encoder: Encoder;
  private readonly codes: Code[] = [];
  private readonly terms: Term[] = [];

  constructor(
    private readonly builder: CircuitBuilder,
    private readonly exp: number,
  ) {
    this.encoder = new Encoder(builder);
  }

  /** Adds a decision; its code is made now, so that its ops belong to the element being built. */
  add(decision: Decision): void {
    const code = this.encoder.encode(decision, TABLE_BITS);
    if (code !== undefined) this.codes.push(code);
    else this.terms.push({ op: this.chosen(decision), shift: 0, negative: false });
  }

  /** The sum of all decisions and a constant. */
  finish(constant: Int): number {
    const sum = sumCodes(this.builder, this.codes, constant, this.exp);
    if (this.terms.length === 0) return sum;
    return linear.sumTerms(this.builder, [...this.terms, { op: sum, shift: 0, negative: false }]);
  }

  /** A decision too large for a code: a choice between the values of its branches. */
  private chosen(decision: Decision): number {
    const code = this.encoder.encode(decision, TABLE_BITS);
    if (code !== undefined) return sumCodes(this.builder, [code], 0, this.exp);
    if (decision.kind === 'leaf') return this.builder.constant(sub(decision.value, 0), this.exp);
    return this.builder.mux(decision.key, this.chosen(decision.whenTrue), this.chosen(decision.whenFalse));
  }
}
