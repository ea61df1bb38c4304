import { kindOf, Op } from '../circuit/circuit.js';
import { invariant } from '../errors.js';
import { ClosureProblem } from './closure.js';
import type { Net } from './net.js';
import { arrivals, forOperands, isPlaced, lastUses } from './net.js';
import { asLateAsPossible, placeParts, SAME_NS } from './stages.js';

/** Two ops that a path of more than the stage delay joins: `after` must be at least one stage behind `before`. */
interface Apart {
  readonly before: number;
  readonly after: number;
}

/**
 * Register-minimal retiming (Leiserson and Saxe 1991) of a pipeline: `stage`, each op as early as it can be, is changed
 * into one with the fewest register bits of all in which no stage takes longer than `stageNs`.
 *
 * The bits are a sum of differences of stages, so they are L-natural-convex: from the earliest stages on it is enough to
 * move sets of ops by one stage, the best such set each time, until none saves a bit (Murota 2003, ch. 10). That set is a
 * heaviest closed set: an op takes with it those it would otherwise pass. Which ops must stay a stage apart is found as
 * it is violated, since most such pairs never matter.
 */
export function retime(net: Net, stage: Int32Array, ranks: number, stageNs: number): void {
  const latest = asLateAsPossible(net, ranks, stageNs);
  const apart: Apart[] = [];
  for (;;) {
    const taken = bestMove(net, stage, latest, ranks, stageNs, apart);
    if (taken === undefined) break;
    for (let op = 0; op < stage.length; op++) stage[op]! += taken[op] as number;
  }
  placeParts(net, stage);
}

/** The ops to move one stage on, as 1 each; undefined where no set of them saves a bit. */
function bestMove(net: Net, stage: Int32Array, latest: Int32Array, ranks: number, stageNs: number, apart: Apart[]): Uint8Array | undefined {
  const nodes = nodesOf(net, stage, latest);
  if (nodes.movers === 0) return undefined;
  const problem = moveProblem(net, stage, ranks, nodes);
  const node = nodes.mover;
  for (const pair of apart) keepApart(problem, node, stage, pair);
  for (;;) {
    const { taken, weight } = problem.solve();
    if (weight <= 0) return undefined;
    const moved = Uint8Array.from(node, (at) => (at === -1 ? 0 : (taken[at] as number)));
    const tooLong = violations(net, stage.map((s, op) => s + (moved[op] as number)), stageNs);
    if (tooLong.length === 0) return moved;
    apart.push(...tooLong);
    let added = 0;
    for (const pair of tooLong) added += keepApart(problem, node, stage, pair);
    invariant(added > 0, 'a path gets too long only where ops move that can be kept apart');
  }
}

/** The nodes of the problem, −1 where an op has none. */
interface Nodes {
  /** Of ops that can move. */
  readonly mover: Int32Array;
  /** Of ops with several readers: the last stage that the value is kept for. */
  readonly keeper: Int32Array;
  readonly movers: number;
  readonly count: number;
}

function nodesOf(net: Net, stage: Int32Array, latest: Int32Array): Nodes {
  const { circuit, userStart, users, isOutput, isLive } = net;
  const n = circuit.size;
  const mover = new Int32Array(n).fill(-1);
  const keeper = new Int32Array(n).fill(-1);
  let count = 0;
  for (let op = 0; op < n; op++) {
    const kind = kindOf(circuit, op);
    if (isPlaced(net, op) && kind !== Op.input && kind !== Op.const && (stage[op] as number) < (latest[op] as number)) mover[op] = count++;
  }
  const movers = count;
  for (let op = 0; op < n; op++) {
    if (!isPlaced(net, op) || isLive[op] === 0 || isOutput[op] === 1) continue;
    let readers = 0;
    for (let u = userStart[op] as number; u < (userStart[op + 1] as number); u++) readers += isLive[users[u] as number] as number;
    if (readers > 1) keeper[op] = count++;
  }
  return { mover, keeper, movers, count };
}

/** What moving each op saves (its own bits) and costs (bits of what it reads, kept longer), and what moves along. */
function moveProblem(net: Net, stage: Int32Array, ranks: number, { mover, keeper, count }: Nodes): ClosureProblem {
  const { circuit, bits, userStart, users, isOutput, isLive } = net;
  const last = lastUses(net, stage, ranks);
  const weights = new Int32Array(count);
  const requirements: number[] = [];
  for (let op = 0; op < circuit.size; op++) {
    if (!isPlaced(net, op)) continue;
    const own = mover[op] as number;
    const kept = keeper[op] as number;
    if (own !== -1) weights[own]! += bits[op] as number;
    if (kept !== -1) weights[kept]! -= bits[op] as number;
    for (let u = userStart[op] as number; u < (userStart[op + 1] as number); u++) {
      const user = users[u] as number;
      const its = mover[user] as number;
      if (its === -1) continue;
      if (own !== -1 && stage[user] === stage[op]) requirements.push(own, its);
      if (isLive[user] === 0 || isOutput[op] === 1) continue;
      if (kept === -1) weights[its]! -= bits[op] as number;
      else if (stage[user] === last[op]) requirements.push(its, kept);
    }
  }
  const problem = new ClosureProblem(weights);
  for (let k = 0; k < requirements.length; k += 2) problem.require(requirements[k] as number, requirements[k + 1] as number);
  return problem;
}

/** 1 where it is a requirement as things are. */
function keepApart(problem: ClosureProblem, node: Int32Array, stage: Int32Array, { before, after }: Apart): 0 | 1 {
  if (stage[after] !== (stage[before] as number) + 1 || node[before] === -1 || node[after] === -1) return 0;
  problem.require(node[before] as number, node[after] as number);
  return 1;
}

/** Where paths first get too long: the op, and the nearest op before it from which on that is so. */
function violations(net: Net, stage: Int32Array, stageNs: number): Apart[] {
  const { circuit, delay, isLive } = net;
  const arrival = arrivals(net, stage);
  const found: Apart[] = [];
  const slowest = (op: number): number => {
    let best = -1;
    forOperands(net, op, (operand) => {
      if (stage[operand] === stage[op] && (best === -1 || (arrival[operand] as number) > (arrival[best] as number))) best = operand;
    });
    return best;
  };
  for (let after = 0; after < circuit.size; after++) {
    let path = delay[after] as number;
    if (!isPlaced(net, after) || isLive[after] === 0 || path === 0 || (arrival[after] as number) <= stageNs + SAME_NS) continue;
    let before = slowest(after);
    // An op that alone is too slow has its stage, behind nothing but wires and inputs.
    if (before === -1 || arrival[before] === 0) continue;
    while (before !== -1 && (delay[before] === 0 || path + (delay[before] as number) <= stageNs + SAME_NS)) {
      path += delay[before] as number;
      before = slowest(before);
    }
    if (before !== -1) found.push({ before, after });
  }
  return found;
}
