import type { Circuit } from '../circuit/circuit.js';
import { kindOf, Op, OPERAND_COUNT } from '../circuit/circuit.js';
import { demandedBottom, demandedTop } from '../circuit/demand.js';
import { wireSources } from '../circuit/wires.js';
import { costOf } from './cost.js';
import type { Device } from './device.js';
import { stageRoomNs } from './device.js';
import type { Schedule } from './schedule.js';
import { ternaryAdders, ternaryCost } from './ternary.js';

/** What the user asked of latency: nothing, at most so many cycles, or exactly so many. */
export type LatencyRequest =
  | { readonly mode: 'shortest' }
  | { readonly mode: 'atMost'; readonly cycles: number }
  | { readonly mode: 'exactly'; readonly cycles: number };

/** What the backend will make of the circuit. */
export interface PipelineOptions {
  /** Adders that become part of the adders that read them (`ternaryAdders`) share their stage and delay. */
  readonly ternary?: boolean;
}

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
export function pipelineCircuit(circuit: Circuit, device: Device, clockMHz: number, request: LatencyRequest, options: PipelineOptions = {}): PipelineResult {
  const isCombinational = request.mode !== 'shortest' && request.cycles === 0;
  const room = isCombinational ? Infinity : stageRoomNs(device, clockMHz);
  const place = (partOf?: Int32Array, start?: Int32Array): PipelineResult => {
    const net = netOf(circuit, device, partOf);
    return isCombinational ? combinational(net, device, clockMHz) : inStages(net, device, clockMHz, request, start);
  };
  if (options.ternary !== true) return place();
  const joined = place(ternaryAdders(circuit, device, room));
  if (joined.met && request.mode !== 'shortest') return joined;
  // What is joined is in one stage, and some paths through it are longer. Where that takes more stages, stages come first.
  const apart = place();
  if (joined.neededCycles <= apart.neededCycles && (joined.met || !apart.met)) return joined;
  const { stage } = apart.schedule;
  return place(ternaryAdders(circuit, device, room, stage), stage);
}

/** `start` is a schedule that keeps the period, to be improved. */
function inStages(net: Net, device: Device, clockMHz: number, request: LatencyRequest, start: Int32Array | undefined): PipelineResult {
  const { circuit } = net;
  const periodNs = 1000 / clockMHz;
  const room = stageRoomNs(device, clockMHz);
  const asap = asSoonAsPossible(net, room).stages;
  const needed = start === undefined ? asap : Math.min(asap, maximum(start) + 1);
  const target = request.mode === 'exactly' ? request.cycles : needed;
  const stageNs = start === undefined ? smallestStageDelay(net, target, room) : Math.max(room, maximum(arrivals(net, start)));
  const stage = start?.slice() ?? asSoonAsPossible(net, stageNs).stage;
  saveRegisters(net, stage, target, stageNs);
  const arrivalNs = arrivals(net, stage);
  const criticalPathNs = maximum(arrivalNs) + device.registerNs;
  const schedule: Schedule = {
    circuit, stage, latencyCycles: target, initiationInterval: 1, clockMHz, device, criticalPathNs, arrivalNs, ...partsOf(net),
  };
  return {
    schedule,
    registerBits: countRegisterBits(net, schedule),
    met: criticalPathNs <= periodNs + 1e-6 && (request.mode === 'shortest' || target <= request.cycles),
    neededCycles: needed,
  };
}

function partsOf({ partOf }: Net): Pick<Schedule, 'partOf'> {
  return partOf === undefined ? {} : { partOf };
}

/** What scheduling needs of a circuit, in arrays. Wires are folded into the op whose bits they are. */
interface Net {
  readonly circuit: Circuit;
  /** The adder that an op is part of, or −1. It goes where that one goes, which has all the delay. */
  readonly partOf: Int32Array | undefined;
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

function netOf(circuit: Circuit, device: Device, partOf: Int32Array | undefined): Net {
  const n = circuit.size;
  const top = demandedTop(circuit);
  const bottom = demandedBottom(circuit);
  const source = wireSources(circuit);
  const delay = new Float32Array(n);
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
function forOperands(wiring: Wiring, op: number, visit: (operand: number) => void): void {
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

/** Parts stand in the stage of their whole, wires in that of their source. */
function settle({ circuit, source, partOf }: Wiring, stage: Int32Array): void {
  partOf?.forEach((outer, op) => {
    if (outer >= 0) stage[op] = stage[outer] as number;
  });
  for (let op = 0; op < circuit.size; op++) if (source[op] !== op) stage[op] = stage[source[op] as number] as number;
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
    forOperands(net, op, (operand) => {
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
  settle(net, stage);
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
      if (source[op] !== op || kind === Op.const || isPart(net, op)) continue;
      const from = stage[op] as number;
      let latest = ranks - 1;
      for (let u = userStart[op] as number; u < (userStart[op + 1] as number); u++) latest = Math.min(latest, stage[users[u] as number] as number);
      let best = from;
      let bestGain = 0;
      if (kind !== Op.input) {
        for (let to = from + 1; to <= latest; to++) {
          if ((delay[op] as number) + tailAt(net, stage, tail, op, to) > stageNs + 1e-6) continue;
          let gain = (to - from) * (bits[op] as number);
          forOperands(net, op, (operand) => {
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
        forOperands(net, op, (operand) => (lastUse[operand] = Math.max(lastUse[operand] as number, best)));
      }
      tail[op] = tailAt(net, stage, tail, op, best);
    }
    settle(net, stage);
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
    forOperands(net, op, (operand) => {
      if (stage[operand] === stage[op]) ready = Math.max(ready, arrival[operand] as number);
    });
    arrival[op] = ready + (net.delay[op] as number);
  }
  return arrival;
}

function combinational(net: Net, device: Device, clockMHz: number): PipelineResult {
  const { circuit } = net;
  const stage = new Int32Array(circuit.size);
  const arrivalNs = arrivals(net, stage);
  const criticalPathNs = maximum(arrivalNs);
  return {
    schedule: { circuit, stage, latencyCycles: 0, initiationInterval: 1, clockMHz, device, criticalPathNs, arrivalNs, ...partsOf(net) },
    registerBits: 0,
    met: criticalPathNs <= 1000 / clockMHz + 1e-6,
    neededCycles: 0,
  };
}

function maximum(values: Float32Array | Int32Array): number {
  let largest = 0;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}

/** How many ranks each op's value crosses: 0 where it is only read in its own stage. */
export function crossings(schedule: Schedule): Int32Array {
  const { circuit, stage, latencyCycles } = schedule;
  const source = wireSources(circuit);
  const wiring = { circuit, source, partOf: schedule.partOf };
  const last = Int32Array.from(stage);
  const read = (op: number, at: number): void => {
    if (at > (last[op] as number)) last[op] = at;
  };
  for (let op = 0; op < circuit.size; op++) forOperands(wiring, op, (operand) => read(operand, stage[op] as number));
  for (const port of circuit.outputs) for (const op of port.ops) read(source[op] as number, latencyCycles);
  return last.map((at, op) => (kindOf(circuit, op) === Op.const || source[op] !== op ? 0 : at - (stage[op] as number)));
}
