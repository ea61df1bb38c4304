import { assertNever, invariant } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castInteger, castInterval } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { add, fromBigInt, mul, shift, sub } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { addIntervals, bitwiseInterval, hull, isSingle, mulIntervals, onGrid, subIntervals } from '../fixed/interval.js';
import type { OpKind, Table } from './circuit.js';
import { Op } from './circuit.js';
import { rangeOfTable } from './tableRange.js';

/** An op with its operands' exponents looked up: all that its meaning depends on. */
export interface OpShape {
  readonly kind: OpKind;
  /** Shift amount of add, sub, shift. */
  readonly shift: number;
  readonly type: FixedType | undefined;
  readonly table: Table | undefined;
}

/** An exact value n · 2^exp. */
export interface Value {
  readonly n: Int;
  readonly exp: number;
}

/**
 * The meaning of every op but `input` and `const`: THE reference that all else is checked against.
 * The result is on the grid `exp` of the op.
 */
export function evaluateOp(op: OpShape, a: Value, b: Value | undefined, c: Value | undefined): Value {
  switch (op.kind) {
    case Op.input:
    case Op.const:
      return invariant(false, 'inputs and constants have no operands to evaluate') as never;
    case Op.add:
    case Op.sub: {
      const right = second(b);
      const exp = Math.min(a.exp, right.exp + op.shift);
      const x = shift(a.n, a.exp - exp);
      const y = shift(right.n, right.exp + op.shift - exp);
      return { n: op.kind === Op.add ? add(x, y) : sub(x, y), exp };
    }
    case Op.mul:
      return { n: mul(a.n, second(b).n), exp: a.exp + second(b).exp };
    case Op.shift:
      return { n: a.n, exp: a.exp + op.shift };
    case Op.lt:
    case Op.eq: {
      const [x, y] = aligned(a, second(b));
      return { n: (op.kind === Op.lt ? x.n < y.n : x.n === y.n) ? 1 : 0, exp: 0 };
    }
    case Op.mux: {
      const [x, y] = aligned(second(b), second(c));
      return a.n !== 0 ? x : y;
    }
    case Op.lookup: {
      const table = op.table as Table;
      const index = Number(sub(shift(a.n, a.exp - table.indexExp), table.base));
      const value = table.values[index];
      invariant(value !== undefined, `table index ${index} outside 0..${table.values.length - 1}`);
      return { n: value, exp: table.exp };
    }
    case Op.and:
    case Op.or:
    case Op.xor: {
      const [x, y] = aligned(a, second(b));
      return { n: bitwise(op.kind, x.n, y.n), exp: x.exp };
    }
    case Op.cast: {
      const type = op.type as FixedType;
      return { n: castInteger(a.n, a.exp, type), exp: type.integer - type.width };
    }
    default:
      return assertNever(op.kind);
  }
}

function second(value: Value | undefined): Value {
  invariant(value !== undefined, 'operand missing');
  return value;
}

function aligned(a: Value, b: Value): readonly [Value, Value] {
  const exp = Math.min(a.exp, b.exp);
  return [
    { n: shift(a.n, a.exp - exp), exp },
    { n: shift(b.n, b.exp - exp), exp },
  ];
}

function bitwise(kind: typeof Op.and | typeof Op.or | typeof Op.xor, a: Int, b: Int): Int {
  if (typeof a === 'number' && typeof b === 'number' && (a | 0) === a && (b | 0) === b) {
    return kind === Op.and ? a & b : kind === Op.or ? a | b : a ^ b;
  }
  const x = BigInt(a);
  const y = BigInt(b);
  return fromBigInt(kind === Op.and ? x & y : kind === Op.or ? x | y : x ^ y);
}

/** The interval of an op's result from its operands' intervals; `sameOperands` when a and b are one op. */
export function inferInterval(
  op: OpShape,
  a: Interval,
  b: Interval | undefined,
  c: Interval | undefined,
  sameOperands: boolean,
): Interval {
  switch (op.kind) {
    case Op.input:
    case Op.const:
      return invariant(false, 'inputs and constants carry their own interval') as never;
    case Op.add:
      return addIntervals(a, given(b), op.shift);
    case Op.sub:
      return sameOperands && op.shift === 0 ? { lo: 0, hi: 0, exp: a.exp } : subIntervals(a, given(b), op.shift);
    case Op.mul:
      return mulIntervals(a, given(b), sameOperands);
    case Op.shift:
      return { ...a, exp: a.exp + op.shift };
    case Op.lt: {
      const exp = Math.min(a.exp, given(b).exp);
      const x = onGrid(a, exp);
      const y = onGrid(given(b), exp);
      if (sameOperands || x.lo >= y.hi) return { lo: 0, hi: 0, exp: 0 };
      return { lo: x.hi < y.lo ? 1 : 0, hi: 1, exp: 0 };
    }
    case Op.eq: {
      if (sameOperands) return { lo: 1, hi: 1, exp: 0 };
      const exp = Math.min(a.exp, given(b).exp);
      const x = onGrid(a, exp);
      const y = onGrid(given(b), exp);
      if (x.hi < y.lo || y.hi < x.lo) return { lo: 0, hi: 0, exp: 0 };
      return { lo: isSingle(x) && isSingle(y) ? 1 : 0, hi: 1, exp: 0 };
    }
    case Op.mux:
      if (isSingle(a)) {
        const exp = Math.min(given(b).exp, given(c).exp);
        return onGrid(a.lo !== 0 ? given(b) : given(c), exp);
      }
      return hull(given(b), given(c));
    case Op.lookup: {
      const table = op.table as Table;
      const from = Number(sub(shift(a.lo, a.exp - table.indexExp), table.base));
      const to = Number(sub(shift(a.hi, a.exp - table.indexExp), table.base));
      invariant(a.exp >= table.indexExp && from >= 0 && to < table.values.length, `table index ${from}..${to} outside 0..${table.values.length - 1}`);
      return { ...rangeOfTable(table, from, to), exp: table.exp };
    }
    case Op.and:
      return bitwiseInterval('and', a, given(b));
    case Op.or:
      return bitwiseInterval('or', a, given(b));
    case Op.xor:
      return bitwiseInterval('xor', a, given(b));
    case Op.cast:
      return castInterval(a, op.type as FixedType);
    default:
      return assertNever(op.kind);
  }
}

function given(x: Interval | undefined): Interval {
  invariant(x !== undefined, 'operand missing');
  return x;
}
