import type { Circuit } from '../../circuit/circuit.js';
import { expOf, hiOf, intervalOf, kindOf, loOf, Op } from '../../circuit/circuit.js';
import { isWire } from '../../circuit/wires.js';
import type { FixedType } from '../../fixed/fixedType.js';
import { castOverflows } from '../../fixed/fixedType.js';
import { shift } from '../../fixed/integer.js';
import { intervalWidth } from '../../fixed/interval.js';

/** A run of bits of an expression, most significant run first. */
export type Segment =
  | { readonly kind: 'literal'; readonly width: number; readonly value: bigint }
  /** Bits [from, to) of an op's own wire, counted from its lowest bit. */
  | { readonly kind: 'signal'; readonly op: number; readonly from: number; readonly to: number }
  /** One bit of an op's wire, `width` times. */
  | { readonly kind: 'repeat'; readonly op: number; readonly bit: number; readonly width: number };

/** A circuit and how many low bits of each op its wire holds. */
export interface BitSource {
  readonly circuit: Circuit;
  readonly widths: Int32Array;
}

/**
 * The two's complement bits of an op's value at binary positions [lo, hi): position p has weight 2^p. Wires (shifts,
 * truncating or wrapping casts) are looked through; below the value's grid there are zeros, above it its sign (or
 * zeros, where the wire holds only the low bits that are demanded and what is above does not matter).
 */
export function bitsOf(net: BitSource, op: number, lo: number, hi: number): Segment[] {
  if (hi <= lo) return [];
  const { circuit } = net;
  const kind = kindOf(circuit, op);
  const exp = expOf(circuit, op);
  if (kind === Op.const || isConstant(circuit, op)) {
    const width = hi - lo;
    return [{ kind: 'literal', width, value: BigInt.asUintN(width, BigInt(shift(loOf(circuit, op), exp - lo))) }];
  }
  const promised = promisedTop(circuit, op);
  if (hi > promised) {
    const width = hi - Math.max(lo, promised);
    const above = loOf(circuit, op) >= 0 ? [zeros(width)] : repeated(net, op, promised - 1, width);
    return [...above, ...bitsOf(net, op, lo, promised)];
  }
  if (kind === Op.shift) {
    const s = circuit.param[op] as number;
    return bitsOf(net, circuit.a[op] as number, lo - s, hi - s);
  }
  if (isWire(circuit, op)) {
    const a = circuit.a[op] as number;
    const type = circuit.types[circuit.param[op] as number] as FixedType;
    const wraps = castOverflows(intervalOf(circuit, a), type);
    const top = wraps ? exp + type.width : Infinity;
    const segments: Segment[] = [];
    if (hi > top) {
      const width = hi - Math.max(lo, top);
      if (!type.signed) segments.push(zeros(width));
      else segments.push(...repeated(net, a, top - 1, width));
    }
    segments.push(...bitsOf(net, a, Math.max(lo, exp), Math.min(hi, top)));
    if (lo < exp) segments.push(zeros(Math.min(exp, hi) - lo));
    return segments;
  }
  const interval = intervalOf(circuit, op);
  const width = net.widths[op] as number;
  const segments: Segment[] = [];
  const top = exp + width;
  if (hi > top) {
    const extra = hi - Math.max(lo, top);
    if (interval.lo >= 0 || width < intervalWidth(interval)) segments.push(zeros(extra));
    else segments.push({ kind: 'repeat', op, bit: width - 1, width: extra });
  }
  const from = Math.max(lo, exp);
  const to = Math.min(hi, top);
  if (to > from) segments.push({ kind: 'signal', op, from: from - exp, to: to - exp });
  if (lo < exp) segments.push(zeros(Math.min(exp, hi) - lo));
  return segments;
}

/**
 * The position above which a wire's value has only its sign, where its interval says less than its operand's: whoever built the
 * circuit knew more of it. Only bits below are demanded of the operand, so its own sign may not be there. Infinity for other ops.
 */
function promisedTop(circuit: Circuit, op: number): number {
  if (!isWire(circuit, op)) return Infinity;
  const a = circuit.a[op] as number;
  const up = kindOf(circuit, op) === Op.shift ? (circuit.param[op] as number) : 0;
  const top = expOf(circuit, op) + intervalWidth(intervalOf(circuit, op));
  return top < expOf(circuit, a) + up + intervalWidth(intervalOf(circuit, a)) ? top : Infinity;
}

/** Whether an op other than an input can only have one value: nothing reads its wire. */
function isConstant(circuit: Circuit, op: number): boolean {
  return kindOf(circuit, op) !== Op.input && loOf(circuit, op) === hiOf(circuit, op);
}

function zeros(width: number): Segment {
  return { kind: 'literal', width, value: 0n };
}

/** The bit at one position, `width` times. */
function repeated(net: BitSource, op: number, position: number, width: number): Segment[] {
  const [bit] = bitsOf(net, op, position, position + 1);
  if (bit === undefined) return [];
  switch (bit.kind) {
    case 'literal':
      return [{ kind: 'literal', width, value: bit.value === 0n ? 0n : (1n << BigInt(width)) - 1n }];
    case 'signal':
      return [{ kind: 'repeat', op: bit.op, bit: bit.from, width }];
    case 'repeat':
      return [{ ...bit, width }];
  }
}
