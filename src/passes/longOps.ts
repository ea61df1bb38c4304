import type { CircuitBuilder } from '../circuit/builder.js';
import type { Circuit, OpKind, Table } from '../circuit/circuit.js';
import { intervalOf, kindOf, Op } from '../circuit/circuit.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { add, max, min, shift, sub } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { intervalWidth } from '../fixed/interval.js';
import type { OpToRewrite } from './rewrite.js';
import { rewriteCircuit } from './rewrite.js';

/** The largest ops that may stay whole; see the delay model that gives them. */
export interface LongOpLimits {
  readonly lookupInputs: number;
  readonly adderBits: number;
  readonly comparedBits: number;
  readonly multiplierRows: (productBits: number) => number;
}

/**
 * Ops that no register can cut, made of smaller ones: a table is chosen among parts of it, a sum and a comparison are
 * made of a low and a high half, a product of products with the halves of one factor. For clocks that the whole op would
 * not meet. Gives the circuit itself where nothing is too long.
 */
export function splitLongOps(circuit: Circuit, limits: LongOpLimits): Circuit {
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    const operand = (which: Int32Array): Interval => intervalOf(circuit, which[op] as number);
    if (SPLIT.has(kind) && isLong(kind, operand(circuit.a), kind === Op.lookup ? undefined : operand(circuit.b), circuit.param[op] as number, limits)) {
      return rewriteCircuit(circuit, (todo) => splitOp(todo, limits), { share: true });
    }
  }
  return circuit;
}

const SPLIT: ReadonlySet<OpKind> = new Set([Op.lookup, Op.add, Op.sub, Op.lt, Op.mul]);

/** Whether an op of these operands must be split; `s` is the shift of a sum. */
function isLong(kind: OpKind, x: Interval, y: Interval | undefined, s: number, limits: LongOpLimits): boolean {
  if (kind === Op.lookup || y === undefined) return intervalWidth(x) > limits.lookupInputs;
  if (kind === Op.mul) return !isShortProduct(intervalWidth(x), intervalWidth(y), limits);
  return kind === Op.lt ? overlap(x, y, 0) > limits.comparedBits : overlap(x, y, s) > limits.adderBits;
}

function splitOp({ builder, kind, a, b, shift: s, table }: OpToRewrite, limits: LongOpLimits): number | undefined {
  if (!SPLIT.has(kind) || !isLong(kind, builder.intervalOf(a), b < 0 ? undefined : builder.intervalOf(b), s, limits)) return undefined;
  switch (kind) {
    case Op.lookup:
      return lookUpInParts(builder, a, table as Table, limits);
    case Op.add:
    case Op.sub:
      return addInParts(builder, kind, a, b, s, limits);
    case Op.lt:
      return compareInParts(builder, a, b, limits);
    default:
      return multiply(builder, a, b, limits);
  }
}

function inputsOf(builder: CircuitBuilder, op: number): number {
  return intervalWidth(builder.intervalOf(op));
}

/** Positions from the lowest where either operand has bits to the top of the higher one. */
function overlap(x: Interval, y: Interval, s: number): number {
  if (isZero(x) || isZero(y)) return 0;
  return Math.max(x.exp + intervalWidth(x), y.exp + s + intervalWidth(y)) + 1 - Math.min(x.exp, y.exp + s);
}

function isZero({ lo, hi }: Interval): boolean {
  return lo === 0 && hi === 0;
}

/** floor(op / 2^exp) · 2^exp */
function highPart(builder: CircuitBuilder, op: number, exp: number): number {
  const { lo, hi, exp: own } = builder.intervalOf(op);
  if (own >= exp) return op;
  const width = intervalWidth({ lo: shift(lo, own - exp), hi: shift(hi, own - exp), exp });
  return builder.cast(op, fixedType(lo < 0, Math.max(1, width), Math.max(1, width) + exp));
}

/** op mod 2^exp, at least 0 */
function lowPart(builder: CircuitBuilder, op: number, exp: number): number {
  const { exp: own } = builder.intervalOf(op);
  return own >= exp ? builder.constant(0) : builder.cast(op, fixedType(false, exp - own, exp));
}

/** The middle of the positions that two operands take. */
function middleOf(builder: CircuitBuilder, a: number, b: number, s: number): number {
  const [x, y] = [builder.intervalOf(a), builder.intervalOf(b)];
  return Math.min(x.exp, y.exp + s) + Math.ceil(overlap(x, y, s) / 2);
}

/** Both halves side by side, then the low one's carry (or borrow) into the high one. */
function addInParts(builder: CircuitBuilder, kind: typeof Op.add | typeof Op.sub, a: number, b: number, s: number, limits: LongOpLimits): number {
  const moved = builder.shift(b, s);
  const middle = middleOf(builder, a, b, s);
  const low = addShort(builder, kind, lowPart(builder, a, middle), lowPart(builder, moved, middle), limits);
  const high = addShort(builder, kind, highPart(builder, a, middle), highPart(builder, moved, middle), limits);
  const carry = highPart(builder, low, middle);
  // The last addition puts bits side by side.
  return builder.add(addShort(builder, Op.add, high, carry, limits), lowPart(builder, low, middle));
}

/** x ± y, in parts where it is long. */
function addShort(builder: CircuitBuilder, kind: typeof Op.add | typeof Op.sub, x: number, y: number, limits: LongOpLimits): number {
  if (isZero(builder.intervalOf(y))) return x;
  return isLong(kind, builder.intervalOf(x), builder.intervalOf(y), 0, limits) ? addInParts(builder, kind, x, y, 0, limits) : builder.op(kind, x, y, -1, 0);
}

/** The high halves decide, or where they are equal the low ones. */
function compareInParts(builder: CircuitBuilder, a: number, b: number, limits: LongOpLimits): number {
  const compare = (x: number, y: number): number => (isLong(Op.lt, builder.intervalOf(x), builder.intervalOf(y), 0, limits) ? compareInParts(builder, x, y, limits) : builder.lt(x, y));
  const middle = middleOf(builder, a, b, 0);
  const [highA, highB] = [highPart(builder, a, middle), highPart(builder, b, middle)];
  const low = compare(lowPart(builder, a, middle), lowPart(builder, b, middle));
  return builder.bitwise(Op.or, compare(highA, highB), builder.bitwise(Op.and, builder.eq(highA, highB), low));
}

/** Products with the halves of the narrower factor (of the wider, where that is a bit or two), until each is short enough. */
function multiply(builder: CircuitBuilder, a: number, b: number, limits: LongOpLimits): number {
  if (isShortProduct(inputsOf(builder, a), inputsOf(builder, b), limits)) return builder.mul(a, b);
  const [wide, narrow] = inputsOf(builder, a) >= inputsOf(builder, b) ? [a, b] : [b, a];
  const [whole, halved] = inputsOf(builder, narrow) > 2 ? [wide, narrow] : [narrow, wide];
  const middle = builder.intervalOf(halved).exp + (inputsOf(builder, halved) >> 1);
  const high = multiply(builder, whole, highPart(builder, halved, middle), limits);
  const low = multiply(builder, whole, lowPart(builder, halved, middle), limits);
  return addShort(builder, Op.add, high, low, limits);
}

function isShortProduct(x: number, y: number, limits: LongOpLimits): boolean {
  return Math.max(x, y) <= 2 || (x + y <= limits.adderBits && Math.min(x, y) <= Math.max(2, limits.multiplierRows(x + y)));
}

/** Blocks of the table read by the index's low bits, and a tree of choices among them by its high bits. */
function lookUpInParts(builder: CircuitBuilder, index: number, table: Table, limits: LongOpLimits): number {
  const bits = Math.min(limits.lookupInputs, BLOCK_INPUTS);
  const interval = builder.intervalOf(index);
  const low = lowPart(builder, index, interval.exp + bits);
  const first = shift(interval.lo, -bits);
  const last = shift(interval.hi, -bits);
  const read = (block: Int): number => {
    const base = shift(block, bits);
    const from = max(interval.lo, base);
    const to = min(interval.hi, sub(add(base, 2 ** bits), 1));
    return builder.lookup(low, blockOf(table, interval, base, from, to, 2 ** bits));
  };
  const choose = (from: Int, to: Int): number => {
    if (from === to) return read(from);
    const middle = shift(add(add(from, to), 1), -1);
    const isBelow = builder.lt(index, builder.constant(shift(middle, bits), interval.exp));
    return builder.mux(isBelow, choose(from, sub(middle, 1)), choose(middle, to));
  };
  return choose(first, last);
}

/** Index bits of a block: a LUT6 and the muxes behind it. */
const BLOCK_INPUTS = 8;

/** Entries base … base + size − 1 of a table, by offset; what lies outside of [from, to] is never read. */
function blockOf(table: Table, { exp }: Interval, base: Int, from: Int, to: Int, size: number): Table {
  const entryAt = (n: Int): Int => table.values[Number(sub(shift(n, exp - table.indexExp), table.base))] as Int;
  const values = Array.from({ length: size }, (_, k) => {
    const n = add(base, k);
    return entryAt(n < from ? from : n > to ? to : n);
  });
  return { exp: table.exp, indexExp: exp, base: 0, values };
}
