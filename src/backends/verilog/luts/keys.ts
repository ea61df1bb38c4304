import { expOf, hiOf, intervalOf, kindOf, loOf, Op } from '../../../circuit/circuit.js';
import { intervalWidth } from '../../../fixed/interval.js';
import { add, neg, pow2, shift } from '../../../fixed/integer.js';
import type { BitSource } from '../bits.js';
import type { LogicNode } from './logic.js';
import type { Net } from './nets.js';
import { helperNet, netAt } from './nets.js';

/** A value compared with constants: its bits with the sign turned round, so that they count up from its lowest value. */
interface Subject {
  readonly bits: readonly Net[];
  readonly signed: boolean;
  readonly level: number;
  /** Low bits that are compared apart where a threshold needs more than six bits. */
  split: number;
  readonly thresholds: Set<number>;
}

/** Inputs of a LUT; of one of two that share a site. */
const INPUTS = 6;
const SHARED_INPUTS = 5;
/** Wider values are compared by carry chains. */
const WIDEST = 20;

/**
 * Comparisons of one value with constants. A threshold with trailing zeros reads fewer bits; one that reads more than six
 * is split into high bits and a comparison of the low bits, which thresholds with equal low parts share. How many bits are
 * low is chosen for each value by the sites that its thresholds then take.
 */
export class Keys {
  private readonly subjects = new Map<number, Subject>();
  private readonly helpers = new Map<string, Net>();
  private readonly nodes = new Map<string, LogicNode>();

  constructor(private readonly net: BitSource, private readonly levels: Int32Array) {
    const { circuit } = net;
    for (let op = 0; op < circuit.size; op++) {
      if (!this.isKey(op)) continue;
      const { subject, threshold } = this.parts(op);
      this.subjectOf(subject).thresholds.add(threshold);
    }
    for (const subject of this.subjects.values()) subject.split = bestSplit(subject.bits.length, [...subject.thresholds]);
  }

  /** Whether an op compares a value of few bits with a constant. */
  isKey(op: number): boolean {
    const { circuit } = this.net;
    if (kindOf(circuit, op) !== Op.lt) return false;
    const a = circuit.a[op] as number;
    const b = circuit.b[op] as number;
    const constants = [a, b].filter((operand) => isConstant(this.net, operand)).length;
    if (constants !== 1) return false;
    const value = isConstant(this.net, a) ? b : a;
    return intervalWidth(intervalOf(circuit, value)) <= WIDEST;
  }

  /** The comparison as it stands in a stage: helpers are of the stage of those that read them. */
  node(op: number, stage: number): LogicNode {
    const { subject, threshold, inverted } = this.parts(op);
    const own = this.subjectOf(subject);
    const node = this.less(`${subject}@${stage}`, own, 0, own.bits.length, threshold);
    return inverted ? { inputs: node.inputs, value: (bits) => 1 - node.value(bits) } : node;
  }

  helper(net: Net): LogicNode | undefined {
    return this.nodes.get(net.key);
  }

  /** x < c is x < threshold; c < x is not x < threshold. */
  private parts(op: number): { readonly subject: number; readonly threshold: number; readonly inverted: boolean } {
    const { circuit } = this.net;
    const a = circuit.a[op] as number;
    const b = circuit.b[op] as number;
    const inverted = isConstant(this.net, a);
    const [subject, constant] = inverted ? [b, a] : [a, b];
    const interval = intervalOf(circuit, subject);
    const k = expOf(circuit, constant) - interval.exp;
    const n = loOf(circuit, constant);
    const limit = inverted ? add(shift(n, k), 1) : neg(shift(neg(n), k));
    const width = intervalWidth(interval);
    const threshold = Number(add(limit, interval.lo < 0 ? pow2(width - 1) : 0));
    return { subject, threshold: Math.max(0, Math.min(threshold, 2 ** width)), inverted };
  }

  private subjectOf(op: number): Subject {
    const known = this.subjects.get(op);
    if (known !== undefined) return known;
    const interval = intervalOf(this.net.circuit, op);
    const width = intervalWidth(interval);
    const made: Subject = {
      bits: Array.from({ length: width }, (_, i) => netAt(this.net, op, interval.exp + i)),
      signed: interval.lo < 0, level: this.levels[op] as number, split: Math.min(5, width), thresholds: new Set(),
    };
    this.subjects.set(op, made);
    return made;
  }

  /** Whether the bits [from, to) of a subject, as a number, are below a threshold. */
  private less(place: string, subject: Subject, from: number, to: number, threshold: number): LogicNode {
    const width = to - from;
    if (threshold <= 0 || threshold >= 2 ** width) return { inputs: [], value: () => (threshold <= 0 ? 0 : 1) };
    const zeros = trailingZeros(threshold);
    const spelled = (bits: readonly (0 | 1)[], start: number): number =>
      bits.reduce<number>((sum, bit, i) => sum + (subject.signed && start + i === subject.bits.length - 1 ? 1 - bit : bit) * 2 ** i, 0);
    if (width - zeros <= INPUTS) {
      const start = from + zeros;
      return { inputs: subject.bits.slice(start, to), value: (bits) => (spelled(bits, start) < threshold / 2 ** zeros ? 1 : 0) };
    }
    const low = width - subject.split > SHARED_INPUTS || subject.split >= width ? width - SHARED_INPUTS : subject.split;
    const high = Math.floor(threshold / 2 ** low);
    const helper = this.helperOf(place, subject, from, from + low, threshold % 2 ** low);
    return {
      inputs: [...subject.bits.slice(from + low, to), helper],
      value: (bits) => {
        const own = spelled(bits.slice(0, -1), from + low);
        return own < high || (own === high && bits[bits.length - 1] === 1) ? 1 : 0;
      },
    };
  }

  private helperOf(place: string, subject: Subject, from: number, to: number, threshold: number): Net {
    const name = `${place}:${from}:${to}:${threshold}`;
    const known = this.helpers.get(name);
    if (known !== undefined) return known;
    const made = helperNet(this.helpers.size);
    this.helpers.set(name, made);
    // Below the level of the comparisons that read it, above what is narrower.
    this.nodes.set(made.key, { ...this.less(place, subject, from, to, threshold), level: subject.level + to / 64 });
    return made;
  }
}

function isConstant(net: BitSource, op: number): boolean {
  return kindOf(net.circuit, op) !== Op.input && loOf(net.circuit, op) === hiOf(net.circuit, op);
}

function trailingZeros(n: number): number {
  let zeros = 0;
  while (n > 0 && n % 2 ** (zeros + 1) === 0) zeros++;
  return zeros;
}

/** The number of low bits with which all thresholds take the fewest sites; half a site where two functions can share one. */
function bestSplit(width: number, thresholds: readonly number[]): number {
  let best = Math.min(SHARED_INPUTS, width);
  let least = Infinity;
  for (let low = 2; low <= INPUTS; low++) {
    const high = width - low;
    if (high < 1 || high > SHARED_INPUTS) continue;
    const wide = thresholds.filter((threshold) => threshold > 0 && threshold < 2 ** width && width - trailingZeros(threshold) > INPUTS);
    const lows = new Map<number, number>();
    for (const threshold of wide) lows.set(threshold % 2 ** low, (lows.get(threshold % 2 ** low) ?? 0) + 1);
    let sites = 0;
    for (const [part, readers] of lows) {
      sites += low - trailingZeros(part) <= SHARED_INPUTS ? 0.5 : 1;
      // With room for two helpers any two keys share a site, with room for one those of the same helper.
      sites += high + 2 <= SHARED_INPUTS ? readers / 2 : high + 1 <= SHARED_INPUTS ? Math.ceil(readers / 2) : readers;
    }
    if (sites < least) {
      least = sites;
      best = low;
    }
  }
  return best;
}
