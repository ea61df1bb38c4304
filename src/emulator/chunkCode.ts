import { invariant } from '../errors.js';
import type { Circuit, Table } from '../circuit/circuit.js';
import { kindOf, loOf, Op } from '../circuit/circuit.js';
import type { CastPlan, Lane } from './castPlan.js';
import { modularConstant } from './castPlan.js';
import { emitCastOf, splatBytes } from './castCode.js';
import type { ChunkPlan } from './chunks.js';
import type { LanePlan } from './lanes.js';
import { castPlanOf, compareLane, extremumOf, indexLane } from './lanes.js';
import type { SmallTable } from './smallTable.js';
import { smallTableOf } from './smallTable.js';
import { FunctionBody, Simd, Wasm } from './wasm.js';

/** Where the entries of a table are in memory, for lanes of a given width. */
export type TableAddress = (table: number, lane: Lane) => number;

/** Even 32-bit (16-bit) words of two vectors: narrows lanes modulo 2^32 (2^16). */
export const NARROW: Readonly<Record<16 | 32, Uint8Array>> = {
  32: Uint8Array.of(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
  16: Uint8Array.of(0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29),
};

/**
 * Emits chunks: functions (record, end of records) that compute their ops for each group in turn. Param 0 points at the
 * record of the current group.
 */
export class ChunkEmitter {
  private body = new FunctionBody(2);
  /** First local of an op in lanes of 16, 32, 64 bits, where the stamp is that of the current chunk. */
  private readonly locals: Readonly<Record<Lane, Int32Array>>;
  private readonly stamps: Readonly<Record<Lane, Int32Array>>;
  private stamp = 0;

  constructor(
    private readonly circuit: Circuit,
    private readonly plan: LanePlan,
    private readonly chunks: ChunkPlan,
    private readonly tableAddress: TableAddress,
    private readonly recordStride: number,
  ) {
    const array = (): Int32Array => new Int32Array(circuit.size);
    this.locals = { 16: array(), 32: array(), 64: array() };
    this.stamps = { 16: array(), 32: array(), 64: array() };
  }

  emit(chunk: number): FunctionBody {
    this.body = new FunctionBody(2);
    this.stamp++;
    const body = this.body;
    body.op(Wasm.loop);
    body.op(0x40);
    for (let i = this.chunks.starts[chunk] as number; i < (this.chunks.starts[chunk + 1] as number); i++) {
      this.emitOp(this.chunks.order[i] as number);
    }
    body.get(0);
    body.int(this.recordStride);
    body.op(Wasm.i32Add);
    body.tee(0);
    body.get(1);
    body.op(Wasm.i32LtU);
    body.op(Wasm.brIf);
    body.op(0);
    body.op(Wasm.end);
    return body;
  }

  private vectors(lane: Lane): number {
    return lane / this.plan.least;
  }

  private remember(op: number, lane: Lane, local: number): void {
    this.locals[lane][op] = local;
    this.stamps[lane][op] = this.stamp;
  }

  /** First local of a computed op in the given lane, loaded or converted where this chunk has not done so yet. */
  private value(root: number, lane: Lane): number {
    if (this.stamps[lane][root] === this.stamp) return this.locals[lane][root] as number;
    const own = this.plan.lane[root] as Lane;
    let local: number;
    if (own === lane) {
      const slot = this.chunks.slot[root] as number;
      invariant(slot >= 0, `op ${root} is read before it is computed`);
      local = this.body.newLocals(this.vectors(lane));
      for (let i = 0; i < this.vectors(lane); i++) {
        this.body.get(0);
        this.body.memory(Simd.load, slot + 16 * i);
        this.body.set(local + i);
      }
    } else if (lane > own) {
      local = this.widen(this.value(root, (lane / 2) as Lane), lane as 32 | 64);
    } else {
      const isExact = (this.plan.full[root] as number) <= lane || this.plan.isMask[root] === 1;
      local = this.narrow(this.value(root, (lane * 2) as Lane), lane as 16 | 32, isExact);
    }
    this.remember(root, lane, local);
    return local;
  }

  /** Sign extension from lanes half as wide. */
  private widen(from: number, lane: 32 | 64): number {
    const local = this.body.newLocals(this.vectors(lane));
    for (let i = 0; i < this.vectors(lane); i++) {
      this.body.get(from + (i >> 1));
      this.body.simd(i & 1 ? Simd.extendHigh[lane] : Simd.extendLow[lane]);
      this.body.set(local + i);
    }
    return local;
  }

  /** The low halves of lanes twice as wide. */
  private narrow(from: number, lane: 16 | 32, isExact: boolean): number {
    const local = this.body.newLocals(this.vectors(lane));
    for (let i = 0; i < this.vectors(lane); i++) {
      this.body.get(from + 2 * i);
      this.body.get(from + 2 * i + 1);
      if (isExact && lane === 16) this.body.simd(Simd.narrow32To16);
      else this.body.shuffle(NARROW[lane]);
      this.body.set(local + i);
    }
    return local;
  }

  private convert(local: number, from: Lane, to: Lane, isExact: boolean): number {
    if (from === to) return local;
    if (from < to) return this.convert(this.widen(local, (from * 2) as 32 | 64), (from * 2) as Lane, to, isExact);
    return this.convert(this.narrow(local, (from / 2) as 16 | 32, isExact), (from / 2) as Lane, to, isExact);
  }

  /** Pushes vector i of n · 2^left in the given lane. */
  private push(op: number, lane: Lane, i: number, left: number): void {
    const root = this.plan.root[op] as number;
    if (this.plan.isConst[op] === 1 || left >= lane) {
      this.body.vector(splatBytes(left >= lane ? 0n : modularConstant(loOf(this.circuit, op), left, lane), lane));
      return;
    }
    this.body.get(this.value(root, lane) + i);
    if (this.plan.isMask[root] === 1) this.body.simd(Simd.neg[lane]);
    if (left > 0) this.shift(Simd.shl[lane], left);
  }

  /** Pushes vector i of a truth value as a mask. */
  private pushMask(op: number, lane: Lane, i: number): void {
    const root = this.plan.root[op] as number;
    if (this.plan.isConst[op] === 1) {
      this.constant(loOf(this.circuit, op) === 0 ? 0n : -1n, lane);
      return;
    }
    this.body.get(this.value(root, lane) + i);
    if (this.plan.isMask[root] === 0) this.body.simd(Simd.neg[lane]);
  }

  private shift(opcode: number, amount: number): void {
    this.body.int(amount);
    this.body.simd(opcode);
  }

  private constant(value: bigint, lane: Lane): void {
    this.body.vector(splatBytes(BigInt.asUintN(lane, value), lane));
  }

  /** Loads or converts all operands that `emitVector` will push, then sets the op's locals and its slot. */
  private define(op: number, lane: Lane, operands: readonly number[], operandLane: Lane, emitVector: (i: number) => void): void {
    for (const operand of operands) this.prepare(operand, operandLane);
    const local = this.body.newLocals(this.vectors(lane));
    const slot = this.chunks.slot[op] as number;
    for (let i = 0; i < this.vectors(lane); i++) {
      if (slot >= 0) this.body.get(0);
      emitVector(i);
      if (slot < 0) {
        this.body.set(local + i);
        continue;
      }
      this.body.tee(local + i);
      this.body.memory(Simd.store, slot + 16 * i);
    }
    this.remember(op, lane, local);
  }

  private prepare(op: number, lane: Lane): void {
    const root = this.plan.root[op] as number;
    if (this.plan.isConst[op] === 0 && this.plan.lane[root] !== 0) this.value(root, lane);
  }

  /** Brings vectors computed in another lane to the op's own. */
  private defineFrom(op: number, local: number, from: Lane, isExact: boolean): void {
    const lane = this.plan.lane[op] as Lane;
    const own = this.convert(local, from, lane, isExact);
    this.define(op, lane, [], lane, (i) => this.body.get(own + i));
  }

  private emitOp(op: number): void {
    const { circuit, plan } = this;
    const kind = kindOf(circuit, op);
    const lane = plan.lane[op] as Lane;
    const a = circuit.a[op] as number;
    const b = circuit.b[op] as number;
    const exp = circuit.exp[op] as number;
    const left = (operand: number): number => (circuit.exp[operand] as number) - exp;
    switch (kind) {
      case Op.input:
      case Op.const:
      case Op.shift:
        return invariant(false, `op ${op} is a wire, not computed`);
      case Op.add:
      case Op.sub:
        return this.define(op, lane, [a, b], lane, (i) => {
          this.push(a, lane, i, left(a));
          this.push(b, lane, i, left(b) + (circuit.param[op] as number));
          this.body.simd(kind === Op.add ? Simd.add[lane] : Simd.sub[lane]);
        });
      case Op.mul:
        return this.emitMul(op, lane, a, b);
      case Op.lt:
      case Op.eq:
        return this.emitCompare(op, kind === Op.lt ? Simd.lt : Simd.eq, a, b);
      case Op.mux:
        return this.emitMux(op, lane, a, b, circuit.c[op] as number);
      case Op.and:
      case Op.or:
      case Op.xor: {
        const opcode = kind === Op.and ? Simd.and : kind === Op.or ? Simd.or : Simd.xor;
        return this.define(op, lane, [a, b], lane, (i) => {
          for (const operand of [a, b]) {
            if (plan.isMask[op] === 1) this.pushMask(operand, lane, i);
            else this.push(operand, lane, i, left(operand));
          }
          this.body.simd(opcode);
        });
      }
      case Op.lookup:
        return this.emitLookup(op, lane, a, circuit.param[op] as number);
      case Op.cast: {
        const cast = castPlanOf(circuit, op, lane);
        invariant(cast !== undefined, `cast ${op} has no lane`);
        return this.emitCast(op, a, cast);
      }
    }
  }

  private emitMul(op: number, lane: Lane, a: number, b: number): void {
    const half = (lane / 2) as 16 | 32;
    const isShort = (operand: number): boolean => {
      const root = this.plan.root[operand] as number;
      const isConst = this.plan.isConst[operand] === 1;
      return (this.plan.full[isConst ? operand : root] as number) <= half && (isConst || (this.plan.lane[root] as number) <= half);
    };
    if (lane > this.plan.least && isShort(a) && isShort(b)) {
      const wide = lane as 32 | 64;
      return this.define(op, lane, [a, b], half, (i) => {
        this.push(a, half, i >> 1, 0);
        this.push(b, half, i >> 1, 0);
        this.body.simd(i & 1 ? Simd.extendedMulHigh[wide] : Simd.extendedMulLow[wide]);
      });
    }
    this.define(op, lane, [a, b], lane, (i) => {
      this.push(a, lane, i, 0);
      this.push(b, lane, i, 0);
      this.body.simd(Simd.mul[lane]);
    });
  }

  private emitCompare(op: number, opcodes: Readonly<Record<Lane, number>>, a: number, b: number): void {
    const { circuit, plan } = this;
    const lane = compareLane(circuit, plan, op) as Lane;
    const exp = Math.min(circuit.exp[a] as number, circuit.exp[b] as number);
    const emitVector = (i: number): void => {
      this.push(a, lane, i, (circuit.exp[a] as number) - exp);
      this.push(b, lane, i, (circuit.exp[b] as number) - exp);
      this.body.simd(opcodes[lane]);
    };
    if (lane === plan.lane[op]) return this.define(op, lane, [a, b], lane, emitVector);
    this.prepare(a, lane);
    this.prepare(b, lane);
    this.defineFrom(op, this.temporaries(lane, emitVector), lane, true);
  }

  /** Vectors in fresh locals. */
  private temporaries(lane: Lane, emitVector: (i: number) => void): number {
    const local = this.body.newLocals(this.vectors(lane));
    for (let i = 0; i < this.vectors(lane); i++) {
      emitVector(i);
      this.body.set(local + i);
    }
    return local;
  }

  private emitMux(op: number, lane: Lane, condition: number, b: number, c: number): void {
    const { circuit, plan } = this;
    const left = (operand: number): number => (circuit.exp[operand] as number) - (circuit.exp[op] as number);
    const branch = (operand: number, i: number): void => {
      if (plan.isMask[op] === 1) this.pushMask(operand, lane, i);
      else this.push(operand, lane, i, left(operand));
    };
    if (plan.isConst[condition] === 1) {
      const taken = loOf(circuit, condition) !== 0 ? b : c;
      return this.define(op, lane, [taken], lane, (i) => branch(taken, i));
    }
    const extremum = extremumOf(circuit, plan, op, lane);
    if (extremum !== undefined && lane !== 64) {
      return this.define(op, lane, [b, c], lane, (i) => {
        branch(b, i);
        branch(c, i);
        this.body.simd(Simd[extremum][lane]);
      });
    }
    this.define(op, lane, [condition, b, c], lane, (i) => {
      branch(b, i);
      branch(c, i);
      this.pushMask(condition, lane, i);
      this.body.simd(Simd.bitselect);
    });
  }

  /** Reads one entry an event: index − base, out of its lane, addresses a load into the lane of the result. */
  private emitLookup(op: number, lane: Lane, a: number, tableId: number): void {
    const { circuit, plan, body } = this;
    const table = circuit.tables[tableId] as Table;
    const small = plan.least === 16 ? smallTableOf(table, lane) : undefined;
    if (small !== undefined) return this.emitSmallLookup(op, lane, a, table, small);
    const by = indexLane(table, lane, plan.least);
    const logBytes = lane === 16 ? 1 : lane === 32 ? 2 : 3;
    const shift = (circuit.exp[a] as number) - table.indexExp;
    const address = this.tableAddress(tableId, lane);
    this.prepare(a, by);
    const index = this.temporaries(by, (i) => {
      this.push(a, by, i, shift);
      if (table.base !== 0) {
        this.constant(BigInt(table.base), by);
        body.simd(Simd.sub[by]);
      }
      this.shift(Simd.shl[by], logBytes);
    });
    const groupVectorEvents = 128 / lane;
    const indexVectorEvents = 128 / by;
    const result = body.newLocals(this.vectors(lane));
    for (let i = 0; i < this.vectors(lane); i++) {
      this.constant(0n, lane);
      body.set(result + i);
      for (let j = 0; j < groupVectorEvents; j++) {
        const event = i * groupVectorEvents + j;
        body.get(index + Math.floor(event / indexVectorEvents));
        body.lane(by === 16 ? Simd.extract16U : by === 32 ? Simd.extract32 : Simd.extract64, event % indexVectorEvents);
        if (by === 64) body.op(Wasm.i32WrapI64);
        body.get(result + i);
        body.memoryLane(Simd.loadLane[lane], address, j);
        body.set(result + i);
      }
    }
    this.defineFrom(op, result, lane, true);
  }

  /** Chooses bytes of constant vectors. The byte of a lane that is not to choose gets an index beyond them, and so 0. */
  private emitSmallLookup(op: number, lane: Lane, a: number, table: Table, { low, high, bias }: SmallTable): void {
    const { body } = this;
    this.prepare(a, 16);
    const index = this.temporaries(16, (i) => {
      this.push(a, 16, i, (this.circuit.exp[a] as number) - table.indexExp);
      if (table.base !== 0) {
        this.constant(BigInt(table.base), 16);
        body.simd(Simd.sub[16]);
      }
    });
    const choose = (bytes: Uint8Array, page: number, isHigh: boolean): void => {
      body.vector(bytes);
      body.get(index);
      if (page > 0) {
        this.constant(BigInt(16 * page), 16);
        body.simd(Simd.sub[16]);
      }
      if (isHigh) this.shift(Simd.shl[16], 8);
      this.constant(isHigh ? 0x80n : 0x8000n, 16);
      body.simd(Simd.or);
      body.simd(Simd.swizzle);
    };
    const raw = this.temporaries(16, () => {
      [...low.map((bytes, page) => ({ bytes, page, isHigh: false })), ...high.map((bytes, page) => ({ bytes, page, isHigh: true }))].forEach(({ bytes, page, isHigh }, i) => {
        choose(bytes, page, isHigh);
        if (i > 0) body.simd(Simd.or);
      });
    });
    const own = this.convert(raw, 16, lane, true);
    this.define(op, lane, [], lane, (i) => {
      body.get(own + i);
      if (bias === 0) return;
      this.constant(BigInt(bias), lane);
      body.simd(Simd.add[lane]);
    });
  }

  private emitCast(op: number, a: number, cast: CastPlan): void {
    const lane = cast.lane;
    this.prepare(a, lane);
    const emitVector = (i: number): void => {
      this.push(a, lane, i, cast.left);
      emitCastOf(this.body, cast);
    };
    if (lane === this.plan.lane[op]) return this.define(op, lane, [], lane, emitVector);
    const isExact = cast.exact && (this.plan.full[op] as number) <= (this.plan.lane[op] as number);
    this.defineFrom(op, this.temporaries(lane, emitVector), lane, isExact);
  }
}
