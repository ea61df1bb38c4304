import type { Circuit, OutputPort } from '../../circuit/circuit.js';
import { hiOf, kindOf, loOf, Op } from '../../circuit/circuit.js';
import { signedBits } from '../../emulator/castPlan.js';
import type { LanePlan } from '../../emulator/lanes.js';
import { planLanes } from '../../emulator/lanes.js';
import { splitCircuit } from '../../emulator/split.js';
import { invariant } from '../../errors.js';
import { fixedType } from '../../fixed/fixedType.js';
import { operandsOf } from '../needed.js';

/** Bits of a lane that a value crossing functions is stored in. */
export type SlotLane = 16 | 32 | 64;

/** Ops computed in one loop over the events, or a row of loops that each read one table. */
export interface Segment {
  readonly kind: 'vector' | 'lookup';
  readonly ops: readonly number[];
}

/**
 * The fast part of a circuit as a list of small functions, and the ops that no lane of 64 bits holds. Values that leave
 * their function are in slots: one row of N events, of the lane's width, reused once nothing later reads it.
 */
export interface CppPlan {
  /** The circuit whose only output is what outputs and slow ops read. */
  readonly fast: Circuit;
  readonly lanes: LanePlan;
  readonly segments: readonly Segment[];
  /** Slot of an op among those of its lane, −1 for none. */
  readonly slot: Int32Array;
  readonly slotCounts: Readonly<Record<SlotLane, number>>;
  /** Ops computed in wide integers, operands first; none for most circuits. */
  readonly slow: readonly number[];
}

/** Weight (in the smallest vectors) of the ops of a function, about. */
const SEGMENT_WEIGHT = 150;
const LOOKUPS_A_SEGMENT = 64;

/** The lane an op's slot has: a truth value takes the smallest. */
export function slotLane(lanes: LanePlan, root: number): SlotLane {
  return lanes.isMask[root] === 1 ? 16 : (lanes.lane[root] as SlotLane);
}

export function planCpp(circuit: Circuit): CppPlan {
  const whole = planLanes(circuit, 16);
  if (whole !== undefined) return { ...planFast(circuit, whole), slow: [] };
  const split = splitCircuit(circuit) ?? splitAtInputs(circuit);
  const lanes = planLanes(split.fast, 16);
  invariant(lanes !== undefined, 'the fast part of a circuit fits in lanes of 64 bits');
  return { ...planFast(split.fast, lanes), slow: [...split.slow] };
}

/** A circuit where everything is wide but inputs. */
function splitAtInputs(circuit: Circuit): { readonly fast: Circuit; readonly slow: Int32Array } {
  const isNeeded = new Uint8Array(circuit.size);
  for (const port of circuit.outputs) for (const op of port.ops) isNeeded[op] = 1;
  const inputs: number[] = [];
  const slow: number[] = [];
  for (let op = circuit.size - 1; op >= 0; op--) {
    if (isNeeded[op] === 0 || loOf(circuit, op) === hiOf(circuit, op)) continue;
    const isNarrow = kindOf(circuit, op) === Op.input && signedBits(loOf(circuit, op), hiOf(circuit, op)) <= 64;
    (isNarrow ? inputs : slow).push(op);
    for (const operand of operandsOf(circuit, op)) isNeeded[operand] = 1;
  }
  const types = inputs.map((op) => {
    const width = signedBits(loOf(circuit, op), hiOf(circuit, op));
    return fixedType(true, width, width + (circuit.exp[op] as number));
  });
  const output: OutputPort = { name: 'frontier', shape: [inputs.length], types, ops: Int32Array.from(inputs) };
  return { fast: { ...circuit, outputs: [output] }, slow: Int32Array.from(slow.reverse()) };
}

function planFast(fast: Circuit, lanes: LanePlan): Omit<CppPlan, 'slow'> {
  const segments = cut(fast, lanes, depthFirst(fast, lanes));
  return { fast, lanes, segments, ...assignSlots(fast, lanes, segments) };
}

/** Operands that are computed or input: by root, no constants. */
function roots(circuit: Circuit, lanes: LanePlan, op: number): number[] {
  return operandsOf(circuit, op)
    .filter((operand) => lanes.isConst[operand] === 0)
    .map((operand) => lanes.root[operand] as number)
    .filter((root) => lanes.lane[root] !== 0);
}

/** Needed ops but inputs, in post-order from the outputs, without recursion: values are read soon after they are made. */
function depthFirst(circuit: Circuit, lanes: LanePlan): number[] {
  const order: number[] = [];
  const state = new Uint8Array(circuit.size);
  const stack: number[] = [];
  for (const port of circuit.outputs) {
    for (const op of [...port.ops].reverse()) if (lanes.lane[lanes.root[op] as number] !== 0) stack.push(lanes.root[op] as number);
  }
  while (stack.length > 0) {
    const op = stack[stack.length - 1] as number;
    if (state[op] === 0) {
      state[op] = 1;
      for (const root of roots(circuit, lanes, op)) if (state[root] === 0) stack.push(root);
      continue;
    }
    stack.pop();
    if (state[op] === 2) continue;
    state[op] = 2;
    if (kindOf(circuit, op) !== Op.input) order.push(op);
  }
  return order;
}

/**
 * Cuts the order into segments. A table read makes no vectors, so all reads that are as many table reads away from the
 * inputs stand together, before what comes behind them.
 */
function cut(circuit: Circuit, lanes: LanePlan, order: readonly number[]): Segment[] {
  const level = new Int32Array(circuit.size);
  const vectors: number[][] = [];
  const lookups: number[][] = [];
  for (const op of order) {
    const isLookup = kindOf(circuit, op) === Op.lookup;
    const own = roots(circuit, lanes, op).reduce((most, root) => Math.max(most, level[root] as number), 0) + (isLookup ? 1 : 0);
    level[op] = own;
    ((isLookup ? lookups : vectors)[own] ??= []).push(op);
  }
  const segments: Segment[] = [];
  for (let l = 0; l < Math.max(vectors.length, lookups.length); l++) {
    const reads = lookups[l] ?? [];
    for (let i = 0; i < reads.length; i += LOOKUPS_A_SEGMENT) segments.push({ kind: 'lookup', ops: reads.slice(i, i + LOOKUPS_A_SEGMENT) });
    let ops: number[] = [];
    let weight = 0;
    for (const op of vectors[l] ?? []) {
      const own = (lanes.lane[op] as number) / 16;
      if (weight > 0 && weight + own > SEGMENT_WEIGHT) {
        segments.push({ kind: 'vector', ops });
        ops = [];
        weight = 0;
      }
      ops.push(op);
      weight += own;
    }
    if (ops.length > 0) segments.push({ kind: 'vector', ops });
  }
  return segments;
}

function assignSlots(circuit: Circuit, lanes: LanePlan, segments: readonly Segment[]): Pick<CppPlan, 'slot' | 'slotCounts'> {
  const lastUse = new Int32Array(circuit.size).fill(-1);
  segments.forEach(({ ops }, s) => {
    for (const op of ops) for (const root of roots(circuit, lanes, op)) lastUse[root] = s;
  });
  for (const port of circuit.outputs) for (const op of port.ops) lastUse[lanes.root[op] as number] = segments.length;
  const slot = new Int32Array(circuit.size).fill(-1);
  const slotCounts: Record<SlotLane, number> = { 16: 0, 32: 0, 64: 0 };
  const free: Record<SlotLane, number[]> = { 16: [], 32: [], 64: [] };
  const expiring: number[][] = Array.from({ length: segments.length + 1 }, () => []);
  const allocate = (op: number): void => {
    const lane = slotLane(lanes, op);
    slot[op] = free[lane].pop() ?? slotCounts[lane]++;
    (expiring[Math.max(0, lastUse[op] as number)] as number[]).push(op);
  };
  for (let op = 0; op < circuit.size; op++) if (kindOf(circuit, op) === Op.input && lanes.lane[op] !== 0) allocate(op);
  segments.forEach(({ kind, ops }, s) => {
    for (const op of ops) if (kind === 'lookup' || (lastUse[op] as number) > s) allocate(op);
    for (const done of expiring[s] as number[]) free[slotLane(lanes, done)].push(slot[done] as number);
  });
  return { slot, slotCounts };
}
