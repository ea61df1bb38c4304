import type { FixedType } from '../fixed/fixedType.js';
import { castIsIdentity } from '../fixed/fixedType.js';
import type { Circuit, Table } from '../circuit/circuit.js';
import { elementCount, hiOf, intervalOf, kindOf, loOf, Op } from '../circuit/circuit.js';
import type { CastPlan, Lane } from './castPlan.js';
import { laneFor, planCast, signedBits } from './castPlan.js';

/**
 * Which lane every op is computed in.
 *
 * Invariant: the lane of an op holds its integer modulo 2^lane; where `lane ≥ full` that is the integer itself, as two's
 * complement. All arithmetic is modular, so an op needs no more bits than its users read; ops that compare, saturate or
 * look up read them all.
 */
export interface LanePlan {
  /** The smallest lane in use; a vector of 128 bits is one group of 128 / least events. */
  readonly least: Lane;
  /** The op that carries the same integer (shifts and casts that change nothing are wires). */
  readonly root: Int32Array;
  /** 1 where the integer is one constant. */
  readonly isConst: Uint8Array;
  /** 1 where lanes hold −n of a truth value n: all ones for true. */
  readonly isMask: Uint8Array;
  /** Bits of two's complement that hold the op's interval. */
  readonly full: Uint16Array;
  /** 0 where the op is not needed. */
  readonly lane: Uint8Array;
}

/** Bytes of a table's entries in lanes of `lane` bits decide the lane of the index. */
export function indexLane(table: Table, lane: Lane, least: Lane): Lane {
  return least === 16 && (table.values.length * lane) / 8 <= 65536 ? 16 : least === 64 ? 64 : 32;
}

/** Lane that a comparison needs, by the operands on their common grid; undefined beyond 64 bits. */
export function compareLane(circuit: Circuit, plan: LanePlan, op: number): Lane | undefined {
  const a = circuit.a[op] as number;
  const b = circuit.b[op] as number;
  const ea = circuit.exp[a] as number;
  const eb = circuit.exp[b] as number;
  const exp = Math.min(ea, eb);
  const bits = Math.max((plan.full[plan.root[a] as number] as number) + ea - exp, (plan.full[plan.root[b] as number] as number) + eb - exp);
  return laneFor(bits, plan.least);
}

/** The plan of a cast whose op has the given lane. */
export function castPlanOf(circuit: Circuit, op: number, lane: Lane): CastPlan | undefined {
  return planCast(intervalOf(circuit, circuit.a[op] as number), circuit.types[circuit.param[op] as number] as FixedType, lane);
}

/** Marks with 1 the ops that lanes of 64 bits hold, with all that their computation needs, whatever their users read. */
export function laneableOps(circuit: Circuit): Uint8Array {
  const plan = emptyPlan(circuit.size, 64);
  const flags = new Uint8Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    if (!describe(circuit, plan, op) || (plan.full[op] as number) > 64) continue;
    const kind = kindOf(circuit, op);
    const isCompare = kind === Op.lt || kind === Op.eq;
    if (plan.isConst[op] === 0 && isCompare && compareLane(circuit, plan, op) === undefined) continue;
    if (plan.isConst[op] === 0 && kind === Op.cast && castPlanOf(circuit, op, 64) === undefined) continue;
    flags[op] = 1;
  }
  return flags;
}

/** Chooses lanes with `least` as the smallest; undefined if some needed op needs more than 64 bits. */
export function planLanes(circuit: Circuit, least: Lane): LanePlan | undefined {
  const plan = emptyPlan(circuit.size, least);
  const isIrregular = new Uint8Array(circuit.size);
  for (let op = 0; op < circuit.size; op++) isIrregular[op] = describe(circuit, plan, op) ? 0 : 1;
  return assign(circuit, plan, isIrregular) ? plan : undefined;
}

function emptyPlan(size: number, least: Lane): LanePlan {
  return {
    least,
    root: new Int32Array(size),
    isConst: new Uint8Array(size),
    isMask: new Uint8Array(size),
    full: new Uint16Array(size),
    lane: new Uint8Array(size),
  };
}

/** Fills in root, isConst, isMask, full; false for an op on a grid coarser than its meaning gives, which is not handled here. */
function describe(circuit: Circuit, plan: LanePlan, op: number): boolean {
  const kind = kindOf(circuit, op);
  const a = circuit.a[op] as number;
  const b = circuit.b[op] as number;
  const exp = circuit.exp[op] as number;
  const expA = circuit.exp[a] as number;
  const lo = loOf(circuit, op);
  const hi = hiOf(circuit, op);
  plan.root[op] = op;
  plan.full[op] = signedBits(lo, hi);
  if (lo === hi) {
    plan.isConst[op] = 1;
    return true;
  }
  switch (kind) {
    case Op.input:
    case Op.const:
      return true;
    case Op.shift:
      alias(plan, op, a);
      return exp === expA + (circuit.param[op] as number);
    case Op.add:
    case Op.sub:
      return exp <= expA && exp <= (circuit.exp[b] as number) + (circuit.param[op] as number);
    case Op.mul:
      return exp === expA + (circuit.exp[b] as number);
    case Op.lt:
    case Op.eq:
      plan.isMask[op] = 1;
      return exp === 0;
    case Op.mux: {
      const c = circuit.c[op] as number;
      plan.isMask[op] = isTruth(circuit, plan, b) && isTruth(circuit, plan, c) && exp === 0 ? 1 : 0;
      return isCondition(circuit, plan, a) && exp <= (circuit.exp[b] as number) && exp <= (circuit.exp[c] as number);
    }
    case Op.and:
    case Op.or:
    case Op.xor:
      plan.isMask[op] = isTruth(circuit, plan, a) && isTruth(circuit, plan, b) && exp === 0 ? 1 : 0;
      return exp <= expA && exp <= (circuit.exp[b] as number);
    case Op.lookup: {
      const table = circuit.tables[circuit.param[op] as number] as Table;
      return exp === table.exp && expA >= table.indexExp && table.values.length <= 2 ** 24;
    }
    case Op.cast: {
      const type = circuit.types[circuit.param[op] as number] as FixedType;
      if (exp === expA && castIsIdentity(intervalOf(circuit, a), type)) alias(plan, op, a);
      return exp === type.integer - type.width;
    }
  }
}

function alias(plan: LanePlan, op: number, a: number): void {
  plan.root[op] = plan.root[a] as number;
  plan.isMask[op] = plan.isMask[a] as number;
  plan.isConst[op] = plan.isConst[a] as number;
}

/** A mask, or one of the constants 0 and 1, on the grid of whole numbers. */
function isTruth(circuit: Circuit, plan: LanePlan, op: number): boolean {
  if (circuit.exp[op] !== 0) return loOf(circuit, op) === 0 && plan.isConst[op] === 1;
  if (plan.isMask[op] === 1) return true;
  const lo = loOf(circuit, op);
  return plan.isConst[op] === 1 && (lo === 0 || lo === 1);
}

function isCondition(circuit: Circuit, plan: LanePlan, op: number): boolean {
  return plan.isMask[op] === 1 || plan.isConst[op] === 1 || (loOf(circuit, op) >= 0 && hiOf(circuit, op) <= 1);
}

/**
 * Whether a mux of given lane is the minimum or maximum of its branches: mux(x < y, x, y) or mux(x < y, y, x), compared
 * in no more bits than the lane has. Lanes of 64 bits have no such instruction.
 */
export function extremumOf(circuit: Circuit, plan: LanePlan, op: number, lane: Lane): 'min' | 'max' | undefined {
  const condition = plan.root[circuit.a[op] as number] as number;
  if (lane === 64 || plan.isConst[condition] === 1 || circuit.kind[condition] !== Op.lt) return undefined;
  const bits = compareLane(circuit, plan, condition);
  if (bits === undefined || bits > lane) return undefined;
  const x = circuit.a[condition] as number;
  const y = circuit.b[condition] as number;
  const b = circuit.b[op] as number;
  const c = circuit.c[op] as number;
  for (const operand of [x, y]) {
    if (plan.isMask[plan.root[operand] as number] === 1 || (plan.isConst[operand] === 0 && circuit.exp[operand] !== circuit.exp[op])) return undefined;
  }
  if (isSame(circuit, plan, b, x) && isSame(circuit, plan, c, y)) return 'min';
  return isSame(circuit, plan, b, y) && isSame(circuit, plan, c, x) ? 'max' : undefined;
}

/** Whether two ops carry the same value. */
function isSame(circuit: Circuit, plan: LanePlan, p: number, q: number): boolean {
  if (p === q) return true;
  if (plan.isConst[p] === 1 && plan.isConst[q] === 1) {
    const n = loOf(circuit, p);
    return n === loOf(circuit, q) && (n === 0 || circuit.exp[p] === circuit.exp[q]);
  }
  return plan.isConst[p] === 0 && plan.isConst[q] === 0 && plan.root[p] === plan.root[q] && circuit.exp[p] === circuit.exp[q];
}

/** From users to operands: what each must provide, hence its lane. */
function assign(circuit: Circuit, plan: LanePlan, isIrregular: Uint8Array): boolean {
  const wanted = new Uint16Array(circuit.size);
  const want = (op: number, bits: number, isMaskLane = false): void => {
    const root = plan.root[op] as number;
    if (bits <= 0 || plan.isConst[op] === 1) return;
    const clipped = isMaskLane && plan.isMask[root] === 1 ? bits : Math.min(bits, plan.full[root] as number);
    if (clipped > (wanted[root] as number)) wanted[root] = clipped;
  };
  for (const port of circuit.outputs) {
    for (let i = 0; i < elementCount(port); i++) want(port.ops[i] as number, 65535);
  }
  for (let op = circuit.size - 1; op >= 0; op--) {
    if (wanted[op] === 0) continue;
    const lane = laneFor(wanted[op] as number, plan.least);
    if (lane === undefined || isIrregular[op] === 1) return false;
    plan.lane[op] = lane;
    if (!wantOperands(circuit, plan, op, lane, want)) return false;
  }
  return true;
}

function wantOperands(circuit: Circuit, plan: LanePlan, op: number, lane: Lane, want: (op: number, bits: number, isMaskLane?: boolean) => void): boolean {
  const kind = kindOf(circuit, op);
  const a = circuit.a[op] as number;
  const b = circuit.b[op] as number;
  const c = circuit.c[op] as number;
  const exp = circuit.exp[op] as number;
  const below = (operand: number): number => lane - ((circuit.exp[operand] as number) - exp);
  switch (kind) {
    case Op.input:
    case Op.const:
    case Op.shift:
      return true;
    case Op.add:
    case Op.sub:
      want(a, below(a));
      want(b, below(b) - (circuit.param[op] as number));
      return true;
    case Op.mul:
      want(a, lane);
      want(b, lane);
      return true;
    case Op.lt:
    case Op.eq:
      want(a, 65535);
      want(b, 65535);
      return compareLane(circuit, plan, op) !== undefined;
    case Op.mux: {
      if (extremumOf(circuit, plan, op, lane) !== undefined) {
        want(b, 65535);
        want(c, 65535);
        return true;
      }
      const isMask = plan.isMask[op] === 1;
      want(a, plan.isMask[plan.root[a] as number] === 1 ? lane : 65535, true);
      want(b, below(b), isMask);
      want(c, below(c), isMask);
      return plan.isConst[a] === 1 || laneFor(plan.full[plan.root[a] as number] as number, plan.least) !== undefined;
    }
    case Op.and:
    case Op.or:
    case Op.xor: {
      const isMask = plan.isMask[op] === 1;
      want(a, below(a), isMask);
      want(b, below(b), isMask);
      return true;
    }
    case Op.lookup: {
      const table = circuit.tables[circuit.param[op] as number] as Table;
      want(a, indexLane(table, lane, plan.least) - ((circuit.exp[a] as number) - table.indexExp));
      return true;
    }
    case Op.cast: {
      const cast = castPlanOf(circuit, op, lane);
      if (cast !== undefined) want(a, cast.operandBits);
      return cast !== undefined;
    }
  }
}
