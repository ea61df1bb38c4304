import type { Net } from './net.js';
import { forOperands, isPlaced } from './net.js';

export interface Stages {
  readonly stage: Int32Array;
  readonly stages: number;
}

/** Sums of delays below this apart are the same, ns. */
export const SAME_NS = 1e-6;

/** The earliest stage of each op if no stage takes longer than `stageNs`; an op that alone takes longer has a stage of its own. */
export function asSoonAsPossible(net: Net, stageNs: number): Stages {
  const { circuit, delay, source } = net;
  const stage = new Int32Array(circuit.size);
  const arrival = new Float64Array(circuit.size);
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
    if (ready > 0 && own > 0 && ready + own > stageNs + SAME_NS) {
      at += 1;
      ready = 0;
    }
    stage[op] = at;
    arrival[op] = net.isLive[op] === 1 ? ready + own : 0;
    if (at > last && net.isLive[op] === 1) last = at;
  }
  // What nobody reads must not lengthen the pipeline.
  for (let op = 0; op < circuit.size; op++) if ((stage[op] as number) > last) stage[op] = last;
  placeParts(net, stage);
  return { stage, stages: last + 1 };
}

/** Wires go with their source, parts with the whole, which comes behind them. */
export function placeParts({ source, partOf }: Net, stage: Int32Array): void {
  for (let op = stage.length - 1; partOf !== undefined && op >= 0; op--) if ((partOf[op] as number) >= 0) stage[op] = stage[partOf[op] as number] as number;
  for (let op = 0; op < stage.length; op++) stage[op] = stage[source[op] as number] as number;
}

/** The latest stage of each op in a pipeline of so many ranks. */
export function asLateAsPossible(net: Net, ranks: number, stageNs: number): Int32Array {
  const { circuit, delay, userStart, users, isLive } = net;
  const stage = new Int32Array(circuit.size).fill(ranks - 1);
  const tail = new Float64Array(circuit.size);
  for (let op = circuit.size - 1; op >= 0; op--) {
    if (!isPlaced(net, op)) continue;
    let at = ranks - 1;
    let behind = 0;
    for (let u = userStart[op] as number; u < (userStart[op + 1] as number); u++) {
      const user = users[u] as number;
      const s = stage[user] as number;
      if (s < at) {
        at = s;
        behind = tail[user] as number;
      } else if (s === at) behind = Math.max(behind, tail[user] as number);
    }
    const own = delay[op] as number;
    if (behind > 0 && own > 0 && behind + own > stageNs + SAME_NS) {
      at -= 1;
      behind = 0;
    }
    stage[op] = at;
    tail[op] = isLive[op] === 1 ? behind + own : 0;
  }
  return stage;
}

/** The least stage delay, to 1 %, that needs no more than `target` stages; `room` if that is enough already. */
export function smallestStageDelay(net: Net, target: number, room: number): number {
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
