import type { Circuit } from '../circuit/circuit.js';
import { kindOf, Op, OPERAND_COUNT } from '../circuit/circuit.js';
import { demandedBottom, demandedTop } from '../circuit/demand.js';
import { wireSources } from '../circuit/wires.js';
import { costOf } from './cost.js';
import type { Device } from './device.js';
import { stageRoomNs } from './device.js';
import type { Schedule } from './schedule.js';

/** What the user asked of latency: nothing, at most so many cycles, or exactly so many. */
export type LatencyRequest =
  | { readonly mode: 'shortest' }
  | { readonly mode: 'atMost'; readonly cycles: number }
  | { readonly mode: 'exactly'; readonly cycles: number };

/** A schedule and whether it keeps the period and the latency asked for. */
export interface PipelineResult {
  readonly schedule: Schedule;
  /** Register bits between the ranks and at the outputs. */
  readonly registerBits: number;
  readonly met: boolean;
  /** Cycles that would meet the clock, where the request was for fewer. */
  readonly neededCycles: number;
}

/**
 * Cuts a circuit into pipeline stages whose modelled delay never exceeds the period. First every op as early as it can
 * (fewest stages), then the smallest stage delay that keeps that number of stages (the slack is spread evenly), then
 * ops move to later stages where that saves registers.
 */
export function pipelineCircuit(circuit: Circuit, device: Device, clockMHz: number, request: LatencyRequest): PipelineResult {
  const net = netOf(circuit, device);
  const periodNs = 1000 / clockMHz;
  const room = stageRoomNs(device, clockMHz);
  if (request.mode !== 'shortest' && request.cycles === 0) return combinational(circuit, net, device, clockMHz);
  const needed = asSoonAsPossible(net, room).stages;
  const locked = request.mode === 'exactly';
  const target = locked ? request.cycles : needed;
  const stageNs = smallestStageDelay(net, target, room);
  const stage = asSoonAsPossible(net, stageNs).stage;
  saveRegisters(net, stage, target, stageNs);
  const arrivalNs = arrivals(net, stage);
  const criticalPathNs = maximum(arrivalNs) + device.registerNs;
  const schedule: Schedule = {
    circuit, stage, latencyCycles: target, initiationInterval: 1, clockMHz, device, criticalPathNs, arrivalNs,
  };
  return {
    schedule,
    registerBits: countRegisterBits(net, schedule),
    met: criticalPathNs <= periodNs + 1e-6 && (request.mode === 'shortest' || target <= request.cycles),
    neededCycles: needed,
  };
}

/** What scheduling needs of a circuit, in arrays. Wires are folded into the op whose bits they are. */
interface Net {
  readonly circuit: Circuit;
  readonly delay: Float32Array;
  readonly source: Int32Array;
  /** Bits to keep when the op's value crosses a rank. */
  readonly bits: Int32Array;
  /** Users of each source (no wires, no constants), compressed rows. */
  readonly userStart: Int32Array;
  readonly users: Int32Array;
  readonly isOutput: Uint8Array;
  readonly isLive: Uint8Array;
}

function netOf(circuit: Circuit, device: Device): Net {
  const n = circuit.size;
  const top = demandedTop(circuit);
  const bottom = demandedBottom(circuit);
  const source = wireSources(circuit);
  const delay = new Float32Array(n);
  const bits = new Int32Array(n);
  const isOutput = new Uint8Array(n);
  const isLive = new Uint8Array(n);
  const userStart = new Int32Array(n + 1);
  for (let op = 0; op < n; op++) {
    delay[op] = top[op] === 0 ? 0 : costOf(circuit, op, top[op] as number, device).delayNs;
    isLive[op] = (top[op] as number) > 0 ? 1 : 0;
    bits[op] = Math.max(0, (top[op] as number) - (bottom[op] as number));
    forOperands(circuit, source, op, (operand) => userStart[operand + 1]!++);
  }
  for (const port of circuit.outputs) for (const op of port.ops) isOutput[source[op] as number] = 1;
  for (let op = 0; op < n; op++) userStart[op + 1]! += userStart[op] as number;
  const users = new Int32Array(userStart[n] as number);
  const next = userStart.slice(0, n);
  for (let op = 0; op < n; op++) forOperands(circuit, source, op, (operand) => (users[next[operand]!++] = op));
  return { circuit, delay, source, bits, userStart, users, isOutput, isLive };
}

/** The sources of an op's operands, constants left out; nothing for wires. */
function forOperands(circuit: Circuit, source: Int32Array, op: number, visit: (operand: number) => void): void {
  const kind = kindOf(circuit, op);
  const count = OPERAND_COUNT[kind] as number;
  if (count === 0 || source[op] !== op) return;
  for (let which = 0; which < count; which++) {
    const operand = source[(which === 0 ? circuit.a : which === 1 ? circuit.b : circuit.c)[op] as number] as number;
    if (kindOf(circuit, operand) !== Op.const) visit(operand);
  }
}

interface Stages {
  readonly stage: Int32Array;
  readonly stages: number;
}

function asSoonAsPossible(net: Net, stageNs: number): Stages {
  const { circuit, delay, source } = net;
  const stage = new Int32Array(circuit.size);
  const arrival = new Float32Array(circuit.size);
  let last = 0;
  for (let op = 0; op < circuit.size; op++) {
    if (source[op] !== op) {
      stage[op] = stage[source[op] as number] as number;
      continue;
    }
    let at = 0;
    let ready = 0;
    forOperands(circuit, source, op, (operand) => {
      const s = stage[operand] as number;
      const t = arrival[operand] as number;
      if (s > at) {
        at = s;
        ready = t;
      } else if (s === at && t > ready) ready = t;
    });
    const own = delay[op] as number;
    if (ready > 0 && own > 0 && ready + own > stageNs + 1e-6) {
      at += 1;
      ready = 0;
    }
    stage[op] = at;
    arrival[op] = ready + own;
    if (at > last && net.isLive[op] === 1) last = at;
  }
  // What nobody reads must not lengthen the pipeline.
  for (let op = 0; op < circuit.size; op++) if ((stage[op] as number) > last) stage[op] = last;
  return { stage, stages: last + 1 };
}

/** The least stage delay, to 1 %, that needs no more than `target` stages; `room` if that is enough already. */
function smallestStageDelay(net: Net, target: number, room: number): number {
  let low = 0;
  let high = room;
  while (asSoonAsPossible(net, high).stages > target) {
    low = high;
    high *= 2;
  }
  for (let i = 0; i < 8 && high - low > 0.01 * high; i++) {
    const middle = (low + high) / 2;
    if (asSoonAsPossible(net, middle).stages <= target) high = middle;
    else low = middle;
  }
  return high;
}

/** Moves ops to later stages, last op first, where fewer bits cross the ranks and no stage gets slower than `stageNs`. */
function saveRegisters(net: Net, stage: Int32Array, ranks: number, stageNs: number): void {
  const { circuit, delay, source, bits, userStart, users } = net;
  for (let sweep = 0; sweep < 3; sweep++) {
    const tail = new Float32Array(circuit.size);
    const lastUse = lastUses(net, stage, ranks);
    let moved = 0;
    for (let op = circuit.size - 1; op >= 0; op--) {
      const kind = kindOf(circuit, op);
      if (source[op] !== op || kind === Op.const) continue;
      const from = stage[op] as number;
      let latest = ranks - 1;
      for (let u = userStart[op] as number; u < (userStart[op + 1] as number); u++) latest = Math.min(latest, stage[users[u] as number] as number);
      let best = from;
      let bestGain = 0;
      if (kind !== Op.input) {
        for (let to = from + 1; to <= latest; to++) {
          if ((delay[op] as number) + tailAt(net, stage, tail, op, to) > stageNs + 1e-6) continue;
          let gain = (to - from) * (bits[op] as number);
          forOperands(circuit, source, op, (operand) => {
            gain -= Math.max(0, to - (lastUse[operand] as number)) * (bits[operand] as number);
          });
          if (gain > bestGain) {
            best = to;
            bestGain = gain;
          }
        }
      }
      if (best !== from) {
        stage[op] = best;
        moved++;
        forOperands(circuit, source, op, (operand) => (lastUse[operand] = Math.max(lastUse[operand] as number, best)));
      }
      tail[op] = tailAt(net, stage, tail, op, best);
    }
    for (let op = 0; op < circuit.size; op++) if (source[op] !== op) stage[op] = stage[source[op] as number] as number;
    if (moved === 0) return;
  }
}

/** Longest delay behind op to the end of the stage, if op were in stage `at`. */
function tailAt(net: Net, stage: Int32Array, tail: Float32Array, op: number, at: number): number {
  let longest = 0;
  for (let u = net.userStart[op] as number; u < (net.userStart[op + 1] as number); u++) {
    const user = net.users[u] as number;
    if (stage[user] === at) longest = Math.max(longest, (net.delay[user] as number) + (tail[user] as number));
  }
  return longest;
}

/** For each source, the last stage that reads it; outputs are read behind the last rank. */
function lastUses(net: Net, stage: Int32Array, ranks: number): Int32Array {
  const last = Int32Array.from(stage);
  for (let op = 0; op < net.circuit.size; op++) {
    if (net.isOutput[op] === 1) last[op] = ranks;
    for (let u = net.userStart[op] as number; u < (net.userStart[op + 1] as number); u++) {
      last[op] = Math.max(last[op] as number, stage[net.users[u] as number] as number);
    }
  }
  return last;
}

function countRegisterBits(net: Net, schedule: Schedule): number {
  const crossed = crossings(schedule);
  let bits = schedule.latencyCycles;
  for (let op = 0; op < net.circuit.size; op++) bits += (crossed[op] as number) * (net.bits[op] as number);
  return bits;
}

function arrivals(net: Net, stage: Int32Array): Float32Array {
  const { circuit, source } = net;
  const arrival = new Float32Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    if (source[op] !== op) {
      arrival[op] = arrival[source[op] as number] as number;
      continue;
    }
    let ready = 0;
    forOperands(circuit, source, op, (operand) => {
      if (stage[operand] === stage[op]) ready = Math.max(ready, arrival[operand] as number);
    });
    arrival[op] = ready + (net.delay[op] as number);
  }
  return arrival;
}

function combinational(circuit: Circuit, net: Net, device: Device, clockMHz: number): PipelineResult {
  const stage = new Int32Array(circuit.size);
  const arrivalNs = arrivals(net, stage);
  const criticalPathNs = maximum(arrivalNs);
  return {
    schedule: { circuit, stage, latencyCycles: 0, initiationInterval: 1, clockMHz, device, criticalPathNs, arrivalNs },
    registerBits: 0,
    met: criticalPathNs <= 1000 / clockMHz + 1e-6,
    neededCycles: 0,
  };
}

function maximum(values: Float32Array): number {
  let largest = 0;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}

/** How many ranks each op's value crosses: 0 where it is only read in its own stage. */
export function crossings(schedule: Schedule): Int32Array {
  const { circuit, stage, latencyCycles } = schedule;
  const source = wireSources(circuit);
  const last = Int32Array.from(stage);
  const read = (op: number, at: number): void => {
    if (at > (last[op] as number)) last[op] = at;
  };
  for (let op = 0; op < circuit.size; op++) forOperands(circuit, source, op, (operand) => read(operand, stage[op] as number));
  for (const port of circuit.outputs) for (const op of port.ops) read(source[op] as number, latencyCycles);
  return last.map((at, op) => (kindOf(circuit, op) === Op.const || source[op] !== op ? 0 : at - (stage[op] as number)));
}
