import type { Circuit, Table } from '../../circuit/circuit.js';
import { hiOf, intervalOf, kindOf, loOf, Op } from '../../circuit/circuit.js';
import { isConstant, operandsOf } from '../needed.js';
import { invariant } from '../../errors.js';
import type { FixedType } from '../../fixed/fixedType.js';
import { castOverflows, rangeOf, roundShift } from '../../fixed/fixedType.js';
import type { Int } from '../../fixed/integer.js';
import { add, max, min, neg, pow2, shift, sub } from '../../fixed/integer.js';

/** How an op is computed: in 32-bit integers, in float64 that stays whole and exact, or in bigint. */
type Mode = 'int' | 'float' | 'big';

/** A value is a `number` while its interval is within ±(2^53 − 1), else a `bigint`. */
export function isBig(circuit: Circuit, op: number): boolean {
  return typeof loOf(circuit, op) === 'bigint' || typeof hiOf(circuit, op) === 'bigint';
}

/** The lines that define an op's local `n<op>` from its operands' locals; inputs and constants have none. */
export function linesOf(circuit: Circuit, op: number): string[] {
  return new Expression(circuit, op).lines();
}

class Expression {
  private readonly exp: number;
  private readonly a: number;
  private readonly b: number;
  private readonly c: number;
  private readonly mode: Mode;
  private readonly helpers: string[] = [];

  constructor(
    private readonly circuit: Circuit,
    private readonly op: number,
  ) {
    this.exp = circuit.exp[op] as number;
    this.a = circuit.a[op] as number;
    this.b = circuit.b[op] as number;
    this.c = circuit.c[op] as number;
    this.mode = this.modeOf();
  }

  lines(): string[] {
    const own = this.own();
    const big = isBig(this.circuit, this.op);
    const value = this.mode === 'big' ? (big || this.isTruth() ? own : `Number(${own})`) : big ? `BigInt(${own})` : own;
    return [...this.helpers, `const n${this.op} = ${value};`];
  }

  /** A local for a value that is read several times. */
  private helper(value: string): string {
    const name = `n${this.op}${'rs'[this.helpers.length] ?? ''}`;
    this.helpers.push(`const ${name} = ${value};`);
    return name;
  }

  /** Comparisons give 0 or 1, whatever they compare. */
  private isTruth(): boolean {
    const kind = kindOf(this.circuit, this.op);
    return kind === Op.lt || kind === Op.eq;
  }

  /** Everything that is added, compared, shifted or rounded on the way, as intervals; the narrowest arithmetic that holds it all. */
  private modeOf(): Mode {
    const { circuit, op } = this;
    const bounds: Int[] = [loOf(circuit, op), hiOf(circuit, op)];
    const note = (operand: number, left: number): void => {
      const { lo, hi } = intervalOf(circuit, operand);
      bounds.push(lo, hi, ...(left > 0 ? [shift(lo, left), shift(hi, left)] : []));
    };
    const kind = kindOf(circuit, op);
    for (const operand of operandsOf(circuit, op)) note(operand, this.leftOf(operand));
    if (kind === Op.cast) {
      const type = this.type();
      const k = this.cut();
      const { lo, hi } = intervalOf(circuit, this.a);
      if (k > 0) bounds.push(sub(lo, pow2(k)), add(hi, pow2(k)));
      if (type.overflow === 'WRAP' && castOverflows(intervalOf(circuit, this.a), type)) bounds.push(pow2(type.width), neg(pow2(type.width)), sub(roundShift(lo, k, 'TRN'), pow2(type.width)), add(roundShift(hi, k, 'TRN'), pow2(type.width)));
    }
    const least = bounds.reduce<Int>((x, y) => min(x, y), 0);
    const most = bounds.reduce<Int>((x, y) => max(x, y), 0);
    if (least >= -2147483648 && most <= 2147483647) return 'int';
    const isBitwise = kind === Op.and || kind === Op.or || kind === Op.xor;
    return typeof least === 'number' && typeof most === 'number' && !isBitwise ? 'float' : 'big';
  }

  private expOf(operand: number): number {
    return this.circuit.exp[operand] as number;
  }

  private type(): FixedType {
    return this.circuit.types[this.circuit.param[this.op] as number] as FixedType;
  }

  /** Bits that a cast cuts off; negative for zeros it adds. */
  private cut(): number {
    const type = this.type();
    return type.integer - type.width - this.expOf(this.a);
  }

  /** How far an operand is shifted before it takes part. */
  private leftOf(operand: number): number {
    const kind = kindOf(this.circuit, this.op);
    switch (kind) {
      case Op.lt:
      case Op.eq:
        return this.expOf(operand) - Math.min(this.expOf(this.a), this.expOf(this.b));
      case Op.add:
      case Op.sub:
        // The same op may be both operands: the larger shift bounds both.
        return this.expOf(operand) - this.exp + (operand === this.b ? Math.max(0, this.circuit.param[this.op] as number) : 0);
      case Op.cast:
        return -this.cut();
      case Op.lookup:
        return this.expOf(operand) - (this.circuit.tables[this.circuit.param[this.op] as number] as Table).indexExp;
      case Op.mul:
      case Op.shift:
        return 0;
      default:
        return operand === this.a && kind === Op.mux ? 0 : this.expOf(operand) - this.exp;
    }
  }

  /** n · 2^by of an operand in the arithmetic of this op; by < 0 only where what it drops is 0. */
  private read(operand: number, by: number): string {
    const { circuit, mode } = this;
    if (isConstant(circuit, operand)) return this.number(shift(loOf(circuit, operand), by));
    const big = isBig(circuit, operand);
    const own = mode === 'big' ? (big ? `n${operand}` : `BigInt(n${operand})`) : big ? `Number(n${operand})` : `n${operand}`;
    if (by === 0) return own;
    if (mode === 'big') return by > 0 ? `(${own} << ${by}n)` : `(${own} >> ${-by}n)`;
    if (mode === 'int' && Math.abs(by) < 31) return by > 0 ? `(${own} << ${by})` : `(${own} >> ${-by})`;
    return by > 0 ? `${own} * ${2 ** by}` : `Math.floor(${own} / ${2 ** -by})`;
  }

  private number(n: Int): string {
    const text = this.mode === 'big' ? `${n}n` : String(n);
    return n < 0 ? `(${text})` : text;
  }

  private whole(sum: string): string {
    return this.mode === 'int' ? `(${sum}) | 0` : sum;
  }

  private own(): string {
    const { circuit, op, a, b, c, exp } = this;
    const kind = kindOf(circuit, op);
    const param = circuit.param[op] as number;
    const onGrid = (operand: number): string => this.read(operand, this.expOf(operand) - exp);
    switch (kind) {
      case Op.input:
      case Op.const:
        return invariant(false, 'inputs and constants have no expression') as never;
      case Op.add:
      case Op.sub:
        return this.whole(`${onGrid(a)} ${kind === Op.add ? '+' : '-'} ${this.read(b, this.expOf(b) + param - exp)}`);
      case Op.mul:
        return this.product(`${this.read(a, 0)} * ${this.read(b, 0)}`, this.expOf(a) + this.expOf(b) - exp);
      case Op.shift:
        return this.read(a, this.expOf(a) + param - exp);
      case Op.lt:
      case Op.eq:
        return `${this.read(a, this.leftOf(a))} ${kind === Op.lt ? '<' : '==='} ${this.read(b, this.leftOf(b))} ? 1 : 0`;
      case Op.mux:
        return `${isConstant(circuit, a) ? String(loOf(circuit, a) !== 0) : `n${a}`} ? ${onGrid(b)} : ${onGrid(c)}`;
      case Op.and:
      case Op.or:
      case Op.xor:
        return `${onGrid(a)} ${kind === Op.and ? '&' : kind === Op.or ? '|' : '^'} ${onGrid(b)}`;
      case Op.lookup:
        return this.lookup(param);
      case Op.cast:
        return this.cast();
    }
  }

  /** A product whose grid is finer or coarser than the op's: what it drops is 0. */
  private product(text: string, by: number): string {
    // A product of 0 and a negative number would be −0.
    if (by === 0) return this.mode === 'int' ? `(${text}) | 0` : this.mode === 'float' ? `${text} + 0` : text;
    if (this.mode === 'big') return by > 0 ? `(${text} << ${by}n)` : `(${text} >> ${-by}n)`;
    return by > 0 ? `${text} * ${2 ** by} + 0` : `${text} / ${2 ** -by} + 0`;
  }

  private lookup(param: number): string {
    const table = this.circuit.tables[param] as Table;
    const index = `${this.read(this.a, this.leftOf(this.a))} - ${this.number(table.base)}`;
    const entry = `(T${param}[${this.mode === 'big' ? `Number(${index})` : index}] as ${tableIsBig(table) ? 'bigint' : 'number'})`;
    if (tableIsBig(table)) return this.mode === 'big' ? entry : `Number(${entry})`;
    return this.mode === 'big' ? `BigInt(${entry})` : entry;
  }

  private cast(): string {
    const type = this.type();
    const from = intervalOf(this.circuit, this.a);
    const k = this.cut();
    const rounded = k > 0 ? this.rounded(k, type) : this.read(this.a, -k);
    if (!castOverflows(from, type)) return rounded;
    if (type.overflow === 'WRAP') return this.wrapped(rounded, type);
    const range = rangeOf(type);
    const lo = type.overflow === 'SAT_SYM' && type.signed ? neg(range.hi) : range.lo;
    const [below, above] = type.overflow === 'SAT_ZERO' ? [this.number(0), this.number(0)] : [this.number(lo), this.number(range.hi)];
    const isBelow = roundShift(from.lo, k, type.rounding) < lo;
    const isAbove = roundShift(from.hi, k, type.rounding) > range.hi;
    const x = this.helper(rounded);
    const inner = isAbove ? `${x} > ${this.number(range.hi)} ? ${above} : ${x}` : x;
    return isBelow ? `${x} < ${this.number(lo)} ? ${below} : ${inner}` : inner;
  }

  private rounded(k: number, type: FixedType): string {
    const x = this.read(this.a, 0);
    const down = (text: string): string => (this.mode === 'big' ? `(${text}) >> ${k}n` : this.mode === 'int' ? `(${text}) >> ${k}` : `Math.floor((${text}) / ${2 ** k})`);
    const half = pow2(k - 1);
    const less = sub(half, 1);
    const one = (condition: string): string => `(${condition} ? ${this.number(1)} : ${this.number(0)})`;
    const isNegative = `${x} < ${this.number(0)}`;
    switch (type.rounding) {
      case 'TRN':
        return down(x);
      case 'RND':
        return down(`${x} + ${this.number(half)}`);
      case 'RND_MIN_INF':
        return down(`${x} + ${this.number(less)}`);
      case 'TRN_ZERO':
        return down(`${x} + (${isNegative} ? ${this.number(sub(pow2(k), 1))} : ${this.number(0)})`);
      case 'RND_ZERO':
        return down(`${x} + ${this.number(less)} + ${one(isNegative)}`);
      case 'RND_INF':
        return down(`${x} + ${this.number(half)} - ${one(isNegative)}`);
      case 'RND_CONV': {
        const floor = down(x);
        const odd = this.mode === 'big' ? `((${floor}) & 1n)` : this.mode === 'int' ? `((${floor}) & 1)` : one(`${floor} % 2 !== 0`);
        return down(`${x} + ${this.number(less)} + ${odd}`);
      }
    }
  }

  private wrapped(x: string, { signed, width }: FixedType): string {
    if (this.mode === 'big') return `BigInt.as${signed ? 'I' : 'Ui'}ntN(${width}, ${x})`;
    if (this.mode === 'int') return signed ? `((${x}) << ${32 - width}) >> ${32 - width}` : `(${x}) & ${2 ** width - 1}`;
    const half = signed ? 2 ** (width - 1) : 0;
    const moved = this.helper(signed ? `${x} + ${half}` : x);
    return `${moved} - Math.floor(${moved} / ${2 ** width}) * ${2 ** width}${signed ? ` - ${half}` : ''}`;
  }
}

export function tableIsBig(table: Table): boolean {
  return table.values.some((value) => typeof value === 'bigint');
}
