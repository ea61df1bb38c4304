import type { Circuit } from '../circuit/circuit.js';
import { expOf, intervalOf, kindOf, loOf, Op, OPERAND_COUNT } from '../circuit/circuit.js';
import { demandedTop } from '../circuit/demand.js';
import { wireSources } from '../circuit/wires.js';
import { intervalWidth } from '../fixed/interval.js';
import type { OpCost } from './cost.js';
import { carryPositions, costOf } from './cost.js';
import type { Device } from './device.js';
import type { Schedule } from './schedule.js';

/** An operand of a three-operand adder: ± op · 2^shift. */
export interface TernaryTerm {
  readonly op: number;
  readonly shift: number;
  readonly negative: boolean;
}

/**
 * Adders that become part of the adder that reads them: a LUT with two outputs adds three bits a position and hands their
 * majority to the next one (AMD UG474, UG574: carry logic). For each op the adder it is part of, or −1. An adder takes in
 * one other at most, and only one that nobody else reads; of all choices those that save the most LUTs, by dynamic
 * programming over each tree of such adders. What would be slower than `roomNs` stays apart; with `stage` also what is
 * not of one stage, or would make a stage longer than that: the operand that joins last passes two LUTs instead of one.
 */
export function ternaryAdders(circuit: Circuit, device: Device, roomNs: number, stage?: Int32Array): Int32Array {
  const into = new Int32Array(circuit.size).fill(-1);
  if (device.lutInputs < 6) return into;
  const top = demandedTop(circuit);
  const reader = onlyReaders(circuit, top);
  const clock = stage === undefined ? undefined : new Arrivals(circuit, device, roomNs, stage, top);
  // What the tree under an op saves more if the op may take in another one.
  const gain = new Float64Array(circuit.size);
  const choice = new Int32Array(circuit.size).fill(-1);
  for (let op = 0; op < circuit.size; op++) {
    clock?.arrive(op);
    if (!isAdder(circuit, op) || (top[op] as number) === 0) continue;
    for (const inner of [circuit.a[op] as number, circuit.b[op] as number].map((operand) => throughShifts(circuit, operand))) {
      if (inner === undefined || reader[inner] !== op || (stage !== undefined && stage[inner] !== stage[op]) || !canJoin(circuit, op, inner, top, reader)) continue;
      const joint = ternaryCost(circuit, op, inner, top[op] as number, device);
      const terms = ternaryTerms(circuit, op, inner).map((term) => term.op);
      if (joint.delayNs > roomNs || clock?.allows(op, terms, joint.delayNs) === false) continue;
      const apart = costOf(circuit, op, top[op] as number, device).lut + costOf(circuit, inner, top[inner] as number, device).lut;
      const saved = apart - joint.lut - (gain[inner] as number);
      if (saved <= (gain[op] as number)) continue;
      gain[op] = saved;
      choice[op] = inner;
    }
    if ((choice[op] as number) >= 0) clock?.join(op, ternaryTerms(circuit, op, choice[op] as number).map((term) => term.op), ternaryCost(circuit, op, choice[op] as number, top[op] as number, device).delayNs);
  }
  for (let op = circuit.size - 1; op >= 0; op--) {
    const inner = choice[op] as number;
    if (inner >= 0 && into[op] === -1) into[inner] = op;
  }
  return into;
}

/** When each op is there in its stage, and when it has to be. */
class Arrivals {
  private readonly arrival: Float64Array;
  private readonly required: Float64Array;
  private readonly delay: Float64Array;

  constructor(private readonly circuit: Circuit, device: Device, roomNs: number, private readonly stage: Int32Array, top: Int32Array) {
    this.delay = Float64Array.from(top, (bits, op) => (bits === 0 ? 0 : costOf(circuit, op, bits, device).delayNs));
    this.arrival = new Float64Array(circuit.size);
    for (let op = 0; op < circuit.size; op++) this.arrive(op);
    const longest = this.arrival.reduce((most, ns) => Math.max(most, ns), 0);
    this.required = new Float64Array(circuit.size).fill(Number.isFinite(roomNs) ? roomNs : longest);
    for (let op = circuit.size - 1; op >= 0; op--) {
      const latest = (this.required[op] as number) - (this.delay[op] as number);
      for (const operand of operandsOf(circuit, op)) if (stage[operand] === stage[op]) this.required[operand] = Math.min(this.required[operand] as number, latest);
    }
  }

  arrive(op: number): void {
    this.join(op, operandsOf(this.circuit, op), this.delay[op] as number);
  }

  /** The op has these operands and delay from now on. */
  join(op: number, operands: readonly number[], delayNs: number): void {
    this.arrival[op] = this.after(op, operands, delayNs);
  }

  allows(op: number, operands: readonly number[], delayNs: number): boolean {
    return this.after(op, operands, delayNs) <= Math.max(this.required[op] as number, this.arrival[op] as number) + 1e-9;
  }

  private after(op: number, operands: readonly number[], delayNs: number): number {
    return delayNs + operands.reduce((latest, operand) => Math.max(latest, this.stage[operand] === this.stage[op] ? (this.arrival[operand] as number) : 0), 0);
  }
}

function operandsOf(circuit: Circuit, op: number): number[] {
  return [circuit.a[op], circuit.b[op], circuit.c[op]].slice(0, OPERAND_COUNT[kindOf(circuit, op)]) as number[];
}

/** The three terms of an adder and the one that is part of it. */
export function ternaryTerms(circuit: Circuit, op: number, inner: number): readonly TernaryTerm[] {
  return sides(circuit, op).flatMap((term) => {
    let shift = term.shift;
    let at = term.op;
    for (; at !== inner && kindOf(circuit, at) === Op.shift; at = circuit.a[at] as number) shift += circuit.param[at] as number;
    if (at !== inner) return [term];
    return sides(circuit, inner).map((part) => ({ op: part.op, shift: part.shift + shift, negative: part.negative !== term.negative }));
  });
}

/** Sites from where the second term begins (the first, if it is subtracted) to the highest bit or the end of the second last one. */
export function ternaryCost(circuit: Circuit, op: number, inner: number, bits: number, device: Device): OpCost {
  const top = expOf(circuit, op) + bits;
  const spans = ternaryTerms(circuit, op, inner).map(({ op: own, shift, negative }) => {
    const { lo, exp } = intervalOf(circuit, own);
    const width = intervalWidth(intervalOf(circuit, own));
    return { from: exp + shift, to: lo >= 0 && !negative ? exp + shift + width : Infinity, negative };
  });
  const starts = [...spans].sort((x, y) => x.from - y.from);
  const [first, second] = starts as [(typeof spans)[number], (typeof spans)[number]];
  const start = Math.max(expOf(circuit, op), first.negative ? first.from : second.from);
  const ends = spans.map(({ to }) => to).sort((x, y) => x - y);
  const lut = Math.max(1, Math.min(top, (ends[1] as number) + 1) - start);
  const level = device.lutNs + device.routeNs;
  return { delayNs: 2 * level + device.carryEntryNs + Math.max(1, top - start) * device.carryNsPerBit, lut };
}

/** Modelled LUTs of each op, of which `top` bits are computed; parts of others have none. */
export function lutsOf({ circuit, device, partOf }: Schedule, top: Int32Array): Float64Array {
  const luts = new Float64Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) if ((top[op] as number) > 0) luts[op] = costOf(circuit, op, top[op] as number, device).lut;
  partOf?.forEach((outer, op) => {
    if (outer < 0) return;
    luts[op] = 0;
    luts[outer] = ternaryCost(circuit, outer, op, top[outer] as number, device).lut;
  });
  return luts;
}

function sides(circuit: Circuit, op: number): readonly TernaryTerm[] {
  const right = { op: circuit.b[op] as number, shift: circuit.param[op] as number, negative: kindOf(circuit, op) === Op.sub };
  return [{ op: circuit.a[op] as number, shift: 0, negative: false }, right];
}

/** An addition or subtraction that is more than wires. */
function isAdder(circuit: Circuit, op: number): boolean {
  const kind = kindOf(circuit, op);
  return (kind === Op.add || kind === Op.sub) && carryPositions(circuit, op, intervalWidth(intervalOf(circuit, op))) > 0;
}

/** The op behind shifts; undefined if one of them is claimed to be narrower than what it shifts. */
function throughShifts(circuit: Circuit, op: number): number | undefined {
  let at = op;
  while (kindOf(circuit, at) === Op.shift) {
    const inner = circuit.a[at] as number;
    if (intervalWidth(intervalOf(circuit, at)) !== intervalWidth(intervalOf(circuit, inner)) || loOf(circuit, at) < 0 !== loOf(circuit, inner) < 0) return undefined;
    at = inner;
  }
  return at;
}

function canJoin(circuit: Circuit, op: number, inner: number, top: Int32Array, reader: Int32Array): boolean {
  if (!isAdder(circuit, inner)) return false;
  const terms = ternaryTerms(circuit, op, inner);
  if (terms.length !== 3) return false;
  // An operand that is a small function of its own fits into the LUTs of an adder of two; beside three, one at most does.
  if (terms.filter((term) => isSmallLogic(circuit, term.op, reader)).length > 1) return false;
  // Where the sum of two is known to be narrower than they are, their own high bits may not be there.
  const needed = expOf(circuit, op) + (top[op] as number);
  return terms.every(({ op: own, shift }) => top[own] === intervalWidth(intervalOf(circuit, own)) || expOf(circuit, own) + shift + (top[own] as number) >= needed);
}

function isSmallLogic(circuit: Circuit, op: number, reader: Int32Array): boolean {
  const own = throughShifts(circuit, op) ?? op;
  const kind = kindOf(circuit, own);
  return kind === Op.lookup || ((kind === Op.mux || kind === Op.and || kind === Op.or || kind === Op.xor) && (reader[own] as number) >= 0);
}

/** For each op the one op that reads it, seen through wires; −1 for none, more than one, or an output. */
function onlyReaders(circuit: Circuit, top: Int32Array): Int32Array {
  const source = wireSources(circuit);
  const reader = new Int32Array(circuit.size).fill(-1);
  const seen = new Uint8Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    if (source[op] !== op || (top[op] as number) === 0) continue;
    // An op that reads another one twice counts twice.
    for (const operand of operandsOf(circuit, op)) {
      const own = source[operand] as number;
      reader[own] = seen[own] === 0 ? op : -1;
      seen[own] = 1;
    }
  }
  for (const port of circuit.outputs) for (const op of port.ops) reader[source[op] as number] = -1;
  return reader;
}
