import type { Circuit } from '../circuit/circuit.js';
import { expOf, intervalOf, kindOf, Op } from '../circuit/circuit.js';
import { isWire } from '../circuit/wires.js';
import { assertNever } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castOverflows } from '../fixed/fixedType.js';
import { intervalWidth } from '../fixed/interval.js';
import type { Device } from './device.js';

/** What one op costs by the models; both are estimates. */
export interface OpCost {
  readonly delayNs: number;
  readonly lut: number;
}

const FREE: OpCost = { delayNs: 0, lut: 0 };

/**
 * Delay and LUTs of an op. `bits` is the width that is really computed (its demanded bits).
 *
 * An adder costs a LUT a carry position: from the lowest position where both operands have bits (for a subtraction,
 * where the subtrahend begins) to the top of the result. Everything else is counted in levels of LUTs.
 */
export function costOf(circuit: Circuit, op: number, bits: number, device: Device): OpCost {
  const kind = kindOf(circuit, op);
  if (isWire(circuit, op)) return FREE;
  const a = circuit.a[op] as number;
  const b = circuit.b[op] as number;
  const level = device.lutNs + device.routeNs;
  const carry = (n: number): number => level + device.carryEntryNs + n * device.carryNsPerBit;
  switch (kind) {
    case Op.input:
    case Op.const:
    case Op.shift:
      return FREE;
    case Op.add:
    case Op.sub: {
      const n = carryPositions(circuit, op, bits);
      return n === 0 ? FREE : { delayNs: carry(n), lut: Math.max(0, n - carryOnlyPositions(circuit, op, bits)) };
    }
    case Op.mul: {
      const wa = intervalWidth(intervalOf(circuit, a));
      const wb = intervalWidth(intervalOf(circuit, b));
      const rows = Math.min(wa, wb);
      const depth = Math.ceil(Math.log2(Math.max(2, rows)));
      return { delayNs: depth * carry(bits), lut: wa * wb };
    }
    case Op.lt: {
      const n = comparedBits(circuit, a, b);
      return isZero(circuit, b) ? FREE : { delayNs: carry(n / 2), lut: Math.ceil(n / 2) + 1 };
    }
    case Op.eq: {
      const n = comparedBits(circuit, a, b);
      return lutTree(n * (kindOf(circuit, b) === Op.const ? 1 : 2), device);
    }
    case Op.mux:
      return { delayNs: level, lut: bits * muxShare(circuit, op) };
    case Op.and:
    case Op.or:
    case Op.xor:
      return { delayNs: level, lut: bits };
    case Op.lookup: {
      const inputs = intervalWidth(intervalOf(circuit, a));
      const extra = Math.max(0, inputs - device.lutInputs);
      return { delayNs: level * (1 + Math.ceil(extra / 2)), lut: bits * 2 ** Math.min(extra, 20) };
    }
    case Op.cast: {
      const type = circuit.types[circuit.param[op] as number] as FixedType;
      const from = intervalOf(circuit, a);
      const rounds = type.rounding !== 'TRN' && from.exp < type.integer - type.width;
      const saturates = type.overflow !== 'WRAP' && castOverflows(from, type);
      const kept = Math.max(1, from.exp + intervalWidth(from) - (type.integer - type.width));
      // Rounding and the tests of saturation work side by side; a choice of three ends both.
      const positions = saturates && rounds ? Math.min(kept, type.width + 1) : kept;
      const rounding = rounds ? { delayNs: carry(positions) + (type.rounding === 'RND' ? 0 : level), lut: positions + 1 } : FREE;
      const check = saturates ? lutTree(Math.max(1, kept - type.width + 1), device) : FREE;
      const choice = saturates ? { delayNs: level, lut: bits } : FREE;
      const delayNs = Math.max(rounding.delayNs, check.delayNs) + choice.delayNs;
      const lut = rounding.lut + check.lut + choice.lut;
      return { delayNs, lut };
    }
    default:
      return assertNever(kind);
  }
}

/** Carry positions of an adder: 0 where the operands do not overlap. */
export function carryPositions(circuit: Circuit, op: number, bits: number): number {
  const s = circuit.param[op] as number;
  const a = intervalOf(circuit, circuit.a[op] as number);
  const b = intervalOf(circuit, circuit.b[op] as number);
  const isSub = kindOf(circuit, op) === Op.sub;
  const exp = expOf(circuit, op);
  const startOfA = a.exp;
  const startOfB = b.exp + s;
  const start = isSub ? startOfB : Math.max(startOfA, startOfB);
  if (!isSub) {
    const lower = startOfA <= startOfB ? a : b;
    const endOfLower = (startOfA <= startOfB ? startOfA : startOfB) + intervalWidth(lower);
    if (lower.lo >= 0 && endOfLower <= start) return 0;
  }
  return Math.max(0, exp + bits - start);
}

/**
 * Of an addition's carry positions, those at the top where one operand has ended (zeros): the carry passes the other
 * operand's bit and no LUT is needed.
 */
function carryOnlyPositions(circuit: Circuit, op: number, bits: number): number {
  if (kindOf(circuit, op) === Op.sub) return 0;
  const a = intervalOf(circuit, circuit.a[op] as number);
  const b = intervalOf(circuit, circuit.b[op] as number);
  const topOf = (x: typeof a, s: number): number => (x.lo >= 0 ? x.exp + s + intervalWidth(x) : Infinity);
  const end = Math.min(topOf(a, 0), topOf(b, circuit.param[op] as number));
  return Math.max(0, expOf(circuit, op) + bits - end);
}

/** LUTs a bit of a mux: four-to-one fits one LUT, constants make it a gate that its neighbours absorb in part. */
function muxShare(circuit: Circuit, op: number): number {
  const constants = [circuit.b, circuit.c].filter((operand) => kindOf(circuit, operand[op] as number) === Op.const).length;
  return constants === 2 ? 0 : 0.4;
}

function comparedBits(circuit: Circuit, a: number, b: number): number {
  const x = intervalOf(circuit, a);
  const y = intervalOf(circuit, b);
  return Math.max(x.exp + intervalWidth(x), y.exp + intervalWidth(y)) - Math.min(x.exp, y.exp);
}

function isZero(circuit: Circuit, op: number): boolean {
  return kindOf(circuit, op) === Op.const && intervalOf(circuit, op).lo === 0;
}

/** A function of n bits as a tree of LUTs with one output. */
function lutTree(n: number, device: Device): OpCost {
  const levels = Math.max(1, Math.ceil(Math.log(n) / Math.log(device.lutInputs) - 1e-9));
  return { delayNs: levels * (device.lutNs + device.routeNs), lut: Math.max(1, Math.ceil((n - 1) / (device.lutInputs - 1))) };
}

/** The largest ops that fit a stage of `roomNs`; at least those that every device has in one level. */
export interface OpLimits {
  /** Index bits of a lookup. */
  readonly lookupInputs: number;
  /** Carry positions of an adder. */
  readonly adderBits: number;
  /** Bits compared by one lt. */
  readonly comparedBits: number;
  /** Bits of the narrower factor of a product of so many bits. */
  readonly multiplierRows: (productBits: number) => number;
}

/** The inverse of `costOf`: what it says of ops within these limits is at most `roomNs`. */
export function opLimits(device: Device, roomNs: number): OpLimits {
  const level = device.lutNs + device.routeNs;
  const chain = Math.max(4, Math.floor((roomNs - level - device.carryEntryNs) / device.carryNsPerBit));
  return {
    lookupInputs: device.lutInputs + 2 * Math.max(0, Math.floor(roomNs / level + 1e-9) - 1),
    adderBits: chain,
    comparedBits: 2 * chain,
    multiplierRows: (bits) => 2 ** Math.max(1, Math.floor(roomNs / (level + device.carryEntryNs + bits * device.carryNsPerBit))),
  };
}
