import type { Circuit } from '../circuit/circuit.js';
import { kindOf, Op } from '../circuit/circuit.js';
import { demandedTop } from '../circuit/demand.js';
import { wireSources } from '../circuit/wires.js';
import type { Device } from './device.js';
import { stageRoomNs } from './device.js';
import type { Net } from './net.js';
import { arrivals, forOperands, netOf, registerBits } from './net.js';
import { retime } from './retime.js';
import type { Schedule } from './schedule.js';
import { asSoonAsPossible, SAME_NS, smallestStageDelay } from './stages.js';
import { ternaryAdders } from './ternary.js';

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

/** Circuits of up to this many operations are retimed a few times, for the shortest stages that cost no more registers. */
const EVENED_OPS = 30_000;

/** Register bits that shorter stages may cost, as a share. */
const EVENED_SHARE = 0.01;

/**
 * Cuts a circuit into pipeline stages whose modelled delay never exceeds the period: the fewest stages, with the fewest
 * register bits that so many stages can have. Among the ways to do that within 1 %, one with short stages.
 */
export function pipelineCircuit(circuit: Circuit, device: Device, clockMHz: number, request: LatencyRequest, options: PipelineOptions = {}): PipelineResult {
  const isCombinational = request.mode !== 'shortest' && request.cycles === 0;
  const room = isCombinational ? Infinity : stageRoomNs(device, clockMHz);
  const place = (partOf?: Int32Array, like?: Int32Array): PipelineResult => {
    const net = netOf(circuit, device, partOf);
    return isCombinational ? combinational(net, device, clockMHz) : inStages(net, device, clockMHz, request, like);
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

/** `like` is a schedule that is known to be possible. */
function inStages(net: Net, device: Device, clockMHz: number, request: LatencyRequest, like: Int32Array | undefined): PipelineResult {
  const { circuit } = net;
  const periodNs = 1000 / clockMHz;
  const room = Math.max(stageRoomNs(device, clockMHz), like === undefined ? 0 : maximum(arrivals(net, like)));
  const needed = asSoonAsPossible(net, room).stages;
  const target = request.mode === 'exactly' ? request.cycles : needed;
  const stage = fewestRegisters(net, target, room);
  const arrivalNs = arrivals(net, stage);
  const criticalPathNs = maximum(arrivalNs) + device.registerNs;
  return {
    schedule: {
      circuit, stage, latencyCycles: target, initiationInterval: 1, clockMHz, device, criticalPathNs, arrivalNs: Float32Array.from(arrivalNs), ...partsOf(net),
    },
    registerBits: registerBits(net, stage, target) + target,
    met: criticalPathNs <= periodNs + SAME_NS && (request.mode === 'shortest' || target <= request.cycles),
    neededCycles: needed,
  };
}

function partsOf({ partOf }: Net): Pick<Schedule, 'partOf'> {
  return partOf === undefined ? {} : { partOf };
}

/** Stages of `room` ns at most, or the shortest that `ranks` ranks allow. */
function fewestRegisters(net: Net, ranks: number, room: number): Int32Array {
  const shortest = smallestStageDelay(net, ranks, room);
  const retimed = (stageNs: number): { readonly stage: Int32Array; readonly bits: number } => {
    const { stage } = asSoonAsPossible(net, stageNs);
    retime(net, stage, ranks, stageNs);
    return { stage, bits: registerBits(net, stage, ranks) };
  };
  let best = retimed(Math.max(room, shortest));
  if (net.circuit.size > EVENED_OPS || shortest >= room) return best.stage;
  const most = best.bits * (1 + EVENED_SHARE);
  let low = shortest;
  let high = room;
  for (let i = 0; i < 4 && high - low > 0.02 * high; i++) {
    const middle = (low + high) / 2;
    const tried = retimed(middle);
    if (tried.bits <= most) {
      best = tried;
      high = middle;
    } else low = middle;
  }
  return best.stage;
}

function combinational(net: Net, device: Device, clockMHz: number): PipelineResult {
  const { circuit } = net;
  const stage = new Int32Array(circuit.size);
  const arrivalNs = arrivals(net, stage);
  const criticalPathNs = maximum(arrivalNs);
  return {
    schedule: { circuit, stage, latencyCycles: 0, initiationInterval: 1, clockMHz, device, criticalPathNs, arrivalNs: Float32Array.from(arrivalNs), ...partsOf(net) },
    registerBits: 0,
    met: criticalPathNs <= 1000 / clockMHz + SAME_NS,
    neededCycles: 0,
  };
}

function maximum(values: Float64Array): number {
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
  const top = demandedTop(circuit);
  for (let op = 0; op < circuit.size; op++) if (top[op] !== 0) forOperands(wiring, op, (operand) => read(operand, stage[op] as number));
  for (const port of circuit.outputs) for (const op of port.ops) read(source[op] as number, latencyCycles);
  return last.map((at, op) => (kindOf(circuit, op) === Op.const || source[op] !== op ? 0 : at - (stage[op] as number)));
}
