import type { Circuit } from '../../../circuit/circuit.js';
import { expOf, intervalOf, kindOf, Op } from '../../../circuit/circuit.js';
import { isWire } from '../../../circuit/wires.js';
import { intervalWidth } from '../../../fixed/interval.js';
import type { BitSource } from '../bits.js';
import { bitsOf } from '../bits.js';

/** One bit: a constant, bit `bit` of an op's wire, or the output of a helper LUT. */
export type Net =
  | { readonly kind: 'constant'; readonly value: 0 | 1; readonly key: string }
  | { readonly kind: 'bit'; readonly op: number; readonly bit: number; readonly key: string }
  | { readonly kind: 'helper'; readonly id: number; readonly key: string };

export const ZERO: Net = { kind: 'constant', value: 0, key: '0' };
export const ONE: Net = { kind: 'constant', value: 1, key: '1' };

export function bitNet(op: number, bit: number): Net {
  return { kind: 'bit', op, bit, key: `${op}.${bit}` };
}

export function helperNet(id: number): Net {
  return { kind: 'helper', id, key: `h${id}` };
}

/** Whether an addition only puts bits side by side: the lower operand is not negative and ends where the higher one begins. */
export function isConcatenation(circuit: Circuit, op: number): boolean {
  if (kindOf(circuit, op) !== Op.add) return false;
  const a = intervalOf(circuit, circuit.a[op] as number);
  const b = intervalOf(circuit, circuit.b[op] as number);
  const startOfB = b.exp + (circuit.param[op] as number);
  const [lower, startOfLower, startOfHigher] = a.exp <= startOfB ? [a, a.exp, startOfB] : [b, startOfB, a.exp];
  return lower.lo >= 0 && startOfLower + intervalWidth(lower) <= startOfHigher;
}

/** Ops whose bits are other ops' bits. */
export function isTransparent(circuit: Circuit, op: number): boolean {
  return isWire(circuit, op) || isConcatenation(circuit, op);
}

/** The bit of an op's value at a binary position, seen through wires and concatenations. */
export function netAt(net: BitSource, op: number, position: number): Net {
  const [segment] = bitsOf(net, op, position, position + 1);
  if (segment === undefined) return ZERO;
  if (segment.kind === 'literal') return segment.value === 0n ? ZERO : ONE;
  const { circuit } = net;
  const at = segment.op;
  const bit = segment.kind === 'signal' ? segment.from : segment.bit;
  if (!isConcatenation(circuit, at)) return bitNet(at, bit);
  const own = bit + expOf(circuit, at);
  const a = circuit.a[at] as number;
  const b = circuit.b[at] as number;
  const s = circuit.param[at] as number;
  const startOfB = expOf(circuit, b) + s;
  const lowerIsA = expOf(circuit, a) <= startOfB;
  const higherStart = lowerIsA ? startOfB : expOf(circuit, a);
  return own >= higherStart === lowerIsA ? netAt(net, b, own - s) : netAt(net, a, own);
}
