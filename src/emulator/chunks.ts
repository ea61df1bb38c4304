import type { Circuit } from '../circuit/circuit.js';
import { elementCount, kindOf, Op, OPERAND_COUNT } from '../circuit/circuit.js';
import type { LanePlan } from './lanes.js';

/**
 * In which order and function ops are computed, and where values that leave their function are kept.
 *
 * Ops are ordered depth first from the outputs, cut into chunks of a limited weight, each a function of its own with its
 * values in locals. What a later chunk reads is in a record: one contiguous piece of memory a group of events, in which
 * slots are reused once nothing later reads them.
 */
export interface ChunkPlan {
  /** Needed ops but inputs and constants, operands first. */
  readonly order: Int32Array;
  /** Chunk i is order[starts[i]] to order[starts[i + 1] − 1]. */
  readonly starts: readonly number[];
  /** Byte offset of an op's slot in the record, −1 for none. Inputs and outputs always have one, outputs to the end. */
  readonly slot: Int32Array;
  readonly recordBytes: number;
}

/** Vectors of 128 bits that hold an op's lanes of one group. */
export function vectorsOf(plan: LanePlan, op: number): number {
  return (plan.lane[op] as number) / plan.least;
}

export function planChunks(circuit: Circuit, plan: LanePlan, weightLimit: number): ChunkPlan {
  const order = depthFirst(circuit, plan);
  const starts = [0];
  const chunkOf = new Int32Array(circuit.size).fill(-1);
  let weight = 0;
  for (let i = 0; i < order.length; i++) {
    const op = order[i] as number;
    const own = vectorsOf(plan, op) * (circuit.kind[op] === Op.lookup ? 8 : 1);
    if (weight > 0 && weight + own > weightLimit) {
      starts.push(i);
      weight = 0;
    }
    weight += own;
    chunkOf[op] = starts.length - 1;
  }
  const chunks = starts.length;
  starts.push(order.length);
  return { order, starts, ...assignSlots(circuit, plan, order, chunkOf, chunks) };
}

/** Operands of an op that are computed: by root, needed, no constants. */
function forOperands(circuit: Circuit, plan: LanePlan, op: number, visit: (root: number) => void): void {
  const operands = OPERAND_COUNT[kindOf(circuit, op)] as number;
  for (let which = 0; which < operands; which++) {
    const operand = (which === 0 ? circuit.a : which === 1 ? circuit.b : circuit.c)[op] as number;
    const root = plan.root[operand] as number;
    if (plan.isConst[operand] === 0 && plan.lane[root] !== 0) visit(root);
  }
}

/** Post-order from the outputs, without recursion. */
function depthFirst(circuit: Circuit, plan: LanePlan): Int32Array {
  const order = new Int32Array(circuit.size);
  let length = 0;
  const state = new Uint8Array(circuit.size);
  const stack: number[] = [];
  const enter = (root: number): void => {
    if (state[root] === 0) stack.push(root);
  };
  for (const port of circuit.outputs) {
    for (let i = elementCount(port) - 1; i >= 0; i--) {
      const root = plan.root[port.ops[i] as number] as number;
      if (plan.lane[root] !== 0) stack.push(root);
    }
  }
  while (stack.length > 0) {
    const op = stack[stack.length - 1] as number;
    if (state[op] === 0) {
      state[op] = 1;
      forOperands(circuit, plan, op, enter);
      continue;
    }
    stack.pop();
    if (state[op] === 2) continue;
    state[op] = 2;
    if (circuit.kind[op] !== Op.input) order[length++] = op;
  }
  return order.slice(0, length);
}

function assignSlots(circuit: Circuit, plan: LanePlan, order: Int32Array, chunkOf: Int32Array, chunks: number): Pick<ChunkPlan, 'slot' | 'recordBytes'> {
  const lastUse = new Int32Array(circuit.size).fill(-1);
  for (const op of order) {
    const chunk = chunkOf[op] as number;
    forOperands(circuit, plan, op, (root) => {
      if (chunk > (lastUse[root] as number)) lastUse[root] = chunk;
    });
  }
  for (const port of circuit.outputs) for (const op of port.ops) lastUse[plan.root[op] as number] = chunks;
  const slot = new Int32Array(circuit.size).fill(-1);
  const free: number[][] = [[], [], [], [], []];
  const expiring: number[][] = Array.from({ length: chunks + 1 }, () => []);
  let recordBytes = 0;
  const allocate = (op: number): void => {
    const vectors = vectorsOf(plan, op);
    const reused = (free[vectors] as number[]).pop();
    slot[op] = reused ?? recordBytes;
    if (reused === undefined) recordBytes += 16 * vectors;
    (expiring[Math.max(0, lastUse[op] as number)] as number[]).push(op);
  };
  for (let op = 0; op < circuit.size; op++) if (circuit.kind[op] === Op.input && plan.lane[op] !== 0) allocate(op);
  let chunk = 0;
  for (const op of order) {
    for (; chunk < (chunkOf[op] as number); chunk++) {
      for (const done of expiring[chunk] as number[]) (free[vectorsOf(plan, done)] as number[]).push(slot[done] as number);
    }
    if ((lastUse[op] as number) > chunk) allocate(op);
  }
  return { slot, recordBytes: Math.max(16, recordBytes) };
}
