import { invariant } from '../errors.js';
import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { fractionBits, rangeOf } from '../fixed/fixedType.js';
import { neg, toNumber } from '../fixed/integer.js';
import type { Circuit, OutputPort } from '../circuit/circuit.js';
import { elementCount, loOf, typeOfElement } from '../circuit/circuit.js';
import type { Lane } from './castPlan.js';
import { splatBytes } from './castCode.js';
import { NARROW } from './chunkCode.js';
import type { ChunkPlan } from './chunks.js';
import type { LanePlan } from './lanes.js';
import { FunctionBody, Simd, Wasm } from './wasm.js';

/** Elements converted in one function: keeps functions moderate. */
const ELEMENTS_PER_FUNCTION = 24;
/** 1.5 · 2^52: a float64 of magnitude below 2^51 added to it leaves its integer in the low bits. */
const MAGIC = 1.5 * 2 ** 52;
const FAST_LIMIT = 2 ** 51;
const MAGIC_BITS = new BigUint64Array(Float64Array.of(MAGIC).buffer)[0] as bigint;
const SIGN_AND_EXPONENT = 0xfff0000000000000n;
/** The upper half of a vector, as a shuffle. */
const HIGH_HALF = Uint8Array.of(8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);

/** Where float64 arrays of a port are staged, and how records follow each other. */
export interface EdgeLayout {
  readonly circuit: Circuit;
  readonly plan: LanePlan;
  readonly chunks: ChunkPlan;
  readonly recordStride: number;
}

/** Whether scaling by the type's resolution and by its inverse stays within normal float64 numbers. */
export function hasFastConversion(type: FixedType): boolean {
  return Math.abs(fractionBits(type)) <= 100 && type.width <= 64;
}

/**
 * Functions (record, end of records, staged events) → 1 that convert a port's float64 values into lanes; 0 where some
 * value is too large (or too near zero) for the fast way, and must be converted by `castInteger` instead.
 *
 * `opOf[element]` is the input op, or −1 where it is not needed.
 */
export function inputFunctions(layout: EdgeLayout, port: number, opOf: Int32Array): FunctionBody[] {
  const needed = [...opOf.keys()].filter((element) => (opOf[element] as number) >= 0);
  const bodies: FunctionBody[] = [];
  for (let from = 0; from < needed.length; from += ELEMENTS_PER_FUNCTION) {
    bodies.push(inputFunction(layout, port, opOf, needed.slice(from, from + ELEMENTS_PER_FUNCTION)));
  }
  return bodies;
}

function inputFunction(layout: EdgeLayout, port: number, opOf: Int32Array, elements: readonly number[]): FunctionBody {
  const body = new FunctionBody(3, true);
  const deviation = body.newLocals(1);
  const isSafe = body.newLocals(1);
  body.vector(new Uint8Array(16).fill(0xff));
  body.set(isSafe);
  const spec = layout.circuit.inputs[port] as (typeof layout.circuit.inputs)[number];
  forEachGroup(layout, body, opOf.length, () => {
    for (const element of elements) {
      convertElement(layout, body, { type: typeOfElement(spec, element), op: opOf[element] as number, element, stride: 8 * opOf.length, deviation, isSafe });
    }
  });
  body.get(deviation);
  body.vector(splatBytes(SIGN_AND_EXPONENT, 64));
  body.simd(Simd.and);
  body.vector(splatBytes(0n, 64));
  body.simd(Simd.eq[64]);
  body.get(isSafe);
  body.simd(Simd.and);
  body.simd(Simd.allTrue64);
  return body;
}

/** A loop over groups that moves the record (param 0) to its end (param 1) and the staged events (param 2) along. */
function forEachGroup(layout: EdgeLayout, body: FunctionBody, elements: number, emit: () => void): void {
  body.op(Wasm.loop);
  body.op(0x40);
  emit();
  body.get(2);
  body.int((128 / layout.plan.least) * elements * 8);
  body.op(Wasm.i32Add);
  body.set(2);
  body.get(0);
  body.int(layout.recordStride);
  body.op(Wasm.i32Add);
  body.tee(0);
  body.get(1);
  body.op(Wasm.i32LtU);
  body.op(Wasm.brIf);
  body.op(0);
  body.op(Wasm.end);
}

interface InputElement {
  readonly type: FixedType;
  readonly op: number;
  readonly element: number;
  /** Bytes from event to event. */
  readonly stride: number;
  /** Locals: all bits in which a shifted value differed from MAGIC, and whether no value was too near zero. */
  readonly deviation: number;
  readonly isSafe: number;
}

function convertElement(layout: EdgeLayout, body: FunctionBody, input: InputElement): void {
  const { plan, chunks } = layout;
  const lane = plan.lane[input.op] as Lane;
  const pairs = 64 / plan.least;
  let vectors: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    body.get(2);
    body.get(2);
    body.memory(Simd.loadZero64, 2 * pair * input.stride + 8 * input.element);
    body.memoryLane(Simd.loadLane[64], (2 * pair + 1) * input.stride + 8 * input.element, 1);
    const local = body.newLocals(1);
    roundPair(body, input, lane, local);
    body.set(local);
    vectors.push(local);
  }
  for (const narrower of [32, 16] as const) {
    if (lane > narrower) continue;
    vectors = narrowPairs(body, vectors, narrower);
  }
  vectors.forEach((local, i) => {
    body.get(0);
    body.get(local);
    finishLanes(body, input.type, lane);
    body.memory(Simd.store, (chunks.slot[input.op] as number) + 16 * i);
  });
}

function narrowPairs(body: FunctionBody, vectors: readonly number[], lane: 16 | 32): number[] {
  const result: number[] = [];
  for (let i = 0; i < vectors.length; i += 2) {
    const local = body.newLocals(1);
    body.get(vectors[i] as number);
    body.get(vectors[i + 1] as number);
    body.shuffle(NARROW[lane]);
    body.set(local);
    result.push(local);
  }
  return result;
}

/**
 * x of two events → int64 lanes with their rounded (and, but for a wrap, overflowed) integers in the low bits; in all
 * bits for lanes of 64. RND gives floor(2y): `finishLanes` halves it, rounding up, where lanes are cheaper than floats.
 */
function roundPair(body: FunctionBody, input: InputElement, lane: Lane, scratch: number): void {
  const { type } = input;
  const isDoubled = halvesInLanes(type, lane);
  const fraction = fractionBits(type) + (isDoubled ? 1 : 0);
  if (fraction < 0) noteTiny(body, input, scratch);
  if (fraction !== 0) {
    body.float64x2(2 ** fraction);
    body.simd(Simd.f64Mul);
  }
  const range = rangeOf(type);
  const isSymmetric = type.overflow === 'SAT_SYM' && type.signed;
  const unit = isDoubled ? 2 : 1;
  const lo = Number(isSymmetric ? neg(range.hi) : range.lo) * unit;
  const hi = Number(range.hi) * unit;
  overflowBefore(body, type, Math.max(lo, -FAST_LIMIT), Math.min(hi, FAST_LIMIT));
  roundFloats(body, isDoubled ? 'TRN' : type.rounding, scratch);
  if (type.overflow === 'SAT_ZERO') {
    if (type.rounding === 'RND_CONV') body.simd(Simd.f64Nearest);
    zeroOutside(body, lo, hi, scratch);
  }
  body.float64x2(MAGIC);
  body.simd(Simd.f64Add);
  if (type.overflow === 'WRAP' || type.overflow === 'SAT_ZERO' || hi >= FAST_LIMIT || lo <= -FAST_LIMIT) {
    body.tee(scratch);
    body.get(scratch);
    body.vector(splatBytes(MAGIC_BITS, 64));
    body.simd(Simd.xor);
    body.get(input.deviation);
    body.simd(Simd.or);
    body.set(input.deviation);
  }
  if (lane === 64) {
    body.vector(splatBytes(MAGIC_BITS, 64));
    body.simd(Simd.sub[64]);
  }
}

/** RND in lanes takes a bit more than the type, and one for the sign. */
function halvesInLanes(type: FixedType, lane: Lane): boolean {
  return type.rounding === 'RND' && type.width + 2 <= Math.min(lane, 50) && type.overflow !== 'SAT_ZERO';
}

/** Scaling down can lose a tiny value: clears `isSafe` for 0 < |x| < 2^−800. Leaves x. */
function noteTiny(body: FunctionBody, input: InputElement, scratch: number): void {
  body.tee(scratch);
  body.simd(Simd.f64Abs);
  body.float64x2(2 ** -800);
  body.simd(Simd.f64Ge);
  body.get(scratch);
  body.float64x2(0);
  body.simd(Simd.f64Eq);
  body.simd(Simd.or);
  body.get(input.isSafe);
  body.simd(Simd.and);
  body.set(input.isSafe);
  body.get(scratch);
}

/**
 * Rounds float64 lanes, ties to even left to the addition of MAGIC. `nearest` rounds ties to even and is exact; its error y − nearest(y), exact too, is ±1/2 on a
 * tie, from which the other modes to nearest follow.
 */
function roundFloats(body: FunctionBody, rounding: Rounding, y: number): void {
  if (rounding === 'TRN') return body.simd(Simd.f64Floor);
  if (rounding === 'TRN_ZERO') return body.simd(Simd.f64Trunc);
  if (rounding === 'RND_CONV') return; // adding MAGIC does it
  const nearest = body.newLocals(2);
  const error = nearest + 1;
  body.tee(y);
  body.simd(Simd.f64Nearest);
  body.set(nearest);
  body.get(y);
  body.get(nearest);
  body.simd(Simd.f64Sub);
  body.set(error);
  body.get(nearest);
  const step = (tie: number, by: number, sign: number | undefined): void => {
    body.get(error);
    body.float64x2(tie);
    body.simd(Simd.f64Eq);
    if (sign !== undefined) {
      body.get(y);
      body.float64x2(0);
      body.simd(sign);
      body.simd(Simd.and);
    }
    body.float64x2(by);
    body.simd(Simd.and);
    body.simd(Simd.f64Add);
  };
  if (rounding === 'RND') step(0.5, 1, undefined);
  if (rounding === 'RND_MIN_INF') step(-0.5, -1, undefined);
  if (rounding === 'RND_INF') {
    step(0.5, 1, Simd.f64Gt);
    step(-0.5, -1, Simd.f64Lt);
  }
  if (rounding === 'RND_ZERO') {
    step(-0.5, -1, Simd.f64Gt);
    step(0.5, 1, Simd.f64Lt);
  }
}

/** Saturation while still float64, before the rounding (which keeps the bounds, being whole, in place); a wrap happens in the lanes. */
function overflowBefore(body: FunctionBody, type: FixedType, lo: number, hi: number): void {
  if (type.overflow !== 'SAT' && type.overflow !== 'SAT_SYM') return;
  body.float64x2(lo);
  body.simd(Simd.f64PMax);
  body.float64x2(hi);
  body.simd(Simd.f64PMin);
}

function zeroOutside(body: FunctionBody, lo: number, hi: number, scratch: number): void {
  body.tee(scratch);
  body.get(scratch);
  body.float64x2(lo);
  body.simd(Simd.f64Ge);
  body.get(scratch);
  body.float64x2(hi);
  body.simd(Simd.f64Le);
  body.simd(Simd.and);
  body.simd(Simd.and);
}

/** Ends the rounding of RND, and reduces lanes modulo 2^width where the lane is wider. */
function finishLanes(body: FunctionBody, type: FixedType, lane: Lane): void {
  const isDoubled = halvesInLanes(type, lane);
  const shift = (opcode: number, amount: number): void => {
    if (amount === 0) return;
    body.int(amount);
    body.simd(opcode);
  };
  if (isDoubled) {
    body.vector(splatBytes(1n, lane));
    body.simd(Simd.add[lane]);
  }
  const isWrapped = type.overflow === 'WRAP' && type.width < lane;
  if (!isWrapped) return shift(Simd.shrS[lane], isDoubled ? 1 : 0);
  shift(Simd.shl[lane], lane - type.width - (isDoubled ? 1 : 0));
  shift(type.signed ? Simd.shrS[lane] : Simd.shrU[lane], lane - type.width);
}

/** Functions (record, end of records, staged events) that write a port's values as float64. */
export function outputFunctions(layout: EdgeLayout, port: OutputPort): FunctionBody[] {
  const elements = elementCount(port);
  const bodies: FunctionBody[] = [];
  for (let from = 0; from < elements; from += ELEMENTS_PER_FUNCTION) {
    const body = new FunctionBody(3);
    forEachGroup(layout, body, elements, () => {
      for (let element = from; element < Math.min(elements, from + ELEMENTS_PER_FUNCTION); element++) {
        emitElement(layout, body, port.ops[element] as number, element, 8 * elements);
      }
    });
    bodies.push(body);
  }
  return bodies;
}

function emitElement(layout: EdgeLayout, body: FunctionBody, op: number, element: number, stride: number): void {
  const { circuit, plan, chunks } = layout;
  const groupEvents = 128 / plan.least;
  const root = plan.root[op] as number;
  const exp = circuit.exp[op] as number;
  if (plan.isConst[op] === 1) {
    for (let event = 0; event < groupEvents; event++) {
      body.get(2);
      body.op(Wasm.f64Const);
      body.code.float64(toNumber(loOf(circuit, op), exp));
      body.scalarMemory(Wasm.f64Store, event * stride + 8 * element);
    }
    return;
  }
  const lane = plan.lane[root] as Lane;
  const slot = chunks.slot[root] as number;
  invariant(slot >= 0, `output op ${root} is not kept`);
  const vector = body.newLocals(2);
  for (let i = 0; i < lane / plan.least; i++) {
    body.get(0);
    body.memory(Simd.load, slot + 16 * i);
    if (plan.isMask[root] === 1) body.simd(Simd.neg[lane]);
    body.set(vector);
    const event = (i * 128) / lane;
    if (lane === 64) storeInt64(body, vector, exp, event * stride + 8 * element, stride);
    else if (lane === 32) storeInt32(body, vector, exp, event * stride + 8 * element, stride);
    else {
      for (const [half, opcode] of [Simd.extendLow[32], Simd.extendHigh[32]].entries()) {
        body.get(vector);
        body.simd(opcode);
        body.set(vector + 1);
        storeInt32(body, vector + 1, exp, (event + 4 * half) * stride + 8 * element, stride);
      }
    }
  }
}

function storeInt32(body: FunctionBody, vector: number, exp: number, offset: number, stride: number): void {
  const pair = body.newLocals(1);
  for (let half = 0; half < 2; half++) {
    body.get(vector);
    if (half === 1) {
      body.get(vector);
      body.shuffle(HIGH_HALF);
    }
    body.simd(Simd.f64ConvertLow32);
    if (exp !== 0) {
      body.float64x2(2 ** exp);
      body.simd(Simd.f64Mul);
    }
    body.set(pair);
    for (let event = 0; event < 2; event++) {
      body.get(2);
      body.get(pair);
      body.memoryLane(Simd.storeLane64, offset + (2 * half + event) * stride, event);
    }
  }
}

function storeInt64(body: FunctionBody, vector: number, exp: number, offset: number, stride: number): void {
  for (let event = 0; event < 2; event++) {
    body.get(2);
    body.get(vector);
    body.lane(Simd.extract64, event);
    body.op(Wasm.f64ConvertI64);
    body.op(Wasm.f64Const);
    body.code.float64(2 ** exp);
    body.op(Wasm.f64Mul);
    body.scalarMemory(Wasm.f64Store, offset + event * stride);
  }
}
