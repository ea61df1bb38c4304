import type { Circuit } from '../circuit/circuit.js';
import { kindOf, Op, OPERAND_COUNT } from '../circuit/circuit.js';
import { demandedBottom, demandedTop } from '../circuit/demand.js';
import { wireSources } from '../circuit/wires.js';
import { costOf } from './cost.js';
import type { Device } from './device.js';
import { ternaryCost } from './ternary.js';

/** What scheduling needs of a circuit, in arrays. Wires are folded into the op whose bits they are. */
export interface Net {
  readonly circuit: Circuit;
  /** The adder that an op is part of, or −1. It goes where that one goes, which has all the delay. */
  readonly partOf: Int32Array | undefined;
  /** ns. */
  readonly delay: Float64Array;
  readonly source: Int32Array;
  /** Bits to keep when the op's value crosses a rank. */
  readonly bits: Int32Array;
  /** Users of each source (no wires, no constants), compressed rows. */
  readonly userStart: Int32Array;
  readonly users: Int32Array;
  readonly isOutput: Uint8Array;
  /** 0 where no bit of an op has a meaning: it has its place behind its operands, and neither delay nor registers. */
  readonly isLive: Uint8Array;
}

export function netOf(circuit: Circuit, device: Device, partOf?: Int32Array): Net {
  const n = circuit.size;
  const top = demandedTop(circuit);
  const bottom = demandedBottom(circuit);
  const source = wireSources(circuit);
  const delay = new Float64Array(n);
  const bits = new Int32Array(n);
  const isOutput = new Uint8Array(n);
  const isLive = new Uint8Array(n);
  const userStart = new Int32Array(n + 1);
  const wiring = { circuit, source, partOf };
  for (let op = 0; op < n; op++) {
    delay[op] = top[op] === 0 || isPart(wiring, op) ? 0 : costOf(circuit, op, top[op] as number, device).delayNs;
    isLive[op] = (top[op] as number) > 0 ? 1 : 0;
    bits[op] = Math.max(0, (top[op] as number) - (bottom[op] as number));
    forOperands(wiring, op, (operand) => userStart[operand + 1]!++);
  }
  partOf?.forEach((outer, op) => {
    if (outer >= 0) delay[outer] = ternaryCost(circuit, outer, op, top[outer] as number, device).delayNs;
  });
  for (const port of circuit.outputs) for (const op of port.ops) isOutput[source[op] as number] = 1;
  for (let op = 0; op < n; op++) userStart[op + 1]! += userStart[op] as number;
  const users = new Int32Array(userStart[n] as number);
  const next = userStart.slice(0, n);
  for (let op = 0; op < n; op++) forOperands(wiring, op, (operand) => (users[next[operand]!++] = op));
  return { ...wiring, delay, bits, userStart, users, isOutput, isLive };
}

type Wiring = Pick<Net, 'circuit' | 'source' | 'partOf'>;

function isPart({ partOf }: Wiring, op: number): boolean {
  return partOf !== undefined && (partOf[op] as number) >= 0;
}

/** The sources of an op's operands, constants left out; nothing for wires and parts, whose operands are those of the whole. */
export function forOperands(wiring: Wiring, op: number, visit: (operand: number) => void): void {
  if (wiring.source[op] === op && !isPart(wiring, op)) forOwnOperands(wiring, op, visit);
}

function forOwnOperands(wiring: Wiring, op: number, visit: (operand: number) => void): void {
  const { circuit, source } = wiring;
  const count = OPERAND_COUNT[kindOf(circuit, op)] as number;
  for (let which = 0; which < count; which++) {
    const operand = source[(which === 0 ? circuit.a : which === 1 ? circuit.b : circuit.c)[op] as number] as number;
    if (isPart(wiring, operand)) forOwnOperands(wiring, operand, visit);
    else if (kindOf(circuit, operand) !== Op.const) visit(operand);
  }
}

/** Whether an op has a place of its own: wires are where their source is, parts where the whole is. */
export function isPlaced(wiring: Wiring, op: number): boolean {
  return wiring.source[op] === op && !isPart(wiring, op);
}

/** When each op's value is there, within its stage, ns. */
export function arrivals(net: Net, stage: Int32Array): Float64Array {
  const { circuit, source, delay, isLive } = net;
  const arrival = new Float64Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    if (source[op] !== op) {
      arrival[op] = arrival[source[op] as number] as number;
      continue;
    }
    if (isLive[op] === 0) continue;
    let ready = 0;
    forOperands(net, op, (operand) => {
      if (stage[operand] === stage[op]) ready = Math.max(ready, arrival[operand] as number);
    });
    arrival[op] = ready + (delay[op] as number);
  }
  return arrival;
}

/** For each source, the last stage that reads it; outputs are read behind the last rank. */
export function lastUses(net: Net, stage: Int32Array, ranks: number): Int32Array {
  const last = Int32Array.from(stage);
  for (let op = 0; op < net.circuit.size; op++) {
    if (net.isOutput[op] === 1) last[op] = ranks;
    for (let u = net.userStart[op] as number; u < (net.userStart[op + 1] as number); u++) {
      const user = net.users[u] as number;
      if (net.isLive[user] === 1) last[op] = Math.max(last[op] as number, stage[user] as number);
    }
  }
  return last;
}

/** Register bits of a placement, without those of valid. */
export function registerBits(net: Net, stage: Int32Array, ranks: number): number {
  const last = lastUses(net, stage, ranks);
  let bits = 0;
  for (let op = 0; op < net.circuit.size; op++) {
    if (isPlaced(net, op) && kindOf(net.circuit, op) !== Op.const) bits += ((last[op] as number) - (stage[op] as number)) * (net.bits[op] as number);
  }
  return bits;
}
